package postgrestest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"kyc/internal/postgrestest"
)

func TestServer_StoppedAndResumed_KeepsItsDatabases(t *testing.T) {
	server := postgrestest.Start(t)
	address, other := server.Database(t), server.Database(t)
	ask(t, address, `CREATE TABLE kept (n int); INSERT INTO kept VALUES (42); SELECT n FROM kept`, "42")

	server.Stop(t)
	_, err := pgx.Connect(t.Context(), address)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "made-up-password")

	server.Resume(t)
	ask(t, address, `SELECT n FROM kept`, "42")
	ask(t, other, `SELECT count(*) FROM pg_tables WHERE tablename = 'kept'`, "0")
}

// ask holds the only value of the last query's result against what it should be.
func ask(t *testing.T, address, query, want string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	results, err := conn.PgConn().Exec(t.Context(), query).ReadAll()
	require.NoError(t, err)
	require.Equal(t, want, string(results[len(results)-1].Rows[0][0]))
}
