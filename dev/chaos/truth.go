package chaos

import (
	"fmt"
	"slices"
	"time"

	"kyc/onboarding"
)

// What follows is written from the outside: what the states of Ondato's sessions demand of an onboarding, by the rules of
// docs/how-it-works.md, without the code that is to follow them.

// tolerance is how far two clocks of one machine may seem apart: the sandbox gives each step of a session a millisecond
// of its own.
const tolerance = 100 * time.Millisecond

// ended tells whether a session takes no more of its customer.
func (c change) ended() bool {
	return c.Status == "Completed" || c.Status == "Aborted" || c.Status == "Expired"
}

// left tells whether a session ended without anything that Ondato could decide on.
func (c change) left() bool {
	return (c.Status == "Aborted" || c.Status == "Expired") && c.Identification != "Approved" && c.Identification != "Rejected"
}

// decided is what Ondato has decided in this state: Approved, a final Rejected, or nothing.
func (c change) decided() onboarding.Outcome {
	switch {
	case c.Identification == "Approved":
		return onboarding.OutcomeApproved
	case c.Identification == "Rejected" && c.ended():
		return onboarding.OutcomeRejected
	}
	return ""
}

// at is the state of a session at a time; ok is false before it was created.
func (s session) at(t time.Time) (state change, ok bool) {
	for _, c := range s.History {
		if c.At.After(t) {
			break
		}
		state, ok = c, true
	}
	return state, ok
}

// during are the states that a session had from one time to another.
func (s session) during(from, to time.Time) (states []change) {
	if state, ok := s.at(from); ok {
		states = append(states, state)
	}
	for _, c := range s.History {
		if c.At.After(from) && !c.At.After(to) {
			states = append(states, c)
		}
	}
	return states
}

func (s session) created() time.Time {
	if len(s.History) == 0 {
		return time.Time{}
	}
	return s.History[0].At
}

// now is the newest state.
func (s session) now() change {
	if len(s.History) == 0 {
		return change{}
	}
	return s.History[len(s.History)-1]
}

// touched tells whether anything was done in the session.
func (s session) touched() bool { return len(s.History) > 1 }

// truth compares one decision with the sandbox.
type truth struct {
	*onboardingEvidence
	critical map[string]bool
	held     delivery
	complain func(format string, args ...any)
}

// compare holds the decision against the sessions.
func (t truth) compare() {
	attempts := t.attempts()
	t.superseded(attempts)
	t.sessionsOfNobody()
	said := t.held.Message.Data
	var last *session
	if len(attempts) > 0 {
		last = &attempts[len(attempts)-1]
	}
	if said.Ondato.Session != "" && (last == nil || last.ID != said.Ondato.Session) {
		t.complain("the decision names a session that is not the last one given to the customer")
		return
	}
	opened := len(t.Sessions)
	if said.Ondato.Session == "" {
		opened++ // the next one was yet to be opened
	}
	if most := min(t.Setup.Policy.MaxAttempts, opened); said.Attempt > most || said.Attempt < len(attempts) ||
		t.ByHand && said.Ondato.Session != "" && said.Attempt != len(attempts) {
		t.complain("the decision names attempt %d; the customer was given %d sessions of %d, and %d are allowed",
			said.Attempt, len(attempts), len(t.Sessions), t.Setup.Policy.MaxAttempts)
	}
	switch {
	case said.DecidedBy == onboarding.DecidedByOndato && last != nil:
		t.byOndato(*last)
	case said.DecidedBy == onboarding.DecidedByRule && !said.DecidedAt.Before(t.deadline()):
		t.byDeadline(attempts)
	case said.DecidedBy == onboarding.DecidedByRule && last != nil:
		t.byAttempts(*last)
	default:
		t.complain("nobody can have decided that: %q", said.DecidedBy)
	}
}

// attempts are the sessions that the customer was given, and the one that the decision names: a session that is played
// by a script may be over before its link is on its way.
func (t truth) attempts() (list []session) {
	named := t.held.Message.Data.Ondato.Session
	for _, id := range append(slices.Clone(t.Told), named) {
		if id != "" && !slices.ContainsFunc(t.Sessions, func(s session) bool { return s.ID == id }) {
			t.complain("the customer or the backend was told of a session that the sandbox does not hold under this onboarding")
		}
	}
	for _, s := range t.Sessions {
		if slices.Contains(t.Told, s.ID) || s.ID == named {
			list = append(list, s)
		}
	}
	return list
}

// superseded: a session that was followed by another one must have ended in a way that another can mend.
func (t truth) superseded(attempts []session) {
	for i := 0; i+1 < len(attempts); i++ {
		state, _ := attempts[i].at(attempts[i+1].created())
		mendable := state.decided() == onboarding.OutcomeRejected && !t.critical[state.Reason]
		submitted := state.Identification == "Awaiting" && attempts[i].submittedBy(attempts[i+1].created())
		if !mendable && (!state.left() || submitted) {
			t.complain("attempt %d was given up for another one while its session was %s, its identification %q", i+1, state.Status, state.Identification)
		}
		if attempts[i].now().decided() == onboarding.OutcomeApproved {
			t.complain("attempt %d was approved, and it is not the one that was decided on", i+1)
		}
	}
}

// submittedBy tells whether the customer had handed in by then.
func (s session) submittedBy(t time.Time) bool {
	handedIn := false
	for _, c := range s.History {
		if c.At.After(t) {
			break
		}
		switch c.action() {
		case "submit":
			handedIn = true
		case "resubmit":
			handedIn = false
		}
	}
	return handedIn
}

// action is the word before the arrow of what happened.
func (c change) action() string {
	for i, r := range c.What {
		if r == ' ' {
			return c.What[:i]
		}
	}
	return c.What
}

// sessionsOfNobody: where only the customer acts, nothing can have happened in a session that nobody has the link of.
func (t truth) sessionsOfNobody() {
	for _, s := range t.Sessions {
		if t.ByHand && s.touched() && !slices.Contains(t.Told, s.ID) {
			t.complain("something happened in a session that nobody was told of")
		}
	}
}

// deadline is the earliest that the onboarding may be ended by its deadline.
func (t truth) deadline() time.Time { return t.began().Add(t.Setup.Policy.Deadline.Std()) }

// closed is the end of the run, or now.
func (t truth) closed() time.Time {
	if r, ok := t.last(); ok && !r.Closed.IsZero() {
		return r.Closed
	}
	return time.Now()
}

// watched is when the watch over a decision ends at the earliest: what happened before must be in the decision.
func (t truth) watched() time.Time {
	return t.firstAccepted().Add(t.Setup.Policy.WatchFor.Std())
}

// firstAccepted is when the backend accepted the newest version first.
func (t truth) firstAccepted() time.Time {
	for _, d := range t.Deliveries {
		if d.Accepted && d.WebhookID == t.held.WebhookID {
			return d.At
		}
	}
	return t.held.At
}

// byOndato: the decision is what the session says at some time between the end of the watch and the end of the run.
func (t truth) byOndato(last session) {
	said := t.held.Message.Data
	states := last.during(t.watched(), t.closed())
	i := slices.IndexFunc(states, func(c change) bool { return string(c.decided()) == said.Outcome && c.Reason == said.Reason })
	if i < 0 {
		t.complain("the backend holds %s (%s), and Ondato says %s", said.Outcome, said.Reason, describe(states))
		return
	}
	if said.DecidedAt.Add(tolerance).Before(last.first(states[i])) {
		t.complain("%s was decided before Ondato had decided it", said.Outcome)
	}
	if said.Outcome == string(onboarding.OutcomeRejected) && !t.critical[said.Reason] && said.Attempt < t.Setup.Policy.MaxAttempts &&
		said.DecidedAt.Before(t.deadline()) && !t.saidOtherwise() {
		t.complain("rejected for %s with attempts left, and no new session was opened", said.Reason)
	}
	if len(states) == 1 && !sameJSON(t.Record, said.Identification) {
		t.complain("the record that was handed off is not the one that Ondato shows")
	}
}

// first is when the session came to say first what it says in a state.
func (s session) first(state change) time.Time {
	for _, h := range s.History {
		if h.Identification == state.Identification && h.Reason == state.Reason {
			return h.At
		}
	}
	return state.At
}

// saidOtherwise: an earlier version told the backend something else. What has been told is amended, not mended.
func (t truth) saidOtherwise() bool {
	return slices.ContainsFunc(t.Deliveries, func(d delivery) bool {
		return d.Message.Data.Version < t.held.Message.Data.Version && d.Message.Data.Outcome != t.held.Message.Data.Outcome
	})
}

// byDeadline: the deadline may end what Ondato had not decided by then.
func (t truth) byDeadline(attempts []session) {
	said := t.held.Message.Data
	aborted := len(attempts) > 0 && attempts[len(attempts)-1].now().Status == "Aborted"
	if said.Outcome != string(onboarding.OutcomeExpired) && !(aborted && said.Outcome == string(onboarding.OutcomeAbandoned)) {
		t.complain("the deadline cannot make it %s", said.Outcome)
	}
	for i, s := range attempts {
		state, ok := s.at(t.deadline())
		final := i == len(attempts)-1 && (t.critical[state.Reason] || said.Attempt == t.Setup.Policy.MaxAttempts)
		if ok && (state.decided() == onboarding.OutcomeApproved || final && state.decided() == onboarding.OutcomeRejected) {
			t.complain("the deadline ended it, although Ondato had decided before: %s", state.decided())
		}
	}
	t.contradicted(attempts)
}

// byAttempts: the attempts are used up, and the last session was left.
func (t truth) byAttempts(last session) {
	said := t.held.Message.Data
	state, _ := last.at(said.DecidedAt.Add(tolerance))
	demanded := map[string]onboarding.Outcome{"Aborted": onboarding.OutcomeAbandoned, "Expired": onboarding.OutcomeExpired}[state.Status]
	if string(demanded) != said.Outcome || !state.left() {
		t.complain("the backend holds %s, and the last session was %s, its identification %q", said.Outcome, state.Status, state.Identification)
	}
	over := 0
	for _, s := range t.Sessions {
		if state, ok := s.at(said.DecidedAt.Add(tolerance)); ok && state.ended() {
			over++
		}
	}
	if most := t.Setup.Policy.MaxAttempts; said.Attempt != most || over < most {
		t.complain("the attempts were not used up: attempt %d of %d, %d sessions had ended", said.Attempt, most, over)
	}
	t.contradicted([]session{last})
}

// contradicted: what a rule has ended stands, and an approval that comes while it is watched calls for attention.
func (t truth) contradicted(attempts []session) {
	named := t.held.Message.Data.Ondato.Session
	for _, s := range attempts {
		before, _ := s.at(t.watched())
		if s.ID == named && before.decided() == onboarding.OutcomeApproved && t.Status != nil &&
			!slices.Contains(t.Status.Attention, onboarding.AttentionLateDecision) {
			t.complain("Ondato approved after the end, and nobody's attention was called to it")
		}
	}
}

// describe says what a session's states were.
func describe(states []change) string {
	text := ""
	for i, c := range states {
		if i > 0 {
			text += ", then "
		}
		text += fmt.Sprintf("%s with identification %s (%s)", c.Status, c.Identification, c.Reason)
	}
	if text == "" {
		return "nothing"
	}
	return text
}
