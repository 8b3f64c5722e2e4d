package codecserver

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/gorilla/securecookie"
	"golang.org/x/time/rate"
)

// perHolder is how many requests of one holder are worked on at a time; others of the same holder wait. A browser makes
// six. So one holder cannot take the server from the others, and what is in memory is bounded.
const perHolder = 8

// holder is whoever has a token of that name.
type holder struct {
	name  string
	rate  *rate.Limiter
	slots chan struct{}
}

// key is one token.
type key struct {
	of *holder
	// digest has one length for all, so that comparing tells nothing about lengths.
	digest [sha256.Size]byte
	// session signs the cookies of those who signed in with this token: without the token they are worth nothing.
	session *securecookie.SecureCookie
}

// holders are all who may see payloads.
type holders struct{ keys []key }

func newHolders(c Config) (*holders, error) {
	byName := map[string]*holder{}
	out := &holders{}
	for _, t := range c.Tokens {
		of := byName[t.Name]
		if of == nil {
			of = &holder{name: t.Name, rate: rate.NewLimiter(rate.Limit(c.Rate), c.Burst), slots: make(chan struct{}, perHolder)}
			byName[t.Name] = of
		}
		signing, err := hkdf.Key(sha256.New, []byte(t.Secret), nil, "codec server session", 32)
		if err != nil {
			return nil, fmt.Errorf("deriving a key for sessions: %w", err)
		}
		// The time limit is in what is signed.
		session := securecookie.New(signing, nil).MaxAge(0).SetSerializer(securecookie.JSONEncoder{})
		out.keys = append(out.keys, key{of: of, digest: sha256.Sum256([]byte(t.Secret)), session: session})
	}
	return out, nil
}

// withToken finds whose token that is. It takes as long for a wrong one as for a right one.
func (h *holders) withToken(token string) *key {
	digest := sha256.Sum256([]byte(token))
	var found *key
	for i := range h.keys {
		if subtle.ConstantTimeCompare(h.keys[i].digest[:], digest[:]) == 1 {
			found = &h.keys[i]
		}
	}
	return found
}

// withBearer finds who sends these Authorization headers.
func (h *holders) withBearer(headers []string) (*holder, error) {
	if len(headers) > 1 {
		return nil, unauthorized("credentials", "there are several Authorization headers; send one")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, unauthorized("credentials", "the Authorization header is not of the form Bearer TOKEN; write it so, with a token of CODEC_TOKENS")
	}
	found := h.withToken(strings.TrimSpace(token))
	if found == nil {
		return nil, unauthorized("credentials", "the bearer token is none of those this server knows; send a token of CODEC_TOKENS")
	}
	return found.of, nil
}
