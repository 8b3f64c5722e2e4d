package handoff

import (
	"context"
	"crypto/tls"
	"encoding/json"
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

func TestDeliver_Decision_ArrivesSignedWithTheWholeMessage(t *testing.T) {
	b := newBackend(t, nil)
	id, err := deliverer(t, b.config()).Deliver(t.Context(), approved(), json.RawMessage(record))
	require.NoError(t, err)

	got := b.deliveries()
	require.Len(t, got, 1)
	verifier, err := standardwebhooks.NewWebhook(secretOf('a'))
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(got[0].body, got[0].header))
	require.Equal(t, http.MethodPost, got[0].method)
	require.Equal(t, "application/json", got[0].header.Get("Content-Type"))
	require.Equal(t, defaultUserAgent, got[0].header.Get("User-Agent"))
	require.Equal(t, id, got[0].header.Get("webhook-id"))
	require.Regexp(t, `^`+string(reference.ID())+`\.1\.[0-9a-f]{8}$`, id)
	require.NotContains(t, got[0].header, "X-Idempotency-Key")

	require.Equal(t, `{"type":"onboarding.decided","timestamp":"2026-03-02T10:15:00.123Z","data":{"id":"`+string(reference.ID())+
		`","reference":"order-4711","setup":"retail","outcome":"Approved","reason":"AutomaticallyIdentified","attempt":2,`+
		`"decidedAt":"2026-03-02T10:15:00.123Z","decidedBy":"ondato","version":1,"ondato":{"identityVerificationId":"`+sessionID+
		`","identificationId":"7c9e6679-7425-40de-944b-e07fc1f90ae7"},"identification":`+record+`}}`, string(got[0].body))
	require.True(t, json.Valid(got[0].body))
}

func TestDeliver_OutcomeWithoutIdentification_LeavesOutWhatThereIsNot(t *testing.T) {
	b := newBackend(t, nil)
	h := approved()
	h.Decision = onboarding.Decision{Outcome: onboarding.OutcomeCancelled, By: "api:crm", At: decidedAt, Attempt: 1, Version: 3}
	h.Amendment = true
	_, err := deliverer(t, b.config()).Deliver(t.Context(), h, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"onboarding.amended","timestamp":"2026-03-02T10:15:00.123Z","data":{"id":"`+string(reference.ID())+
		`","reference":"order-4711","setup":"retail","outcome":"Cancelled","attempt":1,"decidedAt":"2026-03-02T10:15:00.123Z",`+
		`"decidedBy":"api:crm","version":3,"ondato":{}}}`, string(b.deliveries()[0].body))
}

func TestDeliver_Rotation_EverySecretVerifiesAndOthersDoNot(t *testing.T) {
	b := newBackend(t, nil)
	cfg := b.config()
	cfg.Secrets = []string{secretOf('n'), secretOf('o')}
	_, err := deliverer(t, cfg).Deliver(t.Context(), approved(), nil)
	require.NoError(t, err)
	got := b.deliveries()[0]
	require.Len(t, strings.Split(got.header.Get("webhook-signature"), " "), 2)
	for secret, accepted := range map[string]bool{secretOf('n'): true, secretOf('o'): true, secretOf('x'): false} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		if accepted {
			require.NoError(t, verifier.Verify(got.body, got.header))
		} else {
			require.Error(t, verifier.Verify(got.body, got.header))
		}
	}
}

func TestDeliver_Repeat_IsTheSameToTheByteAndSignedAnew(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	base := time.Now()
	calls := 0
	d.now = func() time.Time { calls++; return base.Add(time.Duration(calls) * time.Minute) }
	first, err := d.Deliver(t.Context(), approved(), json.RawMessage(record))
	require.NoError(t, err)
	// A retry comes from a workflow history, which writes times in another way.
	again := approved()
	again.Decision.At = again.Decision.At.UTC()
	second, err := d.Deliver(t.Context(), again, json.RawMessage(record))
	require.NoError(t, err)

	got := b.deliveries()
	require.Equal(t, first, second)
	require.Equal(t, got[0].body, got[1].body)
	require.Equal(t, got[0].header.Get("webhook-id"), got[1].header.Get("webhook-id"))
	require.NotEqual(t, got[0].header.Get("webhook-timestamp"), got[1].header.Get("webhook-timestamp"))
	require.NotEqual(t, got[0].header.Get("webhook-signature"), got[1].header.Get("webhook-signature"))
	require.Equal(t, strconv.FormatInt(base.Add(time.Minute).Unix(), 10), got[0].header.Get("webhook-timestamp"))
}

func TestDeliver_Answers_AreJudgedByStatus(t *testing.T) {
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
	b := newBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte("private words"))
	})
	d := deliverer(t, b.config())
	for _, row := range table {
		t.Run(strconv.Itoa(row.status), func(t *testing.T) {
			status.Store(int64(row.status))
			id, err := d.Deliver(t.Context(), approved(), nil)
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Empty(t, id)
			require.Equal(t, row.code, failed.Code)
			require.Equal(t, row.permanent, failed.Permanent)
			require.Equal(t, row.status, failed.Status)
			require.Zero(t, failed.RetryAfter)
			require.Contains(t, err.Error(), strconv.Itoa(row.status))
			requireSilent(t, err)
		})
	}
	for _, success := range []int{200, 201, 202, 204, 299} {
		status.Store(int64(success))
		id, err := d.Deliver(t.Context(), approved(), nil)
		require.NoError(t, err, success)
		require.Equal(t, WebhookID(approved()), id)
	}
}

func TestDeliver_Redirect_IsNotFollowed(t *testing.T) {
	elsewhere := newBackend(t, nil)
	for _, status := range []int{301, 302, 303, 307, 308} {
		b := newBackend(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		_, err := deliverer(t, b.config()).Deliver(t.Context(), approved(), nil)
		var failed *Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, CodeRedirected, failed.Code)
		require.True(t, failed.Permanent)
		requireSilent(t, err)
	}
	require.Empty(t, elsewhere.deliveries())
}

func TestDeliver_RetryAfter_IsHonouredInEveryForm(t *testing.T) {
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
	b := newBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value.Load().(string))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	d := deliverer(t, b.config())
	d.now = func() time.Time { return now }
	for text, wait := range table {
		value.Store(text)
		_, err := d.Deliver(t.Context(), approved(), nil)
		var failed *Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, wait, failed.RetryAfter, "Retry-After %q", text)
		require.False(t, failed.Permanent)
	}
}

func TestDeliver_SlowBackend_TimesOutAndMayBeRepeated(t *testing.T) {
	release := make(chan struct{})
	b := newBackend(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	cfg := b.config()
	cfg.Timeout = 50 * time.Millisecond
	_, err := deliverer(t, cfg).Deliver(t.Context(), approved(), nil)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeTimeout, failed.Code)
	require.False(t, failed.Permanent)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireSilent(t, err)
}

func TestDeliver_CallerGivesUp_IsCancelled(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	b := newBackend(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := deliverer(t, b.config()).Deliver(ctx, approved(), nil)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeCancelled, failed.Code)
	require.False(t, failed.Permanent)
	require.ErrorIs(t, err, context.Canceled)
}

func TestDeliver_AnswerThatNeverEnds_IsAcceptedByItsStatus(t *testing.T) {
	b := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 4096))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := deliverer(t, b.config()).Deliver(t.Context(), approved(), nil)
	require.NoError(t, err)
}

func TestDeliver_ConnectionDropped_MayBeRepeated(t *testing.T) {
	b := newBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	_, err := deliverer(t, b.config()).Deliver(t.Context(), approved(), nil)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeConnection, failed.Code)
	require.False(t, failed.Permanent)
	requireSilent(t, err)
}

func TestDeliver_KeptConnectionDied_IsReplacedWithoutAFailure(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	_, err := d.Deliver(t.Context(), approved(), nil)
	require.NoError(t, err)
	b.CloseClientConnections()
	_, err = d.Deliver(t.Context(), approved(), nil)
	require.NoError(t, err)
	require.Len(t, b.deliveries(), 2)
}

func TestDeliver_NobodyListens_MayBeRepeated(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = deliverer(t, Config{URL: "http://" + address, Secrets: []string{secretOf('a')}}).Deliver(t.Context(), approved(), nil)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeConnection, failed.Code)
	require.False(t, failed.Permanent)
	require.Contains(t, err.Error(), "connection refused")
	requireSilent(t, err)
}

func TestDeliver_HTTPS_TrustsOnlyKnownCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	cfg := Config{URL: server.URL, Secrets: []string{secretOf('a')}}

	_, err := deliverer(t, cfg).Deliver(t.Context(), approved(), nil)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeCertificate, failed.Code)
	require.False(t, failed.Permanent)
	var quoted *tls.CertificateVerificationError
	require.False(t, errors.As(err, &quoted), "the certificate's error quotes names")
	requireSilent(t, err)

	cfg.Transport = server.Client().Transport
	_, err = deliverer(t, cfg).Deliver(t.Context(), approved(), nil)
	require.NoError(t, err)
}

func TestDeliver_BodySize_IsBounded(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	empty, err := encode(approved(), json.RawMessage(`{"x":""}`))
	require.NoError(t, err)
	fits := strings.Repeat("x", MaxBodySize-len(empty))

	_, err = d.Deliver(t.Context(), approved(), json.RawMessage(`{"x":"`+fits+`"}`))
	require.NoError(t, err)
	_, err = d.Deliver(t.Context(), approved(), json.RawMessage(`{"x":"`+fits+`x"}`))
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeTooLarge, failed.Code)
	require.True(t, failed.Permanent)
	require.Contains(t, err.Error(), strconv.Itoa(MaxBodySize))
	require.Len(t, b.deliveries(), 1)
}

func TestDeliver_UnusableInput_IsRefusedByFieldBeforeAnythingIsSent(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	table := map[string]struct {
		change func(*onboarding.HandOff)
		record string
		field  string
	}{
		"id":                 {change: func(h *onboarding.HandOff) { h.ID = "private words" }, field: "id"},
		"reference":          {change: func(h *onboarding.HandOff) { h.Reference = "" }, field: "reference"},
		"outcome":            {change: func(h *onboarding.HandOff) { h.Decision.Outcome = "private words" }, field: "decision.outcome"},
		"by":                 {change: func(h *onboarding.HandOff) { h.Decision.By = "" }, field: "decision.by"},
		"no time":            {change: func(h *onboarding.HandOff) { h.Decision.At = time.Time{} }, field: "decision.at"},
		"time out of range":  {change: func(h *onboarding.HandOff) { h.Decision.At = decidedAt.AddDate(9000, 0, 0) }, field: "decision.at"},
		"version":            {change: func(h *onboarding.HandOff) { h.Decision.Version = 0 }, field: "decision.version"},
		"record not JSON":    {record: `{"private words`, field: "record"},
		"record not object":  {record: `["private words"]`, field: "record"},
		"record null":        {record: `null`, field: "record"},
		"record white space": {record: " \n", field: "record"},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			h := approved()
			if row.change != nil {
				row.change(&h)
			}
			_, err := d.Deliver(t.Context(), h, json.RawMessage(row.record))
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, CodeInvalid, failed.Code)
			require.True(t, failed.Permanent)
			fields := onboarding.Fields(err)
			require.Len(t, fields, 1)
			require.Equal(t, row.field, fields[0].Field)
			requireSilent(t, err)
		})
	}
	require.Empty(t, b.deliveries())
}
