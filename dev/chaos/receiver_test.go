package chaos

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
)

func TestReceiver_WrongSignature_IsRefusedAndCounted(t *testing.T) {
	secret, body := stack.NewSecrets().HandoffSecret, `{"type":"onboarding.decided","data":{"id":"a","version":1}}`
	r, err := newReceiver(secret, random(1, "backend"))
	require.NoError(t, err)
	r.calmDown()
	post := func(key string) int {
		now := time.Now()
		signer, err := standardwebhooks.NewWebhook(key)
		require.NoError(t, err)
		signature, err := signer.Sign("a.1.0", now, []byte(body))
		require.NoError(t, err)
		q := httptest.NewRequest(http.MethodPost, "/decisions", strings.NewReader(body))
		q.Header.Set(standardwebhooks.HeaderWebhookID, "a.1.0")
		q.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
		q.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, q)
		return w.Code
	}
	require.Equal(t, http.StatusUnauthorized, post(stack.NewSecrets().HandoffSecret))
	require.Equal(t, http.StatusNoContent, post(secret))
	held, refused, _ := r.all()
	require.Equal(t, 1, refused)
	require.Len(t, held, 1)
	require.True(t, held[0].Accepted)
}
