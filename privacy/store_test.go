package privacy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"kyc/internal/postgrestest"
)

func openStore(t testing.TB, address string) Store {
	t.Helper()
	store, err := OpenStore(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// TestStore_Contract is what both kinds of store keep.
func TestStore_Contract(t *testing.T) {
	bothStores(t, func(t *testing.T, address func(testing.TB) string) {
		for name, test := range map[string]func(*testing.T, Store){
			"no key":                          storeWithoutKey,
			"first key stays":                 storeKeepsTheFirst,
			"highest KEK id":                  storeKeepsTheHighestKEK,
			"odd names":                       storeKeepsOddNames,
			"erased stays erased":             storeErases,
			"retired KEK lets nothing in":     storeRetires,
			"rewrap of what is still the old": storeRewraps,
			"rewrap under a retired KEK":      storeRewrapsUnderRetired,
			"names under a KEK in batches":    storeListsUnder,
			"counts":                          storeCounts,
			"concurrent insertion":            storeInsertsConcurrently,
			"retiring while others insert":    storeRetiresConcurrently,
			"cancelled":                       storeCancelled,
		} {
			t.Run(name, func(t *testing.T) { test(t, openStore(t, address(t))) })
		}
		t.Run("closed", func(t *testing.T) { storeClosed(t, address(t)) })
		t.Run("opened again", func(t *testing.T) { storeOpenedAgain(t, address(t)) })
		t.Run("opened by many at once", func(t *testing.T) { storeOpenedByMany(t, address(t)) })
	})
}

func storeWithoutKey(t *testing.T, s Store) {
	_, err := s.Get(t.Context(), "a")
	require.ErrorIs(t, err, ErrNoKey)
	require.NotErrorIs(t, err, ErrUnavailable)
	requireRewrap(t, s, 0, Change{"a", WrappedKey{1, []byte("x")}, WrappedKey{2, []byte("y")}})
}

func requireRewrap(t testing.TB, s Store, want int, changes ...Change) {
	t.Helper()
	n, err := s.Rewrap(t.Context(), changes)
	require.NoError(t, err)
	require.Equal(t, want, n)
}

func insert(t testing.TB, s Store, name string, kek uint32, wrapped string) {
	t.Helper()
	kept, err := s.Insert(t.Context(), name, WrappedKey{kek, []byte(wrapped)})
	require.NoError(t, err)
	require.Equal(t, WrappedKey{kek, []byte(wrapped)}, kept)
}

func requireKept(t testing.TB, s Store, name string, want WrappedKey) {
	t.Helper()
	kept, err := s.Get(t.Context(), name)
	require.NoError(t, err)
	require.Equal(t, want, kept)
}

func storeKeepsTheFirst(t *testing.T, s Store) {
	first := WrappedKey{1, []byte("first\x00\xff")}
	insert(t, s, "a", 1, "first\x00\xff")
	kept, err := s.Insert(t.Context(), "a", WrappedKey{2, []byte("second")})
	require.NoError(t, err)
	require.Equal(t, first, kept)
	requireKept(t, s, "a", first)
	_, err = s.Get(t.Context(), "A")
	require.ErrorIs(t, err, ErrNoKey)
}

func storeKeepsTheHighestKEK(t *testing.T, s Store) {
	insert(t, s, "a", 1<<32-1, "x")
	requireKept(t, s, "a", WrappedKey{1<<32 - 1, []byte("x")})
	names, err := s.Under(t.Context(), 1<<32-1, 10)
	require.NoError(t, err)
	require.Equal(t, []NamedKey{{"a", WrappedKey{1<<32 - 1, []byte("x")}}}, names)
	require.NoError(t, s.Retire(t.Context(), 1<<32-1))
}

func storeKeepsOddNames(t *testing.T, s Store) {
	for i, name := range []string{"a/b", "'; DROP TABLE onboarding_keys; --", "ä/ß", "%_", " "} {
		insert(t, s, name, uint32(i), name)
	}
	requireKept(t, s, "%_", WrappedKey{3, []byte("%_")})
}

func storeErases(t *testing.T, s Store) {
	insert(t, s, "a", 1, "x")
	for _, name := range []string{"a", "a", "never had one"} {
		require.NoError(t, s.Erase(t.Context(), name))
		kept, err := s.Get(t.Context(), name)
		require.NoError(t, err)
		require.True(t, kept.Erased())
		kept, err = s.Insert(t.Context(), name, WrappedKey{1, []byte("new")})
		require.NoError(t, err)
		require.True(t, kept.Erased())
		requireRewrap(t, s, 0, Change{name, WrappedKey{1, []byte("x")}, WrappedKey{2, []byte("y")}})
	}
	names, err := s.Under(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Empty(t, names)
}

func storeRetires(t *testing.T, s Store) {
	insert(t, s, "a", 1, "x")
	for range 2 {
		require.NoError(t, s.Retire(t.Context(), 1))
	}
	_, err := s.Insert(t.Context(), "b", WrappedKey{1, []byte("y")})
	require.ErrorIs(t, err, errRetired)
	require.NotErrorIs(t, err, ErrUnavailable)
	_, err = s.Get(t.Context(), "b")
	require.ErrorIs(t, err, ErrNoKey)
	kept, err := s.Insert(t.Context(), "a", WrappedKey{1, []byte("y")})
	require.NoError(t, err, "there is one already")
	require.Equal(t, "x", string(kept.Bytes))
	insert(t, s, "b", 2, "y")
	require.NoError(t, s.Retire(t.Context(), 3), "one that nobody has used")
	_, err = s.Insert(t.Context(), "c", WrappedKey{3, []byte("z")})
	require.ErrorIs(t, err, errRetired)
}

func storeRewraps(t *testing.T, s Store) {
	insert(t, s, "a", 1, "x")
	insert(t, s, "b", 1, "x")
	requireRewrap(t, s, 0)
	requireRewrap(t, s, 0, Change{"a", WrappedKey{1, []byte("y")}, WrappedKey{3, []byte("z")}})
	requireRewrap(t, s, 0, Change{"a", WrappedKey{2, []byte("x")}, WrappedKey{3, []byte("z")}})
	requireRewrap(t, s, 2, Change{"a", WrappedKey{1, []byte("x")}, WrappedKey{3, []byte("za")}},
		Change{"b", WrappedKey{1, []byte("y")}, WrappedKey{3, []byte("no")}},
		Change{"b", WrappedKey{1, []byte("x")}, WrappedKey{3, []byte("zb")}})
	requireKept(t, s, "a", WrappedKey{3, []byte("za")})
	requireKept(t, s, "b", WrappedKey{3, []byte("zb")})
}

func storeRewrapsUnderRetired(t *testing.T, s Store) {
	insert(t, s, "a", 1, "x")
	require.NoError(t, s.Retire(t.Context(), 1))
	require.NoError(t, s.Retire(t.Context(), 2))
	n, err := s.Rewrap(t.Context(), []Change{{"a", WrappedKey{1, []byte("x")}, WrappedKey{2, []byte("y")}}})
	require.ErrorIs(t, err, errRetired)
	require.Zero(t, n)
	requireKept(t, s, "a", WrappedKey{1, []byte("x")})
	// Out of a retired one is the purpose.
	requireRewrap(t, s, 1, Change{"a", WrappedKey{1, []byte("x")}, WrappedKey{3, []byte("y")}})
}

func storeListsUnder(t *testing.T, s Store) {
	for i := range 7 {
		insert(t, s, fmt.Sprint("a", i), 1, "x")
	}
	insert(t, s, "b", 2, "x")
	seen := map[string]bool{}
	for {
		keys, err := s.Under(t.Context(), 1, 3)
		require.NoError(t, err)
		require.LessOrEqual(t, len(keys), 3)
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			require.Equal(t, WrappedKey{1, []byte("x")}, key.WrappedKey)
			require.False(t, seen[key.Name])
			seen[key.Name] = true
			require.NoError(t, s.Erase(t.Context(), key.Name))
		}
	}
	require.Len(t, seen, 7)
}

func storeCounts(t *testing.T, s Store) {
	byKEK, erased, err := s.Count(t.Context())
	require.NoError(t, err)
	require.Empty(t, byKEK)
	require.Zero(t, erased)
	insert(t, s, "a", 1, "x")
	insert(t, s, "b", 1, "x")
	insert(t, s, "c", 2, "x")
	require.NoError(t, s.Erase(t.Context(), "b"))
	require.NoError(t, s.Erase(t.Context(), "d"))
	byKEK, erased, err = s.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[uint32]int{1: 1, 2: 1}, byKEK)
	require.Equal(t, 2, erased)
}

func storeInsertsConcurrently(t *testing.T, s Store) {
	const callers, names = 24, 4
	var kept [callers]WrappedKey
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			var err error
			name := fmt.Sprint("a", i%names)
			if kept[i], err = s.Insert(t.Context(), name, WrappedKey{uint32(i % 3), fmt.Appendf(nil, "key %d", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range callers {
		requireKept(t, s, fmt.Sprint("a", i%names), kept[i])
	}
}

// storeRetiresConcurrently: when Retire has returned, everything that was let in is there to be seen.
func storeRetiresConcurrently(t *testing.T, s Store) {
	for kek := range uint32(5) {
		var let atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 50 {
					_, err := s.Insert(t.Context(), fmt.Sprint(kek, "/", i, "/", n), WrappedKey{kek, []byte("x")})
					if err != nil {
						if !errors.Is(err, errRetired) {
							t.Error(err)
						}
						return
					}
					let.Add(1)
				}
			})
		}
		require.Eventually(t, func() bool { return let.Load() > 10 }, 10*time.Second, time.Millisecond)
		require.NoError(t, s.Retire(t.Context(), kek))
		byKEK, _, err := s.Count(t.Context())
		require.NoError(t, err)
		all.Wait()
		after, _, err := s.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, byKEK[kek], after[kek])
		require.EqualValues(t, let.Load(), after[kek])
	}
}

func storeCancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	requireUnavailable(t, ctx, s)
	insert(t, s, "a", 1, "x")
}

// requireUnavailable: no method does its work.
func requireUnavailable(t *testing.T, ctx context.Context, s Store) {
	t.Helper()
	key := WrappedKey{1, []byte("wrapped-key-bytes")}
	for what, do := range map[string]func() error{
		"Insert": func() error { _, err := s.Insert(ctx, "a", key); return err },
		"Get":    func() error { _, err := s.Get(ctx, "a"); return err },
		"Erase":  func() error { return s.Erase(ctx, "a") },
		"Retire": func() error { return s.Retire(ctx, 1) },
		"Under":  func() error { _, err := s.Under(ctx, 1, 1); return err },
		"Rewrap": func() error { _, err := s.Rewrap(ctx, []Change{{"a", key, key}}); return err },
		"Count":  func() error { _, _, err := s.Count(ctx); return err },
	} {
		err := do()
		require.ErrorIs(t, err, ErrUnavailable, what)
		require.NotErrorIs(t, err, ErrNoKey, what)
		require.NotContains(t, err.Error(), "wrapped-key-bytes")
		require.NotContains(t, err.Error(), "made-up-password")
	}
}

func storeClosed(t *testing.T, address string) {
	s, err := OpenStore(t.Context(), address)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	requireUnavailable(t, t.Context(), s)
}

func storeOpenedAgain(t *testing.T, address string) {
	s, err := OpenStore(t.Context(), address)
	require.NoError(t, err)
	insert(t, s, "a", 1, "x")
	require.NoError(t, s.Erase(t.Context(), "b"))
	require.NoError(t, s.Retire(t.Context(), 2))
	require.NoError(t, s.Close())

	again := openStore(t, address)
	requireKept(t, again, "a", WrappedKey{1, []byte("x")})
	kept, err := again.Get(t.Context(), "b")
	require.NoError(t, err)
	require.True(t, kept.Erased())
	_, err = again.Insert(t.Context(), "c", WrappedKey{2, []byte("x")})
	require.ErrorIs(t, err, errRetired)
}

func storeOpenedByMany(t *testing.T, address string) {
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			s, err := OpenStore(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err = s.Insert(t.Context(), fmt.Sprint(i), WrappedKey{1, []byte("x")}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestOpenStore_AddressThatIsNone_IsRefusedWithoutShowingIt(t *testing.T) {
	for _, address := range []string{
		"", "sqlite", "sqlite:", "mysql://u:hunter2@h/d", "hunter2", "/var/lib/keys.db", "postgres:hunter2", "postgres://u:hunter2@h:port/d",
		"postgres://u:hunter2@h/d?sslmode=perhaps",
	} {
		_, err := OpenStore(t.Context(), address)
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestSQLiteStore_FileAndFolder_AreCheckedWhenItOpens(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenStore(t.Context(), "sqlite:"+filepath.Join(dir, "none", "keys.db"))
	require.ErrorContains(t, err, "its folder does not exist")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text"), []byte("this is no database, and long enough for nobody to take it for an empty one"), 0o600))
	_, err = OpenStore(t.Context(), "sqlite:"+filepath.Join(dir, "text"))
	require.ErrorContains(t, err, "is it a SQLite file of this program?")
	_, err = OpenStore(t.Context(), "sqlite:"+dir)
	require.Error(t, err)

	odd := filepath.Join(dir, "a ?&#%41 ä.db")
	insert(t, openStore(t, "sqlite:"+odd), "a", 1, "x")
	info, err := os.Stat(odd)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// bytesOf are all bytes of the files of a folder.
func bytesOf(t *testing.T, folder string) []byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []byte
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		all = append(all, data...)
	}
	return all
}

func TestSQLiteStore_ErasedOrRewrapped_HoldsNothingOfTheOldKeyInItsFiles(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, "sqlite:"+filepath.Join(dir, "keys.db"))
	old := func(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "wrapped-%03d;", i), 12) }
	const keys = 60
	for i := range keys {
		insert(t, s, fmt.Sprint("k", i), 1, string(old(i)))
	}
	before := bytesOf(t, dir)
	for i := range keys {
		require.True(t, bytes.Contains(before, old(i)[:12]), "the scan finds what is there")
		if i%2 == 0 {
			require.NoError(t, s.Erase(t.Context(), fmt.Sprint("k", i)))
			continue
		}
		requireRewrap(t, s, 1, Change{fmt.Sprint("k", i), WrappedKey{1, old(i)}, WrappedKey{2, bytes.Repeat([]byte("new"), 50)}})
	}
	after := bytesOf(t, dir)
	for i := range keys {
		require.False(t, bytes.Contains(after, old(i)[:12]), "key %d", i)
	}
}

func TestSQLiteStore_LockedByAnotherProgram_IsUnavailableWithinThePatience(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	holder, s := openStore(t, "sqlite:"+path), openStore(t, "sqlite:"+path)
	for _, lock := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"} {
		conn, err := holder.(*sqliteStore).db.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), lock)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if lock == "BEGIN EXCLUSIVE" {
			requireUnavailable(t, ctx, s)
		}
		_, err = s.Insert(ctx, lock, WrappedKey{1, []byte("x")})
		require.ErrorIs(t, err, ErrUnavailable)
		time.AfterFunc(50*time.Millisecond, func() {
			_, err := conn.ExecContext(context.Background(), "ROLLBACK")
			require.NoError(t, errors.Join(err, conn.Close()))
		})
		insert(t, s, lock, 1, "x") // it waits for the other program
	}
}

func TestPostgresStore_ServerDown_IsUnavailableAndRecovers(t *testing.T) {
	server := postgrestest.Start(t)
	address := server.Database(t)
	p := newProgram(t)
	q := startProgram(t, p.keysets.path, address, KeysConfig{Patience: time.Second})
	require.NoError(t, q.keys.Ensure(t.Context(), annasKey))
	sealed := sealedBy(t, q.codec, annasWorkflow, payload(secret))

	server.Stop(t)
	requireUnavailable(t, t.Context(), q.store.Store)
	_, err := OpenStore(t.Context(), address)
	require.ErrorIs(t, err, ErrUnavailable)
	require.NotContains(t, err.Error(), "made-up-password")
	restarted := q.again(t, KeysConfig{Patience: time.Second})
	_, err = openedBy(restarted.codec, annasWorkflow, sealed)
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, restarted.keys.Ensure(t.Context(), "x/new"), ErrUnavailable)
	require.ErrorIs(t, restarted.keys.Erase(t.Context(), annasKey), ErrUnavailable)
	_, err = openedBy(q.codec, annasWorkflow, sealed)
	require.NoError(t, err, "it knows the key")

	server.Resume(t)
	require.Eventually(t, func() bool {
		_, err := openedBy(restarted.codec, annasWorkflow, sealed)
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, restarted.keys.Ensure(t.Context(), "x/new"))
}

// Whatever is on its way in under a KEK version is in, or refused, when Retire returns.
func TestPostgresStore_InsertionUnderWay_KeepsRetireWaiting(t *testing.T) {
	address := postgrestest.Start(t).Database(t)
	s := openStore(t, address)
	insert(t, s, "before", 1, "x") // the version is known
	for name, statement := range map[string][]any{
		"insertion": {postgresInsert, int64(1), "a", []byte("x")},
		"rewrap":    {postgresRewrap, int64(1), "old", []byte("y"), int64(9), []byte("x")},
	} {
		t.Run(name, func(t *testing.T) {
			other, err := pgx.Connect(t.Context(), address)
			require.NoError(t, err)
			defer other.Close(context.Background())
			insert(t, s, "old", 9, "x")
			tx, err := other.Begin(t.Context())
			require.NoError(t, err)
			tag, err := tx.Exec(t.Context(), statement[0].(string), statement[1:]...)
			require.NoError(t, err)
			require.EqualValues(t, 1, tag.RowsAffected())

			retired := make(chan error, 1)
			go func() { retired <- s.Retire(context.Background(), 1) }()
			require.Eventually(t, func() bool {
				var waiting int
				err := s.(*postgresStore).pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&waiting)
				return err == nil && waiting > 0
			}, 10*time.Second, 10*time.Millisecond)
			require.Empty(t, retired)
			require.NoError(t, tx.Rollback(t.Context()))
			require.NoError(t, <-retired)
			// For the next one.
			_, err = s.(*postgresStore).pool.Exec(t.Context(), `UPDATE onboarding_keks SET retired = false`)
			require.NoError(t, err)
		})
	}
}

func TestPostgresStore_RoleWithoutTheRightToCreate_UsesTheTablesThatAreThere(t *testing.T) {
	address := postgrestest.Start(t).Database(t)
	config, err := pgx.ParseConfig(address)
	require.NoError(t, err)
	lesser := fmt.Sprintf("postgres://lesser:other-password@%s:%d/%s", config.Host, config.Port, config.Database)
	admin, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	defer admin.Close(context.Background())
	_, err = admin.Exec(t.Context(), `CREATE ROLE lesser LOGIN PASSWORD 'other-password'; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	require.NoError(t, err)

	_, err = OpenStore(t.Context(), lesser)
	require.ErrorContains(t, err, "permission denied")
	require.NotContains(t, err.Error(), "other-password")

	openStore(t, address)
	_, err = admin.Exec(t.Context(), `GRANT SELECT, INSERT, UPDATE ON onboarding_keks, onboarding_keys TO lesser`)
	require.NoError(t, err)
	s := openStore(t, lesser)
	insert(t, s, "a", 1, "x")
	require.NoError(t, s.Retire(t.Context(), 1))
	require.NoError(t, s.Erase(t.Context(), "a"))
}

func TestPostgresStore_StricterIsolationByDefault_ChangesNothing(t *testing.T) {
	address := postgrestest.Start(t).Database(t)
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			s := openStore(t, address+"?default_transaction_isolation="+url.QueryEscape(level))
			name := "a " + level
			insert(t, s, name, 7, "x")
			kept, err := s.Insert(t.Context(), name, WrappedKey{7, []byte("y")})
			require.NoError(t, err)
			require.Equal(t, "x", string(kept.Bytes))
		})
	}
}
