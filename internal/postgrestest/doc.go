// Package postgrestest starts a real PostgreSQL server for a test: on a free port, in a temporary directory, with the
// machine's own programs.
package postgrestest
