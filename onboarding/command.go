package onboarding

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CommandKind is an operator's command; it is also the name of the Temporal update that carries it.
type CommandKind string

// The commands.
const (
	// CommandRemind sends a reminder now, unless a look shows that the customer has finished.
	CommandRemind CommandKind = "remind"
	// CommandRefresh asks Ondato now.
	CommandRefresh CommandKind = "refresh"
	// CommandRenew opens a new session and sends its link; the present one decides nothing any more.
	CommandRenew CommandKind = "renew"
	// CommandExtend moves the deadline.
	CommandExtend CommandKind = "extend"
	// CommandCancel ends the onboarding as cancelled.
	CommandCancel CommandKind = "cancel"
	// CommandDecide decides in Ondato's place.
	CommandDecide CommandKind = "decide"
	// CommandRetryHandoff ends the pause before the next try to hand the decision off.
	CommandRetryHandoff CommandKind = "retry-handoff"
)

// CommandKinds lists every command in the order they are documented.
func CommandKinds() []CommandKind {
	return []CommandKind{CommandRemind, CommandRefresh, CommandRenew, CommandExtend, CommandCancel, CommandDecide, CommandRetryHandoff}
}

// ActorTemporal is the actor of a cancellation that came from Temporal itself.
const ActorTemporal = "temporal"

// actorProcess is the actor of what the process did by itself, in the audit trail.
const actorProcess = "process"

// Command is what a person wants done. Actor and reason are kept in the audit trail.
type Command struct {
	hidden
	Kind CommandKind `json:"kind"`
	// ID makes the command safe to repeat: one ID acts once, even over continue-as-new.
	ID     string `json:"id"`
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// By is how far CommandExtend moves the deadline.
	By Duration `json:"by,omitempty"`
	// Outcome is what CommandDecide decides: Approved or Rejected.
	Outcome Outcome `json:"outcome,omitempty"`
}

// CommandReceipt answers a command.
type CommandReceipt struct {
	// Repeated tells that the command had been accepted before and was not carried out again. A repeat within one run of the
	// workflow gets the first answer again, in which it is false.
	Repeated bool `json:"repeated,omitempty"`
	// Stage after the command.
	Stage Stage `json:"stage"`
}

// ReservedActor tells whether a name stands in the audit trail for something that is no person and no program of a caller:
// a command in that name would pass for the word of Ondato, of the rules, of the process or of Temporal.
func ReservedActor(name string) bool {
	return isOwnName(name) || strings.EqualFold(strings.TrimSpace(name), ActorTemporal)
}

// isOwnName tells whether decisions in that name are not a person's, so that they would not stand against Ondato's next
// word.
func isOwnName(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case DecidedByOndato, DecidedByRule, actorProcess:
		return true
	}
	return false
}

// Validate returns FieldErrors with everything that is wrong with the command by itself, or nil. The name of Temporal's own
// cancellation passes: callers are held to ReservedActor by the Starter.
func (c Command) Validate() error {
	var found FieldErrors
	known := false
	for _, k := range CommandKinds() {
		known = known || k == c.Kind
	}
	if !known {
		found.add("kind", "is not a command", "use remind, refresh, renew, extend, cancel, decide or retry-handoff")
	}
	text := func(name, value, remedy string, longest int) {
		switch {
		case strings.TrimSpace(value) == "":
			found.add(name, "is missing", remedy)
		case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			found.add(name, "holds control characters or invalid UTF-8", "send plain text")
		case utf8.RuneCountInString(value) > longest:
			found.add(name, "is too long", "shorten it")
		}
	}
	text("id", c.ID, "send a unique id, such as a UUID", 200)
	text("actor", c.Actor, "say who gives the command", 200)
	if isOwnName(c.Actor) {
		found.add("actor", "is a name of the process's own", "say which person or program gives the command")
	}
	text("reason", c.Reason, "say why", 2000)
	switch c.Kind {
	case CommandExtend:
		if c.By.Std() <= 0 || c.By.Std() > maxPeriod {
			found.add("by", "is out of range", "give a duration up to 366d, such as 7d")
		}
	case CommandDecide:
		if c.Outcome != OutcomeApproved && c.Outcome != OutcomeRejected {
			found.add("outcome", "is neither Approved nor Rejected", "choose one of them")
		}
	}
	return found.orNil()
}

// LinkRequest is the argument of UpdateLink.
type LinkRequest struct {
	// RequestDigest is Request.Digest of the request that is being repeated; it must be the digest of the one the
	// onboarding began with.
	RequestDigest string `json:"requestDigest"`
}

// LinkView answers UpdateLink.
type LinkView struct {
	hidden
	// Call is the Input.Call of the run, by which a caller tells whether its own call began it.
	Call string `json:"call"`
	// RequestDigest is that of the request the onboarding began with.
	RequestDigest string `json:"requestDigest"`
	// Link is empty when there is none; Why then says why.
	Link    string  `json:"link,omitempty"`
	Why     string  `json:"why,omitempty"`
	Stage   Stage   `json:"stage"`
	Outcome Outcome `json:"outcome,omitempty"`
	Attempt int     `json:"attempt"`
}
