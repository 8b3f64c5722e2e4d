package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"golang.org/x/time/rate"
)

// caller is whoever has a token of that name.
type caller struct {
	name string
	rate *rate.Limiter
}

// callers are all who may ask.
type callers struct{ tokens []knownToken }

type knownToken struct {
	of *caller
	// digest has one length for all, so that comparing tells nothing about lengths.
	digest [sha256.Size]byte
}

func newCallers(c Config) *callers {
	byName := map[string]*caller{}
	out := &callers{}
	for _, t := range c.Tokens {
		of := byName[t.Name]
		if of == nil {
			of = &caller{name: t.Name, rate: rate.NewLimiter(rate.Limit(c.Rate), c.Burst)}
			byName[t.Name] = of
		}
		out.tokens = append(out.tokens, knownToken{of, sha256.Sum256([]byte(t.Secret))})
	}
	return out
}

// identify finds who sends the request. It takes as long for a wrong token as for a right one.
func (c *callers) identify(r *http.Request) (*caller, error) {
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 1:
	case 0:
		return nil, unauthorized("the Authorization header is missing; send Authorization: Bearer TOKEN with a token of API_TOKENS")
	default:
		return nil, unauthorized("there are several Authorization headers; send one")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, unauthorized("the Authorization header is not of the form Bearer TOKEN; write it so, with a token of API_TOKENS")
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	var found *caller
	for i := range c.tokens {
		if subtle.ConstantTimeCompare(c.tokens[i].digest[:], digest[:]) == 1 {
			found = c.tokens[i].of
		}
	}
	if found == nil {
		return nil, unauthorized("the bearer token is none of those this server knows; send a token of API_TOKENS")
	}
	return found, nil
}
