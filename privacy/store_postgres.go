package privacy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresStore serves several machines. Its tables live in the schema that the address's search path names. PostgreSQL
// keeps what was replaced in the table until it is vacuumed, in its log until that is recycled, and in archives and replicas:
// an erased key is out of reach when its KEK version has been destroyed, not before.
type postgresStore struct{ pool *pgxpool.Pool }

// The advisory lock lets programs that start at the same time create the tables one after the other.
const postgresSchema = `
SELECT pg_advisory_xact_lock(7216431962001);
CREATE TABLE IF NOT EXISTS onboarding_keks (id bigint PRIMARY KEY, retired boolean NOT NULL DEFAULT false);
CREATE TABLE IF NOT EXISTS onboarding_keys (name text PRIMARY KEY, kek bigint, wrapped bytea);
CREATE INDEX IF NOT EXISTS onboarding_keys_kek ON onboarding_keys (kek);`

// postgresReady is asked first, so that a program may lack the right to create tables.
const postgresReady = `SELECT to_regclass('onboarding_keys_kek') IS NOT NULL`

// connectPatience is how long the first connection may take.
const connectPatience = 10 * time.Second

func openPostgres(ctx context.Context, address string) (Store, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		// pgx shows the address without its password; this shows nothing of it.
		return nil, errors.New("the key store's address is no PostgreSQL address: write it as postgres://USER@HOST/DATABASE")
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	if err := postgresPrepare(ctx, pool); err != nil {
		pool.Close()
		return nil, unavailable("PostgreSQL at "+config.ConnConfig.Host+", looking for its tables", err)
	}
	return &postgresStore{pool}, nil
}

func postgresPrepare(ctx context.Context, pool *pgxpool.Pool) error {
	var ready bool
	if err := pool.QueryRow(ctx, postgresReady).Scan(&ready); err != nil || ready {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, postgresSchema)
		return err
	})
}

// What brings a key in locks the row of its KEK version until the end, so that Retire waits for it or precedes it.
const (
	postgresKnowKEK = `INSERT INTO onboarding_keks (id) VALUES ($1) ON CONFLICT DO NOTHING`
	postgresHoldKEK = `WITH kek AS MATERIALIZED (SELECT id FROM onboarding_keks WHERE id = $1 AND NOT retired FOR SHARE) `
	postgresInsert  = postgresHoldKEK + `INSERT INTO onboarding_keys (name, kek, wrapped) SELECT $2, id, $3 FROM kek ON CONFLICT DO NOTHING`
	postgresRewrap  = postgresHoldKEK + `UPDATE onboarding_keys SET kek = kek.id, wrapped = $3 FROM kek
		WHERE onboarding_keys.name = $2 AND onboarding_keys.kek = $4 AND onboarding_keys.wrapped = $5`
	postgresGet     = `SELECT kek, wrapped FROM onboarding_keys WHERE name = $1`
	postgresRetired = `SELECT retired FROM onboarding_keks WHERE id = $1`
)

// Insert sends its statements together, which makes them one transaction; so does Rewrap.
func (s *postgresStore) Insert(ctx context.Context, name string, key WrappedKey) (kept WrappedKey, err error) {
	var all pgx.Batch
	all.Queue(postgresKnowKEK, int64(key.KEK))
	all.Queue(postgresInsert, int64(key.KEK), name, key.Bytes)
	all.Queue(postgresGet, name).QueryRow(func(row pgx.Row) error {
		kept, err = postgresScan(row)
		return err
	})
	err = s.pool.SendBatch(ctx, &all).Close()
	if errors.Is(err, ErrNoKey) { // there was none, and it was not let in
		err = errRetired
	}
	return kept, answered("keeping a key", err)
}

func (s *postgresStore) Get(ctx context.Context, name string) (WrappedKey, error) {
	key, err := postgresScan(s.pool.QueryRow(ctx, postgresGet, name))
	return key, answered("reading a key", err)
}

func postgresScan(row pgx.Row) (WrappedKey, error) {
	var kek *int64
	var key WrappedKey
	err := row.Scan(&kek, &key.Bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return WrappedKey{}, ErrNoKey
	}
	if kek != nil {
		key.KEK = uint32(*kek)
	}
	return key, err
}

func (s *postgresStore) Erase(ctx context.Context, name string) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO onboarding_keys (name) VALUES ($1)
		ON CONFLICT (name) DO UPDATE SET kek = NULL, wrapped = NULL`, name)
	return answered("erasing a key", err)
}

func (s *postgresStore) Retire(ctx context.Context, kek uint32) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO onboarding_keks (id, retired) VALUES ($1, true)
		ON CONFLICT (id) DO UPDATE SET retired = true`, int64(kek))
	return answered("retiring a key-encryption key", err)
}

func (s *postgresStore) Under(ctx context.Context, kek uint32, limit int) ([]NamedKey, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, wrapped FROM onboarding_keys WHERE kek = $1 ORDER BY name LIMIT $2`, int64(kek), limit)
	if err != nil {
		return nil, answered("listing keys", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (NamedKey, error) {
		key := NamedKey{WrappedKey: WrappedKey{KEK: kek}}
		err := row.Scan(&key.Name, &key.Bytes)
		return key, err
	})
	return keys, answered("listing keys", err)
}

func (s *postgresStore) Rewrap(ctx context.Context, changes []Change) (done int, err error) {
	if len(changes) == 0 {
		return 0, nil
	}
	kek := int64(changes[0].Becomes.KEK)
	var retired bool
	var all pgx.Batch
	all.Queue(postgresKnowKEK, kek)
	for _, c := range changes {
		all.Queue(postgresRewrap, kek, c.Name, c.Becomes.Bytes, int64(c.Was.KEK), c.Was.Bytes).Exec(func(tag pgconn.CommandTag) error {
			done += int(tag.RowsAffected())
			return nil
		})
	}
	all.Queue(postgresRetired, kek).QueryRow(func(row pgx.Row) error { return row.Scan(&retired) })
	if err = s.pool.SendBatch(ctx, &all).Close(); err == nil && retired {
		err = errRetired // it was at the beginning, then nothing was done: its row is held until the end
	}
	if err != nil {
		return 0, answered("rewrapping keys", err)
	}
	return done, nil
}

func (s *postgresStore) Count(ctx context.Context) (byKEK map[uint32]int, erased int, err error) {
	rows, err := s.pool.Query(ctx, `SELECT kek, count(*) FROM onboarding_keys GROUP BY kek`)
	if err != nil {
		return nil, 0, answered("counting keys", err)
	}
	byKEK = map[uint32]int{}
	var kek *int64
	var n int
	_, err = pgx.ForEachRow(rows, []any{&kek, &n}, func() error {
		if kek == nil {
			erased = n
		} else {
			byKEK[uint32(*kek)] = n
		}
		return nil
	})
	return byKEK, erased, answered("counting keys", err)
}

func (s *postgresStore) Close() error {
	s.pool.Close()
	return nil
}
