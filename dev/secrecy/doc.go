// Package secrecy holds the whole product to what it promises about personal data, on a real Temporal Server: none of it
// is found in what Temporal, the key store, the logs and the metrics hold; a customer who has been erased cannot be read
// from any copy; and a key store that is down loses nothing.
package secrecy
