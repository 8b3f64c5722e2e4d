package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testSetup  = "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11"
	testSecret = "made-up secret"
	patience   = 10 * time.Second
	tick       = 2 * time.Millisecond
)

// hand is a sandbox served over real HTTP, with what tests do to it.
type hand struct {
	t      *testing.T
	sb     *Sandbox
	server *httptest.Server
	token  string
}

func testConfig(change ...func(*Config)) Config {
	cfg := Config{ClientID: "app.example", ClientSecret: testSecret, Setups: []string{testSetup}, Seed: 7}
	for _, f := range change {
		f(&cfg)
	}
	return cfg
}

func serve(t *testing.T, change ...func(*Config)) *hand {
	t.Helper()
	sb, err := New(testConfig(change...))
	require.NoError(t, err)
	return hostSandbox(t, sb)
}

func hostSandbox(t *testing.T, sb *Sandbox) *hand {
	h := &hand{t: t, sb: sb, server: httptest.NewServer(sb.Handler())}
	t.Cleanup(h.close)
	return h
}

func (h *hand) close() {
	h.server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(h.t, h.sb.Close(ctx))
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) decode(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(a.body, &m), "%s", a.body)
	return m
}

func (h *hand) call(method, path, body string, header ...string) answer {
	h.t.Helper()
	a, err := h.try(method, path, body, header...)
	require.NoError(h.t, err)
	return a
}

func (h *hand) try(method, path, body string, header ...string) (answer, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, h.server.URL+path, r)
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := h.server.Client().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, raw}, err
}

func (h *hand) tokenCall(form url.Values, header ...string) answer {
	return h.call("POST", "/connect/token", form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

func clientForm(extra ...string) url.Values {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app.example"}, "client_secret": {testSecret}}
	for i := 0; i+1 < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	return form
}

func (h *hand) newToken(extra ...string) string {
	h.t.Helper()
	a := h.tokenCall(clientForm(extra...))
	require.Equal(h.t, 200, a.status, "%s", a.body)
	return a.decode(h.t)["access_token"].(string)
}

// api calls Ondato's side with a token.
func (h *hand) api(method, path, body string) answer {
	h.t.Helper()
	if h.token == "" {
		h.token = h.newToken()
	}
	return h.call(method, path, body, "Authorization", "Bearer "+h.token)
}

func (h *hand) create(registration string) string {
	h.t.Helper()
	body := `{"setupId":"` + testSetup + `","externalReferenceId":"b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001"`
	if registration != "" {
		body += `,"registration":` + registration
	}
	a := h.api("POST", "/v1/identity-verifications", body+"}")
	require.Equal(h.t, 201, a.status, "%s", a.body)
	return a.decode(h.t)["id"].(string)
}

// act does something through the control API and wants it to succeed.
func (h *hand) act(id string, actions ...string) {
	h.t.Helper()
	for _, action := range actions {
		name, body, _ := strings.Cut(action, " ")
		a := h.call("POST", "/_sandbox/sessions/"+id+"/"+name, body)
		require.Equal(h.t, 200, a.status, "%s: %s", action, a.body)
	}
}

func (h *hand) session(id string) sessionView {
	h.t.Helper()
	a := h.call("GET", "/_sandbox/sessions/"+id, "")
	require.Equal(h.t, 200, a.status, "%s", a.body)
	var v sessionView
	require.NoError(h.t, json.Unmarshal(a.body, &v))
	return v
}

func (h *hand) deliveries(query string) []deliveryView {
	h.t.Helper()
	a := h.call("GET", "/_sandbox/deliveries?limit=10000&"+query, "")
	require.Equal(h.t, 200, a.status, "%s", a.body)
	var v struct {
		Total      int
		Deliveries []deliveryView
	}
	require.NoError(h.t, json.Unmarshal(a.body, &v))
	require.Len(h.t, v.Deliveries, v.Total)
	return v.Deliveries
}

func (h *hand) clock(body string) {
	h.t.Helper()
	a := h.call("POST", "/_sandbox/clock", body)
	require.Equal(h.t, 200, a.status, "%s", a.body)
}

func (h *hand) faults(body string) {
	h.t.Helper()
	a := h.call("PUT", "/_sandbox/faults", body)
	require.Equal(h.t, 200, a.status, "%s", a.body)
}

func eventually(t *testing.T, condition func() bool, message string) {
	t.Helper()
	require.Eventually(t, condition, patience, tick, message)
}

// receiver is a webhook receiver that keeps what it got and answers as it is told.
type receiver struct {
	server *httptest.Server

	mu     sync.Mutex
	got    []received
	status func(n int) int // of the n-th request, from 1
}

type received struct {
	header http.Header
	body   []byte
	hook   struct {
		ID         string
		CreatedUTC string `json:"createdUtc"`
		Type       string
		Payload    json.RawMessage
	}
}

func receive(t *testing.T, status func(n int) int) *receiver {
	r := &receiver{status: status}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var got received
		got.header = req.Header
		got.body, _ = io.ReadAll(req.Body)
		_ = json.Unmarshal(got.body, &got.hook)
		r.mu.Lock()
		r.got = append(r.got, got)
		n := len(r.got)
		r.mu.Unlock()
		code := 200
		if r.status != nil {
			code = r.status(n)
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func (r *receiver) types() []string {
	list := []string{}
	for _, g := range r.all() {
		list = append(list, g.hook.Type)
	}
	return list
}

// to points a sandbox at the receiver.
func (r *receiver) to(cfg *Config) {
	cfg.WebhookURL = r.server.URL + "/hooks"
	cfg.WebhookAuth = WebhookAuth{Scheme: SchemeNone}
}

func equalJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
