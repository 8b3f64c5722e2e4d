package onboarding

import (
	"fmt"
	"slices"
	"time"
)

// clone copies a process so that the two can go different ways.
func clone(p *Process) *Process {
	c := *p
	s := &c.s
	s.Session, s.Decision = copied(s.Session), copied(s.Decision)
	s.Doing, s.Outbox, s.Attention = slices.Clone(s.Doing), slices.Clone(s.Outbox), slices.Clone(s.Attention)
	// These are only ever appended to.
	s.Past, s.Held, s.Seen, s.Commands = slices.Clip(s.Past), slices.Clip(s.Held), slices.Clip(s.Seen), slices.Clip(s.Commands)
	s.Noted, s.Trail, s.Strays = slices.Clip(s.Noted), slices.Clip(s.Trail), slices.Clip(s.Strays)
	return &c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// class is what of a state decides how it goes on: its stage, what is known, wanted and under way, and what is planned.
// Times are reduced to how they stand to the present, lists and counters to what the rules ask of them, and what no rule
// asks at this point is left out.
type class struct {
	stage                                Stage
	last                                 bool // the last attempt
	session                              sessionClass
	decision                             decisionClass
	doing                                [lanes]string
	outbox                               MessageKind
	waits, quiet                         bool // a message waits for the end of quiet hours, or a reminder does
	confirmed                            bool
	taken                                int // targets that have taken a decision whose handoff is in trouble
	opening, looking, messaging, handing bool
	held                                 bool

	lookWanted, lookStale, remindNow, escalated, expired bool

	steps [lanes]StepKind
}

type sessionClass struct {
	known, submitted, rejected, hinted, remindable bool
	status                                         SessionStatus
}

type decisionClass struct {
	by              string
	told, handed    bool
	delivered, same bool
	later           bool // a later version than the accepted one has been tried
}

func classOf(p *Process, now time.Time) class {
	s := &p.s
	c := class{
		stage: s.Stage, last: s.Attempt >= p.in.Setup.Policy.MaxAttempts, session: sessionClassOf(p, now), decision: decisionClassOf(s),
		held: len(s.Held) > 0, lookWanted: s.LookWanted, lookStale: s.LookStale, remindNow: s.RemindNow,
		looking: s.Looking.Failures > 0,
	}
	for _, d := range s.Doing {
		c.doing[d.Kind.lane()] = doingClassOf(s, d)
	}
	if m := s.nextMessage(); m != nil {
		c.outbox, c.messaging, c.waits = m.Kind, s.Messaging.Failures > 0, m.NotBefore.After(now)
	}
	c.quiet = s.QuietUntil.After(now)
	c.confirmed, c.taken = s.Confirmed, len(s.Handing.Taken)
	switch {
	case s.Decision != nil:
		c.handing = s.Handing.Failures > 0
	case s.Session == nil:
		c.opening = s.Opening.Failures > 0
		fallthrough
	default:
		c.escalated, c.expired = s.Escalated, !now.Before(s.Deadline)
	}
	plan := p.Next(now)
	for _, step := range plan.Steps {
		c.steps[step.Kind.lane()] = step.Kind
	}
	return c
}

func sessionClassOf(p *Process, now time.Time) sessionClass {
	c := p.s.Session
	switch {
	case c == nil:
		return sessionClass{}
	case p.s.Decision != nil:
		return sessionClass{known: true, submitted: !c.Submitted.IsZero()}
	}
	out := sessionClass{
		known: true, submitted: !c.Submitted.IsZero(), status: c.Status,
		rejected: c.Identification == IdentificationRejected, hinted: !c.HintAt.IsZero(),
	}
	if out.status == SessionGone {
		out.status = SessionExpired // no rule tells them apart
	}
	at, _, _ := p.reminder(now)
	out.remindable = !at.IsZero()
	return out
}

func decisionClassOf(s *State) decisionClass {
	var out decisionClass
	if d := s.Decision; d != nil {
		out.by, out.delivered = decidedBy(d), s.delivered()
	}
	out.told = s.Told > 0
	if h := s.Handed; h != nil {
		out.handed, out.later = true, s.Versions > h.Version
		out.same = s.Decision != nil && s.Decision.says(h.Decision)
	}
	return out
}

func decidedBy(d *Decision) string {
	if d.By == DecidedByOndato || d.By == DecidedByRule {
		return d.By
	}
	return "a person"
}

func doingClassOf(s *State, d Step) string {
	switch {
	case d.Look != nil && (s.Session == nil || s.Session.ID != d.Look.SessionID):
		return "look at a past session"
	case d.HandOff != nil && (s.Decision == nil || !s.Decision.says(d.HandOff.Decision)):
		return "handoff of another decision"
	}
	return string(d.Kind)
}

// faultsOf holds a state to what must be true of each one.
func faultsOf(p *Process, now time.Time) (faults []string) {
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	s, plan := &p.s, p.Next(now)
	fault(!plan.Done && len(plan.Steps) == 0 && plan.Wake.IsZero() && len(s.Doing) == 0, "waits for ever in %s", s.Stage)
	fault(!plan.Wake.IsZero() && !plan.Wake.After(now), "a wake in the past")
	fault(s.Stage != s.stage(plan.Done), "the stage is recorded as %s", s.Stage)
	fault(plan.Done && (len(s.Doing) > 0 || len(s.Outbox) > 0), "done with something left to do")
	for _, step := range plan.Steps {
		fault(s.doing(step.Kind.lane()) != nil, "plans a %s beside a step of its lane", step.Kind)
	}
	for _, a := range s.Attention {
		fault(!caused(s, a), "marked %s without a cause", a)
	}
	fault(s.Decision != nil && s.Session == nil && s.doing(laneOndato) == nil && len(s.Held) > 0, "events held for ever")
	fault(s.Session == nil && s.LookWanted, "wants a look at no session")
	fault(s.Decision == nil && s.doing(laneHandOff) != nil, "hands off without a decision")
	fault(len(s.Handing.Taken) > 0 && s.delivered(), "still counts who has taken what all have")
	fault(s.Handed != nil && s.Told == 0, "has handed off and told nobody")
	fault(s.LookOwed && s.doing(laneHandOff) == nil, "owes a look for ever")
	if d := s.Decision; d != nil {
		fault(d.Version > 0 && d.Version < s.Versions, "rests on version %d though version %d has been tried", d.Version, s.Versions)
	}
	return faults
}

// caused tells whether a code of attention still has its cause.
func caused(s *State, a Attention) bool {
	switch a {
	case AttentionOpeningFailing:
		return s.Session == nil && s.Decision == nil
	case AttentionOverdue:
		return s.Decision == nil && s.Session != nil && !s.Session.Submitted.IsZero()
	case AttentionHandOffFailing:
		return s.Decision != nil && !s.delivered()
	case AttentionMessageFailing:
		return len(s.Outbox) > 0
	case AttentionOndatoFailing:
		return s.Session != nil && s.Looking.Failures > 0
	}
	return true
}

type exploredSetup struct {
	name  string
	in    Input
	bound int
	// closes: every class is explored within the bound.
	closes bool
}

// explored are the setups that are explored. Their lists are short, so that fewer states differ by a counter alone.
func explored() []exploredSetup {
	policy := DefaultPolicy()
	policy.MaxAttempts = 2
	policy.NotStartedReminders = hours(24, 72)
	policy.SuspendedReminders = hours(24)
	policy.Rechecks = policy.Rechecks[:1]
	policy.Asks = policy.Asks[:1]
	policy.RetryDelays = policy.RetryDelays[:2]
	all := anInput()
	all.Setup.Policy = policy
	silent := all
	silent.Setup.Notify, silent.Setup.OperationsEmail = nil, ""
	once := silent
	once.Setup.Policy.MaxAttempts = 1
	rich := all
	rich.Setup.Confirm, rich.Setup.TimeZone, rich.Setup.QuietHours = true, "Europe/Vilnius", QuietHours{From: "21:00", To: "08:00"}
	rich.Setup.HandOff = []string{"crm", "ledger"}
	unwatched := silent
	unwatched.Setup.Policy.WatchFor = 0
	return []exploredSetup{
		{name: "one attempt, no messages", in: once, bound: 10_000, closes: true},
		{name: "two attempts, no messages, no watch", in: unwatched, bound: 1000},
		{name: "two attempts, messages", in: all, bound: 1500},
		{name: "two attempts, confirmation, quiet hours, two targets", in: rich, bound: 1500},
	}
}
