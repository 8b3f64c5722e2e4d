package backend_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/dev/backend"
)

const secret = "whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA=="

// post delivers a message about the onboarding x, said some hours after the first.
func post(t *testing.T, b *backend.Backend, version, hours int) {
	t.Helper()
	said := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
	body := fmt.Appendf(nil, `{"type":"onboarding.decided","timestamp":%q,"data":{"id":"x","outcome":"Approved","version":%d}}`, said.Format(time.RFC3339Nano), version)
	signer, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	now, id := time.Now(), fmt.Sprintf("x.%d.%d", version, hours)
	signature, err := signer.Sign(id, now, body)
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/decisions", bytes.NewReader(body))
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	require.Equal(t, http.StatusNoContent, w.Code)
}

func TestBackend_RepeatsOrderAndReset_LeaveTheNewest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "decisions.json")
	b, err := backend.New(secret, file)
	require.NoError(t, err)
	_, found := b.Standing("x")
	require.False(t, found)
	for _, step := range []struct{ version, hours, standsVersion, standsHours, kept int }{
		{1, 0, 1, 0, 1},
		{1, 0, 1, 0, 1}, // a repeat
		{3, 2, 3, 2, 2},
		{2, 1, 3, 2, 3}, // late
		{1, 3, 1, 3, 4}, // after a reset
	} {
		post(t, b, step.version, step.hours)
		again, err := backend.New(secret, file) // what it has acknowledged survives it
		require.NoError(t, err)
		for _, one := range []*backend.Backend{b, again} {
			standing, found := one.Standing("x")
			require.True(t, found)
			require.Equal(t, fmt.Sprintf("x.%d.%d", step.standsVersion, step.standsHours), standing.WebhookID)
			all, _ := one.Of("x")
			require.Len(t, all, step.kept)
		}
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, 3, bytes.Count(w.Body.Bytes(), []byte("superseded")))
}
