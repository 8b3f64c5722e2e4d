package codecserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"kyc/privacy"
)

const (
	annasToken  = "anna-0123456789abcdef0123456789abcdef"
	annasNext   = "anna-fedcba9876543210fedcba9876543210"
	reportToken = "report-0123456789abcdef0123456789abcd"
	uiOrigin    = "http://localhost:8233"
	namespace   = "kyc-production"
	someWord    = "Distinctive-Oniškevičiūtė"
)

// The workflows of the tests; the third has no key in the server's store.
var workflow = []string{
	"onboarding-1b671a64-40d5-591e-99b0-da01ff1f3341",
	"onboarding-2b671a64-40d5-591e-99b0-da01ff1f3342",
	"onboarding-3b671a64-40d5-591e-99b0-da01ff1f3343",
}

// rig is a codec server on a real port, with keys in a real store.
type rig struct {
	t      testing.TB
	server *Server
	url    string
	log    *lines
	keys   *privacy.Keys // another process's: it makes and erases
	codec  *privacy.Codec
	store  *fallible
}

// fallible is a store that can be out of reach.
type fallible struct {
	privacy.Store
	down atomic.Bool
}

func (f *fallible) Get(ctx context.Context, name string) (privacy.WrappedKey, error) {
	if f.down.Load() {
		return privacy.WrappedKey{}, fmt.Errorf("%w: dial tcp: connection refused", privacy.ErrUnavailable)
	}
	return f.Store.Get(ctx, name)
}

func owned(workflowID string) bool { return strings.HasPrefix(workflowID, "onboarding-") }

func newRig(t testing.TB, adjust func(*Config)) *rig {
	t.Helper()
	dir := t.TempDir()
	keysets, err := privacy.CreateKeysetFile(filepath.Join(dir, "keyset.json"), "")
	require.NoError(t, err)
	store, err := privacy.OpenStore(t.Context(), "sqlite:"+filepath.Join(dir, "keys.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })

	r := &rig{t: t, log: &lines{}, store: &fallible{Store: store}}
	r.keys, r.codec = newCodec(t, keysets, store)
	for _, w := range workflow[:2] {
		require.NoError(t, r.keys.Ensure(t.Context(), privacy.Name(namespace, w)))
	}
	_, servers := newCodec(t, keysets, r.store)
	cfg := Config{
		Codec:   servers,
		Tokens:  []Token{{"anna", annasToken}, {"anna", annasNext}, {"report", reportToken}},
		Origins: []string{uiOrigin, "https://temporal.example"},
		Ready: func(ctx context.Context) error {
			if _, err := r.store.Get(ctx, "readiness"); err != nil && r.store.down.Load() {
				return err
			}
			return nil
		},
		Log: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if adjust != nil {
		adjust(&cfg)
	}
	server, err := New(cfg)
	require.NoError(t, err)
	r.server = server
	listening := httptest.NewServer(server.Handler())
	t.Cleanup(listening.Close)
	r.url = listening.URL
	return r
}

func newCodec(t testing.TB, keysets *privacy.KeysetFile, store privacy.Store) (*privacy.Keys, *privacy.Codec) {
	t.Helper()
	keys, err := privacy.NewKeys(privacy.KeysConfig{Keysets: keysets, Store: store})
	require.NoError(t, err)
	return keys, privacy.NewCodec(privacy.CodecConfig{Keysets: keysets, Keys: keys, Owned: owned})
}

// sealed is a value as a worker stores it for a workflow; an empty id means that it belongs to none.
func (r *rig) sealed(workflowID string, value any) *commonpb.Payload {
	r.t.Helper()
	dc := privacy.DataConverter(r.codec)
	if workflowID != "" {
		dc = converter.WithDataConverterSerializationContext(dc, converter.WorkflowSerializationContext{Namespace: namespace, WorkflowID: workflowID})
	}
	p, err := dc.ToPayload(value)
	require.NoError(r.t, err)
	require.True(r.t, privacy.Sealed(p))
	return p
}

func plain(t testing.TB, value any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	require.NoError(t, err)
	return p
}

func body(t testing.TB, payloads ...*commonpb.Payload) []byte {
	t.Helper()
	out, err := protojson.Marshal(&commonpb.Payloads{Payloads: payloads})
	require.NoError(t, err)
	return out
}

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

type header = map[string]string

func bearer(token string) header { return header{"Authorization": "Bearer " + token} }

func (r *rig) send(method, path string, payload io.Reader, headers header) answer {
	r.t.Helper()
	return r.sendBy(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, method, path, payload, headers)
}

func (r *rig) sendBy(client *http.Client, method, path string, payload io.Reader, headers header) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, payload)
	require.NoError(r.t, err)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return answer{resp.StatusCode, resp.Header, content}
}

func (r *rig) decode(headers header, payloads ...*commonpb.Payload) answer {
	r.t.Helper()
	return r.send(http.MethodPost, "/decode", bytes.NewReader(body(r.t, payloads...)), headers)
}

func (a answer) payloads(t *testing.T) []*commonpb.Payload {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	var out commonpb.Payloads
	require.NoError(t, protojson.Unmarshal(a.body, &out))
	return out.Payloads
}

// text is what a person reads of a payload.
func text(t *testing.T, p *commonpb.Payload) string {
	t.Helper()
	var out string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(p, &out))
	return out
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), string(a.body))
	var out problem
	require.NoError(t, json.Unmarshal(a.body, &out))
	require.Equal(t, a.status, out.Status)
	require.NotEmpty(t, out.Detail)
	require.Equal(t, a.header.Get("X-Request-Id"), out.RequestID)
	return out
}

// lines collects log lines in JSON.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// withMessage waits for a line: that of a refusal is written when the answer has left.
func (l *lines) withMessage(t *testing.T, message, outcome string) map[string]any {
	t.Helper()
	var found map[string]any
	require.Eventually(t, func() bool {
		scanner := bufio.NewScanner(strings.NewReader(l.String()))
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			var line map[string]any
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line["msg"] == message && line["outcome"] == outcome {
				found = line
			}
		}
		return found != nil
	}, 5*time.Second, 5*time.Millisecond, "no line %q with outcome %s in:\n%s", message, outcome, l)
	return found
}

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

const auditMessage = "payloads shown or sealed"

// metric reads one series of the metrics page.
func (r *rig) metric(series string) string {
	r.t.Helper()
	page := r.send(http.MethodGet, "/metrics", nil, nil)
	for line := range strings.Lines(string(page.body)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
