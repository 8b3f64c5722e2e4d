package webhookbridge

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

// readiness tells whether it makes sense to send webhooks here.
type readiness struct {
	check       func(context.Context) error // of Temporal
	credentials func() bool
	now         func() time.Time
	stopping    atomic.Bool

	mu        sync.Mutex
	checkedAt time.Time
	last      error
}

// ready returns nil, or a refusal with all reasons.
func (r *readiness) ready(ctx context.Context) error {
	var reasons []string
	var cause error
	if r.stopping.Load() {
		reasons = append(reasons, "the bridge is stopping")
	}
	if !r.credentials() {
		reasons = append(reasons, "no webhook credentials are configured")
	}
	if cause = r.temporal(ctx); cause != nil {
		reasons = append(reasons, "Temporal cannot be reached")
	}
	if len(reasons) == 0 {
		return nil
	}
	return &refusal{status: http.StatusServiceUnavailable, reason: "not-ready", detail: "the bridge is not ready", reasons: reasons, cause: cause}
}

// temporal asks at most every healthFresh; those who come while it is being asked wait for the answer.
func (r *readiness) temporal(ctx context.Context) error {
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
