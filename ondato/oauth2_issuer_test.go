package ondato_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

var oauthClient = ondato.OAuth2Client{ID: "ondato-webhooks", Secret: "a-secret-of-the-tests"}

func withBearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func newIssuer(t *testing.T, clients ...ondato.OAuth2Client) *ondato.OAuth2Issuer {
	t.Helper()
	issuer, err := ondato.NewOAuth2Issuer(clients...)
	require.NoError(t, err)
	return issuer
}

func TestOAuth2Issuer_Token_IsAcceptedUntilItExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	issuer, err := ondato.NewOAuth2IssuerWithClock(func() time.Time { return now }, oauthClient)
	require.NoError(t, err)
	token, lifetime, err := issuer.Issue(oauthClient.ID, oauthClient.Secret)
	require.NoError(t, err)
	require.Equal(t, ondato.OAuth2TokenLifetime, lifetime)
	require.NoError(t, issuer.Authenticate(withBearer(token), nil))
	now = now.Add(lifetime - time.Second)
	require.NoError(t, issuer.Authenticate(withBearer(token), nil))
	now = now.Add(time.Second)
	require.ErrorIs(t, issuer.Authenticate(withBearer(token), nil), ondato.ErrBadCredentials)
}

func TestOAuth2Issuer_WrongCredentials_GetNoToken(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, oauthClient)
	for _, c := range [][2]string{{"", ""}, {oauthClient.ID, ""}, {"", oauthClient.Secret}, {oauthClient.ID, oauthClient.Secret + " "},
		{strings.ToUpper(oauthClient.ID), oauthClient.Secret}, {oauthClient.Secret, oauthClient.ID}} {
		_, _, err := issuer.Issue(c[0], c[1])
		require.ErrorIs(t, err, ondato.ErrBadCredentials)
	}
}

func TestOAuth2Issuer_Replicas_AcceptEachOthersTokens(t *testing.T) {
	t.Parallel()
	token, _, err := newIssuer(t, oauthClient).Issue(oauthClient.ID, oauthClient.Secret)
	require.NoError(t, err)
	successor := ondato.OAuth2Client{ID: oauthClient.ID, Secret: "another-secret-of-the-tests"}
	require.NoError(t, newIssuer(t, oauthClient).Authenticate(withBearer(token), nil))
	require.NoError(t, newIssuer(t, successor, oauthClient).Authenticate(withBearer(token), nil))
	require.ErrorIs(t, newIssuer(t, successor).Authenticate(withBearer(token), nil), ondato.ErrBadCredentials, "its secret is gone")
	renamed := ondato.OAuth2Client{ID: "renamed", Secret: oauthClient.Secret}
	require.ErrorIs(t, newIssuer(t, renamed).Authenticate(withBearer(token), nil), ondato.ErrBadCredentials, "its client is gone")
}

func TestOAuth2Issuer_ForgedTokens_AreRefused(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, oauthClient)
	token, _, err := issuer.Issue(oauthClient.ID, oauthClient.Secret)
	require.NoError(t, err)
	dot := strings.LastIndexByte(token, '.')
	signature := token[dot+1:]
	forever := base64.RawURLEncoding.EncodeToString([]byte(`{"c":"ondato-webhooks","e":99999999999}`))
	for _, forged := range []string{"", ".", "..", "v1.", "v1..", token[:dot], token[:dot+1], "." + signature, "v1." + forever + "." + signature, "v1." + forever + ".",
		"v2" + token[2:], token + "=", token + ".", token + "A", " " + token + " x", signature, "v1." + signature,
		strings.Repeat("a", 5000), "v1." + strings.Repeat("a.", 400), token[:dot] + "." + strings.Repeat("A", 43), "\x00" + token} {
		require.ErrorIs(t, issuer.Authenticate(withBearer(forged), nil), ondato.ErrBadCredentials, "%q", forged)
	}
	for at := range token { // one bit of every character
		changed := []byte(token)
		changed[at] ^= 1
		require.Error(t, issuer.Authenticate(withBearer(string(changed)), nil), at)
	}
}

func TestOAuth2Issuer_OtherSchemes_AreNotItsBusiness(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, oauthClient)
	for _, header := range []string{"", "Basic eDp5", "Bearertoken"} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", header)
		require.ErrorIs(t, issuer.Authenticate(r, nil), ondato.ErrNoCredentials, header)
	}
}

func TestNewOAuth2Issuer_UnusableClients_AreRefusedByPosition(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		clients []ondato.OAuth2Client
		field   string
	}{
		"none":           {nil, "clients"},
		"no id":          {[]ondato.OAuth2Client{{Secret: oauthClient.Secret}}, "clients[0]"},
		"colon":          {[]ondato.OAuth2Client{oauthClient, {ID: "a:b", Secret: oauthClient.Secret}}, "clients[1]"},
		"unprintable id": {[]ondato.OAuth2Client{{ID: "a\n", Secret: oauthClient.Secret}}, "clients[0]"},
		"long id":        {[]ondato.OAuth2Client{{ID: strings.Repeat("x", 201), Secret: oauthClient.Secret}}, "clients[0]"},
		"short secret":   {[]ondato.OAuth2Client{{ID: "a", Secret: "hunter2"}}, "clients[0]"},
		"padded secret":  {[]ondato.OAuth2Client{{ID: "a", Secret: oauthClient.Secret + " "}}, "clients[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ondato.NewOAuth2Issuer(c.clients...)
			var field *ondato.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), oauthClient.Secret)
		})
	}
	_, err := ondato.NewOAuth2IssuerWithClock(nil, oauthClient)
	require.Error(t, err)
}

func TestOAuth2Client_Printed_ShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"%s", "%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(format, oauthClient), oauthClient.Secret)
	}
}
