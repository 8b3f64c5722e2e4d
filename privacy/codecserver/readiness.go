package codecserver

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readyFresh    = 2 * time.Second
	readyPatience = 2 * time.Second
)

// readiness tells whether it makes sense to send requests here.
type readiness struct {
	check    func(context.Context) error
	now      func() time.Time
	stopping atomic.Bool

	mu        sync.Mutex
	checkedAt time.Time
	last      error
}

// ready returns nil, or a refusal. The keys are asked for at most every readyFresh.
func (r *readiness) ready(ctx context.Context) error {
	if r.stopping.Load() {
		return &refusal{status: http.StatusServiceUnavailable, reason: "not-ready", detail: "the codec server is stopping"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.checkedAt.IsZero() || now.Sub(r.checkedAt) >= readyFresh {
		// Detached: a probe that hangs up must not make the keys look out of reach to the next one.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyPatience)
		defer cancel()
		r.last, r.checkedAt = r.check(ctx), now
	}
	if r.last != nil {
		return &refusal{status: http.StatusServiceUnavailable, reason: "not-ready", detail: "the key store cannot be reached", cause: r.last}
	}
	return nil
}
