package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

// Scopes of contract 1.
const (
	scopeIDV     = "idv_api"
	scopeIDVRead = "idv_api_readonly"
	scopeKYC     = "kyc_identifications_api"
	scopeKYCRead = "kyc_identifications_api_readonly"
)

var knownScopes = []string{scopeIDV, scopeIDVRead, scopeKYC, scopeKYCRead}

// claims of a token. It is signed, not kept: tokens outlive a restart, as Ondato's would.
type claims struct {
	ClientID   string   `json:"client_id"`
	Scope      []string `json:"scope"`
	Issued     int64    `json:"iat"`
	Expires    int64    `json:"exp"`
	ID         string   `json:"jti"`
	Generation int64    `json:"gen"`
}

// token is POST /connect/token: RFC 6749, client credentials in the form or in a Basic header.
func (s *Sandbox) token(c *gin.Context) {
	refuse := func(status int, code, description string) {
		c.Abort()
		c.Data(status, "application/json; charset=utf-8", mustJSON(map[string]string{"error": code, "error_description": description}))
	}
	if c.ContentType() != "application/x-www-form-urlencoded" {
		refuse(http.StatusBadRequest, "invalid_request", "send the parameters as application/x-www-form-urlencoded")
		return
	}
	if err := c.Request.ParseForm(); err != nil {
		refuse(http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	form := c.Request.PostForm
	id, secret := form.Get("client_id"), form.Get("client_secret")
	user, password, basic := c.Request.BasicAuth()
	if basic {
		if form.Has("client_secret") {
			refuse(http.StatusBadRequest, "invalid_request", "give the credentials once, in the form or in the header")
			return
		}
		id, secret = formDecoded(user), formDecoded(password)
	}
	switch {
	case !form.Has("grant_type"):
		refuse(http.StatusBadRequest, "invalid_request", "grant_type is missing")
		return
	case form.Get("grant_type") != "client_credentials":
		refuse(http.StatusBadRequest, "unsupported_grant_type", "use grant_type=client_credentials")
		return
	}
	if !same(id, s.world.cfg.ClientID) || !same(secret, s.world.cfg.ClientSecret) {
		status := http.StatusBadRequest
		if basic { // RFC 6749, 5.2
			c.Header("WWW-Authenticate", `Basic realm="sandbox"`)
			status = http.StatusUnauthorized
		}
		refuse(status, "invalid_client", "client_id or client_secret is wrong")
		return
	}
	scopes := strings.Fields(form.Get("scope"))
	if len(scopes) == 0 {
		scopes = []string{scopeIDV, scopeKYC}
	}
	for _, scope := range scopes {
		if !slices.Contains(knownScopes, scope) {
			refuse(http.StatusBadRequest, "invalid_scope", "the client has the scopes "+strings.Join(knownScopes, " "))
			return
		}
	}
	w := s.world
	life := w.cfg.TokenLifetime
	now := w.clock.real() // the client counts in real time
	w.mu.Lock()
	generation := w.generation
	w.mu.Unlock()
	signed := s.signToken(claims{id, scopes, now.Unix(), now.Add(life).UnixNano(), uuid.NewString(), generation})
	c.Header("Pragma", "no-cache")
	reply(c, http.StatusOK, struct {
		Token     string `json:"access_token"`
		ExpiresIn int64  `json:"expires_in"`
		Type      string `json:"token_type"`
		Scope     string `json:"scope"`
	}{signed, int64(life.Seconds()), "Bearer", strings.Join(scopes, " ")})
}

// formDecoded undoes the encoding that RFC 6749 asks for in a Basic header; not every client does it.
func formDecoded(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

const tokenHeader = `{"alg":"HS256","typ":"at+jwt"}`

func (s *Sandbox) signToken(cl claims) string {
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(tokenHeader)) + "." + enc.EncodeToString(mustJSON(cl))
	return text + "." + enc.EncodeToString(s.tokenMAC(text))
}

func (s *Sandbox) tokenMAC(text string) []byte {
	mac := hmac.New(sha256.New, []byte("token key\x00"+s.world.cfg.ClientSecret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func (s *Sandbox) readToken(token string) (claims, error) {
	dead := errors.New("the token is unknown or has expired")
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return claims{}, dead
	}
	mac, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil || !hmac.Equal(mac, s.tokenMAC(token[:i])) {
		return claims{}, dead
	}
	_, middle, _ := strings.Cut(token[:i], ".")
	raw, err := base64.RawURLEncoding.DecodeString(middle)
	if err != nil {
		return claims{}, dead
	}
	var cl claims
	if json.Unmarshal(raw, &cl) != nil {
		return claims{}, dead
	}
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if cl.Generation != w.generation || cl.ClientID != w.cfg.ClientID || w.clock.real().UnixNano() >= cl.Expires {
		return claims{}, dead
	}
	return cl, nil
}

const contextClient = "client"

// authorise wants a living token with one of the scopes: 401 without, 403 for another scope (contract 6).
func (s *Sandbox) authorise(scopes ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		header := c.GetHeader("Authorization")
		kind, token, _ := strings.Cut(header, " ")
		if header == "" || !strings.EqualFold(kind, "Bearer") {
			c.Header("WWW-Authenticate", "Bearer")
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		cl, err := s.readToken(strings.TrimSpace(token))
		if err != nil {
			c.Header("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+err.Error()+`"`)
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		if !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(cl.Scope, scope) }) {
			c.Header("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+scopes[0]+`"`)
			c.AbortWithStatus(http.StatusForbidden)
			return
		}
		c.Set(contextClient, cl.ClientID)
		c.Next()
	}
}
