package signedpost

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	messageID = "msg.1.43da4609"
	body      = `{"type":"something.happened","data":{"name":"private person"}}`
)

func secretOf(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(fill), 32)))
}

// receiver is a real HTTP server that keeps what it was sent.
type receiver struct {
	*httptest.Server

	mu       sync.Mutex
	received []delivery
}

type delivery struct {
	method string
	header http.Header
	body   []byte
}

// newReceiver answers with answer, or with 200 where answer is nil.
func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.received = append(r.received, delivery{request.Method, request.Header.Clone(), body})
		r.mu.Unlock()
		if answer != nil {
			answer(w, request)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) deliveries() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivery(nil), r.received...)
}

func (r *receiver) config() Config {
	return Config{URL: r.URL + "/incoming?tenant=a", Secrets: []string{secretOf('a')}, Timeout: 10 * time.Second, Name: "test"}
}

func poster(t *testing.T, cfg Config) *Poster {
	t.Helper()
	p, err := New(cfg)
	require.NoError(t, err)
	return p
}

// failure posts the message, which must fail with a text that says nothing that only the receiver or the customer should
// know.
func failure(t *testing.T, p *Poster) *Error {
	t.Helper()
	err := p.Post(t.Context(), messageID, []byte(body))
	var failed *Error
	require.ErrorAs(t, err, &failed)
	requireSilent(t, err)
	return failed
}

func requireSilent(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"127.0.0.1", "localhost", "incoming", messageID, "whsec_", "private words", "private person", ".example"} {
		require.NotContains(t, err.Error(), secret)
	}
}
