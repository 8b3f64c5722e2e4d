package webhookbridge

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

func (f *fixture) tokenRequest(form string) *http.Request {
	f.t.Helper()
	r := f.request(http.MethodPost, routeToken, form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func credentialsForm(id, secret string) string {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()
}

func (f *fixture) fetchToken(id, secret string) string {
	f.t.Helper()
	got := f.do(f.tokenRequest(credentialsForm(id, secret)))
	require.Equal(f.t, http.StatusOK, got.status, got.body)
	var token tokenAnswer
	require.NoError(f.t, json.Unmarshal([]byte(got.body), &token))
	require.Equal(f.t, "Bearer", token.TokenType)
	require.Equal(f.t, 3600, token.ExpiresIn)
	require.Equal(f.t, "no-store", got.header.Get("Cache-Control"))
	return token.AccessToken
}

func (f *fixture) postWithToken(token string) answer {
	f.t.Helper()
	r := f.request(http.MethodPost, routeWebhook, idvEvent().String())
	r.Header.Set("Authorization", "Bearer "+token)
	return f.do(r)
}

func TestToken_IssuedByUs_LetsAWebhookIn(t *testing.T) {
	t.Parallel()
	f := start(t)
	require.Equal(t, "200 accepted", f.postWithToken(f.fetchToken(oauthID, oauthSecret)).said())
}

func TestToken_BadRequests_AreAnsweredAsRFC6749Says(t *testing.T) {
	t.Parallel()
	f := start(t)
	good := credentialsForm(oauthID, oauthSecret)
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	for _, c := range []struct {
		name, form string
		change     func(*http.Request)
		want       string
	}{
		{"credentials in the body", good, nil, "200"},
		{"credentials in a Basic header", "grant_type=client_credentials", basic(oauthID, oauthSecret), "200"},
		{"credentials form-encoded in a Basic header", "grant_type=client_credentials", basic(oauthID, strings.ReplaceAll(oauthSecret, "-", "%2D")), "200"},
		{"the same credentials in both", good, basic(oauthID, oauthSecret), "200"},
		{"different credentials in both", good, basic(oauthID, "another secret of theirs"), "400 invalid_request"},
		{"a scope, which we do not have", good + "&scope=webhooks", nil, "200"},
		{"an unknown parameter", good + "&audience=us", nil, "200"},
		{"wrong secret", credentialsForm(oauthID, oauthSecret+"x"), nil, "401 invalid_client"},
		{"wrong id", credentialsForm("somebody", oauthSecret), nil, "401 invalid_client"},
		{"no credentials", "grant_type=client_credentials", nil, "401 invalid_client"},
		{"empty credentials", credentialsForm("", ""), nil, "401 invalid_client"},
		{"wrong secret in the header", "grant_type=client_credentials", basic(oauthID, "x"), "401 invalid_client"},
		{"no grant type", "client_id=a&client_secret=b", nil, "400 invalid_request"},
		{"another grant type", strings.Replace(good, "client_credentials", "password", 1), nil, "400 unsupported_grant_type"},
		{"repeated grant type", good + "&grant_type=client_credentials", nil, "400 invalid_request"},
		{"repeated secret", good + "&client_secret=x", nil, "400 invalid_request"},
		{"repeated unknown parameter", good + "&a=1&a=2", nil, "400 invalid_request"},
		{"empty body", "", nil, "400 invalid_request"},
		{"broken encoding", good + "&a=%zz", nil, "400 invalid_request"},
		{"credentials in the query", "", func(r *http.Request) { r.URL.RawQuery = good }, "400 invalid_request"},
		{"JSON", good, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, "400 invalid_request"},
		{"no content type", good, func(r *http.Request) { r.Header.Del("Content-Type") }, "400 invalid_request"},
		{"content type with parameters", good, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		}, "200"},
		{"too large", good + "&a=" + strings.Repeat("x", 9<<10), nil, "413 invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.tokenRequest(c.form)
			if c.change != nil {
				c.change(r)
			}
			got := f.do(r)
			require.Equal(t, c.want, got.said(), got.body)
			require.Equal(t, got.status == http.StatusUnauthorized, got.header.Get("WWW-Authenticate") != "")
			require.NotContains(t, got.body, oauthSecret)
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
		})
	}
	require.NotContains(t, f.logs.String(), oauthSecret)
}

func TestToken_WithoutOAuthClients_HasNoEndpoint(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Credentials.OAuthClients = nil })
	require.Equal(t, http.StatusNotFound, f.do(f.tokenRequest(credentialsForm(oauthID, oauthSecret))).status)
}

func TestToken_ClientIsRemoved_ItsTokensEnd(t *testing.T) {
	t.Parallel()
	f := start(t)
	old := f.fetchToken(oauthID, oauthSecret)
	both := f.config.Credentials
	both.OAuthClients = []ondato.OAuth2Client{{ID: oauthID, Secret: oauthSecret}, {ID: "successor", Secret: "the-successors-secret"}}
	require.NoError(t, f.bridge.SetCredentials(both))
	require.Equal(t, "200 accepted", f.postWithToken(old).said(), "rotation keeps the old client for a while")

	one := both
	one.OAuthClients = both.OAuthClients[1:]
	require.NoError(t, f.bridge.SetCredentials(one))
	got := f.postWithToken(old)
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Contains(t, strings.Join(got.header.Values("WWW-Authenticate"), ";"), `error="invalid_token"`)
	require.Equal(t, "200 accepted", f.postWithToken(f.fetchToken("successor", "the-successors-secret")).said())

	require.ErrorContains(t, f.bridge.SetCredentials(Credentials{}), "Credentials are empty")
	require.Equal(t, "200 accepted", f.postWithToken(f.fetchToken("successor", "the-successors-secret")).said(), "bad credentials leave the old ones in place")
}
