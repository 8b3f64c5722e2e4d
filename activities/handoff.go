package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

// Deliverer delivers decisions to one backend among those that are configured; *handoff.Deliverer is it.
type Deliverer interface {
	Deliver(ctx context.Context, target string, h onboarding.HandOff, record json.RawMessage) (webhookID string, err error)
}

// HandOff delivers decisions. The identification record goes straight from Ondato to the backend: it is in no history.
type HandOff struct {
	Ondato    *Ondato
	Deliverer Deliverer
}

// HandOffDecision is onboarding.ActivityHandOff. For a decision of Ondato's it fetches the record, and when that is not
// the one that was decided on it delivers nothing and says so, and who had taken the decision before.
//
// Every target gets the decision, whatever becomes of the others. A further try of the activity leaves out the targets
// that have taken it; an error that ends the activity names them in its detail.
func (h *HandOff) HandOffDecision(ctx context.Context, in onboarding.HandOff) (onboarding.HandedOff, error) {
	if len(in.Targets) == 0 {
		in.Targets = []string{onboarding.DefaultTarget}
	}
	out := onboarding.HandedOff{Version: in.Decision.Version}
	before := takenBefore(ctx)
	record, changed, err := h.record(ctx, in.Decision)
	switch {
	case err != nil:
		return onboarding.HandedOff{}, withTaken(classified(err), before)
	case changed:
		out.Changed, out.Taken = true, before
		return out, nil
	}
	taken, failures := slices.Clone(before), map[string]error{}
	owed := slices.DeleteFunc(slices.Clone(in.Targets), func(t string) bool { return slices.Contains(before, t) })
	for i, got := range h.deliver(ctx, owed, in, record) {
		if got.err != nil {
			failures[owed[i]] = got.err
			continue
		}
		taken, out.WebhookID = append(taken, owed[i]), got.webhookID
	}
	if len(failures) == 0 {
		return out, nil
	}
	joint := inOne(failures, in.Targets)
	if len(taken) > len(before) {
		keepTaken(ctx, taken, joint)
	}
	return onboarding.HandedOff{}, withTaken(joint, taken)
}

// record is what Ondato says of the identification that was decided on; changed tells that it is not that any more.
func (h *HandOff) record(ctx context.Context, d onboarding.Decision) (record json.RawMessage, changed bool, err error) {
	if d.By != onboarding.DecidedByOndato {
		return nil, false, nil
	}
	seen, raw, err := h.Ondato.look(ctx, d.SessionID)
	if err != nil {
		return nil, false, err
	}
	return raw, seen.RecordDigest != d.RecordDigest, nil
}

// delivery is what became of one target's.
type delivery struct {
	webhookID string
	err       error
}

// deliver delivers to all targets at the same time, so that a slow one takes no time from the others. It leaves a moment of
// the activity's time for telling who has taken the decision: what is said after it is not heard.
func (h *HandOff) deliver(ctx context.Context, targets []string, in onboarding.HandOff, record json.RawMessage) []delivery {
	if deadline, bounded := ctx.Deadline(); bounded {
		left := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-min(left/10, time.Second))
		defer cancel()
	}
	out := make([]delivery, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() { out[i].webhookID, out[i].err = h.Deliverer.Deliver(ctx, target, in, record) })
	}
	all.Wait()
	return out
}

// inOne makes one error of those of several targets, in the targets' order. It is permanent only if nothing can be gained
// from another try at any of them, and waits for the one that asks for the longest pause.
func inOne(failures map[string]error, targets []string) error {
	var (
		codes, texts []string
		permanent    = true
		after        time.Duration
	)
	for _, target := range targets {
		if failures[target] == nil {
			continue
		}
		var one *temporal.ApplicationError
		errors.As(classified(failures[target]), &one)
		code := one.Type()
		if len(targets) > 1 || target != onboarding.DefaultTarget {
			code += " (" + target + ")"
		}
		codes, texts = append(codes, code), append(texts, one.Message())
		permanent = permanent && one.NonRetryable()
		after = max(after, one.NextRetryDelay())
	}
	return failed(strings.Join(codes, ", "), strings.Join(slices.Compact(texts), "; "), permanent, after)
}
