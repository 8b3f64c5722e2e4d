package onboarding

import (
	"fmt"
	"time"
)

// looked takes in what a look has shown. Looking decides; events only hint.
func (p *Process) looked(now time.Time, asked Look, seen Sight) {
	s := &p.s
	s.Looking = Trouble{}
	s.settled(AttentionOndatoFailing)
	c := s.Session
	if c == nil || c.ID != asked.SessionID {
		return // a new session has been asked for meanwhile
	}
	s.LookedAt = s.LookBegan
	p.learn(now, seen)
	switch {
	case s.Decision == nil:
		p.judge(now, seen)
	case s.Decision.byOndato():
		p.judgeAgain(now, seen)
	default:
		p.contradicted(now, seen)
	}
	if s.LookStale && s.Decision == nil && s.Session == c {
		s.LookWanted = true // an event came while we looked, and the look may not show it yet
	}
	s.LookStale = false
}

// learn brings what is known up to date.
func (p *Process) learn(now time.Time, seen Sight) {
	c := p.s.Session
	if seen.Session != "" {
		c.Status = knownStatus(string(seen.Session))
	}
	if !seen.ModifiedUtc.IsZero() {
		c.StatusAt = earlier(seen.ModifiedUtc, now)
	}
	if c.Status == SessionInProgress || c.Status == SessionSuspended {
		if c.LastActivity.IsZero() && seen.ModifiedUtc.IsZero() {
			p.sign(now, now)
		} else {
			p.sign(now, seen.ModifiedUtc)
		}
	}
	if seen.IdentificationID != "" {
		c.IdentificationID = seen.IdentificationID
	}
	c.Identification = seen.Identification
	if c.Hint == "" || c.Hint == seen.Identification {
		c.HintAt = time.Time{}
	}
	switch {
	case seen.Identification == IdentificationAwaiting && !seen.CompletedUtc.IsZero():
		p.submitted(now, seen.CompletedUtc)
	case c.Status == SessionCompleted:
		p.submitted(now, c.StatusAt)
	}
}

// verdict is what a sight means for the attempt.
type verdict int

const (
	verdictOpen        verdict = iota // nothing is decided yet
	verdictProvisional                // rejected, and the customer may retry in the same session
	verdictApproved
	verdictRejected
	verdictEnded // the session has ended without a decision
)

func (p *Process) verdict(seen Sight) verdict {
	c := p.s.Session
	switch {
	case seen.Identification == IdentificationApproved:
		return verdictApproved
	case seen.Identification == IdentificationRejected && c.Status.Terminal():
		return verdictRejected
	case seen.Identification == IdentificationRejected:
		return verdictProvisional
	case c.Status == SessionCompleted || !c.Status.Terminal():
		return verdictOpen
	case seen.Identification == IdentificationAwaiting && !seen.CompletedUtc.IsZero():
		return verdictOpen // the customer left after submitting: the identification is still being decided
	default:
		return verdictEnded
	}
}

// judge acts on a verdict while nothing is decided.
func (p *Process) judge(now time.Time, seen Sight) {
	s, c := &p.s, p.s.Session
	switch p.verdict(seen) {
	case verdictApproved:
		p.decideByOndato(now, OutcomeApproved, seen)
	case verdictRejected:
		if seen.RetryableReason && p.mayRenew(now) {
			s.RetryReason = seen.Reason
			p.renew(now, actorProcess, "the attempt was rejected for a reason that a new one can mend")
			return
		}
		p.decideByOndato(now, OutcomeRejected, seen)
	case verdictProvisional:
		c.Submitted, s.Escalated = time.Time{}, false
		s.settled(AttentionOverdue)
		if c.LastActivity.IsZero() {
			p.sign(now, now)
		}
	case verdictEnded:
		if p.mayRenew(now) {
			s.RetryReason = ""
			p.renew(now, actorProcess, fmt.Sprintf("the session has ended: %s", c.Status))
			s.RenewedByTime = c.Status != SessionAborted // who leaves is awake
			return
		}
		outcome := OutcomeExpired
		if c.Status == SessionAborted {
			outcome = OutcomeAbandoned
		}
		p.decide(now, Decision{Outcome: outcome, By: DecidedByRule}, "the attempts are used up")
	}
}

// judgeAgain acts on a look after Ondato had decided: the decision may have changed, and as long as nothing has been
// delivered it may even be taken back.
func (p *Process) judgeAgain(now time.Time, seen Sight) {
	s := &p.s
	var decided Decision
	switch v := p.verdict(seen); {
	case v == verdictApproved:
		decided = p.ondatoDecision(now, OutcomeApproved, seen)
	case v == verdictRejected && (s.Told > 0 || !seen.RetryableReason || !p.mayRenew(now)):
		decided = p.ondatoDecision(now, OutcomeRejected, seen)
	case s.Told == 0 && s.doing(laneHandOff) != nil:
		s.LookOwed = true // it may yet be accepted, and would then be amended, not taken back
		return
	case s.Told == 0:
		s.Decision, s.Handing = nil, Trouble{}
		s.settled(AttentionHandOffFailing)
		s.trail(now, DecidedByOndato, "took the decision back", "")
		p.judge(now, seen)
		return
	case s.Handed == nil: // some target has it: that stands, and is marked where the others cannot be given the same
		decided = *s.Decision
	default:
		decided = s.Handed.Decision
	}
	if decided.says(*s.Decision) {
		return
	}
	if s.Handed != nil && decided.says(s.Handed.Decision) {
		decided = s.Handed.Decision
		if s.Versions > decided.Version { // a later version was tried: the backend may have it, although nobody said so
			decided.Version, decided.At = 0, now
		}
	}
	s.trail(now, DecidedByOndato, "changed its decision: "+string(decided.Outcome), "")
	s.Decision, s.Handing = &decided, Trouble{}
}

// contradicted marks a decision of Ondato that differs from what a person or a rule has settled, which stands.
func (p *Process) contradicted(now time.Time, seen Sight) {
	s := &p.s
	v := p.verdict(seen)
	if v == verdictApproved && s.Decision.Outcome != OutcomeApproved || v == verdictRejected && s.Decision.Outcome == OutcomeApproved {
		s.attend(AttentionLateDecision)
		s.trail(now, DecidedByOndato, "decided otherwise after the end", "")
	}
}

func (p *Process) mayRenew(now time.Time) bool {
	return p.s.Attempt < p.in.Setup.Policy.MaxAttempts && now.Before(p.s.Deadline)
}

// renew leaves the present session behind; the next one is opened by the plan.
func (p *Process) renew(now time.Time, actor, why string) {
	s := &p.s
	if c := s.Session; c != nil {
		s.Past = push(s.Past, maxPast, PastSession{ID: c.ID, Attempt: s.Attempt, Why: why})
		s.Session = nil
		s.Attempt++
	}
	s.LookWanted, s.LookStale, s.RemindNow, s.Escalated, s.RenewedByTime = false, false, false, false, false
	s.Opening, s.Looking = Trouble{}, Trouble{}
	s.settled(AttentionOverdue)
	s.settled(AttentionOndatoFailing)
	s.settled(AttentionOpeningFailing)
	s.trail(now, actor, "renewed", why)
}

func (p *Process) decideByOndato(now time.Time, outcome Outcome, seen Sight) {
	p.decide(now, p.ondatoDecision(now, outcome, seen), "")
}

func (p *Process) ondatoDecision(now time.Time, outcome Outcome, seen Sight) Decision {
	d := Decision{Outcome: outcome, Reason: seen.Reason, By: DecidedByOndato, RecordDigest: seen.RecordDigest}
	p.complete(now, &d)
	return d
}

// decide settles the onboarding; handing off follows.
func (p *Process) decide(now time.Time, d Decision, why string) {
	s := &p.s
	p.complete(now, &d)
	s.Decision, s.Handing, s.RemindNow = &d, Trouble{}, false
	s.settled(AttentionOverdue)
	s.settled(AttentionOpeningFailing)
	s.settled(AttentionHandOffFailing)
	s.trail(now, d.By, "decided: "+string(d.Outcome), why)
}

// complete fills in what a decision says of its time and place.
func (p *Process) complete(now time.Time, d *Decision) {
	d.At, d.Attempt = now, p.s.Attempt
	if c := p.s.Session; c != nil {
		d.SessionID, d.IdentificationID = c.ID, c.IdentificationID
	}
}
