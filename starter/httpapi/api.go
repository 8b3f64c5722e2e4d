package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// API answers over HTTP; it is safe for concurrent use.
type API struct {
	onboardings Onboardings
	callers     *callers
	readiness   readiness
	metrics     *metrics
	registry    *prometheus.Registry
	log         *slog.Logger
	slots       chan struct{}
	streams     chan struct{}
	heartbeat   time.Duration
	handler     http.Handler

	stop     sync.Once
	stopping chan struct{}
}

// New returns an API, or all problems of cfg at once; it calls nobody. Without tokens it refuses.
func New(cfg Config) (*API, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("HTTP API configuration: %w", err)
	}
	cfg = cfg.withDefaults()
	counted, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	a := &API{
		onboardings: cfg.Onboardings,
		callers:     newCallers(cfg),
		readiness:   readiness{check: cfg.Ready, now: time.Now},
		metrics:     counted,
		registry:    cfg.Registry,
		log:         cfg.Log,
		slots:       make(chan struct{}, cfg.MaxInFlight),
		streams:     make(chan struct{}, cfg.MaxStreams),
		heartbeat:   cfg.Heartbeat,
		stopping:    make(chan struct{}),
	}
	a.handler = a.routes()
	return a, nil
}

// Handler serves everything that OpenAPI describes.
func (a *API) Handler() http.Handler { return a.handler }

// Server returns a server of Handler with time-outs against slow senders; its Shutdown waits for what is in flight,
// which takes less than twenty seconds.
func (a *API) Server(addr string) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           a.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second, // longer than a balancer's usual 60, so that it closes first
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}

// Stopping makes /readyz answer 503 from now on and ends the streams of events; everything else is still served. Call it
// before the server's Shutdown.
func (a *API) Stopping() { a.stop.Do(func() { a.readiness.stopping.Store(true); close(a.stopping) }) }
