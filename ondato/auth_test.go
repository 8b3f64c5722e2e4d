package ondato_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

var signedAt = time.Unix(1_793_000_000, 0)

func delivered(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/ondato", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func basic(userAndPassword string) *http.Request {
	return delivered("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(userAndPassword)))
}

func mac(secret, timestamp, body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(h, timestamp+"."+body)
	return hex.EncodeToString(h.Sum(nil))
}

func signed(secret string, at time.Time, body string) *http.Request {
	timestamp := fmt.Sprint(at.Unix())
	return delivered(ondato.SignatureHeader, "t="+timestamp+", s="+mac(secret, timestamp, body))
}

func TestBasicAuth_Delivery_IsJudgedWithoutTheBody(t *testing.T) {
	auth, err := ondato.BasicAuth(
		ondato.Credential{Username: "ondato", Password: "old:one"}, ondato.Credential{Username: "ondato", Password: "new"})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		request *http.Request
		want    error
	}{
		"first secret":        {basic("ondato:old:one"), nil},
		"second secret":       {basic("ondato:new"), nil},
		"scheme in lower":     {delivered("Authorization", "basic "+base64.StdEncoding.EncodeToString([]byte("ondato:new"))), nil},
		"none":                {delivered(), ondato.ErrNoCredentials},
		"another scheme":      {delivered("Authorization", "Bearer x"), ondato.ErrNoCredentials},
		"scheme alone":        {delivered("Authorization", "Basic"), ondato.ErrBadCredentials},
		"no base64":           {delivered("Authorization", "Basic ~~"), ondato.ErrBadCredentials},
		"no colon":            {basic("ondato"), ondato.ErrBadCredentials},
		"wrong password":      {basic("ondato:news"), ondato.ErrBadCredentials},
		"beginning of it":     {basic("ondato:ne"), ondato.ErrBadCredentials},
		"empty password":      {basic("ondato:"), ondato.ErrBadCredentials},
		"wrong user":          {basic("Ondato:new"), ondato.ErrBadCredentials},
		"halves of different": {basic("ondato:old"), ondato.ErrBadCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, auth.Authenticate(tc.request, nil), tc.want)
		})
	}
}

func TestHMACAuth_Delivery_IsJudgedByHeaderTimeAndBody(t *testing.T) {
	auth, err := ondato.HMACAuthWithClock(func() time.Time { return signedAt }, "old secret", "new secret")
	require.NoError(t, err)
	const body = `{"id":"ė"}`
	stamp := fmt.Sprint(signedAt.Unix())
	good := mac("new secret", stamp, body)
	header := func(value string) *http.Request { return delivered(ondato.SignatureHeader, value) }
	for name, tc := range map[string]struct {
		request *http.Request
		want    error
	}{
		"first secret":        {signed("old secret", signedAt, body), nil},
		"second secret":       {signed("new secret", signedAt, body), nil},
		"no space":            {header("t=" + stamp + ",s=" + good), nil},
		"capitals":            {header("t=" + stamp + ", s=" + strings.ToUpper(good)), nil},
		"other order":         {header("s=" + good + ", t=" + stamp), nil},
		"a member more":       {header("v=1, t=" + stamp + ", s=" + good), nil},
		"5 min ahead":         {signed("new secret", signedAt.Add(5*time.Minute), body), nil},
		"25 h old":            {signed("new secret", signedAt.Add(-25*time.Hour), body), nil},
		"more than 5 min":     {signed("new secret", signedAt.Add(5*time.Minute+time.Second), body), ondato.ErrBadCredentials},
		"older than 25 h":     {signed("new secret", signedAt.Add(-25*time.Hour-time.Second), body), ondato.ErrBadCredentials},
		"none":                {delivered(), ondato.ErrNoCredentials},
		"empty":               {header(""), ondato.ErrBadCredentials},
		"unknown secret":      {signed("secret", signedAt, body), ondato.ErrBadCredentials},
		"another body":        {signed("new secret", signedAt, body+" "), ondato.ErrBadCredentials},
		"another time":        {header("t=" + fmt.Sprint(signedAt.Unix()+1) + ", s=" + good), ondato.ErrBadCredentials},
		"no time":             {header("s=" + good), ondato.ErrBadCredentials},
		"no signature":        {header("t=" + stamp), ondato.ErrBadCredentials},
		"time twice":          {header("t=" + stamp + ", t=" + stamp + ", s=" + good), ondato.ErrBadCredentials},
		"signature twice":     {header("t=" + stamp + ", s=" + good + ", s=" + good), ondato.ErrBadCredentials},
		"time of 11 digits":   {header("t=0" + stamp + ", s=" + good), ondato.ErrBadCredentials},
		"time signed":         {header("t=+" + stamp[1:] + ", s=" + good), ondato.ErrBadCredentials},
		"time no number":      {header("t=abcdefghij, s=" + good), ondato.ErrBadCredentials},
		"signature short":     {header("t=" + stamp + ", s=" + good[2:]), ondato.ErrBadCredentials},
		"signature no hex":    {header("t=" + stamp + ", s=" + strings.Repeat("zz", 32)), ondato.ErrBadCredentials},
		"endless":             {header("t=" + stamp + ", s=" + good + strings.Repeat(",", 1000)), ondato.ErrBadCredentials},
		"header twice":        {delivered(ondato.SignatureHeader, "t="+stamp+", s="+good, ondato.SignatureHeader, "t="+stamp+", s="+good), ondato.ErrBadCredentials},
		"names in capitals":   {header("T=" + stamp + ", S=" + good), ondato.ErrBadCredentials},
		"the old header name": {delivered("X-Ondato-Signature", "t="+stamp+", s="+good), ondato.ErrNoCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			err := auth.Authenticate(tc.request, []byte(body))
			require.ErrorIs(t, err, tc.want)
			if err != nil {
				require.NotContains(t, err.Error(), good)
			}
		})
	}
}

func TestHMACAuth_WithoutBody_AsksForItOnlyWhereTheHeaderMayBeRight(t *testing.T) {
	auth, err := ondato.HMACAuthWithClock(func() time.Time { return signedAt }, "secret")
	require.NoError(t, err)
	require.ErrorIs(t, auth.Authenticate(signed("secret", signedAt, "x"), nil), ondato.ErrNeedsBody)
	require.ErrorIs(t, auth.Authenticate(signed("secret", signedAt.Add(time.Hour), "x"), nil), ondato.ErrBadCredentials)
	require.ErrorIs(t, auth.Authenticate(delivered(), nil), ondato.ErrNoCredentials)
	require.NoError(t, auth.Authenticate(signed("secret", signedAt, ""), []byte{}), "an empty body is a body")
	require.ErrorIs(t, auth.Authenticate(signed("secret", signedAt, ""), nil), ondato.ErrNeedsBody)
}

func TestHMACAuth_RealClock_AcceptsWhatIsSignedNow(t *testing.T) {
	auth, err := ondato.HMACAuth("secret")
	require.NoError(t, err)
	require.NoError(t, auth.Authenticate(signed("secret", time.Now(), "{}"), []byte("{}")))
	require.Error(t, auth.Authenticate(signed("secret", time.Now().Add(-26*time.Hour), "{}"), []byte("{}")))
}

type always struct{ err error }

func (a always) Authenticate(*http.Request, []byte) error { return a.err }

func TestAnyOf_Verdicts_AreCombined(t *testing.T) {
	none, bad, needs, good := always{ondato.ErrNoCredentials}, always{ondato.ErrBadCredentials}, always{ondato.ErrNeedsBody}, always{}
	strange := always{errors.New("something else")}
	for name, tc := range map[string]struct {
		schemes []ondato.Authenticator
		want    error
	}{
		"one lets in":       {[]ondato.Authenticator{none, bad, needs, good}, nil},
		"none of them":      {[]ondato.Authenticator{none, none}, ondato.ErrNoCredentials},
		"one bad":           {[]ondato.Authenticator{bad, none}, ondato.ErrBadCredentials},
		"bad, needs body":   {[]ondato.Authenticator{bad, needs}, ondato.ErrNeedsBody},
		"needs body, bad":   {[]ondato.Authenticator{needs, bad, none}, ondato.ErrNeedsBody},
		"unexpected is bad": {[]ondato.Authenticator{strange, none}, ondato.ErrBadCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			auth, err := ondato.AnyOf(tc.schemes...)
			require.NoError(t, err)
			require.ErrorIs(t, auth.Authenticate(delivered(), nil), tc.want)
		})
	}
}

func TestAuth_MisconfiguredScheme_RefusesToBeMade(t *testing.T) {
	for name, build := range map[string]func() (ondato.Authenticator, error){
		"basic, none":           func() (ondato.Authenticator, error) { return ondato.BasicAuth() },
		"basic, empty user":     func() (ondato.Authenticator, error) { return ondato.BasicAuth(ondato.Credential{Password: "LEAK"}) },
		"basic, empty password": func() (ondato.Authenticator, error) { return ondato.BasicAuth(ondato.Credential{Username: "u"}) },
		"basic, colon in user": func() (ondato.Authenticator, error) {
			return ondato.BasicAuth(ondato.Credential{Username: "u:LEAK", Password: "LEAK"})
		},
		"basic, second is empty": func() (ondato.Authenticator, error) {
			return ondato.BasicAuth(ondato.Credential{Username: "u", Password: "p"}, ondato.Credential{})
		},
		"HMAC, none":     func() (ondato.Authenticator, error) { return ondato.HMACAuth() },
		"HMAC, empty":    func() (ondato.Authenticator, error) { return ondato.HMACAuth("LEAK", "") },
		"HMAC, newline":  func() (ondato.Authenticator, error) { return ondato.HMACAuth("LEAK\n") },
		"HMAC, no clock": func() (ondato.Authenticator, error) { return ondato.HMACAuthWithClock(nil, "LEAK") },
		"any of none":    func() (ondato.Authenticator, error) { return ondato.AnyOf() },
		"any of nil":     func() (ondato.Authenticator, error) { return ondato.AnyOf(always{}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			auth, err := build()
			require.Error(t, err)
			require.Nil(t, auth)
			requireDiscreet(t, err)
		})
	}
}

func TestCredential_Printed_HidesThePassword(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "ondato:***", fmt.Sprintf(format, ondato.Credential{Username: "ondato", Password: "LEAK"}))
	}
}

func FuzzSignatureHeader(f *testing.F) {
	const body = "{}"
	stamp := fmt.Sprint(signedAt.Unix())
	good := mac("secret", stamp, body)
	for _, seed := range []string{
		"t=" + stamp + ", s=" + good, "s=" + good + ",t=" + stamp, "t=" + stamp + ", s=" + strings.Repeat("0", 64), "", ",", "t=,s=", "t", "=",
		"t=9999999999, s=" + good, "t=" + stamp + ", s=\xff",
	} {
		f.Add(seed)
	}
	auth, err := ondato.HMACAuthWithClock(func() time.Time { return signedAt }, "secret")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, header string) {
		r := delivered()
		r.Header[ondato.SignatureHeader] = []string{header} // past the checks of a server
		switch err := auth.Authenticate(r, []byte(body)); {
		case err == nil: // only with the one signature for the time it names
			require.Contains(t, strings.ToLower(header), good)
			require.Contains(t, header, stamp)
		default:
			require.ErrorIs(t, err, ondato.ErrBadCredentials)
		}
	})
}
