package privacy

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also the database/sql driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteStore is a file of its own. It is the default for one machine.
type sqliteStore struct {
	db *sql.DB
	// writing is held by the one writer in this program; the others wait in the order in which they came.
	writing chan struct{}
}

// secure_delete overwrites what is deleted or replaced in the file, and the journal is cut to nothing after each write; a
// WAL would keep both. That is as much as a program can do: the disk, and its backups, may keep more.
const sqlitePragmas = "_pragma=secure_delete(1)&_pragma=journal_mode(truncate)&_pragma=synchronous(full)"

const sqliteSchema = `
CREATE TABLE IF NOT EXISTS onboarding_keks (id INTEGER PRIMARY KEY, retired INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS onboarding_keys (name TEXT PRIMARY KEY, kek INTEGER, wrapped BLOB) STRICT;
CREATE INDEX IF NOT EXISTS onboarding_keys_kek ON onboarding_keys (kek);`

func openSQLite(ctx context.Context, path string) (Store, error) {
	if path == "" {
		return nil, errors.New("the key store has no file: write it as sqlite:FILE")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("key store %s: its folder does not exist; create it or choose another file", path)
	}
	if err := madeSQLite(path); err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+sqlitePragmas)
	if err != nil {
		return nil, fmt.Errorf("key store %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	s := &sqliteStore{db, make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	err = s.write(ctx, "creating the tables", func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, sqliteSchema)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("key store %s: %w; is it a SQLite file of this program?", path, err), db.Close())
	}
	return s, nil
}

// madeSQLite makes the file, because SQLite would let everybody read it.
func madeSQLite(path string) error {
	err := writeNew(path, nil)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(path)
}

func (s *sqliteStore) Insert(ctx context.Context, name string, key WrappedKey) (kept WrappedKey, err error) {
	err = s.write(ctx, "keeping a key", func(conn *sql.Conn) error {
		kept, err = sqliteGet(ctx, conn, name)
		if !errors.Is(err, ErrNoKey) {
			return err
		}
		if err := sqliteAccepts(ctx, conn, key.KEK); err != nil {
			return err
		}
		kept = key
		_, err := conn.ExecContext(ctx, `INSERT INTO onboarding_keys (name, kek, wrapped) VALUES (?, ?, ?)`, name, key.KEK, key.Bytes)
		return err
	})
	return kept, err
}

// sqliteAccepts returns errRetired for a retired KEK version. The transaction holds the file's write lock.
func sqliteAccepts(ctx context.Context, conn *sql.Conn, kek uint32) error {
	var retired bool
	err := conn.QueryRowContext(ctx, `SELECT retired FROM onboarding_keks WHERE id = ?`, kek).Scan(&retired)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil && retired {
		err = errRetired
	}
	return err
}

func (s *sqliteStore) Get(ctx context.Context, name string) (key WrappedKey, err error) {
	err = patiently(ctx, func() error {
		key, err = sqliteGet(ctx, s.db, name)
		return err
	})
	return key, answered("reading a key", err)
}

type sqliteQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func sqliteGet(ctx context.Context, q sqliteQuerier, name string) (WrappedKey, error) {
	var kek sql.NullInt64
	var key WrappedKey
	err := q.QueryRowContext(ctx, `SELECT kek, wrapped FROM onboarding_keys WHERE name = ?`, name).Scan(&kek, &key.Bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return WrappedKey{}, ErrNoKey
	}
	key.KEK = uint32(kek.Int64)
	return key, err
}

func (s *sqliteStore) Erase(ctx context.Context, name string) error {
	return s.write(ctx, "erasing a key", func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `INSERT INTO onboarding_keys (name, kek, wrapped) VALUES (?, NULL, NULL)
			ON CONFLICT (name) DO UPDATE SET kek = NULL, wrapped = NULL`, name)
		return err
	})
}

func (s *sqliteStore) Retire(ctx context.Context, kek uint32) error {
	return s.write(ctx, "retiring a key-encryption key", func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `INSERT INTO onboarding_keks (id, retired) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET retired = 1`, kek)
		return err
	})
}

func (s *sqliteStore) Under(ctx context.Context, kek uint32, limit int) (keys []NamedKey, err error) {
	err = s.rows(ctx, func(scan func(...any) error) error {
		key := NamedKey{WrappedKey: WrappedKey{KEK: kek}}
		err := scan(&key.Name, &key.Bytes)
		keys = append(keys, key)
		return err
	}, `SELECT name, wrapped FROM onboarding_keys WHERE kek = ? ORDER BY name LIMIT ?`, kek, limit)
	return keys, answered("listing keys", err)
}

func (s *sqliteStore) Rewrap(ctx context.Context, changes []Change) (done int, err error) {
	err = s.write(ctx, "rewrapping keys", func(conn *sql.Conn) error {
		for _, c := range changes {
			if err := sqliteAccepts(ctx, conn, c.Becomes.KEK); err != nil {
				return err
			}
			result, err := conn.ExecContext(ctx, `UPDATE onboarding_keys SET kek = ?, wrapped = ? WHERE name = ? AND kek = ? AND wrapped = ?`,
				c.Becomes.KEK, c.Becomes.Bytes, c.Name, c.Was.KEK, c.Was.Bytes)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			done += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return done, nil
}

func (s *sqliteStore) Count(ctx context.Context) (byKEK map[uint32]int, erased int, err error) {
	byKEK = map[uint32]int{}
	err = s.rows(ctx, func(scan func(...any) error) error {
		var kek sql.NullInt64
		var n int
		err := scan(&kek, &n)
		if kek.Valid {
			byKEK[uint32(kek.Int64)] = n
		} else {
			erased = n
		}
		return err
	}, `SELECT kek, count(*) FROM onboarding_keys GROUP BY kek`)
	return byKEK, erased, answered("counting keys", err)
}

func (s *sqliteStore) rows(ctx context.Context, each func(scan func(...any) error) error, query string, args ...any) error {
	var rows *sql.Rows
	err := patiently(ctx, func() (err error) {
		rows, err = s.db.QueryContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *sqliteStore) Close() error { return s.db.Close() }

// write runs a transaction that holds the file's write lock from its beginning.
func (s *sqliteStore) write(ctx context.Context, doing string, do func(*sql.Conn) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return unavailable(doing, ctx.Err())
	}
	return answered(doing, s.transact(ctx, do))
}

func (s *sqliteStore) transact(ctx context.Context, do func(*sql.Conn) error) error {
	var conn *sql.Conn
	err := patiently(ctx, func() (err error) {
		conn, err = s.db.Conn(ctx)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	execute := func(statement string) error {
		return patiently(ctx, func() error {
			_, err := conn.ExecContext(ctx, statement)
			return err
		})
	}
	if err := execute("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err = do(conn); err == nil {
		err = execute("COMMIT")
	}
	if err != nil { // the connection is closed, and with it the transaction
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return err
}

// patiently repeats what another program's lock keeps from being done, until the context ends. SQLite's own waiting knows
// no context, and sleeps so long that a busy writer of another program starves it.
func patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		var fromSQLite *sqlite.Error
		if !errors.As(err, &fromSQLite) || fromSQLite.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Millisecond + rand.N(5*time.Millisecond)):
		}
	}
}
