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

func (p *Process) sent(now time.Time, m Message, result SentMessage) {
	s := &p.s
	s.Messaging = Trouble{}
	s.settled(AttentionMessageFailing)
	if !result.HeldUntil.IsZero() {
		p.heldBack(now, m, result.HeldUntil)
		return
	}
	s.settled(AttentionMessageRefused)
	s.drop(m)
	s.Confirmed = s.Confirmed || m.Kind == MessageConfirmation
	p.invited(now, m)
	s.trail(now, actorProcess, "sent "+string(m.Kind), "")
}

// invited: reminders are counted from when the customer got the link.
func (p *Process) invited(now time.Time, m Message) {
	if c := p.s.Session; (m.Kind == MessageInvitation || m.Kind == MessageNewLink) && c != nil && m.Attempt == p.s.Attempt {
		c.InvitedAt = now
	}
}

// heldBack keeps a message for the end of quiet hours. A reminder is forgotten and falls due again then, so that Ondato
// is asked once more before it goes out.
func (p *Process) heldBack(now time.Time, m Message, until time.Time) {
	s := &p.s
	until = within(until, now.Add(time.Minute), now.Add(day)) // whatever the clocks of the two say
	s.trail(now, actorProcess, "held "+string(m.Kind), "quiet hours until "+until.UTC().Format(time.DateTime)+" UTC")
	if m.Kind != MessageReminder {
		for i := range s.Outbox {
			if s.Outbox[i].MessageID == m.MessageID {
				s.Outbox[i].NotBefore = until
			}
		}
		return
	}
	s.drop(m)
	if m.Attempt == s.Attempt && s.Session != nil {
		s.QuietUntil, s.RemindedAt = until, s.RemindedBefore
	}
}

// messageFailed keeps a message for another try, or drops one that can never arrive.
func (p *Process) messageFailed(now time.Time, m Message, f Failure) {
	s := &p.s
	if f.Permanent {
		s.attend(AttentionMessageRefused)
		s.trail(now, actorProcess, string(AttentionMessageRefused), f.Code)
		s.Messaging = Trouble{}
		s.drop(m)
		if len(m.Taken)+len(f.Taken) > 0 { // by another channel it has arrived
			p.invited(now, m)
		}
		s.Confirmed = s.Confirmed || m.Kind == MessageConfirmation
		return
	}
	for i := range s.Outbox {
		if s.Outbox[i].MessageID != m.MessageID {
			continue
		}
		for _, channel := range f.Taken {
			if taken := s.Outbox[i].Taken; !slices.Contains(taken, Channel(channel)) {
				s.Outbox[i].Taken = append(slices.Clip(taken), Channel(channel))
			}
		}
	}
	s.attend(AttentionMessageFailing)
	s.Messaging.Failures++
	s.Messaging.RetryAt = now.Add(p.pause(s.Messaging.Failures + 1))
}

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

// tidyOutbox drops what has lost its sense, and adds the confirmation of an approval that has been delivered.
func (p *Process) tidyOutbox(now time.Time) {
	s := &p.s
	if s.posted(MessageConfirmation) && s.delivered() && s.Messaging.Failures > 0 && !now.Before(p.watchEnd()) {
		s.Confirmed = true // the end does not wait for a channel that is in trouble
		p.mark(now, AttentionMessageRefused, "the confirmation was given up at the end of the watch")
	}
	if s.Outbox = slices.DeleteFunc(s.Outbox, p.obsolete); len(s.Outbox) == 0 {
		s.Messaging = Trouble{}
		s.settled(AttentionMessageFailing)
	}
	if p.in.Setup.Confirm && !s.Confirmed && !s.posted(MessageConfirmation) && p.approvalStands() {
		p.toCustomer(Message{Kind: MessageConfirmation}, true)
	}
}

// approvalStands tells whether an approval has been delivered that can be confirmed to the customer.
func (p *Process) approvalStands() bool {
	return p.s.delivered() && p.s.Decision.Outcome == OutcomeApproved
}

// overdueAt is when a missing decision is escalated; zero when it is not, or has been.
func (p *Process) overdueAt() time.Time {
	if c := p.s.Session; p.s.Decision == nil && c != nil && !c.Submitted.IsZero() && !p.s.Escalated {
		return c.Submitted.Add(p.in.Setup.Policy.DecisionSLA.Std())
	}
	return time.Time{}
}

// remindIfDue puts a reminder into the outbox, if one is due and a look since then has shown that it still makes sense.
func (p *Process) remindIfDue(now time.Time) {
	s := &p.s
	if s.RemindNow {
		s.RemindNow = false
		if !s.customersTurn() {
			s.trail(now, actorProcess, "not reminded: it is not the customer's turn any more", "")
			return
		}
		_, number, total := p.reminder(now)
		p.tellCustomer(Message{Kind: MessageReminder, Number: max(number, 1), Total: max(total, 1)}, false)
		s.RemindedBefore, s.RemindedAt = now, now // one that is held meanwhile does not come back
		return
	}
	at, number, total := p.reminder(now)
	if at.IsZero() || now.Before(at) || s.LookedAt.Before(at) {
		return
	}
	p.tellCustomer(Message{Kind: MessageReminder, Number: number, Total: total}, true)
	s.RemindedBefore, s.RemindedAt = s.RemindedAt, now
}

// reminder is the next reminder: when, and which of how many. Of several that have passed by now, it is the last one.
// The time is zero when none is left.
func (p *Process) reminder(now time.Time) (at time.Time, number, total int) {
	s := &p.s
	if !s.customersTurn() || len(p.in.Setup.Notify) == 0 || s.linkHeld() {
		return time.Time{}, 0, 0
	}
	c, policy := s.Session, p.in.Setup.Policy
	from, schedule := c.InvitedAt, policy.NotStartedReminders
	switch c.Status {
	case SessionPending:
	case SessionSuspended:
		from, schedule = c.LastActivity, policy.SuspendedReminders
	default:
		from, schedule = c.LastActivity, policy.IdleReminders
	}
	for i, d := range schedule {
		due := from.Add(d.Std())
		if !due.After(s.RemindedAt) {
			continue
		}
		if !at.IsZero() && due.After(now) {
			break
		}
		at, number = due, i+1
	}
	if !at.IsZero() {
		at = later(at, s.QuietUntil)
	}
	return at, number, len(schedule)
}

// tellCustomer puts a message about the present session into the outbox.
func (p *Process) tellCustomer(m Message, mayWait bool) {
	c := p.s.Session
	m.Link, m.LinkUntil, m.Started = c.Link, p.attemptEnd().Add(-p.in.Setup.Policy.ExpiryGrace.Std()), c.Status != SessionPending
	p.toCustomer(m, mayWait)
}

// toCustomer puts a message into the outbox, unless the caller of this setup reaches its customers itself. What may wait
// is held in quiet hours.
func (p *Process) toCustomer(m Message, mayWait bool) {
	setup, a := p.in.Setup, p.in.Request.Applicant
	if len(setup.Notify) == 0 {
		return
	}
	m.Reference, m.To, m.Phone, m.FirstName = p.in.Request.Reference, a.Email, a.Phone, a.FirstName
	m.Channels, m.By, m.TimeZone = setup.Notify, setup.NotifyBy, setup.TimeZone
	if mayWait {
		m.Quiet = setup.QuietHours
	}
	p.post(m)
}

func (p *Process) tellOperations(kind MessageKind) {
	if to := p.in.Setup.OperationsEmail; to != "" {
		p.post(Message{Kind: kind, To: to, Channels: []Channel{ChannelEmail}, TimeZone: p.in.Setup.TimeZone})
	}
}

func (p *Process) post(m Message) {
	s := &p.s
	s.Messages++
	m.ID, m.Setup, m.Attempt = p.ID(), p.in.Setup.Name, s.Attempt
	if m.Language = p.in.Request.Language; m.Language == "" || m.Kind.forOperations() {
		m.Language = p.in.Setup.Language
	}
	m.MessageID = fmt.Sprintf("%s.%d.%s", m.ID, s.Messages, m.Kind)
	s.Outbox = append(s.Outbox, m)
}

// obsolete tells whether a message that has not been sent yet has lost its sense.
func (p *Process) obsolete(m Message) bool {
	s := &p.s
	if d := s.doing(laneMessage); d != nil && d.Message.MessageID == m.MessageID {
		return false
	}
	switch m.Kind {
	case MessageEscalation:
		return s.Decision != nil
	case MessageHandOffFailing:
		return s.Decision == nil || s.delivered()
	case MessageConfirmation:
		return s.Confirmed || !p.approvalStands()
	default:
		return m.Attempt != s.Attempt || !s.customersTurn()
	}
}
