package signedpost

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func verifies(t *testing.T, secret string, got delivery) bool {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	return verifier.Verify(got.body, got.header) == nil
}

func TestPost_Message_ArrivesSigned(t *testing.T) {
	r := newReceiver(t, nil)
	require.NoError(t, poster(t, r.config()).Post(t.Context(), messageID, []byte(body)))
	got := r.deliveries()
	require.Len(t, got, 1)
	require.True(t, verifies(t, secretOf('a'), got[0]))
	require.Equal(t, http.MethodPost, got[0].method)
	require.Equal(t, "application/json", got[0].header.Get("Content-Type"))
	require.Equal(t, defaultUserAgent, got[0].header.Get("User-Agent"))
	require.Equal(t, messageID, got[0].header.Get("webhook-id"))
	require.NotContains(t, got[0].header, "X-Idempotency-Key")
	require.Equal(t, body, string(got[0].body))
}

func TestPost_Rotation_EverySecretVerifiesAndOthersDoNot(t *testing.T) {
	r := newReceiver(t, nil)
	cfg := r.config()
	cfg.Secrets = []string{secretOf('n'), secretOf('o')}
	p := poster(t, cfg)
	require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
	got := r.deliveries()[0]
	require.Len(t, strings.Split(got.header.Get("webhook-signature"), " "), 2)
	require.True(t, verifies(t, secretOf('n'), got))
	require.True(t, verifies(t, secretOf('o'), got))
	require.False(t, verifies(t, secretOf('x'), got))

	require.NoError(t, p.SetSecrets([]string{secretOf('x')}))
	err := p.SetSecrets([]string{secretOf('y'), "bad"})
	require.Equal(t, "Secrets[1]", onboarding.Fields(err)[0].Field)
	require.Error(t, p.SetSecrets(nil))
	require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
	got = r.deliveries()[1]
	require.True(t, verifies(t, secretOf('x'), got), "the secrets at hand were lost")
	require.False(t, verifies(t, secretOf('n'), got))
	require.False(t, verifies(t, secretOf('y'), got))
}

func TestPost_Repeat_IsSignedAnew(t *testing.T) {
	r := newReceiver(t, nil)
	p := poster(t, r.config())
	base := time.Now()
	sent := 0
	p.now = func() time.Time { return base.Add(time.Duration(sent) * time.Minute) }
	for range 2 {
		require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
		sent++
	}
	got := r.deliveries()
	require.Equal(t, got[0].body, got[1].body)
	require.Equal(t, got[0].header.Get("webhook-id"), got[1].header.Get("webhook-id"))
	require.NotEqual(t, got[0].header.Get("webhook-signature"), got[1].header.Get("webhook-signature"))
	require.Equal(t, strconv.FormatInt(base.Unix(), 10), got[0].header.Get("webhook-timestamp"))
	require.Equal(t, strconv.FormatInt(base.Add(time.Minute).Unix(), 10), got[1].header.Get("webhook-timestamp"))
}

func TestPost_Answers_AreJudgedByStatus(t *testing.T) {
	const permanent, temporary = true, false
	table := []struct {
		status    int
		code      string
		permanent bool
	}{
		{300, CodeRedirected, permanent}, {301, CodeRedirected, permanent}, {302, CodeRedirected, permanent},
		{303, CodeRedirected, permanent}, {304, CodeRedirected, permanent}, {307, CodeRedirected, permanent},
		{308, CodeRedirected, permanent},
		{400, CodeRefused, permanent}, {401, CodeRefused, permanent}, {402, CodeRefused, permanent},
		{403, CodeRefused, permanent}, {404, CodeRefused, permanent}, {405, CodeRefused, permanent},
		{406, CodeRefused, permanent}, {410, CodeRefused, permanent}, {411, CodeRefused, permanent},
		{413, CodeRefused, permanent}, {415, CodeRefused, permanent}, {422, CodeRefused, permanent},
		{451, CodeRefused, permanent}, {499, CodeRefused, permanent},
		{408, CodeUnavailable, temporary}, {409, CodeUnavailable, temporary}, {423, CodeUnavailable, temporary},
		{424, CodeUnavailable, temporary}, {425, CodeUnavailable, temporary}, {429, CodeUnavailable, temporary},
		{500, CodeUnavailable, temporary}, {501, CodeUnavailable, temporary}, {502, CodeUnavailable, temporary},
		{503, CodeUnavailable, temporary}, {504, CodeUnavailable, temporary}, {507, CodeUnavailable, temporary},
		{599, CodeUnavailable, temporary}, {600, CodeUnavailable, temporary},
	}
	var status atomic.Int64
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte("private words"))
	})
	p := poster(t, r.config())
	for _, row := range table {
		t.Run(strconv.Itoa(row.status), func(t *testing.T) {
			status.Store(int64(row.status))
			failed := failure(t, p)
			require.Equal(t, row.code, failed.Code)
			require.Equal(t, row.permanent, failed.Permanent)
			require.Equal(t, row.status, failed.Status)
			require.Zero(t, failed.RetryAfter)
			require.Equal(t, "test: "+row.code+", status "+strconv.Itoa(row.status), failed.Error())
		})
	}
	for _, success := range []int{200, 201, 202, 204, 299} {
		status.Store(int64(success))
		require.NoError(t, p.Post(t.Context(), messageID, []byte(body)), success)
	}
}

func TestPost_Redirect_IsNotFollowed(t *testing.T) {
	elsewhere := newReceiver(t, nil)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		failed := failure(t, poster(t, r.config()))
		require.Equal(t, CodeRedirected, failed.Code)
		require.True(t, failed.Permanent)
	}
	require.Empty(t, elsewhere.deliveries())
}

func TestPost_RetryAfter_IsHonouredInEveryForm(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	table := map[string]time.Duration{
		"":                                0,
		"0":                               0,
		"120":                             2 * time.Minute,
		" 7 ":                             7 * time.Second,
		"Mon, 02 Mar 2026 10:05:00 GMT":   5 * time.Minute,
		"Monday, 02-Mar-26 10:05:00 GMT":  5 * time.Minute,
		"Mon Mar  2 10:05:00 2026":        5 * time.Minute,
		"Mon, 02 Mar 2026 09:00:00 GMT":   0,
		"Tue, 02 Mar 2027 10:00:00 GMT":   time.Hour,
		"86400":                           time.Hour,
		"99999999999999999999999999999":   time.Hour,
		"-5":                              0,
		"soon":                            0,
		"1.5":                             0,
		"Mon, 02 Mar 2026 10:05:00 +0200": 0,
	}
	var value atomic.Value
	value.Store("")
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value.Load().(string))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	p := poster(t, r.config())
	p.now = func() time.Time { return now }
	for text, wait := range table {
		value.Store(text)
		failed := failure(t, p)
		require.Equal(t, wait, failed.RetryAfter, "Retry-After %q", text)
		require.False(t, failed.Permanent)
	}
}

func TestPost_SlowReceiver_TimesOutAndMayBeRepeated(t *testing.T) {
	release := make(chan struct{})
	r := newReceiver(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	cfg := r.config()
	cfg.Timeout = 50 * time.Millisecond
	failed := failure(t, poster(t, cfg))
	require.Equal(t, CodeTimeout, failed.Code)
	require.False(t, failed.Permanent)
	require.ErrorIs(t, failed, context.DeadlineExceeded)
}

func TestPost_CallerGivesUp_IsCancelled(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	err := poster(t, r.config()).Post(ctx, messageID, []byte(body))
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeCancelled, failed.Code)
	require.False(t, failed.Permanent)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPost_AnswerThatNeverEnds_IsAcceptedByItsStatus(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 4096))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	require.NoError(t, poster(t, r.config()).Post(t.Context(), messageID, []byte(body)))
}

func TestPost_SwitchOfProtocols_IsRefusedAndHoldsNothing(t *testing.T) {
	release := make(chan struct{})
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		<-release // the connection stays open and nothing more comes
	})
	defer close(release)
	p := poster(t, r.config())
	answered := make(chan error, 1)
	go func() { answered <- p.Post(t.Context(), messageID, []byte(body)) }()
	select {
	case err := <-answered:
		var failed *Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, CodeRefused, failed.Code)
		require.Equal(t, http.StatusSwitchingProtocols, failed.Status)
		require.True(t, failed.Permanent)
	case <-time.After(30 * time.Second): // three time-outs
		require.Fail(t, "the receiver holds the post")
	}
}

func TestPost_HeadersThatNeverEnd_AreNoAnswer(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
	})
	failed := failure(t, poster(t, r.config()))
	require.Equal(t, CodeConnection, failed.Code)
	require.False(t, failed.Permanent)
}

// dropped closes the connection instead of answering.
func dropped(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestPost_ReceiverDiesWithTheMessage_MayBeRepeatedUnderTheSameID(t *testing.T) {
	var died atomic.Bool
	r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		if died.CompareAndSwap(false, true) {
			dropped(w, r)
		}
	})
	p := poster(t, r.config())
	failed := failure(t, p)
	require.Equal(t, CodeConnection, failed.Code)
	require.False(t, failed.Permanent)
	require.ErrorIs(t, failed, io.ErrUnexpectedEOF)
	require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
	got := r.deliveries()
	require.Len(t, got, 2)
	require.Equal(t, got[0].header.Get("webhook-id"), got[1].header.Get("webhook-id"))
	require.Equal(t, got[0].body, got[1].body)
}

func TestPost_KeptConnectionDied_IsReplacedWithoutAFailure(t *testing.T) {
	r := newReceiver(t, nil)
	p := poster(t, r.config())
	require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
	r.CloseClientConnections()
	require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
	require.Len(t, r.deliveries(), 2)
}

func TestPost_NobodyListens_MayBeRepeated(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	failed := failure(t, poster(t, Config{URL: "http://" + address, Secrets: []string{secretOf('a')}}))
	require.Equal(t, CodeConnection, failed.Code)
	require.False(t, failed.Permanent)
	require.Equal(t, "webhook: connection: connection refused", failed.Error())
}

func TestPost_HTTPS_TrustsOnlyKnownCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	cfg := Config{URL: server.URL, Secrets: []string{secretOf('a')}}

	failed := failure(t, poster(t, cfg))
	require.Equal(t, CodeCertificate, failed.Code)
	require.False(t, failed.Permanent)
	var quoted *tls.CertificateVerificationError
	require.False(t, errors.As(failed, &quoted), "the certificate's error quotes names")

	cfg.Transport = server.Client().Transport
	require.NoError(t, poster(t, cfg).Post(t.Context(), messageID, []byte(body)))
}
