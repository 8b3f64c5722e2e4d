package ondato

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

const (
	// OAuth2TokenLifetime is how long an issued token is accepted. It is short because a token cannot be called back
	// other than by removing its client.
	OAuth2TokenLifetime = time.Hour
	// A token shows a digest made with a key derived from the secret; a short secret could be guessed from it.
	minClientSecret = 16
	maxBearerToken  = 1024
	tokenVersion    = "v1."
)

// OAuth2Client is a client id and secret that Ondato fetches tokens with (contract 5.3); printing one shows no secret.
type OAuth2Client struct {
	ID     string
	Secret string
}

// String names the client only.
func (c OAuth2Client) String() string { return c.ID + ":***" }

// GoString is String.
func (c OAuth2Client) GoString() string { return c.String() }

// OAuth2Issuer issues bearer tokens and is the [Authenticator] that accepts them (contract 5.3). Tokens are signed with
// keys derived from the clients' secrets: replicas with the same clients accept each other's tokens without sharing
// any state, and removing a client, or changing its secret, ends its tokens.
type OAuth2Issuer struct {
	clients []issuingClient
	now     func() time.Time
}

type issuingClient struct {
	id     string
	digest [sha256.Size]byte
	key    []byte
}

// NewOAuth2Issuer returns an issuer for the clients. The same id may be listed with several secrets, for rotation.
// Without a client, or with an id or secret that cannot serve, it refuses to be made with a [*FieldError].
func NewOAuth2Issuer(clients ...OAuth2Client) (*OAuth2Issuer, error) {
	return NewOAuth2IssuerWithClock(time.Now, clients...)
}

// NewOAuth2IssuerWithClock is [NewOAuth2Issuer] with another clock.
func NewOAuth2IssuerWithClock(now func() time.Time, clients ...OAuth2Client) (*OAuth2Issuer, error) {
	if len(clients) == 0 {
		return nil, &FieldError{Field: "clients", Problem: "are empty; give at least one client id and secret"}
	}
	if now == nil {
		return nil, &FieldError{Field: "now", Problem: "is nil; give a clock"}
	}
	issuer := &OAuth2Issuer{now: now}
	for i, c := range clients {
		if problem := clientProblem(c); problem != "" {
			return nil, &FieldError{Field: fmt.Sprintf("clients[%d]", i), Problem: problem}
		}
		key, err := hkdf.Key(sha256.New, []byte(c.Secret), nil, "ondato webhook bearer token "+c.ID, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("deriving the signing key of clients[%d]: %w", i, err)
		}
		issuer.clients = append(issuer.clients, issuingClient{id: c.ID, digest: basicDigest(c.ID, c.Secret), key: key})
	}
	return issuer, nil
}

func clientProblem(c OAuth2Client) string {
	switch {
	case c.ID == "" || len(c.ID) > 200 || strings.ContainsFunc(c.ID, func(r rune) bool { return r == ':' || !unicode.IsPrint(r) }):
		return "needs an id of 1 to 200 printable characters without a colon"
	case len(c.Secret) < minClientSecret:
		return fmt.Sprintf("needs a secret of at least %d characters", minClientSecret)
	case strings.TrimSpace(c.Secret) != c.Secret:
		return "has a secret that begins or ends with white space; remove it"
	}
	return ""
}

// Issue returns a token for the client and how long it lives, or [ErrBadCredentials].
func (i *OAuth2Issuer) Issue(id, secret string) (token string, lifetime time.Duration, err error) {
	given := basicDigest(id, secret)
	var found *issuingClient
	for n := range i.clients { // no early end: time must not tell which one matched
		if subtle.ConstantTimeCompare(given[:], i.clients[n].digest[:]) == 1 {
			found = &i.clients[n]
		}
	}
	if found == nil {
		return "", 0, ErrBadCredentials
	}
	claims, err := json.Marshal(tokenClaims{Client: found.id, Expires: i.now().Add(OAuth2TokenLifetime).Unix()})
	if err != nil {
		return "", 0, fmt.Errorf("writing a token: %w", err)
	}
	signed := tokenVersion + base64.RawURLEncoding.EncodeToString(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(found.key, signed)), OAuth2TokenLifetime, nil
}

// tokenClaims are what a token says: whose it is, and until when.
type tokenClaims struct {
	Client  string `json:"c"`
	Expires int64  `json:"e"` // unix seconds
}

// Authenticate accepts a token in an Authorization: Bearer header; it never needs the body.
func (i *OAuth2Issuer) Authenticate(r *http.Request, _ []byte) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ErrNoCredentials
	}
	claims, ok := i.verified(strings.TrimLeft(token, " "))
	if !ok {
		return ErrBadCredentials
	}
	if !i.now().Before(time.Unix(claims.Expires, 0)) {
		return fmt.Errorf("%w: the token has expired", ErrBadCredentials)
	}
	return nil
}

// verified returns the claims of a token that one of the clients' keys has signed. Nothing of it is read before.
func (i *OAuth2Issuer) verified(token string) (tokenClaims, bool) {
	var claims tokenClaims
	dot := strings.LastIndexByte(token, '.')
	if len(token) > maxBearerToken || dot < 0 || !strings.HasPrefix(token, tokenVersion) {
		return claims, false
	}
	// Strict: a signature has one spelling, not several that differ in unused bits.
	mac, err := base64.RawURLEncoding.Strict().DecodeString(token[dot+1:])
	if err != nil {
		return claims, false
	}
	var signer *issuingClient
	for n := range i.clients {
		if hmac.Equal(mac, tokenMAC(i.clients[n].key, token[:dot])) {
			signer = &i.clients[n]
		}
	}
	if signer == nil {
		return claims, false
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(token[len(tokenVersion):dot])
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return claims, false
	}
	return claims, claims.Client == signer.id
}

func tokenMAC(key []byte, signed string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}
