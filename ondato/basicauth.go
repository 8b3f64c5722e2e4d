package ondato

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
)

// Credential is a user name and password that Ondato sends (contract 5.3); printing one shows no password.
type Credential struct {
	Username string
	Password string
}

// String names the user only.
func (c Credential) String() string { return c.Username + ":***" }

// GoString is String.
func (c Credential) GoString() string { return c.String() }

type basicAuth [][sha256.Size]byte

// BasicAuth accepts any of the credentials in an Authorization: Basic header, comparing all of them in constant time
// (contract 5.3). It never needs the body. Without a credential, or with an empty half of one, it refuses to be made.
func BasicAuth(credentials ...Credential) (Authenticator, error) {
	if len(credentials) == 0 {
		return nil, &FieldError{Field: "credentials", Problem: "are empty; give at least one user and password"}
	}
	accepted := make(basicAuth, 0, len(credentials))
	for i, c := range credentials {
		switch {
		case c.Username == "" || c.Password == "":
			return nil, &FieldError{Field: fmt.Sprintf("credentials[%d]", i), Problem: "needs both a user and a password"}
		case strings.Contains(c.Username, ":"):
			return nil, &FieldError{Field: fmt.Sprintf("credentials[%d]", i), Problem: "has a colon in the user name, which Basic cannot carry"}
		}
		accepted = append(accepted, basicDigest(c.Username, c.Password))
	}
	return accepted, nil
}

// Authenticate ignores the body.
func (accepted basicAuth) Authenticate(r *http.Request, _ []byte) error {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return ErrNoCredentials
	}
	username, password, ok := r.BasicAuth()
	if !ok {
		return ErrBadCredentials
	}
	given := basicDigest(username, password)
	matches := 0
	for i := range accepted { // no early end: time must not tell which one matched
		matches |= subtle.ConstantTimeCompare(given[:], accepted[i][:])
	}
	if matches != 1 {
		return ErrBadCredentials
	}
	return nil
}

// basicDigest makes inputs of any length comparable in constant time.
func basicDigest(username, password string) [sha256.Size]byte {
	return sha256.Sum256([]byte(username + ":" + password))
}
