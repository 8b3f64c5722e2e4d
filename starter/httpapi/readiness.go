package httpapi

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// healthFresh keeps probes of many balancers from becoming load on Temporal.
	healthFresh    = 2 * time.Second
	healthPatience = time.Second
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

// ready returns nil, or a refusal with the reason.
func (r *readiness) ready(ctx context.Context) error {
	if r.stopping.Load() {
		return &refusal{status: http.StatusServiceUnavailable, code: codeNotReady, detail: "the API is stopping"}
	}
	if err := r.asked(ctx); err != nil {
		return &refusal{status: http.StatusServiceUnavailable, code: codeNotReady, detail: "Temporal cannot be reached", cause: err}
	}
	return nil
}

// asked asks at most every healthFresh; those who come while it is being asked wait for the answer.
func (r *readiness) asked(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.checkedAt.IsZero() || now.Sub(r.checkedAt) >= healthFresh {
		// Detached: a probe that hangs up must not make Temporal look unreachable to the next one.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthPatience)
		defer cancel()
		r.last = r.check(ctx)
		r.checkedAt = now
	}
	return r.last
}
