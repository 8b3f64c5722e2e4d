package onboarding

import (
	"fmt"
	"slices"
	"time"
)

// Handing a decision off to the targets of the setup.

// taken records which targets have taken a decision although the handoff as a whole has failed.
func (p *Process) taken(h HandOff, targets []string) {
	s := &p.s
	if len(targets) == 0 {
		return
	}
	s.told(h.Decision.Version)
	if s.Decision == nil || s.Decision.Version != h.Decision.Version || !s.Decision.says(h.Decision) {
		return // it has changed meanwhile: everybody gets the new one
	}
	for _, t := range targets {
		if !slices.Contains(s.Handing.Taken, t) {
			s.Handing.Taken = append(slices.Clip(s.Handing.Taken), t)
		}
	}
}

// owed are the targets that have not taken the current decision.
func (p *Process) owed() []string {
	return slices.DeleteFunc(slices.Clone(p.in.Setup.Targets()), func(t string) bool { return slices.Contains(p.s.Handing.Taken, t) })
}

func (p *Process) handedOff(now time.Time, h HandOff, result HandedOff) {
	s := &p.s
	if result.Changed {
		p.taken(h, result.Taken)
		// Look again; the pause keeps a record that changes all the time from being chased without end.
		s.Handing.Failures++
		s.LookWanted = true
		s.Handing.RetryAt = now
		if s.Handing.Failures > 1 {
			s.Handing.RetryAt = now.Add(p.pause(s.Handing.Failures))
			p.mark(now, AttentionHandOffFailing, "changed")
		}
		return
	}
	s.Handing = Trouble{}
	s.settled(AttentionHandOffFailing)
	delivered := h.Decision
	s.told(h.Decision.Version)
	s.Handed = &HandedDecision{Decision: delivered, HandedAt: now, WebhookID: result.WebhookID}
	s.trail(now, actorProcess, fmt.Sprintf("handed off version %d: %s", delivered.Version, delivered.Outcome), "")
	if s.Decision.says(delivered) {
		s.Decision = &delivered
	}
}
