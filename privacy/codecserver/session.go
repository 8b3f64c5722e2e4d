package codecserver

import (
	"net/http"
	"strings"
	"time"
)

// A browser has no place for a token in the Temporal UI. So a person signs in here once a day, and the browser keeps a
// cookie that it sends along with the UI's requests. The cookie is not the token: it is worth something for that long
// only, to this server only, and only together with an origin that is allowed.

const (
	cookieName = "onboarding_codec_session"
	// sessionFor is a long working day.
	sessionFor = 12 * time.Hour
)

// session is what the cookie says, signed with the token that it was made for.
type session struct {
	Until int64 `json:"until"` // Unix seconds
}

// newSession makes the cookie of one who has shown a token. Scripts cannot read it, and pages of other sites have nothing
// of it; ports do not make another site, so the UI beside this server does.
func newSession(k *key, now time.Time, insecure bool) (*http.Cookie, error) {
	until := now.Add(sessionFor)
	value, err := k.session.Encode(cookieName, session{Until: until.Unix()})
	if err != nil {
		return nil, err
	}
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", Expires: until, MaxAge: int(sessionFor.Seconds()),
		HttpOnly: true, Secure: !insecure, SameSite: http.SameSiteStrictMode,
	}, nil
}

func noSession(insecure bool) *http.Cookie {
	return &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: !insecure, SameSite: http.SameSiteStrictMode}
}

// insecure tells whether the browser itself came by plain http, and would drop a cookie marked as secure.
func insecure(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Origin"), "http://") }

// withCookie finds who has signed in, and until when that counts; nil if nobody has.
func (h *holders) withCookie(r *http.Request, now time.Time) (*holder, time.Time) {
	for _, cookie := range r.CookiesNamed(cookieName) {
		for i := range h.keys {
			var s session
			if h.keys[i].session.Decode(cookieName, cookie.Value, &s) != nil {
				continue
			}
			if until := time.Unix(s.Until, 0); now.Before(until) {
				return h.keys[i].of, until
			}
		}
	}
	return nil, time.Time{}
}
