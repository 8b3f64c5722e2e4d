package codecserver

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// person is a browser as far as cookies go.
func person(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar}
}

func (r *rig) signIn(client *http.Client, token string, more header) answer {
	r.t.Helper()
	headers := header{"Content-Type": "application/x-www-form-urlencoded", "Origin": r.url, "Sec-Fetch-Site": "same-origin"}
	for name, value := range more {
		headers[name] = value
	}
	return r.sendBy(client, http.MethodPost, "/login", strings.NewReader(url.Values{"token": {token}}.Encode()), headers)
}

func (r *rig) decodeBy(client *http.Client, headers header, word string) answer {
	r.t.Helper()
	return r.sendBy(client, http.MethodPost, "/decode?preserveStorageRefs=true", strings.NewReader(string(body(r.t, r.sealed(workflow[0], word)))), headers)
}

func TestSignIn_OfAPerson_ShowsPayloadsToTheTemporalUI(t *testing.T) {
	clock := time.Now()
	r := newRig(t, func(c *Config) { c.now = func() time.Time { return clock } })
	browser := person(t)
	require.Contains(t, string(r.sendBy(browser, http.MethodGet, "/login", nil, nil).body), `name="token"`)
	require.Equal(t, http.StatusUnauthorized, r.decodeBy(browser, header{"Origin": uiOrigin}, someWord).status)

	page := r.signIn(browser, " "+annasNext+"\n", nil) // pasted with a line break
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, string(page.body), "Signed in as <strong>anna</strong>")
	require.Contains(t, string(page.body), `<a href="`+uiOrigin+`">`)
	got := r.decodeBy(browser, header{"Origin": uiOrigin, "X-Namespace": namespace}, someWord)
	require.Equal(t, someWord, text(t, got.payloads(t)[0]))
	require.Equal(t, uiOrigin, got.header.Get("Access-Control-Allow-Origin"))
	line := r.log.withMessage(t, auditMessage, "decoded")
	require.Equal(t, "anna", line["by"])
	require.Equal(t, "cookie", line["via"])
	require.Equal(t, "anna", r.log.withMessage(t, "request", "signed-in")["by"])
	require.Equal(t, "1", r.metric(`onboarding_codec_sign_ins_total{outcome="accepted"}`))

	clock = clock.Add(sessionFor - time.Minute)
	require.Equal(t, http.StatusOK, r.decodeBy(browser, header{"Origin": uiOrigin}, someWord).status)
	clock = clock.Add(time.Minute)
	require.Equal(t, http.StatusUnauthorized, r.decodeBy(browser, header{"Origin": uiOrigin}, someWord).status, "a copied cookie ends with the day, too")
}

func TestSignIn_WithAWrongToken_GivesNoCookie(t *testing.T) {
	r := newRig(t, nil)
	browser := person(t)
	for _, token := range []string{"", "wrong", annasToken[:30], "anna"} {
		page := r.signIn(browser, token, nil)
		require.Equal(t, http.StatusUnauthorized, page.status)
		require.Contains(t, string(page.body), `role="alert"`)
		require.NotContains(t, string(page.body), annasToken[:30])
		require.Empty(t, page.header.Values("Set-Cookie"))
	}
	require.Equal(t, "4", r.metric(`onboarding_codec_sign_ins_total{outcome="refused"}`))
	require.Equal(t, "credentials", r.log.withMessage(t, "request", "refused")["reason"])
	require.Equal(t, http.StatusBadRequest, r.signIn(browser, strings.Repeat("x", maxForm), nil).status)
}

func TestSignIn_ByAPageOfSomebodyElse_IsRefused(t *testing.T) {
	r := newRig(t, nil)
	for name, headers := range map[string]header{
		"another site":         {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
		"the Temporal UI":      {"Origin": uiOrigin, "Sec-Fetch-Site": "same-site"},
		"a browser of old":     {"Origin": uiOrigin, "Sec-Fetch-Site": ""},
		"a page in a sandbox":  {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
		"another port of ours": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
	} {
		t.Run(name, func(t *testing.T) {
			got := r.signIn(person(t), annasToken, headers)
			require.Equal(t, http.StatusForbidden, got.status)
			require.Empty(t, got.header.Values("Set-Cookie"))
		})
	}
}

func TestCookie_IsForThisServerAndItsPagesAlone(t *testing.T) {
	r := newRig(t, nil)
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	given := r.signIn(direct, annasToken, nil)
	require.Equal(t, http.StatusSeeOther, given.status)
	require.Equal(t, "login", given.header.Get("Location"))
	require.Regexp(t, `^onboarding_codec_session=[^;]+; Path=/; Expires=[^;]+; Max-Age=43200; HttpOnly; SameSite=Strict$`, given.header.Get("Set-Cookie"))
	require.NotContains(t, given.header.Get("Set-Cookie"), annasToken)
	secure := r.signIn(direct, annasToken, header{"Origin": "https" + strings.TrimPrefix(r.url, "http")})
	require.Contains(t, secure.header.Get("Set-Cookie"), "; Secure; SameSite=Strict")

	value := regexp.MustCompile(`^[^;]+`).FindString(given.header.Get("Set-Cookie"))
	require.Equal(t, http.StatusOK, r.decodeBy(direct, header{"Cookie": value, "Origin": uiOrigin}, someWord).status)
	for name, headers := range map[string]header{
		"no page":                      {"Cookie": value},
		"our own page":                 {"Cookie": value, "Origin": r.url},
		"another page":                 {"Cookie": value, "Origin": "https://evil.example"},
		"cut":                          {"Cookie": value[:len(value)-2], "Origin": uiOrigin},
		"changed":                      {"Cookie": strings.Replace(value, "=M", "=N", 1), "Origin": uiOrigin},
		"a wrong token along with it":  {"Cookie": value, "Origin": uiOrigin, "Authorization": "Bearer wrong"},
		"under another name":           {"Cookie": strings.Replace(value, cookieName, "session", 1), "Origin": uiOrigin},
		"with nothing of a cookie set": {"Cookie": cookieName + "=", "Origin": uiOrigin},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, r.decodeBy(direct, headers, someWord).status)
		})
	}
}

func TestCookie_OfATokenThatIsGone_IsWorthNothing(t *testing.T) {
	r := newRig(t, nil)
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	value := regexp.MustCompile(`^[^;]+`).FindString(r.signIn(direct, annasToken, nil).header.Get("Set-Cookie"))
	for name, tokens := range map[string][]Token{
		"the token is replaced":           {{"anna", annasNext}},
		"the name is given to another":    {{"anna", reportToken}},
		"the token is known as another's": {{"bela", annasToken}},
	} {
		t.Run(name, func(t *testing.T) {
			after := newRig(t, func(c *Config) { c.Tokens = tokens })
			got := after.decodeBy(direct, header{"Cookie": value, "Origin": uiOrigin}, someWord)
			if tokens[0].Name == "bela" {
				require.Equal(t, http.StatusOK, got.status)
				require.Equal(t, "bela", after.log.withMessage(t, auditMessage, "decoded")["by"], "the name is the configuration's, not the cookie's")
				return
			}
			require.Equal(t, http.StatusUnauthorized, got.status)
		})
	}
}

func TestSignOut_TakesTheCookieAway(t *testing.T) {
	r := newRig(t, nil)
	browser := person(t)
	r.signIn(browser, annasToken, nil)
	require.Equal(t, http.StatusForbidden, r.sendBy(browser, http.MethodPost, "/logout", nil, header{"Origin": uiOrigin, "Sec-Fetch-Site": "same-site"}).status)
	require.Equal(t, http.StatusOK, r.decodeBy(browser, header{"Origin": uiOrigin}, someWord).status)
	page := r.sendBy(browser, http.MethodPost, "/logout", nil, header{"Origin": r.url, "Sec-Fetch-Site": "same-origin"})
	require.Contains(t, string(page.body), `name="token"`)
	require.Equal(t, http.StatusUnauthorized, r.decodeBy(browser, header{"Origin": uiOrigin}, someWord).status)
	require.Equal(t, "anna", r.log.withMessage(t, "request", "signed-out")["by"])
}

func TestSignInPage_CannotBeFramedOrScripted(t *testing.T) {
	r := newRig(t, nil)
	page := r.send(http.MethodGet, "/login", nil, nil)
	policy := page.header.Get("Content-Security-Policy")
	for _, rule := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		require.Contains(t, policy, rule)
	}
	require.NotContains(t, policy, "script-src")
	require.Equal(t, "nosniff", page.header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", page.header.Get("Cache-Control"))
}
