package ondato

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader carries Ondato's HMAC: "t=<10-digit unix seconds>, s=<64 hexadecimal digits>" (contract 5.3).
const SignatureHeader = "Ondato-Signature"

const (
	signatureAhead = 5 * time.Minute
	// Retries go on for 24 hours and it is unknown whether they are signed anew (contract 5.3, 5.5).
	signatureBehind = 25 * time.Hour
)

type hmacAuth struct {
	secrets [][]byte
	now     func() time.Time
}

// HMACAuth accepts deliveries signed with any of the shared secrets from 25 hours ago to 5 minutes ahead (contract 5.3).
// Asked without a body it answers [ErrNeedsBody] where the header may be right. Without a secret it refuses to be made.
func HMACAuth(secrets ...string) (Authenticator, error) {
	return HMACAuthWithClock(time.Now, secrets...)
}

// HMACAuthWithClock is [HMACAuth] with another clock.
func HMACAuthWithClock(now func() time.Time, secrets ...string) (Authenticator, error) {
	if len(secrets) == 0 {
		return nil, &FieldError{Field: "secrets", Problem: "are empty; give at least one shared secret"}
	}
	if now == nil {
		return nil, &FieldError{Field: "now", Problem: "is nil; give a clock"}
	}
	a := &hmacAuth{now: now}
	for i, secret := range secrets {
		if secret == "" || strings.TrimSpace(secret) != secret {
			return nil, &FieldError{Field: fmt.Sprintf("secrets[%d]", i), Problem: "is empty or begins or ends with white space"}
		}
		a.secrets = append(a.secrets, []byte(secret))
	}
	return a, nil
}

// Authenticate needs the body as it was received, byte by byte.
func (a *hmacAuth) Authenticate(r *http.Request, body []byte) error {
	headers := r.Header.Values(SignatureHeader)
	if len(headers) == 0 {
		return ErrNoCredentials
	}
	if len(headers) > 1 {
		return fmt.Errorf("%w: more than one %s header", ErrBadCredentials, SignatureHeader)
	}
	signature, ok := parseSignature(headers[0])
	if !ok {
		return fmt.Errorf("%w: malformed %s header", ErrBadCredentials, SignatureHeader)
	}
	if age := a.now().Sub(signature.at); age < -signatureAhead || age > signatureBehind {
		return fmt.Errorf("%w: %s time is outside the tolerance", ErrBadCredentials, SignatureHeader)
	}
	if body == nil {
		return ErrNeedsBody
	}
	matched := false
	for _, secret := range a.secrets { // no early end: time must not tell which one matched
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signature.timestamp + "."))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), signature.mac[:]) {
			matched = true
		}
	}
	if !matched {
		return ErrBadCredentials
	}
	return nil
}

type signature struct {
	timestamp string // as sent: it is part of what is signed
	at        time.Time
	mac       [sha256.Size]byte
}

// parseSignature reads "t=…, s=…" in any order, each exactly once; other members are left for future versions of the scheme.
func parseSignature(header string) (signature, bool) {
	var (
		sig        signature
		hasT, hasS bool
	)
	if len(header) > 512 {
		return sig, false
	}
	for member := range strings.SplitSeq(header, ",") {
		key, value, _ := strings.Cut(strings.Trim(member, " \t"), "=")
		switch key {
		case "t":
			seconds, err := strconv.ParseUint(value, 10, 64)
			if hasT || err != nil || len(value) != 10 {
				return sig, false
			}
			hasT, sig.timestamp, sig.at = true, value, time.Unix(int64(seconds), 0)
		case "s":
			if hasS || len(value) != hex.EncodedLen(sha256.Size) {
				return sig, false
			}
			if _, err := hex.Decode(sig.mac[:], []byte(value)); err != nil {
				return sig, false
			}
			hasS = true
		}
	}
	return sig, hasT && hasS
}
