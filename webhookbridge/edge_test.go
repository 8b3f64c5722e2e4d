package webhookbridge

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEdge_TooManyAtOnce_IsAskedToComeBack(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.MaxInFlight = 2 })
	release := make(chan struct{})
	f.temporal.does(func(context.Context, int, *signalRequest) error { <-release; return nil })
	answers := make(chan string, 2)
	for range 2 {
		go func() { answers <- f.post(idvEvent().String()).said() }()
	}
	require.Eventually(t, func() bool { return f.metric("webhooks_in_flight") == 2 }, 5*time.Second, 5*time.Millisecond)

	got := f.post(idvEvent().String())
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "10", got.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, f.get(routeHealth).status, "probes are not limited")
	require.Equal(t, 1.0, f.metric(`webhooks_refused_total{reason="busy",status="503"}`))
	close(release)
	require.Equal(t, "200 accepted", <-answers)
	require.Equal(t, "200 accepted", <-answers)
	require.Eventually(t, func() bool { return f.metric("webhooks_in_flight") == 0 }, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
}

func TestEdge_RequestID_IsKeptIfHarmlessAndEchoed(t *testing.T) {
	t.Parallel()
	f := start(t)
	for given, kept := range map[string]bool{
		"abc": true, "A.b_c-9": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "ä": false, "a;b": false, "a/b": false,
	} {
		r := f.request(http.MethodGet, routeHealth, "")
		r.Header.Set(requestIDHeader, given)
		got := f.do(r).header.Get(requestIDHeader)
		if kept {
			require.Equal(t, given, got)
		} else {
			require.Len(t, got, 36, "%q is replaced", given)
		}
	}
	r := f.request(http.MethodPost, routeWebhook, "")
	r.Header.Set(requestIDHeader, "trace-1")
	require.Contains(t, f.do(r).body, `"requestId":"trace-1"`)
}

func TestEdge_Log_HoldsIdsAndOutcomeAndNothingOfTheCustomer(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.ondato.knows(sessionID, ourApplication, allSetup, string(ourID))
	r := f.request(http.MethodPost, routeWebhook+"?token=query-secret", kycEvent().String())
	r.SetBasicAuth(basicUser, basicPassword)
	r.Header.Set(requestIDHeader, "trace-1")
	require.Equal(t, "200 accepted", f.do(r).said())
	require.Equal(t, "200 accepted", f.post(kycEvent().set("id", "Ona Pavyzde").String()).said())
	f.post(kycEvent().set("id", "Ona Pavyzde").set("type", "Ona.Pavyzde").String())
	f.do(f.request("ONAPAVYZDE", "/ona/pavyzde", ""))
	require.Eventually(t, func() bool { return strings.Count(f.logs.String(), "msg=request") == 4 }, 5*time.Second, 5*time.Millisecond)

	log := f.logs.String()
	for _, want := range []string{"method=POST", "route=/webhooks/ondato", "status=200", "duration=", "request_id=trace-1",
		"event_id=" + eventID, "event_type=KycIdentification.Rejected", "outcome=accepted", "outcome=ignored reason=not-ours",
		"route=unmatched", "method=OTHER"} {
		require.Contains(t, log, want)
	}
	for _, secret := range []string{"query-secret", sessionID, kycID, "ONA", "Ona", "ona", "BlurredPhoto", basicPassword} {
		require.NotContains(t, log, secret)
	}
	metrics := f.get(routeMetrics).body
	for _, id := range []string{sessionID, kycID, eventID, string(ourID), "Pavyzde"} {
		require.NotContains(t, metrics, id)
	}
}

func TestEdge_Errors_AreProblemJSON(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, r := range []*http.Request{
		f.request(http.MethodGet, "/", ""), f.request(http.MethodGet, routeWebhook, ""), f.request(http.MethodDelete, routeReady, ""),
		f.request(http.MethodPost, routeWebhook, ""), f.request(http.MethodPost, routeWebhook+"/", ""),
	} {
		got := f.do(r)
		require.GreaterOrEqual(t, got.status, 400)
		require.Equal(t, "application/problem+json", got.header.Get("Content-Type"), r.URL.Path)
		require.Contains(t, got.body, `"detail":"`)
	}
	require.Equal(t, http.MethodPost, f.do(f.request(http.MethodGet, routeWebhook, "")).header.Get("Allow"))
}

func TestReady_FollowsTemporalAndStopping(t *testing.T) {
	t.Parallel()
	temporal, vendor := startTemporal(t), startOndato(t)
	clock := &handClock{now: time.Now()}
	f := startWith(t, temporal, vendor)
	cfg := f.config
	cfg.Registry = nil
	bridge, err := newBridge(cfg, clock.Now, nil)
	require.NoError(t, err)
	f.bridge, f.url = bridge, serve(t, bridge)

	require.Equal(t, http.StatusOK, f.get(routeReady).status)
	temporal.health.Shutdown()
	require.Equal(t, http.StatusOK, f.get(routeReady).status, "asked at most every two seconds")
	clock.advance(healthFresh)
	got := f.get(routeReady)
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Contains(t, got.body, `"reasons":["Temporal cannot be reached"]`)
	require.Equal(t, http.StatusOK, f.get(routeHealth).status, "alive all the same")
	temporal.health.Resume()
	clock.advance(healthFresh)
	require.Equal(t, http.StatusOK, f.get(routeReady).status)
	bridge.Stopping()
	require.Contains(t, f.get(routeReady).body, `"reasons":["the bridge is stopping"]`)
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said(), "stopping still serves")
}

func TestReady_TemporalHangs_IsNotReadyWithinASecondOrTwo(t *testing.T) {
	t.Parallel()
	r := readiness{now: time.Now, credentials: func() bool { return true },
		check: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	began := time.Now()
	require.Error(t, r.ready(context.Background()))
	require.Less(t, time.Since(began), 2*healthPatience)
}

func TestServer_HasTimeouts(t *testing.T) {
	t.Parallel()
	server := start(t).bridge.Server("127.0.0.1:0")
	require.Equal(t, "127.0.0.1:0", server.Addr)
	require.NotZero(t, server.ReadHeaderTimeout)
	require.NotZero(t, server.IdleTimeout)
	require.Greater(t, server.ReadTimeout, bodyPatience)
	require.Greater(t, server.WriteTimeout, patience+bodyPatience)
}
