// Package temporalserver runs a complete Temporal Server and the Temporal UI inside the calling process, on one SQLite
// file or in memory. It serves the demo, the tests on a real server, the crash tests, the benchmarks and the
// `temporal` command for developers: no container, no download, no second process.
//
// It is the real server: the same four services, the same checks and limits. What differs from a production cluster is
// the store (SQLite, one history shard, one connection), the membership (fixed, nothing to discover) and a handful of
// rate limits that would throttle a load test on one machine.
//
// With a file, a workflow survives Stop and a killed process alike: the file is written ahead (WAL) with
// synchronous=NORMAL. A power cut may lose the last moments before it, never the consistency of the file. A file belongs
// to one running server at a time.
//
// The frontend listens on Config.Host. The services behind it accept anyone who can reach them, so they listen on
// loopback always. There is no TLS and no authorization: not a server for production.
package temporalserver
