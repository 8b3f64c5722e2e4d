package onboarding

import "time"

// Stage is where an onboarding stands; it is a search attribute.
type Stage string

// The stages. Opening means that a session is being created and that creation is in trouble.
const (
	StageAwaitingStart    Stage = "AwaitingStart"
	StageOpening          Stage = "Opening"
	StageInProgress       Stage = "InProgress"
	StageAwaitingDecision Stage = "AwaitingDecision"
	StageHandingOff       Stage = "HandingOff"
	StageWatching         Stage = "Watching"
	StageDone             Stage = "Done"
)

// Stages lists every stage, in the order in which an onboarding usually passes them.
func Stages() []Stage {
	return []Stage{
		StageAwaitingStart, StageOpening, StageInProgress, StageAwaitingDecision, StageHandingOff, StageWatching, StageDone,
	}
}

// Outcome is what came of an onboarding; empty while that is open.
type Outcome string

// The outcomes. Abandoned means that the attempts are used up and the customer left the last one.
const (
	OutcomeApproved  Outcome = "Approved"
	OutcomeRejected  Outcome = "Rejected"
	OutcomeExpired   Outcome = "Expired"
	OutcomeAbandoned Outcome = "Abandoned"
	OutcomeCancelled Outcome = "Cancelled"
)

// Outcomes lists every outcome.
func Outcomes() []Outcome {
	return []Outcome{OutcomeApproved, OutcomeRejected, OutcomeExpired, OutcomeAbandoned, OutcomeCancelled}
}

// Attention is a technical code for something that operations should look at; it is a search attribute.
type Attention string

// The codes. A code leaves when its cause has gone; LateDecision and OtherSessionDecision stay until an operator
// decides.
const (
	AttentionOpeningFailing Attention = "opening-failing"
	AttentionOndatoFailing  Attention = "ondato-failing"
	AttentionMessageFailing Attention = "message-failing"
	AttentionMessageRefused Attention = "message-refused"
	AttentionOverdue        Attention = "decision-overdue"
	AttentionHandOffFailing Attention = "handoff-failing"
	// AttentionLateDecision: Ondato decided otherwise than a person, or after the onboarding had ended without it.
	AttentionLateDecision Attention = "late-decision"
	// AttentionOtherSession: a session that is not (or no longer) this onboarding's was approved.
	AttentionOtherSession Attention = "other-session-approved"
)

// Attentions lists every code.
func Attentions() []Attention {
	return []Attention{
		AttentionOpeningFailing, AttentionOndatoFailing, AttentionMessageFailing, AttentionMessageRefused, AttentionOverdue,
		AttentionHandOffFailing, AttentionLateDecision, AttentionOtherSession,
	}
}

// DecidedByOndato is the Decision.By of an identification that Ondato decided.
const DecidedByOndato = "ondato"

// DecidedByRule is the Decision.By of an end that the policy brought about: expired, abandoned.
const DecidedByRule = "policy"

// Decision is what is handed to the backend, without the identification record, which goes straight from Ondato to the
// backend.
type Decision struct {
	hidden
	Outcome Outcome `json:"outcome"`
	// Reason is Ondato's statusReason, or the operator's reason.
	Reason string `json:"reason,omitempty"`
	// By is DecidedByOndato, DecidedByRule or the actor of a command.
	By               string    `json:"by"`
	At               time.Time `json:"at"`
	Attempt          int       `json:"attempt"`
	SessionID        string    `json:"sessionId,omitempty"`
	IdentificationID string    `json:"identificationId,omitempty"`
	RecordDigest     string    `json:"recordDigest,omitempty"`
	// Version counts what was handed off, from 1; 0 before the first try.
	Version int `json:"version"`
}

// says tells whether two decisions say the same to the backend.
func (d Decision) says(o Decision) bool {
	return d.Outcome == o.Outcome && d.Reason == o.Reason && d.RecordDigest == o.RecordDigest && d.byOndato() == o.byOndato()
}

// byOndato tells whether Ondato may change the decision. What a person or a rule ended stands.
func (d Decision) byOndato() bool { return d.By == DecidedByOndato }

// Input is the Onboarding workflow's input.
type Input struct {
	hidden
	Request Request `json:"request"`
	// Setup is resolved when the onboarding starts and stays.
	Setup Setup `json:"setup"`
	// Call is a random id of the call that began the onboarding.
	Call string `json:"call"`
	// State is set on continue-as-new alone.
	State *State `json:"state,omitempty"`
}

// Result is the Onboarding workflow's result.
type Result struct {
	hidden
	ID       ID       `json:"id"`
	Outcome  Outcome  `json:"outcome"`
	Decision Decision `json:"decision"`
	Attempts int      `json:"attempts"`
}

// Status is a complete snapshot for people and programs; it is the answer of QueryStatus.
type Status struct {
	hidden
	ID            ID        `json:"id"`
	Reference     Reference `json:"reference"`
	RequestDigest string    `json:"requestDigest"`
	Setup         string    `json:"setup"`
	Stage         Stage     `json:"stage"`
	Outcome       Outcome   `json:"outcome,omitempty"`
	Attempt       int       `json:"attempt"`
	MaxAttempts   int       `json:"maxAttempts"`
	StartedAt     time.Time `json:"startedAt"`
	Deadline      time.Time `json:"deadline"`
	// Link to the customer's page, while the session is open.
	Link string `json:"link,omitempty"`
	// Session and Identification are Ondato's statuses as far as they are known.
	Session        SessionStatus        `json:"session,omitempty"`
	Identification IdentificationStatus `json:"identification,omitempty"`
	Decision       *Decision            `json:"decision,omitempty"`
	// HandedOff is the newest version that the backend has accepted.
	HandedOff *HandedDecision `json:"handedOff,omitempty"`
	// Awaited says in a sentence what is awaited, AwaitedSince since when.
	Awaited      string    `json:"awaited"`
	AwaitedSince time.Time `json:"awaitedSince"`
	// Doing lists the steps that are under way.
	Doing []StepKind `json:"doing,omitempty"`
	// Next says what will happen by itself, and NextAt when, if nothing else happens before.
	Next   string    `json:"next,omitempty"`
	NextAt time.Time `json:"nextAt,omitzero"`
	// Attention lists what operations should look at, sorted.
	Attention []Attention `json:"attention,omitempty"`
	// Terminated tells that the run was ended in Temporal before its own end: nothing follows any more. The process cannot
	// know of it; a Starter says so.
	Terminated bool `json:"terminated,omitempty"`
	// Allowed lists the commands that would be accepted now.
	Allowed   []CommandKind `json:"allowed,omitempty"`
	LastEvent *SeenEvent    `json:"lastEvent,omitempty"`
	// Noted holds the newest events that were not acted on as they stand, and why; NotedTotal counts all of them.
	Noted      []Note `json:"noted,omitempty"`
	NotedTotal int    `json:"notedTotal,omitempty"`
	// Trail is what happened, oldest first, bounded.
	Trail []TrailEntry `json:"trail,omitempty"`
}

// HandedDecision is a decision that the backend has accepted.
type HandedDecision struct {
	Decision
	HandedAt  time.Time `json:"handedAt"`
	WebhookID string    `json:"webhookId"`
}

// SeenEvent is an event and when it arrived.
type SeenEvent struct {
	Type       EventType `json:"type"`
	Status     string    `json:"status,omitempty"`
	CreatedUtc time.Time `json:"createdUtc"`
	ArrivedAt  time.Time `json:"arrivedAt"`
}

// Note says why an event was not acted on as it stands.
type Note struct {
	At      time.Time `json:"at"`
	EventID string    `json:"eventId"`
	Type    EventType `json:"type"`
	Why     string    `json:"why"`
}

// TrailEntry is one entry of the audit trail.
type TrailEntry struct {
	hidden
	At time.Time `json:"at"`
	// Actor is ActorTemporal, "process", "ondato" or a person.
	Actor  string `json:"actor"`
	What   string `json:"what"`
	Reason string `json:"reason,omitempty"`
}
