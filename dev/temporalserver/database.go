package temporalserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
	_ "modernc.org/sqlite" // the database/sql driver that the server itself uses
)

// database is where the server keeps its state: an absolute path, or empty for memory.
type database string

const inMemory database = ""

// filePragmas hold for every connection to a file. Measured against the defaults, a server with these and one
// connection completes three times as many workflows.
var filePragmas = map[string]string{
	"journal_mode": "wal",
	"synchronous":  "normal",
	"busy_timeout": "5000", // milliseconds; the server does not retry when another reader of the file holds a lock
}

// starts numbers the databases this process has opened; see sqlConfig.
var starts atomic.Int64

// openableDatabase checks the path as far as that goes without opening anything.
func openableDatabase(path string) (database, error) {
	if path == "" {
		return inMemory, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("DB %q: %w", path, err)
	}
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		return "", fmt.Errorf("DB %q is a folder: give the name of a file with --db", path)
	}
	if info, err := os.Stat(filepath.Dir(abs)); err != nil || !info.IsDir() {
		return "", fmt.Errorf("DB %q: there is no folder %q, create it or choose another file with --db", path, filepath.Dir(abs))
	}
	return database(abs), nil
}

// sqlConfig is what the server's SQLite plugin is to open.
//
// The plugin keeps every connection for the life of the process and shares it among those who ask for the same
// connection string. So the string is made different for each start: by the name of a database in memory, and for a file
// by a pragma that SQLite does not know and hence ignores. Without that, a server started after its file was deleted
// would go on writing to the deleted file.
func (d database) sqlConfig() *config.SQL {
	start := strconv.FormatInt(starts.Add(1), 10)
	conf := &config.SQL{
		PluginName:   sqlite.PluginName,
		MaxConns:     1, // SQLite has one writer; a second connection halves the rate
		MaxIdleConns: 1,
	}
	if d == inMemory {
		conf.DatabaseName = "temporal-" + start
		conf.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
		return conf
	}
	conf.DatabaseName = d.uriPath()
	conf.ConnectAttributes = map[string]string{"mode": "rwc", "temporalserver_start": start}
	for name, value := range filePragmas {
		conf.ConnectAttributes[name] = value
	}
	return conf
}

// uriPath escapes the path for the URI that SQLite is given.
func (d database) uriPath() string {
	return (&url.URL{Path: filepath.ToSlash(string(d))}).EscapedPath()
}

// open returns a connection of our own to the file, which the caller closes.
func (d database) open() (*sql.DB, error) {
	params := url.Values{}
	for name, value := range filePragmas {
		params.Add("_pragma", name+"="+value)
	}
	db, err := sql.Open("sqlite", "file:"+d.uriPath()+"?"+params.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// prepare sets up the schema if the file is new, and refuses a file that is not Temporal's.
func (d database) prepare(ctx context.Context) (err error) {
	if d == inMemory {
		return nil // the plugin sets up a database in memory by itself
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("database %s: %w", d, err)
		}
	}()
	db, err := d.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	var journal string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return fmt.Errorf("cannot be opened as a SQLite file (choose another with --db): %w", err)
	}
	if journal != filePragmas["journal_mode"] {
		return fmt.Errorf("journal mode is %q instead of WAL: put the file on a local disk", journal)
	}
	tables, err := tableNames(ctx, db)
	if err != nil {
		return err
	}
	switch {
	case len(tables) == 0:
		return createSchema(ctx, db)
	case !slices.Contains(tables, "executions_visibility"): // the last big table of the schema
		return errors.New("is not a Temporal database: choose another file with --db")
	}
	return nil
}

func tableNames(ctx context.Context, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table'")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// createSchema creates all tables or none, so that a process killed here leaves a file that the next start can use.
func createSchema(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := sqliteschema.SetupSchemaOnDB(schemaTx{ctx: ctx, tx: tx}); err != nil {
		return errors.Join(fmt.Errorf("set up schema: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

// schemaTx lets the server's schema run in a transaction of ours; setting up a schema calls Exec alone.
type schemaTx struct {
	sqlplugin.AdminDB
	ctx context.Context
	tx  *sql.Tx
}

func (t schemaTx) Exec(stmt string, args ...any) error {
	_, err := t.tx.ExecContext(t.ctx, stmt, args...)
	return err
}

// createNamespace writes the namespace to the database before the server starts, which then needs no time to notice it.
func createNamespace(conf *config.SQL, name string, retention time.Duration) error {
	ns, err := sqliteschema.NewNamespaceConfig(clusterName, name, false, nil)
	if err != nil {
		return fmt.Errorf("namespace %q: %w", name, err)
	}
	ns.Detail.Config.Retention = durationpb.New(retention)
	if err := sqliteschema.CreateNamespaces(conf, ns); err != nil {
		return fmt.Errorf("namespace %q: %w", name, err)
	}
	return nil
}

// checkpoint moves what is in the write-ahead log into the file, so that the file alone can be copied. It is a courtesy:
// SQLite does the same when the file is opened next.
func (d database) checkpoint(ctx context.Context) error {
	if d == inMemory {
		return nil
	}
	db, err := d.open()
	if err != nil {
		return fmt.Errorf("database %s: %w", d, err)
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("database %s: checkpoint: %w", d, err)
	}
	return nil
}

// inUse holds the files of this process's running servers: two servers on one file would take the single history shard
// from each other again and again.
var inUse sync.Map

func (d database) claim() error {
	if d == inMemory {
		return nil
	}
	if _, taken := inUse.LoadOrStore(d, true); taken {
		return fmt.Errorf("database %s is in use by another server of this process: stop that one, or choose another file with --db", d)
	}
	return nil
}

func (d database) release() {
	inUse.Delete(d)
}
