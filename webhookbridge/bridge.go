package webhookbridge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"kyc/onboarding"
)

// Bridge takes Ondato's webhooks and signals onboardings; it is safe for concurrent use.
type Bridge struct {
	verifier  verifier
	decoder   decoder
	sessions  *directory
	router    router
	deliverer deliverer
	readiness readiness
	metrics   *metrics
	registry  *prometheus.Registry
	log       *slog.Logger
	slots     chan struct{}
	handler   http.Handler
}

// New returns a bridge, or all problems of cfg at once; it calls nobody. Without webhook credentials it refuses.
func New(cfg Config) (*Bridge, error) { return newBridge(cfg, time.Now, nil) }

// newBridge is New with other clocks: of the readiness check, and of the session cache (nil for the usual one).
func newBridge(cfg Config, now func() time.Time, cacheClock otter.Clock) (*Bridge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("webhook bridge configuration: %w", err)
	}
	cfg = withDefaults(cfg)
	auth, err := newAuthentication(cfg.Credentials)
	if err != nil {
		return nil, fmt.Errorf("webhook bridge configuration: %w", err)
	}
	counted, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	mine := ours{applicationID: strings.ToLower(cfg.ApplicationID), setups: make(map[string]onboarding.Deliver, len(cfg.Setups))}
	for id, events := range cfg.Setups {
		mine.setups[strings.ToLower(id)] = events
	}
	sessions, err := newDirectory(mine, cfg.Ondato, cfg.SessionsKnown, cacheClock, counted.ondatoFailed)
	if err != nil {
		return nil, err
	}
	b := &Bridge{
		decoder:  decoder{applicationID: mine.applicationID},
		sessions: sessions,
		router:   router{ours: mine, sessions: sessions},
		deliverer: deliverer{
			service: cfg.Temporal.WorkflowService(), namespace: cfg.Namespace, identity: cfg.Identity,
			converter: cfg.DataConverter, isErased: cfg.IsErased, sessions: sessions, failed: counted.temporalFailed,
		},
		metrics:  counted,
		registry: cfg.Registry,
		log:      cfg.Log,
		slots:    make(chan struct{}, cfg.MaxInFlight),
	}
	b.verifier.sources = sources{allowed: unmapped(cfg.AllowedSources), trusted: unmapped(cfg.TrustedProxies)}
	b.verifier.current.Store(auth)
	b.readiness.now = now
	b.readiness.credentials = func() bool { return b.verifier.current.Load() != nil }
	b.readiness.check = func(ctx context.Context) error {
		_, err := cfg.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
	b.handler = b.routes()
	return b, nil
}

func withDefaults(cfg Config) Config {
	if cfg.Namespace == "" {
		cfg.Namespace = client.DefaultNamespace
	}
	if cfg.Identity == "" {
		cfg.Identity = "webhookbridge"
		if host, err := os.Hostname(); err == nil {
			cfg.Identity += "@" + host
		}
	}
	if cfg.DataConverter == nil {
		cfg.DataConverter = converter.GetDefaultDataConverter()
	}
	if cfg.IsErased == nil {
		cfg.IsErased = func(error) bool { return false }
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = defaultMaxInFlight
	}
	if cfg.SessionsKnown == 0 {
		cfg.SessionsKnown = defaultSessionsKnown
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Registry == nil {
		cfg.Registry = prometheus.NewRegistry()
	}
	return cfg
}

// Handler serves POST /webhooks/ondato, POST /oauth2/token, GET /healthz, GET /readyz and GET /metrics.
func (b *Bridge) Handler() http.Handler { return b.handler }

// Server returns a server of Handler with time-outs against slow senders; its Shutdown waits for what is in flight,
// which takes about five seconds at most.
func (b *Bridge) Server(addr string) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           b.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       90 * time.Second, // longer than a balancer's usual 60, so that it closes first
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
	}
}

// SetCredentials replaces the credentials, for secret files that have changed; on an error the old ones stay.
func (b *Bridge) SetCredentials(c Credentials) error {
	auth, err := newAuthentication(c)
	if err != nil {
		return fmt.Errorf("webhook credentials: %w", err)
	}
	b.verifier.current.Store(auth)
	return nil
}

// Learn records which onboarding, and which run of it if not empty, a session belongs to; ids in another form are left
// out. Signals to a known run are cheaper for Temporal; a run that has ended meanwhile costs one more call, no event.
func (b *Bridge) Learn(sessionID string, id onboarding.ID, runID string) {
	parsed, err := onboarding.ParseID(string(id))
	if err != nil || !isUUID(sessionID) {
		return
	}
	b.sessions.learn(strings.ToLower(sessionID), session{id: parsed, runID: runID})
}

// Stopping makes /readyz answer 503 from now on; webhooks are still served. Call it before the server's Shutdown.
func (b *Bridge) Stopping() { b.readiness.stopping.Store(true) }
