package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Sandbox is one running Ondato; its methods may be called from several goroutines.
type Sandbox struct {
	world   *world
	handler http.Handler

	closing   chan struct{} // ends requests that a fault holds back
	closeOnce sync.Once
	closeErr  error
}

// New checks the configuration, takes up what Config.DB holds and starts virtual time and webhook delivery. Close has
// to be called to end them. Errors name the field or the file that is wrong.
func New(cfg Config) (*Sandbox, error) {
	return newSandbox(cfg, time.Now)
}

func newSandbox(cfg Config, real func() time.Time) (*Sandbox, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("the sandbox's configuration: %w", err)
	}
	cfg = cfg.withDefaults()
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	scale := cfg.TimeScale
	if scale == 0 {
		scale = 1
	}
	var st *store
	if cfg.DB != "" {
		var err error
		if st, err = openStore(cfg.DB); err != nil {
			return nil, err
		}
	}
	w, err := newWorld(cfg, newClock(real, scale), st)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	s := &Sandbox{world: w, closing: make(chan struct{})}
	s.handler = s.routes()
	go w.run()
	return s, nil
}

// Handler serves the APIs, the pages and the control API; after Close it answers 503.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Close stops virtual time, lets webhook requests in flight finish until ctx ends and then cuts them off, and writes
// and closes the file. Without a file, what was not delivered is gone. Further calls return the first one's result.
func (s *Sandbox) Close(ctx context.Context) error {
	s.closeOnce.Do(func() {
		close(s.closing)
		w := s.world
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		close(w.stop)
		<-w.done
		w.courier.close(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.metaHasToBeKept = true
		s.closeErr = w.commit()
		if w.store != nil {
			s.closeErr = errors.Join(s.closeErr, w.store.close())
			w.store = nil
		}
	})
	return s.closeErr
}
