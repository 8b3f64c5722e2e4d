package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// sqliteStore is a file of its own. It is the default for one machine.
type sqliteStore struct{ db *sql.DB }

// secure_delete overwrites what is deleted or replaced in the file, and the journal is cut to nothing after each write; a
// WAL would keep both. That is as much as a program can do: the disk, and its backups, may keep more. The time-out ends
// inside the patience of Keys.
const sqlitePragmas = "_pragma=busy_timeout(2500)&_pragma=secure_delete(1)&_pragma=journal_mode(truncate)&_pragma=synchronous(full)"

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
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_txlock=immediate&"+sqlitePragmas)
	if err != nil {
		return nil, fmt.Errorf("key store %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	if _, err := db.ExecContext(ctx, sqliteSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("key store %s: %w; is it a SQLite file of this program?", path, err), db.Close())
	}
	return &sqliteStore{db}, nil
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
	err = s.write(ctx, "keeping a key", func(tx *sql.Tx) error {
		kept, err = sqliteGet(ctx, tx, name)
		if !errors.Is(err, ErrNoKey) {
			return err
		}
		if err := sqliteAccepts(ctx, tx, key.KEK); err != nil {
			return err
		}
		kept = key
		_, err := tx.ExecContext(ctx, `INSERT INTO onboarding_keys (name, kek, wrapped) VALUES (?, ?, ?)`, name, key.KEK, key.Bytes)
		return err
	})
	return kept, err
}

// sqliteAccepts returns errRetired for a retired KEK version. The transaction holds the file's write lock.
func sqliteAccepts(ctx context.Context, tx *sql.Tx, kek uint32) error {
	var retired bool
	err := tx.QueryRowContext(ctx, `SELECT retired FROM onboarding_keks WHERE id = ?`, kek).Scan(&retired)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil && retired {
		err = errRetired
	}
	return err
}

func (s *sqliteStore) Get(ctx context.Context, name string) (WrappedKey, error) {
	key, err := sqliteGet(ctx, s.db, name)
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
	return s.write(ctx, "erasing a key", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO onboarding_keys (name, kek, wrapped) VALUES (?, NULL, NULL)
			ON CONFLICT (name) DO UPDATE SET kek = NULL, wrapped = NULL`, name)
		return err
	})
}

func (s *sqliteStore) Retire(ctx context.Context, kek uint32) error {
	return s.write(ctx, "retiring a key-encryption key", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO onboarding_keks (id, retired) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET retired = 1`, kek)
		return err
	})
}

func (s *sqliteStore) Under(ctx context.Context, kek uint32, limit int) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM onboarding_keys WHERE kek = ? LIMIT ?`, kek, limit)
	if err != nil {
		return nil, answered("listing keys", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, answered("listing keys", err)
		}
		names = append(names, name)
	}
	return names, answered("listing keys", rows.Err())
}

func (s *sqliteStore) Rewrap(ctx context.Context, name string, was, becomes WrappedKey) (done bool, err error) {
	err = s.write(ctx, "rewrapping a key", func(tx *sql.Tx) error {
		if err := sqliteAccepts(ctx, tx, becomes.KEK); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE onboarding_keys SET kek = ?, wrapped = ? WHERE name = ? AND kek = ? AND wrapped = ?`,
			becomes.KEK, becomes.Bytes, name, was.KEK, was.Bytes)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		done = n == 1
		return err
	})
	return done, err
}

func (s *sqliteStore) Count(ctx context.Context) (byKEK map[uint32]int, erased int, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT kek, count(*) FROM onboarding_keys GROUP BY kek`)
	if err != nil {
		return nil, 0, answered("counting keys", err)
	}
	defer rows.Close()
	byKEK = map[uint32]int{}
	for rows.Next() {
		var kek sql.NullInt64
		var n int
		if err := rows.Scan(&kek, &n); err != nil {
			return nil, 0, answered("counting keys", err)
		}
		if kek.Valid {
			byKEK[uint32(kek.Int64)] = n
		} else {
			erased = n
		}
	}
	return byKEK, erased, answered("counting keys", rows.Err())
}

func (s *sqliteStore) Close() error { return s.db.Close() }

// write runs a transaction that holds the file's write lock from its beginning.
func (s *sqliteStore) write(ctx context.Context, doing string, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return answered(doing, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback()
		return answered(doing, err)
	}
	return answered(doing, tx.Commit())
}
