package onboarding

import (
	"time"
)

// Plan is what to do now, and when to look again.
type Plan struct {
	hidden
	// Done: the onboarding is over.
	Done bool
	// Steps to begin now; each must be marked with Started.
	Steps []Step
	// Wake is when to apply the Clock next if nothing happens before; zero means that only something happening can move
	// the process.
	Wake time.Time
	// EarlierWill tells that a timer set for an earlier time may be left running: something is likely to happen first, so
	// that replacing it would cost more than its firing for nothing.
	EarlierWill bool
}

// Next says what to do. It changes nothing, and asked again without anything applied it answers the same.
func (p *Process) Next(now time.Time) Plan {
	if p.Done(now) {
		return Plan{Done: true}
	}
	plan := Plan{}
	wake := func(at time.Time) {
		if !at.IsZero() && at.After(now) && (plan.Wake.IsZero() || at.Before(plan.Wake)) {
			plan.Wake = at
		}
	}
	propose := func(at time.Time, step func() Step) {
		if at.IsZero() {
			return
		}
		if at.After(now) {
			wake(at)
			return
		}
		plan.Steps = append(plan.Steps, step())
	}

	s := &p.s
	if s.doing(laneOndato) == nil {
		if s.Session == nil && s.Decision == nil {
			propose(later(now, s.Opening.RetryAt), p.openStep)
		} else if at := p.lookDue(now); !at.IsZero() {
			propose(later(at, s.Looking.RetryAt), p.lookStep)
		}
	}
	if m := s.nextMessage(); s.doing(laneMessage) == nil && m != nil {
		propose(later(later(now, s.Messaging.RetryAt), m.NotBefore), func() Step { return Step{Kind: StepMessage, Message: m} })
	}
	if s.doing(laneHandOff) == nil && p.mayHandOff() {
		propose(later(now, s.Handing.RetryAt), p.handOffStep)
	}
	wake(p.overdueAt())
	if s.Decision == nil && s.Session == nil {
		wake(s.Deadline)
	}
	if s.delivered() && s.Session == nil {
		wake(p.watchEnd())
	}
	p.awaitCustomer(now, &plan)
	return plan
}

// awaitCustomer shapes the timer while a customer is busy: the first one is set so short that it serves the time after
// the submission as well, and an earlier one is left running. Most customers finish within minutes.
func (p *Process) awaitCustomer(now time.Time, plan *Plan) {
	stage := p.s.stage(false)
	if stage != StageInProgress && stage != StageAwaitingDecision {
		return
	}
	plan.EarlierWill = true
	if stage == StageInProgress && p.s.Stage == stage {
		if soon := p.s.StageSince.Add(p.in.Setup.Policy.Asks[0].Std()); soon.After(now) && soon.Before(plan.Wake) {
			plan.Wake = soon
		}
	}
}

// nextMessage is the first of those that may be sent the soonest; nil when there is none.
func (s *State) nextMessage() *Message {
	var next *Message
	for _, m := range s.Outbox {
		if next == nil || m.NotBefore.Before(next.NotBefore) {
			next = &m
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (p *Process) openStep() Step {
	return Step{Kind: StepOpen, Brisk: p.s.Opening.Failures == 0, Open: &OpenSession{
		ID: p.ID(), OndatoSetupID: p.in.Setup.OndatoSetupID, Attempt: p.s.Attempt, Applicant: p.in.Request.Applicant,
	}}
}

func (p *Process) lookStep() Step {
	return Step{Kind: StepLook, Brisk: p.s.Looking.Failures == 0, Look: &Look{SessionID: p.s.Session.ID}}
}

func (p *Process) handOffStep() Step {
	s := &p.s
	d := *s.Decision
	if d.Version == 0 {
		d.Version = s.Versions + 1
	}
	return Step{Kind: StepHandOff, Brisk: s.Handing.Failures == 0, HandOff: &HandOff{
		ID: p.ID(), Reference: p.in.Request.Reference, Setup: p.in.Setup.Name, Decision: d, Amendment: s.Told > 0 && s.Told < d.Version, Targets: p.owed(),
	}}
}

// mayHandOff: there is something to deliver, and for a decision of Ondato's no look is about to change it.
func (p *Process) mayHandOff() bool {
	s := &p.s
	if s.Decision == nil || s.delivered() {
		return false
	}
	return !s.Decision.byOndato() || !s.LookWanted && s.doing(laneOndato) == nil
}

// lookDue is when the next look at Ondato is due; zero means that none is. Each moment asks for a look that begins then
// or later, so one look serves all that have passed.
func (p *Process) lookDue(now time.Time) time.Time {
	s, c, policy := &p.s, p.s.Session, p.in.Setup.Policy
	if c == nil {
		return time.Time{}
	}
	if s.LookWanted {
		return now
	}
	var due time.Time
	at := func(t time.Time) {
		if t.After(s.LookedAt) && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	if !c.HintAt.IsZero() {
		for _, d := range policy.Rechecks {
			at(c.HintAt.Add(d.Std()))
		}
	}
	switch {
	case s.Decision == nil:
		reminder, _, _ := p.reminder(now)
		at(reminder)
		at(s.Deadline)
		if !c.Submitted.IsZero() {
			at(p.askAfter(c.Submitted, s.LookedAt))
		} else if end := p.attemptEnd(); !end.IsZero() {
			at(end)
			at(p.askAfter(end, s.LookedAt))
		}
	case s.delivered() && policy.WatchFor > 0:
		at(p.watchEnd())
	}
	return due
}

// askAfter is the first moment after a given one at which Ondato is asked, counted from an anchor.
func (p *Process) askAfter(anchor, after time.Time) time.Time {
	policy := p.in.Setup.Policy
	for _, d := range policy.Asks {
		if t := anchor.Add(d.Std()); t.After(after) {
			return t
		}
	}
	last, every := anchor.Add(policy.Asks[len(policy.Asks)-1].Std()), policy.AskEvery.Std()
	if !after.After(last) {
		return last.Add(every)
	}
	return last.Add((after.Sub(last)/every + 1) * every)
}

// attemptEnd is when Ondato's own clock must have ended the session, with the grace; zero when no clock runs.
func (p *Process) attemptEnd() time.Time {
	c, policy := p.s.Session, p.in.Setup.Policy
	if c == nil || c.Status.Terminal() {
		return time.Time{}
	}
	from, life := later(c.OpenedAt, c.LastActivity), policy.IdleLife
	switch c.Status {
	case SessionPending:
		life = policy.PendingLife
	case SessionSuspended:
		life = policy.SuspendedLife
	}
	return from.Add(life.Std()).Add(policy.ExpiryGrace.Std())
}

// watchEnd is when the watch over the delivered decision ends.
func (p *Process) watchEnd() time.Time {
	return p.s.Handed.HandedAt.Add(p.in.Setup.Policy.WatchFor.Std())
}

// Done tells whether the onboarding is over: delivered, watched, and nothing under way or left to say.
func (p *Process) Done(now time.Time) bool {
	s := &p.s
	if !s.delivered() || len(s.Doing) > 0 || len(s.Outbox) > 0 || s.LookWanted && s.Session != nil {
		return false
	}
	if p.in.Setup.Policy.WatchFor > 0 {
		end := p.watchEnd()
		if now.Before(end) || s.Session != nil && s.LookedAt.Before(end) {
			return false
		}
	}
	return s.Session == nil || p.lookDue(now).IsZero()
}
