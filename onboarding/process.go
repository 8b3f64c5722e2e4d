package onboarding

import (
	"fmt"
	"slices"
	"time"
)

// clockTolerance is how far an Ondato time may lie ahead of ours, or before the opening of its session, before it is
// taken as wrong.
const clockTolerance = 5 * time.Minute

// Process is one onboarding: its rules and its state. It has no side effects and no clock; every method takes the
// present time, which must never go back. It is not safe for concurrent use.
type Process struct {
	in Input
	s  State
}

// Begin starts the process of a new onboarding.
func Begin(in Input, now time.Time) *Process {
	p := &Process{in: in}
	p.s = State{
		StartedAt:  now,
		Deadline:   now.Add(in.Setup.Policy.Deadline.Std()),
		Attempt:    1,
		Stage:      StageAwaitingStart,
		StageSince: now,
	}
	p.s.trail(now, actorProcess, "started", "")
	return p
}

// Resume continues a process from Input.State, as continue-as-new left it; without one it begins.
func Resume(in Input, now time.Time) *Process {
	if in.State == nil {
		return Begin(in, now)
	}
	return &Process{in: in, s: *in.State}
}

// Carry returns the input with which the next run continues.
func (p *Process) Carry() Input {
	in := p.in
	state := p.s
	in.State = &state
	return in
}

// ID of the onboarding.
func (p *Process) ID() ID { return p.in.Request.Reference.ID() }

// Occurrence is something that happened: an Event, a Finished, a Command, or the Clock.
type Occurrence interface{ occurrence() }

// Clock is the passing of time alone.
type Clock struct{}

func (Event) occurrence()    {}
func (Finished) occurrence() {}
func (Command) occurrence()  {}
func (Clock) occurrence()    {}

// Apply takes in what happened. It returns an error for a Command alone: a refusal that says why, with nothing changed.
func (p *Process) Apply(now time.Time, what Occurrence) error {
	var err error
	switch w := what.(type) {
	case Event:
		p.hear(now, w)
	case Finished:
		p.finish(now, w)
	case Command:
		err = p.obey(now, w)
	}
	p.settle(now)
	return err
}

// Started marks a step of the plan as under way. Its Finished must follow, whatever becomes of it.
func (p *Process) Started(now time.Time, step Step) {
	switch step.Kind {
	case StepLook:
		p.s.LookWanted, p.s.LookStale, p.s.LookBegan = false, false, now
	case StepHandOff:
		p.s.Versions = max(p.s.Versions, step.HandOff.Decision.Version)
		p.s.Decision.Version = step.HandOff.Decision.Version
	}
	p.s.Doing = append(p.s.Doing, step)
}

// --- events -------------------------------------------------------------------------------------------------------

// hear takes in an event. A webhook is a hint: only looking decides.
func (p *Process) hear(now time.Time, e Event) {
	s := &p.s
	if !s.firstTime(e) {
		s.note(now, e, "duplicate")
		return
	}
	switch {
	case s.Session != nil && e.SessionID == s.Session.ID:
		s.LastEvent = &SeenEvent{Type: e.Type, Status: e.Status, CreatedUtc: e.CreatedUtc, ArrivedAt: now}
		p.observe(now, e)
	case s.Session == nil && s.Decision == nil && !s.past(e.SessionID):
		// Ondato may tell of a session before its creation has been answered.
		if len(s.Held) == maxHeld {
			s.note(now, s.Held[0].Event, "too many events before the session was known; Ondato will be asked instead")
		}
		s.Held = push(s.Held, maxHeld, SeenEventOf{e, now})
	default:
		p.passOver(now, e)
	}
}

// passOver notes an event of a session that decides nothing here.
func (p *Process) passOver(now time.Time, e Event) {
	why := "of a session that is not this onboarding's present one"
	if p.s.past(e.SessionID) {
		why = "of a session that has been superseded"
	} else if !slices.Contains(p.s.Strays, e.SessionID) {
		p.s.Strays = push(p.s.Strays, maxPast, e.SessionID)
	}
	if e.Type == EventApproved {
		p.s.attend(AttentionOtherSession)
		why += "; marked for attention, because it was approved"
	}
	p.s.note(now, e, why)
}

// observe takes in an event of the present session.
func (p *Process) observe(now time.Time, e Event) {
	s, c := &p.s, p.s.Session
	at := e.CreatedUtc
	switch {
	case at.After(now.Add(clockTolerance)):
		s.note(now, e, "dated ahead of our clock; taken as of its arrival")
		at = now
	case at.Before(c.OpenedAt.Add(-clockTolerance)):
		s.note(now, e, "dated before the session was opened; only its place among the events is taken from that date")
	}
	stale := at.Before(c.StatusAt)
	if e.IdentificationID != "" {
		c.IdentificationID = e.IdentificationID
	}
	switch e.Type {
	case EventStatusChanged:
		if stale {
			s.note(now, e, "older than what is known")
			return
		}
		p.statusChanged(now, at, e)
	case EventConsented, EventCreated:
		p.underWay(at)
		p.sign(now, at)
	case EventProcessed:
		p.underWay(at)
		p.sign(now, at)
		if at.Before(c.HintUtc) {
			s.note(now, e, "older than the newest decision")
			return
		}
		p.submitted(now, at)
		s.LookStale = s.LookStale || s.doing(laneOndato) != nil
	case EventApproved, EventRejected:
		if at.Before(c.HintUtc) {
			s.note(now, e, "older than the newest decision; Ondato is asked all the same")
		} else {
			c.HintUtc = at
			c.Hint = IdentificationApproved
			if e.Type == EventRejected {
				c.Hint = IdentificationRejected
			}
		}
		c.HintAt = now
		s.LookWanted = true
	case EventUpdated:
		s.LookWanted = true
	default:
		s.note(now, e, "of a type that is not known here")
	}
}

func (p *Process) statusChanged(now, at time.Time, e Event) {
	s, c := &p.s, p.s.Session
	c.Status, c.StatusAt = knownStatus(e.Status), at
	if string(c.Status) != e.Status {
		s.note(now, e, "with a status that is not known here; taken as in progress")
	}
	if c.Status.Terminal() && s.doing(laneOndato) != nil {
		s.LookStale = true
	}
	switch {
	case c.Status == SessionPending:
	case !c.Status.Terminal():
		p.sign(now, at)
	case c.Status != SessionCompleted: // the attempt has ended
		s.LookWanted = s.LookWanted || s.Decision == nil
	case c.Identification == IdentificationRejected: // what was provisional becomes final
		s.LookWanted = s.LookWanted || s.Decision == nil || s.Decision.Outcome != OutcomeRejected
	default:
		p.submitted(now, at)
	}
}

// knownStatus maps a status that we do not know to in progress.
func knownStatus(text string) SessionStatus {
	switch st := SessionStatus(text); st {
	case SessionPending, SessionInProgress, SessionSuspended, SessionCompleted, SessionAborted, SessionExpired, SessionGone:
		return st
	}
	return SessionInProgress
}

// underWay: the customer acts, so the session is no longer pending.
func (p *Process) underWay(at time.Time) {
	if c := p.s.Session; c.Status == SessionPending && !at.Before(c.StatusAt) {
		c.Status, c.StatusAt = SessionInProgress, at
	}
}

// sign records the customer's last sign, kept between the session's opening and now.
func (p *Process) sign(now, at time.Time) {
	c := p.s.Session
	if at = within(at, c.OpenedAt, now); at.After(c.LastActivity) {
		c.LastActivity = at
	}
}

// submitted records when the customer finished; the first time counts, until the customer is asked to try again.
func (p *Process) submitted(now, at time.Time) {
	if c := p.s.Session; c.Submitted.IsZero() {
		c.Submitted = within(at, c.OpenedAt, now)
	}
}

func within(t, least, most time.Time) time.Time {
	if t.Before(least) {
		return least
	}
	return earlier(t, most)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// --- steps --------------------------------------------------------------------------------------------------------

// finish takes in how a step ended.
func (p *Process) finish(now time.Time, f Finished) {
	step := p.s.doing(f.Kind.lane())
	if step == nil || step.Kind != f.Kind {
		return
	}
	begun := *step
	p.s.Doing = slices.DeleteFunc(p.s.Doing, func(d Step) bool { return d.Kind == f.Kind })
	if f.Kind == StepHandOff && p.s.LookOwed {
		p.s.LookOwed, p.s.LookWanted = false, true
	}
	switch {
	case f.Failure != nil:
		p.failed(now, begun, *f.Failure)
	case f.Opened != nil:
		p.opened(now, *f.Opened)
	case f.Sight != nil:
		p.looked(now, *begun.Look, *f.Sight)
	case f.Sent != nil:
		p.sent(now, *begun.Message, *f.Sent)
	case f.Handed != nil:
		p.handedOff(now, *begun.HandOff, *f.Handed)
	}
}

// failed plans the next try. A brisk failure is followed by a patient try at once; after that, growing pauses.
func (p *Process) failed(now time.Time, step Step, f Failure) {
	s := &p.s
	trouble, code := &s.Opening, AttentionOpeningFailing
	switch step.Kind {
	case StepOpen:
		if s.Decision != nil {
			return // cancelled or decided meanwhile: no session is wanted any more
		}
	case StepLook:
		if c := s.Session; c == nil || c.ID != step.Look.SessionID {
			return // a new session has been asked for meanwhile
		}
		trouble, code = &s.Looking, AttentionOndatoFailing
		s.LookWanted = true
	case StepMessage:
		p.messageFailed(now, *step.Message, f)
		return
	case StepHandOff:
		trouble, code = &s.Handing, AttentionHandOffFailing
		p.taken(*step.HandOff, f.Taken)
	}
	trouble.Failures++
	if step.Brisk && !f.Permanent {
		trouble.RetryAt = now
		return
	}
	wait := p.pause(trouble.Failures)
	if step.Kind == StepHandOff && f.Permanent {
		wait = p.longestPause() // it is for people to mend; then they order a retry
	}
	trouble.RetryAt = now.Add(wait)
	p.mark(now, code, f.Code)
}

// mark has operations look at something that cannot go on by itself, once while it lasts.
func (p *Process) mark(now time.Time, a Attention, why string) {
	s := &p.s
	if slices.Contains(s.Attention, a) {
		return
	}
	s.attend(a)
	s.trail(now, actorProcess, string(a), why)
	if a == AttentionHandOffFailing {
		p.tellOperations(MessageHandOffFailing)
	}
}

// pause is how long to wait after so many failures in a row, of which the first was brisk.
func (p *Process) pause(failures int) time.Duration {
	delays := p.in.Setup.Policy.RetryDelays
	return delays[min(max(failures-2, 0), len(delays)-1)].Std()
}

func (p *Process) longestPause() time.Duration {
	delays := p.in.Setup.Policy.RetryDelays
	return delays[len(delays)-1].Std()
}

func (p *Process) opened(now time.Time, o OpenedSession) {
	s := &p.s
	s.Opening = Trouble{}
	s.settled(AttentionOpeningFailing)
	if s.Decision != nil { // cancelled or decided meanwhile: the session decides nothing
		s.Past = push(s.Past, maxPast, PastSession{ID: o.SessionID, Attempt: s.Attempt, Why: "opened after the decision"})
		return
	}
	s.Session = &Session{ID: o.SessionID, Link: o.Link, OpenedAt: now, InvitedAt: now, Status: SessionPending}
	s.RemindedAt, s.LookedAt = now, now
	s.trail(now, actorProcess, fmt.Sprintf("session opened, attempt %d", s.Attempt), "")
	kind := MessageInvitation
	if s.Attempt > 1 {
		kind = MessageNewLink
	}
	p.tellCustomer(Message{Kind: kind, RetryReason: s.RetryReason}, s.RenewedByTime)
	s.RenewedByTime = false
	p.releaseHeld(now)
}

// releaseHeld judges the events that came before their session was known.
func (p *Process) releaseHeld(now time.Time) {
	held := p.s.Held
	p.s.Held = nil
	if len(held) == maxHeld {
		p.s.LookWanted = p.s.Session != nil // some may have been let go
	}
	for _, e := range held {
		if c := p.s.Session; c != nil && e.SessionID == c.ID {
			p.s.LastEvent = &SeenEvent{Type: e.Type, Status: e.Status, CreatedUtc: e.CreatedUtc, ArrivedAt: e.ArrivedAt}
			p.observe(now, e.Event)
		} else {
			p.passOver(now, e.Event)
		}
	}
}

// --- time ---------------------------------------------------------------------------------------------------------

// settle makes what follows from the present state and time, and records a change of stage.
func (p *Process) settle(now time.Time) {
	s := &p.s
	looking := s.LookWanted || s.doing(laneOndato) != nil
	if s.Decision == nil && !now.Before(s.Deadline) {
		switch {
		case s.Session == nil && !looking, s.Session != nil && !looking && !s.LookedAt.Before(s.Deadline):
			p.decide(now, Decision{Outcome: OutcomeExpired, By: DecidedByRule}, "the deadline has passed")
		}
	}
	if at := p.overdueAt(); !at.IsZero() && !now.Before(at) {
		s.Escalated = true
		s.attend(AttentionOverdue)
		s.trail(now, actorProcess, "escalated: no decision in time", "")
		p.tellOperations(MessageEscalation)
	}
	if !looking {
		p.remindIfDue(now)
	}
	if s.Decision != nil && s.Session == nil && s.doing(laneOndato) == nil {
		p.releaseHeld(now) // no session will come that they could belong to
	}
	p.tidyOutbox(now)
	if stage := s.stage(p.Done(now)); stage != s.Stage {
		s.Stage, s.StageSince = stage, now
	}
}

// overdueAt is when a missing decision is escalated; zero when it is not, or has been.
func (p *Process) overdueAt() time.Time {
	if c := p.s.Session; p.s.Decision == nil && c != nil && !c.Submitted.IsZero() && !p.s.Escalated {
		return c.Submitted.Add(p.in.Setup.Policy.DecisionSLA.Std())
	}
	return time.Time{}
}
