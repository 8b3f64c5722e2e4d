package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"kyc/app"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func serveHealth(t *testing.T, log io.Writer, checks ...app.Check) (*app.Health, *app.HealthServer, string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "something", Help: "something"}))
	health := app.NewHealth(registry, slog.New(slog.NewTextHandler(log, nil)), checks...)
	server, err := health.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return health, server, "http://" + server.Addr()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func ready(t *testing.T, url string) (int, app.Readiness) {
	t.Helper()
	status, body := get(t, url+"/readyz")
	var answer app.Readiness
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return status, answer
}

func TestHealth_AllChecksPass_IsReady(t *testing.T) {
	_, _, url := serveHealth(t, io.Discard, app.Check{Name: "temporal", Probe: func(context.Context) error { return nil }})
	status, answer := ready(t, url)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, app.Readiness{Ready: true, Checks: map[string]string{"temporal": "ok"}}, answer)

	status, body := get(t, url+"/healthz")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "ok\n", body)
	status, body = get(t, url+"/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "something 0")
	status, _ = get(t, url+"/other")
	require.Equal(t, http.StatusNotFound, status)
}

func TestHealth_CheckFails_IsNotReadyAndSaysWhichButNotWhy(t *testing.T) {
	var log lines
	var broken atomic.Bool
	broken.Store(true)
	_, _, url := serveHealth(t, &log,
		app.Check{Name: "good", Probe: func(context.Context) error { return nil }},
		app.Check{Name: "bad", Probe: func(context.Context) error {
			if broken.Load() {
				return errors.New("internal detail")
			}
			return nil
		}},
		app.Check{Name: "panics", Probe: func(context.Context) error {
			if broken.Load() {
				panic("oh")
			}
			return nil
		}})
	for range 3 {
		status, answer := ready(t, url)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, map[string]string{"good": "ok", "bad": "failing", "panics": "failing"}, answer.Checks)
	}
	require.Equal(t, 1, strings.Count(log.String(), "internal detail"), "logged once, not each time")
	status, _ := get(t, url+"/healthz")
	require.Equal(t, http.StatusOK, status, "alive although not ready")

	broken.Store(false)
	status, _ = ready(t, url)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, log.String(), "ready again")
}

func TestHealth_ProbeThatNeverReturns_TimesOutAndIsNotStartedTwice(t *testing.T) {
	var started atomic.Int32
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	_, _, url := serveHealth(t, io.Discard, app.Check{Name: "stuck", Probe: func(context.Context) error {
		started.Add(1)
		<-release
		return nil
	}})
	begin := time.Now()
	for range 2 {
		status, answer := ready(t, url)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, map[string]string{"stuck": "timed out"}, answer.Checks)
	}
	require.Less(t, time.Since(begin), 8*time.Second)
	require.EqualValues(t, 1, started.Load())
}

func TestHealth_Stopping_IsNotReady(t *testing.T) {
	health, _, url := serveHealth(t, io.Discard)
	health.Stopping()
	status, answer := ready(t, url)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]string{"program": "stopping"}, answer.Checks)
}

func TestHealthServer_Stop_AnswersWhatWasAskedAndCloses(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	_, server, url := serveHealth(t, io.Discard, app.Check{Name: "slow", Probe: func(context.Context) error {
		close(asked)
		<-release
		return nil
	}})
	answered := make(chan int, 1)
	go func() {
		response, err := http.Get(url + "/readyz")
		if err != nil {
			answered <- 0
			return
		}
		defer response.Body.Close()
		answered <- response.StatusCode
	}()
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop(context.Background()) }()
	close(release)
	require.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, <-stopped)
	require.Error(t, app.CheckHealth(t.Context(), url+"/healthz"))
}

func TestHealth_AddressInUse_IsAnErrorThatNamesTheVariable(t *testing.T) {
	health, server, _ := serveHealth(t, io.Discard)
	_, err := health.Listen(server.Addr())
	require.ErrorContains(t, err, "METRICS_LISTEN")
}

func TestCheckHealth_AnswersByStatus(t *testing.T) {
	health, _, url := serveHealth(t, io.Discard)
	require.NoError(t, app.CheckHealth(t.Context(), url+"/readyz"))
	health.Stopping()
	require.ErrorContains(t, app.CheckHealth(t.Context(), url+"/readyz"), "503")
	require.ErrorContains(t, app.CheckHealth(t.Context(), "9090"), "http://")
}
