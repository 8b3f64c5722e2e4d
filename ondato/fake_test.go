package ondato_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

const (
	sessionID        = "0e2a7f0e-1d7e-4f7a-8d3b-3a4c5d6e7f80"
	identificationID = "9a7b6c5d-4e3f-4a2b-8c1d-0e9f8a7b6c5d"
	applicationID    = "5a1e0c52-7b1d-4a0e-8a26-33c1c6a0d9aa"
	setupID          = "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11"
	reference        = "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001"
	clientSecret     = "s3cret-of-the-client"
)

// fakeOndato is an HTTP server that answers what a test tells it to, and counts.
type fakeOndato struct {
	*httptest.Server
	tokenRequests atomic.Int64
	apiRequests   atomic.Int64
	// token answers the token endpoint; n counts from 1.
	token func(w http.ResponseWriter, r *http.Request, n int64)
	// api answers every other path.
	api http.HandlerFunc
}

func newFake(t *testing.T, api http.HandlerFunc) *fakeOndato {
	t.Helper()
	f := &fakeOndato{api: api}
	f.token = func(w http.ResponseWriter, _ *http.Request, n int64) {
		writeToken(w, fmt.Sprintf("token-%d", n), 86400)
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connect/token" {
			f.token(w, r, f.tokenRequests.Add(1))
			return
		}
		f.apiRequests.Add(1)
		f.api(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func writeToken(w http.ResponseWriter, token string, expiresIn int) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"expires_in":%d,"token_type":"Bearer","scope":"idv_api"}`, token, expiresIn)
}

func (f *fakeOndato) config() ondato.Config {
	return ondato.Config{
		ClientID: "app.ondato.example.12345", ClientSecret: clientSecret,
		TokenURL: f.URL + "/connect/token", IDVURL: f.URL, KYCURL: f.URL, LinkURL: "https://idv.example.test",
		Timeout: 5 * time.Second, UserAgent: "ondato-test/1",
	}
}

func (f *fakeOndato) client(t *testing.T, change ...func(*ondato.Config)) *ondato.Client {
	t.Helper()
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	client, err := ondato.New(cfg)
	require.NoError(t, err)
	return client
}

// answer is a handler with one fixed answer.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// requireError asserts an *ondato.Error of that class whose text, and those of its causes, tell nothing.
func requireError(t *testing.T, f *fakeOndato, err error, class ondato.Class) *ondato.Error {
	t.Helper()
	var e *ondato.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, class, e.Class, "%v", err)
	requireDiscreet(t, err, strings.TrimPrefix(f.URL, "http://"))
	return e
}

const leak = "LEAK" // put into answers that must not be quoted

func requireDiscreet(t *testing.T, err error, more ...string) {
	t.Helper()
	secrets := append([]string{"http://", "https://", "/v1/", sessionID, identificationID, clientSecret, leak, "token-1"}, more...)
	var visit func(error)
	visit = func(err error) {
		if err == nil {
			return
		}
		for _, secret := range secrets {
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, fmt.Sprintf("%+v", err), secret)
		}
		switch wrapped := err.(type) {
		case interface{ Unwrap() error }:
			visit(wrapped.Unwrap())
		case interface{ Unwrap() []error }:
			for _, one := range wrapped.Unwrap() {
				visit(one)
			}
		}
	}
	visit(err)
}

func readJSON(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	var body map[string]any
	if err := decoder.Decode(&body); err != nil {
		t.Errorf("request body: %v", err)
	}
	return body
}

func getSession(c *ondato.Client) error {
	_, err := c.IdentityVerification(context.Background(), sessionID)
	return err
}

// requireSame compares the printed form, in which maps are sorted; it may be used in handlers.
func requireSame(t *testing.T, want string, got map[string]any) {
	t.Helper()
	if text := fmt.Sprint(got); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
