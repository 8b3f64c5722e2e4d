package codecserver

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kyc/privacy"
)

// Server opens and seals payloads for those who may see them; it is safe for concurrent use.
type Server struct {
	codec     *privacy.Codec
	holders   *holders
	origins   []string
	readiness readiness
	metrics   *metrics
	registry  *prometheus.Registry
	log       *slog.Logger
	now       func() time.Time
	patience  time.Duration
	handler   http.Handler
}

// New returns a codec server, or all problems of cfg at once. Without a token it refuses.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("codec server configuration: %w", err)
	}
	cfg = cfg.withDefaults()
	who, err := newHolders(cfg)
	if err != nil {
		return nil, err
	}
	counted, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	s := &Server{
		codec: cfg.Codec, holders: who, origins: cfg.Origins, metrics: counted, registry: cfg.Registry,
		log: cfg.Log, now: cfg.now, patience: cfg.patience,
	}
	s.readiness.check, s.readiness.now = cfg.Ready, cfg.now
	s.handler = s.routes()
	return s, nil
}

// Handler serves POST /decode and POST /encode, both also under /NAMESPACE/, the sign-in page at /login, and GET
// /healthz, /readyz and /metrics.
func (s *Server) Handler() http.Handler { return s.handler }

// HTTPServer returns a server of Handler with time-outs against slow senders; its Shutdown waits for what is in flight.
func (s *Server) HTTPServer(addr string) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// Stopping makes /readyz answer 503 from now on; payloads are still served. Call it before the server's Shutdown.
func (s *Server) Stopping() { s.readiness.stopping.Store(true) }

func (s *Server) allows(origin string) bool { return slices.Contains(s.origins, origin) }
