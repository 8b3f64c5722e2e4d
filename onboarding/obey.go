package onboarding

import (
	"fmt"
	"slices"
	"time"
)

// Refused is why a command cannot be carried out now.
type Refused struct {
	Kind CommandKind
	Why  string
}

func (r *Refused) Error() string { return fmt.Sprintf("%s is refused: %s", r.Kind, r.Why) }

// Known tells whether the command has been carried out before.
func (p *Process) Known(c Command) bool {
	return slices.Contains(p.s.Commands, shortHash("command", c.ID))
}

// Check returns why the command would be refused now: FieldErrors for a malformed one, *Refused for one that does not
// fit the stage; nil when it would be carried out. A command that has been carried out before passes.
func (p *Process) Check(now time.Time, c Command) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if p.Known(c) {
		return nil
	}
	if why := p.objection(now, c.Kind); why != "" {
		return &Refused{c.Kind, why}
	}
	if d := p.s.Decision; c.Kind == CommandDecide && d != nil && !d.byOndato() && d.By != DecidedByRule && d.Outcome == c.Outcome {
		return &Refused{c.Kind, "a person has already decided " + string(c.Outcome)}
	}
	return nil
}

// objection says why a command of this kind does not fit now; empty when it does.
func (p *Process) objection(now time.Time, kind CommandKind) string {
	s := &p.s
	if s.Stage == StageDone {
		return "the onboarding is over"
	}
	switch kind {
	case CommandRefresh:
		if s.Session == nil {
			return "there is no session to ask Ondato about"
		}
		return ""
	case CommandDecide:
		return ""
	case CommandRetryHandoff:
		switch {
		case s.Decision == nil:
			return "there is no decision to hand off yet"
		case s.delivered():
			return "the decision has been handed off"
		case s.doing(laneHandOff) != nil:
			return "a try is under way"
		}
		return ""
	}
	if s.Decision != nil {
		return "the onboarding has been decided: " + string(s.Decision.Outcome)
	}
	switch kind {
	case CommandRemind:
		switch {
		case len(p.in.Setup.Notify) == 0:
			return "setup " + p.in.Setup.Name + " has no channel to its customers"
		case !s.customersTurn():
			return "it is not the customer's turn"
		}
	case CommandRenew:
		if s.Session == nil && s.doing(laneOndato) != nil {
			return "a session is being opened"
		}
	}
	return ""
}

// obey carries a command out, once.
func (p *Process) obey(now time.Time, c Command) error {
	if err := p.Check(now, c); err != nil {
		if c.Actor == ActorTemporal {
			p.s.trail(now, c.Actor, string(c.Kind)+" was refused", err.Error())
		}
		return err
	}
	if p.Known(c) {
		return nil
	}
	s := &p.s
	s.Commands = push(s.Commands, maxCommands, shortHash("command", c.ID))
	what := string(c.Kind)
	switch c.Kind {
	case CommandExtend:
		what += " by " + c.By.String()
	case CommandDecide:
		what += " " + string(c.Outcome)
	}
	s.trail(now, c.Actor, what, c.Reason)
	switch c.Kind {
	case CommandRemind:
		s.RemindNow, s.LookWanted = true, true
		s.Looking.RetryAt = now
	case CommandRefresh:
		s.LookWanted = true
		s.Looking.RetryAt = now
	case CommandRenew:
		s.RetryReason = ""
		p.renew(now, c.Actor, "ordered")
	case CommandExtend:
		s.Deadline = s.Deadline.Add(c.By.Std())
	case CommandCancel:
		p.decide(now, Decision{Outcome: OutcomeCancelled, By: c.Actor, Reason: c.Reason}, c.Reason)
	case CommandDecide:
		s.settled(AttentionLateDecision)
		s.settled(AttentionOtherSession)
		p.decide(now, Decision{Outcome: c.Outcome, By: c.Actor, Reason: c.Reason}, c.Reason)
	case CommandRetryHandoff:
		s.Handing.RetryAt = now
	}
	return nil
}
