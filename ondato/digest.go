package ondato

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Digest is the SHA-256, in hexadecimal, of the canonical record: it changes when anything in the record does, but not
// with the order of members, white space or the way characters are escaped. Numbers count as they are written.
// A Raw that is not JSON is digested as it is.
func (i *Identification) Digest() string {
	canonical, err := canonicalJSON(i.Raw)
	if err != nil {
		canonical = i.Raw
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// canonicalJSON sorts members, drops insignificant white space and keeps numbers verbatim.
func canonicalJSON(raw []byte) ([]byte, error) {
	if !json.Valid(raw) { // the decoder below would not see what follows the first value
		return nil, &FieldError{Field: "record", Problem: "is not JSON"}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var record any
	if err := decoder.Decode(&record); err != nil {
		return nil, err
	}
	return json.Marshal(record) // sorts the members of maps
}
