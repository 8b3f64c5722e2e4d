package temporalserver

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPragmas_OfNewFile_AreInForce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temporal.db")
	server, err := Start(context.Background(), Config{DB: path, UIPort: NoUI})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()

	t.Run("journal mode, which the file itself keeps", func(t *testing.T) {
		require.Equal(t, "wal", pragma(t, "file:"+path, "journal_mode"))
		require.FileExists(t, path+"-wal")
	})
	t.Run("the rest, which each connection of the server is given", func(t *testing.T) {
		conf := server.database.sqlConfig()
		require.Equal(t, 1, conf.MaxConns)
		params := url.Values{}
		for name, value := range conf.ConnectAttributes { // the plugin turns what is no URI parameter into a pragma
			if name != "mode" {
				params.Add("_pragma", name+"="+value)
			}
		}
		dsn := "file:" + conf.DatabaseName + "?" + params.Encode()
		require.Equal(t, "1", pragma(t, dsn, "synchronous"), "1 is NORMAL")
		require.Equal(t, "5000", pragma(t, dsn, "busy_timeout"))
	})
}

func TestStop_OfFile_LeavesNothingInWriteAheadLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temporal.db")
	server, err := Start(context.Background(), Config{DB: path, UIPort: NoUI})
	require.NoError(t, err)
	require.NoError(t, server.Stop())
	if wal, err := os.Stat(path + "-wal"); err == nil {
		require.Zero(t, wal.Size())
	}
}

func TestStart_FileDeletedAfterStop_BeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temporal.db")
	for range 2 {
		server, err := Start(context.Background(), Config{DB: path, UIPort: NoUI})
		require.NoError(t, err)
		require.FileExists(t, path)
		require.NoError(t, server.Stop())
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(path + suffix); suffix == "" {
				require.NoError(t, err)
			}
		}
	}
}

func TestStart_UnusableFile_ErrorSaysWhy(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := sql.Open("sqlite", "file:"+foreign)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE recipes (id INTEGER)")
	require.NoError(t, err)
	require.NoError(t, db.Close())

	text := filepath.Join(t.TempDir(), "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte("This is no database, but it is long enough to have a header of its own.\n"), 0o600))

	for name, tc := range map[string]struct{ path, want string }{
		"another program's database": {foreign, "is not a Temporal database: choose another file with --db"},
		"no database":                {text, "cannot be opened as a SQLite file"},
		"a folder":                   {t.TempDir(), "is a folder: give the name of a file with --db"},
		"in a folder that is not there": {
			filepath.Join(t.TempDir(), "missing", "temporal.db"), "create it or choose another file with --db",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(context.Background(), Config{DB: tc.path, UIPort: NoUI})
			require.ErrorContains(t, err, tc.want)
		})
	}
	after, err := os.ReadFile(text)
	require.NoError(t, err)
	require.Contains(t, string(after), "This is no database", "a file that is not ours must stay as it is")
}

func TestStart_FileInUse_IsRefusedUntilStop(t *testing.T) {
	cfg := Config{DB: filepath.Join(t.TempDir(), "temporal.db"), UIPort: NoUI}
	first, err := Start(context.Background(), cfg)
	require.NoError(t, err)
	_, err = Start(context.Background(), cfg)
	require.ErrorContains(t, err, "is in use by another server of this process")
	_, err = Start(context.Background(), cfg)
	require.ErrorContains(t, err, "is in use", "a refused start must not free the file")

	require.NoError(t, first.Stop())
	second, err := Start(context.Background(), cfg)
	require.NoError(t, err)
	require.NoError(t, second.Stop())
}

func TestCreateSchema_Interrupted_LeavesNoTables(t *testing.T) {
	db, err := database(filepath.Join(t.TempDir(), "temporal.db")).open()
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.Exec("CREATE VIEW executions_visibility AS SELECT 1") // in the way of the last table
	require.NoError(t, err)

	require.Error(t, createSchema(context.Background(), db))
	tables, err := tableNames(context.Background(), db)
	require.NoError(t, err)
	require.Empty(t, tables)
}

func pragma(t *testing.T, dsn, name string) string {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var value string
	require.NoError(t, db.QueryRow("PRAGMA "+name).Scan(&value))
	return value
}
