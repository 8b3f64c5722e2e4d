package onboarding

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stage of the onboarding as of the last Apply.
func (p *Process) Stage() Stage { return p.s.Stage }

// Outcome is empty while nothing is decided.
func (p *Process) Outcome() Outcome {
	if p.s.Decision == nil {
		return ""
	}
	return p.s.Decision.Outcome
}

// Result of an onboarding that is over.
func (p *Process) Result() Result {
	r := Result{ID: p.ID(), Outcome: p.Outcome(), Attempts: p.s.Attempt}
	if p.s.Decision != nil {
		r.Decision = *p.s.Decision
	}
	return r
}

// Attributes are what operations filter on. Outcome is empty while nothing is decided.
type Attributes struct {
	Stage     Stage
	Outcome   Outcome
	Attempt   int
	Attention []Attention
	Deadline  time.Time
}

// Equal tells whether two sets of attributes are the same.
func (a Attributes) Equal(b Attributes) bool {
	return a.Stage == b.Stage && a.Outcome == b.Outcome && a.Attempt == b.Attempt &&
		slices.Equal(a.Attention, b.Attention) && a.Deadline.Equal(b.Deadline)
}

// Attributes of the onboarding as of the last Apply.
func (p *Process) Attributes() Attributes {
	return Attributes{p.s.Stage, p.Outcome(), p.s.Attempt, slices.Clone(p.s.Attention), p.s.Deadline}
}

// Brisk tells whether the only thing to wait for is the first, short try of a step: the onboarding does not rest here,
// so that nothing need be published about it.
func (p *Process) Brisk() bool {
	return slices.ContainsFunc(p.s.Doing, func(s Step) bool { return s.Brisk })
}

// Link answers UpdateLink: ready is false while neither a link nor a reason for its absence is known.
func (p *Process) Link() (view LinkView, ready bool) {
	s := &p.s
	view = LinkView{Call: p.in.Call, RequestDigest: p.in.Request.Digest(), Stage: s.Stage, Outcome: p.Outcome(), Attempt: s.Attempt}
	switch {
	case s.Decision != nil:
		view.Why = "the onboarding has been decided: " + string(s.Decision.Outcome)
	case s.Session != nil && s.Session.Status.Terminal():
		view.Why = "the session is over; its result is being awaited"
	case s.Session != nil:
		view.Link = s.Session.Link
	case s.Opening.Failures > 0:
		view.Why = "Ondato does not open a session at present; it is being tried again, and the link will be sent to the customer"
	default:
		return view, false
	}
	return view, true
}

// Sessions are the ids of all sessions that are known, also of those that only an event has told of, each once. Each is a
// bearer capability.
func (p *Process) Sessions() []string {
	ids := slices.Clone(p.s.Strays)
	for _, held := range p.s.Held {
		ids = append(ids, held.SessionID)
	}
	for _, past := range p.s.Past {
		ids = append(ids, past.ID)
	}
	if c := p.s.Session; c != nil {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

// Status is a complete snapshot.
func (p *Process) Status(now time.Time) Status {
	s := &p.s
	out := Status{
		ID: p.ID(), Reference: p.in.Request.Reference, RequestDigest: p.in.Request.Digest(), Setup: p.in.Setup.Name,
		Stage: s.Stage, Outcome: p.Outcome(), Attempt: s.Attempt, MaxAttempts: p.in.Setup.Policy.MaxAttempts,
		StartedAt: s.StartedAt, Deadline: s.Deadline, AwaitedSince: s.StageSince,
		Decision: s.Decision, HandedOff: s.Handed, Attention: slices.Clone(s.Attention),
		LastEvent: s.LastEvent, Noted: slices.Clone(s.Noted), NotedTotal: s.NotedTotal, Trail: slices.Clone(s.Trail),
	}
	if c := s.Session; c != nil {
		out.Session, out.Identification = c.Status, c.Identification
		if s.Decision == nil && !c.Status.Terminal() {
			out.Link = c.Link
		}
	}
	for _, d := range s.Doing {
		out.Doing = append(out.Doing, d.Kind)
	}
	for _, k := range CommandKinds() {
		if p.objection(now, k) == "" {
			out.Allowed = append(out.Allowed, k)
		}
	}
	out.Awaited = p.awaited()
	out.Next, out.NextAt = p.upcoming(now)
	return out
}

// awaited says in a sentence what the onboarding waits for.
func (p *Process) awaited() string {
	s := &p.s
	switch s.Stage {
	case StageOpening:
		return "a session at Ondato, which cannot be opened at present"
	case StageAwaitingStart:
		if s.Session == nil {
			return "a session at Ondato"
		}
		return "the customer, who has not opened the link yet"
	case StageInProgress:
		switch {
		case s.Session.Status == SessionSuspended:
			return "the customer, who wants to continue later"
		case s.Session.Status.Terminal():
			return "what Ondato says of the session that has ended"
		case s.Session.Identification == IdentificationRejected:
			return "the customer, who was rejected and may try again in the same session"
		}
		return "the customer, who is going through the verification"
	case StageAwaitingDecision:
		return "Ondato's decision"
	case StageHandingOff:
		if targets := p.owed(); len(p.in.Setup.Targets()) > 1 {
			return fmt.Sprintf("handing the decision %s to %s", s.Decision.Outcome, strings.Join(targets, ", "))
		}
		return fmt.Sprintf("the backend, which is being handed the decision %s", s.Decision.Outcome)
	case StageWatching:
		return "nothing any more; the decision is watched for changes"
	default:
		return "nothing"
	}
}

// upcoming says what will happen by itself next, and when.
func (p *Process) upcoming(now time.Time) (string, time.Time) {
	s := &p.s
	var what string
	var when time.Time
	consider := func(at time.Time, text string) {
		if !at.IsZero() && (when.IsZero() || at.Before(when)) {
			what, when = text, at
		}
	}
	if s.doing(laneOndato) == nil {
		if s.Session == nil && s.Decision == nil {
			consider(later(now, s.Opening.RetryAt), "open a session at Ondato")
		} else if at := p.lookDue(now); !at.IsZero() && !p.Done(now) {
			text := "ask Ondato"
			if reminder, number, total := p.reminder(now); reminder.Equal(at) {
				text = fmt.Sprintf("ask Ondato, and unless the customer has finished send reminder %d of %d", number, total)
			} else if s.Decision == nil && at.Equal(s.Deadline) {
				text = "ask Ondato, and unless it has decided end the onboarding as expired"
			} else if s.Decision != nil && s.delivered() {
				text = "ask Ondato a last time and end the watch"
			}
			consider(later(at, s.Looking.RetryAt), text)
		}
	}
	if s.doing(laneHandOff) == nil && s.Decision != nil && !s.delivered() {
		consider(later(now, s.Handing.RetryAt), "hand the decision off")
	}
	consider(p.overdueAt(), "escalate the missing decision to operations")
	if s.delivered() && s.Session == nil && !p.Done(now) {
		consider(p.watchEnd(), "end the watch")
	}
	return what, when
}

// Patience is how long a step that is not brisk may retry by itself.
func (p *Process) Patience() time.Duration { return p.in.Setup.Policy.StepPatience.Std() }
