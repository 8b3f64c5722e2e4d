package handoff

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

	"kyc/onboarding"
)

const (
	reference = onboarding.Reference("order-4711")
	crm       = "crm"
	sessionID = "0f8fad5b-d9cb-469f-a165-70867728950e"
	record    = `{ "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",  "note": "<b>&\u00e9</b>", "n": 1.50 }`
)

var decidedAt = time.Date(2026, 3, 2, 12, 15, 0, 123e6, time.FixedZone("EET", 2*3600))

func approved() onboarding.HandOff {
	return onboarding.HandOff{
		ID: reference.ID(), Reference: reference, Setup: "retail",
		Decision: onboarding.Decision{
			Outcome: onboarding.OutcomeApproved, Reason: "AutomaticallyIdentified", By: onboarding.DecidedByOndato,
			At: decidedAt, Attempt: 2, SessionID: sessionID, IdentificationID: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
			RecordDigest: strings.Repeat("ab", 32), Version: 1,
		},
	}
}

func secretOf(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(fill), 32)))
}

// backend is a real HTTP server that keeps what it was sent.
type backend struct {
	*httptest.Server

	mu       sync.Mutex
	received []delivery
}

type delivery struct {
	method string
	header http.Header
	body   []byte
}

// newBackend answers with answer, or with 200 where answer is nil.
func newBackend(t *testing.T, answer http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.received = append(b.received, delivery{r.Method, r.Header.Clone(), body})
		b.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) deliveries() []delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]delivery(nil), b.received...)
}

func (b *backend) target() Target {
	return Target{URL: b.URL + "/decisions?tenant=a", Secrets: []string{secretOf('a')}}
}

func (b *backend) config() Config {
	return Config{Targets: map[string]Target{crm: b.target()}, Timeout: 10 * time.Second}
}

func deliverer(t *testing.T, cfg Config) *Deliverer {
	t.Helper()
	d, err := New(cfg)
	require.NoError(t, err)
	return d
}

// requireSilent holds that an error says nothing that only the backend or the customer should know.
func requireSilent(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"127.0.0.1", "localhost", "decisions", sessionID, string(reference), "whsec_", "private words"} {
		require.NotContains(t, err.Error(), secret)
	}
}
