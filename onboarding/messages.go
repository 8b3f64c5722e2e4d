package onboarding

import (
	"fmt"
	"slices"
	"time"
)

// What customers and operations are told. Messages wait in the outbox until they have been sent, refused for good, or have
// lost their sense.

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
		if w := s.waiting(m); w != nil {
			w.NotBefore = until
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
	if w := s.waiting(m); w != nil {
		for _, channel := range f.Taken {
			if !slices.Contains(w.Taken, Channel(channel)) {
				w.Taken = append(slices.Clip(w.Taken), Channel(channel))
			}
		}
	}
	s.attend(AttentionMessageFailing)
	s.Messaging.Failures++
	s.Messaging.RetryAt = now.Add(p.pause(s.Messaging.Failures + 1))
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
