package webhookbridge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

func TestVerify_EachScheme_LetsInWhatIsRightAndNothingElse(t *testing.T) {
	t.Parallel()
	f := start(t)
	body := idvEvent().String()
	now := time.Now()
	token := f.fetchToken(oauthID, oauthSecret)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	signed := func(value string) func(*http.Request) { return header(ondato.SignatureHeader, value) }
	basic := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"nothing", func(*http.Request) {}, 401},
		{"basic", basic(basicUser, basicPassword), 200},
		{"basic, from before the rotation", basic("before", "rotation"), 200},
		{"basic, mixed pair", basic("before", basicPassword), 401},
		{"basic, empty password", basic(basicUser, ""), 401},
		{"basic, empty", basic("", ""), 401},
		{"basic, not base64", header("Authorization", "Basic ???"), 401},
		{"basic, without colon", header("Authorization", "Basic b25kYXRv"), 401},
		{"basic, scheme only", header("Authorization", "Basic"), 401},
		{"basic, password padded with NUL", basic(basicUser, basicPassword+"\x00"), 401},
		{"signature", signed(sign(hmacSecret, now, body)), 200},
		{"signature, from before the rotation", signed(sign("an-older-shared-secret", now, body)), 200},
		{"signature, other secret", signed(sign("somebody-elses-secret", now, body)), 401},
		{"signature, empty secret", signed(sign("", now, body)), 401},
		{"signature, of another body", signed(sign(hmacSecret, now, body+" ")), 401},
		{"signature, of an empty body", signed(sign(hmacSecret, now, "")), 401},
		{"signature, upper case", signed(strings.Replace(strings.ToUpper(sign(hmacSecret, now, body)), "T=", "t=", 1)), 401},
		{"signature, upper-case digits", signed(upperDigits(sign(hmacSecret, now, body))), 200},
		{"signature, no space", signed(strings.ReplaceAll(sign(hmacSecret, now, body), " ", "")), 200},
		{"signature, a day old", signed(sign(hmacSecret, now.Add(-24*time.Hour), body)), 200},
		{"signature, 26 hours old", signed(sign(hmacSecret, now.Add(-26*time.Hour), body)), 401},
		{"signature, 4 minutes ahead", signed(sign(hmacSecret, now.Add(4*time.Minute), body)), 200},
		{"signature, 10 minutes ahead", signed(sign(hmacSecret, now.Add(10*time.Minute), body)), 401},
		{"signature, time changed", signed(strings.Replace(sign(hmacSecret, now, body), "t=", "t=1", 1)), 401},
		{"signature, no time", signed(sign(hmacSecret, now, body)[14:]), 401},
		{"signature, time only", signed(sign(hmacSecret, now, body)[:12]), 401},
		{"signature, cut", signed(sign(hmacSecret, now, body)[:70]), 401},
		{"signature, empty", signed(""), 401},
		{"signature, twice", func(r *http.Request) {
			r.Header.Add(ondato.SignatureHeader, sign(hmacSecret, now, body))
			r.Header.Add(ondato.SignatureHeader, sign(hmacSecret, now, body))
		}, 401},
		{"signature under an invented name", header("X-Ondato-Signature", sign(hmacSecret, now, body)), 401},
		{"token", header("Authorization", "Bearer "+token), 200},
		{"token, lower-case scheme", header("Authorization", "bearer "+token), 200},
		{"token, changed", header("Authorization", "Bearer "+token[:len(token)-3]+"AAA"), 401},
		{"token, without signature", header("Authorization", "Bearer "+token[:strings.LastIndexByte(token, '.')+1]), 401},
		{"token, empty", header("Authorization", "Bearer "), 401},
		{"token, the client secret itself", header("Authorization", "Bearer "+oauthSecret), 401},
		{"token in the query", func(r *http.Request) { r.URL.RawQuery = "access_token=" + token }, 401},
		{"token, unsigned JWT", header("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJjIjoib25kYXRvLXdlYmhvb2tzIn0."), 401},
		{"one scheme wrong, another right", func(r *http.Request) {
			r.SetBasicAuth(basicUser, "wrong")
			r.Header.Set(ondato.SignatureHeader, sign(hmacSecret, now, body))
		}, 200},
		{"unknown scheme", header("Authorization", "Digest abc"), 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.request(http.MethodPost, routeWebhook, body)
			c.change(r)
			got := f.do(r)
			require.Equal(t, c.want, got.status, got.body)
			if c.want != 401 {
				return
			}
			challenges := strings.Join(got.header.Values("WWW-Authenticate"), "; ")
			for _, scheme := range []string{`Basic realm="`, `Bearer realm="`, `Ondato-Signature realm="`} {
				require.Contains(t, challenges, scheme)
			}
			require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			require.NotContains(t, got.body, "sessionId")
		})
	}
	for _, secret := range []string{basicPassword, hmacSecret, oauthSecret, token, sessionID, string(ourID)} {
		require.NotContains(t, f.logs.String(), secret)
	}
}

// upperDigits writes the hexadecimal digits of a signature in upper case.
func upperDigits(header string) string {
	at := strings.Index(header, "s=") + 2
	return header[:at] + strings.ToUpper(header[at:])
}

func TestVerify_OneSchemeConfigured_ChallengesForThatAlone(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Credentials = Credentials{HMACSecrets: []string{hmacSecret}} })
	got := f.post(idvEvent().String())
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Equal(t, []string{`Ondato-Signature realm="ondato-webhooks"`}, got.header.Values("WWW-Authenticate"))
}

func TestVerify_StrangersLargeBody_IsNotRead(t *testing.T) {
	t.Parallel()
	f := start(t)
	body := strings.Repeat("x", 20<<20)
	f.speaks(t, "POST "+routeWebhook+" HTTP/1.1\r\nHost: x\r\nContent-Length: "+fmt.Sprint(len(body))+"\r\n\r\n"+body, http.StatusUnauthorized)
}

func TestVerify_CredentialsReplaced_OldOnesEnd(t *testing.T) {
	t.Parallel()
	f := start(t)
	require.Equal(t, 200, f.post(idvEvent().String()).status)
	require.NoError(t, f.bridge.SetCredentials(Credentials{HMACSecrets: []string{hmacSecret}}))
	require.Equal(t, 401, f.post(idvEvent().String()).status)
}
