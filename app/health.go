package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/singleflight"
)

// probePatience bounds a check. It is below the time-out of the usual orchestrator's probe, so that the answer says
// which check is slow.
const probePatience = 2 * time.Second

// Check is one condition of being ready.
type Check struct {
	// Name is shown to whoever asks.
	Name string
	// Probe returns nil when all is well; its error is logged and not shown.
	Probe func(context.Context) error
}

// Health answers /healthz (the process is alive), /readyz (it can do its work) and /metrics. It is an http.Handler.
type Health struct {
	mux      *http.ServeMux
	logger   *slog.Logger
	checks   []Check
	flights  singleflight.Group
	stopping atomic.Bool

	mu      sync.Mutex
	failing map[string]bool
}

// NewHealth has /readyz run all checks, side by side, each for two seconds at most.
func NewHealth(metrics prometheus.Gatherer, logger *slog.Logger, checks ...Check) *Health {
	h := &Health{mux: http.NewServeMux(), logger: logger, checks: checks, failing: map[string]bool{}}
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // a client that went away is no concern of ours
	})
	h.mux.HandleFunc("GET /readyz", h.ready)
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	}))
	return h
}

// ServeHTTP answers one of the three paths.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Stopping makes /readyz answer 503 from now on, so that nobody sends work to a program that is about to end.
func (h *Health) Stopping() { h.stopping.Store(true) }

// Readiness is the body of /readyz.
type Readiness struct {
	Ready bool `json:"ready"`
	// Checks holds "ok", "failing" or "timed out" for each check, or the one entry "program": "stopping".
	Checks map[string]string `json:"checks"`
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	answer := Readiness{Ready: true, Checks: map[string]string{}}
	if h.stopping.Load() {
		answer = Readiness{Checks: map[string]string{"program": "stopping"}}
	} else {
		results := make([]string, len(h.checks))
		var all sync.WaitGroup
		for i, check := range h.checks {
			all.Go(func() { results[i] = h.run(r.Context(), check) })
		}
		all.Wait()
		for i, check := range h.checks {
			answer.Checks[check.Name] = results[i]
			answer.Ready = answer.Ready && results[i] == "ok"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that went away is no concern of ours
}

// run shares one probe among those who ask at the same time: neither many askers nor a probe that ignores its context
// can pile up work.
func (h *Health) run(asker context.Context, check Check) string {
	flight := h.flights.DoChan(check.Name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(asker), probePatience)
		defer cancel()
		err := probe(ctx, check)
		h.note(check.Name, err)
		return nil, err
	})
	timeout := time.NewTimer(probePatience)
	defer timeout.Stop()
	select {
	case done := <-flight:
		switch {
		case done.Err == nil:
			return "ok"
		case errors.Is(done.Err, context.DeadlineExceeded):
			return "timed out"
		}
		return "failing"
	case <-timeout.C:
		h.note(check.Name, context.DeadlineExceeded)
		return "timed out"
	case <-asker.Done():
		return "timed out"
	}
}

func probe(ctx context.Context, check Check) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the check panicked: %v", r)
		}
	}()
	return check.Probe(ctx)
}

// note logs a check that begins or ceases to fail, not each time it is asked.
func (h *Health) note(name string, err error) {
	h.mu.Lock()
	before := h.failing[name]
	h.failing[name] = err != nil
	h.mu.Unlock()
	switch {
	case err != nil && !before:
		h.logger.Warn("not ready", "check", name, "error", err)
	case err == nil && before:
		h.logger.Info("ready again", "check", name)
	}
}

// HealthServer is a listening server of a Health.
type HealthServer struct {
	health   *Health
	server   *http.Server
	listener net.Listener
	done     chan struct{}
}

// Listen starts to answer at address (METRICS_LISTEN) and returns at once; an address that cannot be used is an error.
func (h *Health) Listen(address string) (*HealthServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("METRICS_LISTEN cannot be used: %w; choose a free address", err)
	}
	s := &HealthServer{
		health:   h,
		listener: listener,
		done:     make(chan struct{}),
		server: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      15 * time.Second, // above the ten that /metrics may take
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug),
		},
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			h.logger.Error("health and metrics are not served any more", "error", err)
		}
	}()
	return s, nil
}

// Addr is the address it really listens on.
func (s *HealthServer) Addr() string { return s.listener.Addr().String() }

// Stop answers what has been asked and closes; what is still open when ctx ends is cut off, and that is an error.
func (s *HealthServer) Stop(ctx context.Context) error {
	s.health.Stopping()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("stopping the health server: %w", errors.Join(err, s.server.Close()))
	}
	<-s.done
	return err
}

// CheckHealth asks a health address once and returns nil when it answers 200 within three seconds. It is the probe of
// containers that hold nothing but our binary.
func CheckHealth(ctx context.Context, url string) error {
	if _, faults := parseHTTPURL(url); len(faults) > 0 {
		return fmt.Errorf("the address %s: %s", faults[0].problem, "write it as http://127.0.0.1:9090/readyz")
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the address is not a URL: %w", err)
	}
	// Its own transport: a proxy meant for the outside must not answer for us.
	direct := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := direct.Do(request)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not healthy: answered %s", response.Status)
	}
	return nil
}
