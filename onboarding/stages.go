package onboarding

// stage is derived from what is known; nothing stores it but for comparison.
func (s *State) stage(done bool) Stage {
	switch {
	case done:
		return StageDone
	case s.Decision != nil && !s.delivered():
		return StageHandingOff
	case s.Handed != nil:
		return StageWatching
	case s.Session == nil && s.Opening.Failures > 0:
		return StageOpening
	case s.Session == nil:
		return StageAwaitingStart
	case !s.Session.Submitted.IsZero():
		return StageAwaitingDecision
	case s.Session.Status == SessionPending:
		return StageAwaitingStart
	default:
		return StageInProgress
	}
}

// Transition is a change of stage that the process can make.
type Transition struct {
	From, To Stage
	// When says what brings it about.
	When string
}

// Transitions is the whole state diagram. A process never makes a change that is not listed here.
func Transitions() []Transition {
	return []Transition{
		{StageAwaitingStart, StageOpening, "creating the session fails"},
		{StageOpening, StageAwaitingStart, "the session is created"},
		{StageAwaitingStart, StageInProgress, "the customer opens the page"},
		{StageAwaitingStart, StageAwaitingDecision, "the customer has finished, and the events between were late or lost"},
		{StageInProgress, StageAwaitingDecision, "the customer has finished"},
		{StageAwaitingDecision, StageInProgress, "rejected, and the customer may retry in the same session"},
		{StageInProgress, StageAwaitingStart, "the attempt has ended and a new session is opened"},
		{StageAwaitingDecision, StageAwaitingStart, "rejected for a reason that a new session can mend, or an operator renews"},

		{StageAwaitingStart, StageHandingOff, "decided, expired, abandoned or cancelled"},
		{StageOpening, StageHandingOff, "cancelled, decided by an operator, or past the deadline"},
		{StageInProgress, StageHandingOff, "decided, expired, abandoned or cancelled"},
		{StageAwaitingDecision, StageHandingOff, "decided, expired or cancelled"},
		{StageHandingOff, StageWatching, "the backend has accepted the decision"},
		{StageHandingOff, StageDone, "the backend has accepted the decision, and the watch is off"},
		{StageWatching, StageHandingOff, "the decision or its record has changed"},
		{StageWatching, StageDone, "the watch is over"},
		{StageDone, StageWatching, "an event comes in the very moment of the end"},

		{StageHandingOff, StageAwaitingDecision, "Ondato took the decision back before it was delivered"},
		{StageHandingOff, StageInProgress, "Ondato took the decision back before it was delivered, and the customer goes on"},
		{StageHandingOff, StageAwaitingStart, "the undelivered decision became one that a new session can mend"},
	}
}
