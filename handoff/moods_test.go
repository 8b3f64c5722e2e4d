package handoff

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// One backend answers in every way there is and takes the message in the end; each try carries the same id and body with
// a right signature.
func TestDeliver_BackendOfManyMoods_GetsTheSameMessageUntilItTakesIt(t *testing.T) {
	type mood struct {
		answer    http.HandlerFunc
		code      string // empty: taken
		permanent bool
		after     time.Duration
	}
	status := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) }
	}
	moods := []mood{
		{answer: status(200)},
		{answer: status(204)},
		{answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
		}, code: CodeRedirected, permanent: true},
		{answer: status(400), code: CodeRefused, permanent: true},
		{answer: status(410), code: CodeRefused, permanent: true},
		{answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		}, code: CodeUnavailable, after: 7 * time.Second},
		{answer: status(500), code: CodeUnavailable},
		{answer: func(w http.ResponseWriter, _ *http.Request) { // nothing: the connection ends without an answer
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}, code: CodeConnection},
		{answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, code: CodeTimeout}, // too late
		{answer: status(200)},
	}
	var now atomic.Int64
	b := newBackend(t, func(w http.ResponseWriter, r *http.Request) { moods[now.Load()].answer(w, r) })
	cfg := b.config()
	cfg.Timeout = 300 * time.Millisecond
	d := deliverer(t, cfg)
	verifier, err := standardwebhooks.NewWebhook(secretOf('a'))
	require.NoError(t, err)

	for i, m := range moods {
		t.Run(strconv.Itoa(i)+" "+m.code, func(t *testing.T) {
			now.Store(int64(i))
			id, err := d.Deliver(t.Context(), crm, approved(), []byte(record))
			if m.code == "" {
				require.NoError(t, err)
				require.Equal(t, WebhookID(approved()), id)
				return
			}
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, m.code, failed.Code)
			require.Equal(t, m.permanent, failed.Permanent)
			require.Equal(t, m.after, failed.RetryAfter)
			requireSilent(t, err)
		})
	}
	got := b.deliveries()
	// The transport itself repeats what a kept connection has died of.
	require.True(t, len(got) >= len(moods), "%d deliveries", len(got))
	for _, one := range got {
		require.NoError(t, verifier.Verify(one.body, one.header))
		require.Equal(t, WebhookID(approved()), one.header.Get("webhook-id"))
		require.Equal(t, got[0].body, one.body)
	}
}

func TestDeliver_SeveralTargets_EachGetsTheSameUnderItsOwnSecret(t *testing.T) {
	one, other := newBackend(t, nil), newBackend(t, nil)
	cfg := one.config()
	cfg.Targets["ledger"] = Target{URL: other.URL, Secrets: []string{secretOf('l')}}
	d := deliverer(t, cfg)
	require.Equal(t, []string{crm, "ledger"}, d.Targets())
	for _, target := range d.Targets() {
		_, err := d.Deliver(t.Context(), target, approved(), []byte(record))
		require.NoError(t, err)
	}
	a, b := one.deliveries(), other.deliveries()
	require.Len(t, a, 1)
	require.Len(t, b, 1)
	require.Equal(t, a[0].body, b[0].body)
	require.Equal(t, a[0].header.Get("webhook-id"), b[0].header.Get("webhook-id"))
	verifier, err := standardwebhooks.NewWebhook(secretOf('l'))
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(b[0].body, b[0].header))
	require.Error(t, verifier.Verify(a[0].body, a[0].header))

	require.NoError(t, d.SetSecrets(crm, []string{secretOf('l')}))
	_, err = d.Deliver(t.Context(), crm, approved(), nil)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(one.deliveries()[1].body, one.deliveries()[1].header))
}

func TestDeliver_UnknownTarget_IsRefusedForGood(t *testing.T) {
	d := deliverer(t, newBackend(t, nil).config())
	_, err := d.Deliver(t.Context(), "forgotten", approved(), nil)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeUnknownTarget, failed.Code)
	require.True(t, failed.Permanent)
	require.Error(t, d.SetSecrets("forgotten", []string{secretOf('a')}))
}
