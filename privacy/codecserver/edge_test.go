package codecserver

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"kyc/privacy"
)

const (
	waitLong  = 5 * time.Second
	waitShort = 5 * time.Millisecond
)

func TestRequests_OfHostileSenders_AreRefusedWithAReason(t *testing.T) {
	r := newRig(t, nil)
	good := string(body(t, r.sealed(workflow[0], someWord)))
	many := `{"payloads":[` + strings.Repeat(`{},`, MaxPayloads) + `{}]}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  header
		status                   int
		reason                   string
	}{
		{name: "no token", body: good, status: 401, reason: "anonymous"},
		{name: "empty bearer", body: good, headers: bearer(""), status: 401, reason: "credentials"},
		{name: "wrong token", body: good, headers: bearer(strings.Repeat("x", 37)), status: 401, reason: "credentials"},
		{name: "part of a token", body: good, headers: bearer(annasToken[:36]), status: 401, reason: "credentials"},
		{name: "more than a token", body: good, headers: bearer(annasToken + "f"), status: 401, reason: "credentials"},
		{name: "the name for a token", body: good, headers: bearer("anna"), status: 401, reason: "credentials"},
		{name: "token without scheme", body: good, headers: header{"Authorization": annasToken}, status: 401, reason: "credentials"},
		{name: "basic", body: good, headers: header{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("anna:"+annasToken))}, status: 401, reason: "credentials"},
		{name: "token in the query", path: "/decode?token=" + annasToken, body: good, status: 401, reason: "anonymous"},
		{name: "token as cookie", body: good, headers: header{"Cookie": cookieName + "=" + annasToken, "Origin": uiOrigin}, status: 401, reason: "anonymous"},
		{name: "body before token", body: strings.Repeat("x", 1<<20), status: 401, reason: "anonymous"},

		{name: "GET", method: http.MethodGet, headers: bearer(annasToken), status: 405, reason: "method"},
		{name: "HEAD", method: http.MethodHead, headers: bearer(annasToken), status: 405, reason: "method"},
		{name: "PUT", method: http.MethodPut, body: good, headers: bearer(annasToken), status: 405, reason: "method"},
		{name: "made-up method", method: "STEAL", body: good, headers: bearer(annasToken), status: 405, reason: "method"},
		{name: "OPTIONS without origin", method: http.MethodOptions, status: 405, reason: "method"},
		{name: "download", path: "/download", body: good, headers: bearer(annasToken), status: 404, reason: "path"},
		{name: "deeper path", path: "/a/b/decode", body: good, headers: bearer(annasToken), status: 404, reason: "path"},
		{name: "root", path: "/", body: good, headers: bearer(annasToken), status: 404, reason: "path"},

		{name: "no body", headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "not JSON", body: "name=Ona", headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "half of JSON", body: good[:len(good)/2], headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "two of them", body: good + good, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "a list", body: `[]`, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "a string", body: `"payloads"`, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "null among the payloads", body: `{"payloads":[null]}`, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "unknown field", body: `{"payloads":[],"more":1}`, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "data that is not base64", body: `{"payloads":[{"data":"%%%"}]}`, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "metadata that are a list", body: `{"payloads":[{"metadata":[]}]}`, headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "deep nesting", body: strings.Repeat(`{"payloads":[`, 50_000), headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "zero bytes", body: strings.Repeat("\x00", 1000), headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "not UTF-8", body: "{\"payloads\":[{\"data\":\"\xff\xfe\"}]}", headers: bearer(annasToken), status: 400, reason: "json"},
		{name: "too many payloads", body: many, headers: bearer(annasToken), status: 413, reason: "payloads"},
		{name: "too many to seal", path: "/encode", body: many, headers: bearer(annasToken), status: 413, reason: "payloads"},
		{name: "huge", body: strings.Repeat("x", MaxBody+1), headers: bearer(annasToken), status: 413, reason: "body"},

		{name: "foreign origin", body: good, headers: header{"Authorization": "Bearer " + annasToken, "Origin": "https://evil.example"}, status: 403, reason: "origin"},
		{name: "origin null", body: good, headers: header{"Authorization": "Bearer " + annasToken, "Origin": "null"}, status: 403, reason: "origin"},
		{name: "origin that begins like ours", body: good, headers: header{"Authorization": "Bearer " + annasToken, "Origin": "https://temporal.example.evil"}, status: 403, reason: "origin"},
		{name: "origin of another scheme", body: good, headers: header{"Authorization": "Bearer " + annasToken, "Origin": "http://temporal.example"}, status: 403, reason: "origin"},
		{name: "origin of another port", body: good, headers: header{"Authorization": "Bearer " + annasToken, "Origin": "http://localhost:8234"}, status: 403, reason: "origin"},
		{name: "foreign origin on the metrics", method: http.MethodGet, path: "/metrics", headers: header{"Origin": "https://evil.example"}, status: 403, reason: "origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = http.MethodPost
			}
			if c.path == "" {
				c.path = "/decode"
			}
			got := r.send(c.method, c.path, strings.NewReader(c.body), c.headers)
			require.Equal(t, c.status, got.status, string(got.body))
			if c.method != http.MethodHead {
				require.NotContains(t, got.problem(t).Detail, "Ona")
			}
			if c.status == http.StatusUnauthorized {
				require.Equal(t, `Bearer realm="codec server"`, got.header.Get("WWW-Authenticate"))
			}
			if c.status == http.StatusForbidden {
				require.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
			}
			require.Equal(t, "no-store", got.header.Get("Cache-Control"))
			require.Eventually(t, func() bool { return r.log.withMessage(t, "request", "refused")["reason"] == c.reason }, waitLong, waitShort)
		})
	}
	require.NotContains(t, r.log.String(), auditMessage, "nothing was shown")
	require.Equal(t, "7", r.metric(`onboarding_codec_requests_refused_total{reason="credentials",status="401"}`))
}

func TestBody_WithoutALength_IsCutAtTheLimit(t *testing.T) {
	r := newRig(t, nil)
	endless := io.LimitReader(zeros{}, MaxBody+10)
	got := r.send(http.MethodPost, "/decode", io.MultiReader(endless), bearer(annasToken)) // chunked
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestSeveralAuthorizationHeaders_AreRefused(t *testing.T) {
	r := newRig(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/decode", strings.NewReader("{}"))
	require.NoError(t, err)
	req.Header["Authorization"] = []string{"Bearer " + annasToken, "Bearer " + reportToken}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

// TestPreflight_OfTheTemporalUI_AllowsWhatItSends uses the headers of ui-server 2.55.
func TestPreflight_OfTheTemporalUI_AllowsWhatItSends(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"/decode?preserveStorageRefs=true", "/encode?preserveStorageRefs=true", "/" + namespace + "/decode"} {
		got := r.send(http.MethodOptions, path, nil, header{"Origin": uiOrigin, "Access-Control-Request-Method": "POST",
			"Access-Control-Request-Headers": "authorization,authorization-extras,content-type,x-namespace"})
		require.Equal(t, http.StatusNoContent, got.status)
		require.Equal(t, uiOrigin, got.header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "true", got.header.Get("Access-Control-Allow-Credentials"))
		require.Equal(t, "POST", got.header.Get("Access-Control-Allow-Methods"))
		for _, name := range []string{"Authorization", "Authorization-Extras", "Content-Type", "X-Namespace"} {
			require.Contains(t, strings.Split(got.header.Get("Access-Control-Allow-Headers"), ","), name)
		}
		require.Contains(t, strings.Join(got.header.Values("Vary"), ","), "Origin")
		require.Empty(t, got.body)
	}
	require.NotContains(t, r.log.String(), auditMessage)
}

func TestPreflight_OfAForeignPage_IsRefusedWithoutCORSHeaders(t *testing.T) {
	for name, adjust := range map[string]func(*Config){"origins": nil, "no origins": func(c *Config) { c.Origins = nil }} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, adjust)
			got := r.send(http.MethodOptions, "/decode", nil, header{"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
				"Access-Control-Request-Headers": "authorization"})
			require.Equal(t, http.StatusForbidden, got.status)
			require.Contains(t, got.problem(t).Detail, "CODEC_ORIGINS")
			for name := range got.header {
				require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
			}
			require.Equal(t, "Origin", got.header.Get("Vary"))
		})
	}
}

func TestAnswers_ToTheTemporalUI_CanBeReadByIt(t *testing.T) {
	r := newRig(t, nil)
	for token, status := range map[string]int{annasToken: http.StatusOK, "wrong": http.StatusUnauthorized} {
		got := r.decode(header{"Authorization": "Bearer " + token, "Origin": uiOrigin}, plain(t, "x"))
		require.Equal(t, status, got.status)
		require.Equal(t, uiOrigin, got.header.Get("Access-Control-Allow-Origin"), "a refusal that the page cannot read looks like a broken network")
		require.Equal(t, "true", got.header.Get("Access-Control-Allow-Credentials"))
	}
	got := r.decode(bearer(annasToken), plain(t, "x"))
	require.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "Origin", got.header.Get("Vary"))
}

func TestRate_OfOneHolder_IsLimitedForAllItsTokensAndNobodyElse(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Rate, c.Burst = 0.5, MaxPayloads })
	full := make([]*commonpb.Payload, MaxPayloads)
	for i := range full {
		full[i] = plain(t, "x")
	}
	require.Equal(t, http.StatusOK, r.decode(bearer(annasToken), full...).status)
	refused := r.decode(bearer(annasNext), full[:100]...)
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.Contains(t, refused.problem(t).Detail, "Retry-After")
	require.Regexp(t, `^(199|200)$`, refused.header.Get("Retry-After"), "100 payloads at one in two seconds")
	require.Equal(t, "rate", r.log.withMessage(t, "request", "refused")["reason"])
	require.Equal(t, http.StatusOK, r.decode(bearer(reportToken), full...).status)
}

func TestRate_ALittleAbove_WaitsInsteadOfBeingRefused(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Rate, c.Burst = 10_000, MaxPayloads })
	full := make([]*commonpb.Payload, MaxPayloads)
	for i := range full {
		full[i] = plain(t, "x")
	}
	for range 5 { // five bursts in a row come to half a second
		require.Equal(t, http.StatusOK, r.decode(bearer(annasToken), full...).status)
	}
}

func TestHealth_AndReadiness_TellTheirOwn(t *testing.T) {
	clock := time.Now()
	r := newRig(t, func(c *Config) { c.now = func() time.Time { return clock } })
	require.Equal(t, http.StatusOK, r.send(http.MethodGet, "/healthz", nil, nil).status)
	require.Equal(t, http.StatusOK, r.send(http.MethodGet, "/readyz", nil, nil).status)
	r.store.down.Store(true)
	require.Equal(t, http.StatusOK, r.send(http.MethodGet, "/readyz", nil, nil).status, "probes within two seconds share an answer")
	clock = clock.Add(3 * time.Second)
	down := r.send(http.MethodGet, "/readyz", nil, nil)
	require.Equal(t, http.StatusServiceUnavailable, down.status)
	require.Contains(t, down.problem(t).Detail, "key store")
	require.Equal(t, http.StatusOK, r.send(http.MethodGet, "/healthz", nil, nil).status)
}

func TestStopping_FinishesWhatIsInFlight(t *testing.T) {
	r := newRig(t, nil)
	server, err := New(Config{Codec: r.codec, Tokens: []Token{{"anna", annasToken}}, Log: discard()})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listening := server.HTTPServer("")
	ended := make(chan error, 1)
	go func() { ended <- listening.Serve(listener) }()

	reading, writing := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listener.Addr().String()+"/decode", reading)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+annasToken)
	answered := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	text := body(t, plain(t, "x"))
	_, err = writing.Write(text[:10])
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(server.holders.keys[0].of.slots) == 1 }, waitLong, waitShort)

	server.Stopping()
	ctx, cancel := context.WithTimeout(t.Context(), waitLong)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- listening.Shutdown(ctx) }()
	_, err = writing.Write(text[10:])
	require.NoError(t, err)
	require.NoError(t, writing.Close())
	require.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, <-closed)
	require.ErrorIs(t, <-ended, http.ErrServerClosed)
	require.Error(t, server.readiness.ready(t.Context()))
}

func TestPanic_OfTheCodec_IsOurOwnTroubleAndShowsNothing(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Codec = privacy.NewCodec(privacy.CodecConfig{}) }) // without keys
	p := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(privacy.Encoding), "kyc-format": []byte("1"), "kyc-key": []byte("house")}, Data: []byte(someWord)}
	for range 2 * perHolder { // no slot is lost
		got := r.decode(bearer(annasToken), p)
		require.Equal(t, http.StatusInternalServerError, got.status)
		require.NotContains(t, got.problem(t).Detail, "nil")
	}
	require.Equal(t, "panic", r.log.withMessage(t, "request", "refused")["reason"])
	require.NotContains(t, r.log.String(), someWord)
}

// FuzzBody sends whatever it finds to both operations; nothing panics, and what is answered is either a problem or as many
// payloads as were sent.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"IngiCg=="}]}`))
	f.Add([]byte(`{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2t5Yy1zZWFsZWQ=","kyc-format":"MQ==","kyc-key":"b3du","kyc-workflow-id":"eA=="},"data":"AQAAAAA="}]}`))
	f.Add([]byte(`{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2t5Yy1zZWFsZWQ=","kyc-format":"MQ==","kyc-key":"aG91c2U="},"data":"AQAAAAA="}]}`))
	f.Add([]byte(`{"payloads":[null]}`))
	f.Add([]byte("\x00"))
	r := newRig(f, func(c *Config) { c.Rate, c.Burst = 1e9, 1e9 })
	f.Add(body(f, r.sealed(workflow[0], someWord), r.sealed("", someWord)))
	handler := r.server.Handler()
	f.Fuzz(func(t *testing.T, sent []byte) {
		for _, path := range []string{"/decode", "/encode"} {
			req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(sent))
			req.Header.Set("Authorization", "Bearer "+annasToken)
			got := httptest.NewRecorder()
			handler.ServeHTTP(got, req)
			switch got.Code {
			case http.StatusOK:
				var in, out commonpb.Payloads
				require.NoError(t, protojson.Unmarshal(sent, &in))
				require.NoError(t, protojson.Unmarshal(got.Body.Bytes(), &out))
				require.Len(t, out.Payloads, len(in.Payloads))
			case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
				require.Equal(t, "application/problem+json", got.Header().Get("Content-Type"))
			default:
				t.Fatalf("answered %d: %s", got.Code, got.Body)
			}
		}
	})
}
