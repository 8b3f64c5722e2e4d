package onboarding

import "time"

// StepKind is one of the things a process has done for it. Each is a Temporal activity.
type StepKind string

// The kinds of step.
const (
	StepOpen    StepKind = "open"
	StepLook    StepKind = "look"
	StepMessage StepKind = "message"
	StepHandOff StepKind = "handoff"
)

// lane is a queue of steps that run one at a time; steps of different lanes run side by side.
type lane int

const (
	laneOndato lane = iota
	laneMessage
	laneHandOff
	lanes
)

func (k StepKind) lane() lane {
	switch k {
	case StepMessage:
		return laneMessage
	case StepHandOff:
		return laneHandOff
	default:
		return laneOndato
	}
}

// Step is something to do now. Exactly the member named by Kind is set.
type Step struct {
	hidden
	Kind StepKind `json:"kind"`
	// Brisk marks a first try: it is made once and shortly, because it nearly always works; what follows a failed one is
	// patient.
	Brisk   bool         `json:"brisk,omitempty"`
	Open    *OpenSession `json:"open,omitempty"`
	Look    *Look        `json:"look,omitempty"`
	Message *Message     `json:"message,omitempty"`
	HandOff *HandOff     `json:"handOff,omitempty"`
}

// OpenSession asks for a new session at Ondato. It is the input of ActivityOpenSession.
type OpenSession struct {
	hidden
	ID            ID        `json:"id"`
	OndatoSetupID string    `json:"ondatoSetupId"`
	Attempt       int       `json:"attempt"`
	Applicant     Applicant `json:"applicant"`
}

// OpenedSession is the result of ActivityOpenSession. Both members are bearer capabilities: they open the customer's
// page.
type OpenedSession struct {
	hidden
	SessionID string `json:"sessionId"`
	Link      string `json:"link"`
}

// Look asks for what Ondato knows of a session. It is the input of ActivityLook.
type Look struct {
	hidden
	SessionID string `json:"sessionId"`
}

// Sight is what Ondato knows of a session and its identification, without personal data. It is the result of
// ActivityLook.
type Sight struct {
	hidden
	Session SessionStatus `json:"session"`
	// ModifiedUtc is when the session last changed, zero where Ondato does not say.
	ModifiedUtc      time.Time            `json:"modifiedUtc,omitzero"`
	IdentificationID string               `json:"identificationId,omitempty"`
	Identification   IdentificationStatus `json:"identification,omitempty"`
	// Reason is the identification's statusReason; RetryableReason tells whether the customer may try again.
	Reason          string `json:"reason,omitempty"`
	RetryableReason bool   `json:"retryableReason,omitempty"`
	// CompletedUtc is when the customer finished the identification, zero before.
	CompletedUtc time.Time `json:"completedUtc,omitzero"`
	// RecordDigest is the SHA-256 of the canonical identification record, in hex.
	RecordDigest string `json:"recordDigest,omitempty"`
}

// MessageKind says what a message is about.
type MessageKind string

// The messages: to the customer, and MessageEscalation and MessageHandOffFailing to operations.
const (
	MessageInvitation     MessageKind = "invitation"
	MessageReminder       MessageKind = "reminder"
	MessageNewLink        MessageKind = "new-link"
	MessageConfirmation   MessageKind = "confirmation"
	MessageEscalation     MessageKind = "escalation"
	MessageHandOffFailing MessageKind = "handoff-failing"
)

// forOperations tells whether the message goes to operations rather than to the customer.
func (k MessageKind) forOperations() bool {
	return k == MessageEscalation || k == MessageHandOffFailing
}

// Message is one message to send. It is the input of ActivitySendMessage.
type Message struct {
	hidden
	ID        ID          `json:"id"`
	Reference Reference   `json:"reference,omitempty"`
	Kind      MessageKind `json:"kind"`
	Setup     string      `json:"setup"`
	Language  string      `json:"language"`
	// Channels are tried in order until one has taken the message, or all of them with By NotifyEach. Taken are those
	// that have taken it before.
	Channels []Channel `json:"channels"`
	By       NotifyBy  `json:"by,omitempty"`
	Taken    []Channel `json:"taken,omitempty"`
	// To is an e-mail address, empty where the customer's is not known; Phone likewise, in E.164 form.
	To        string `json:"to"`
	Phone     string `json:"phone,omitempty"`
	FirstName string `json:"firstName,omitempty"`
	Link      string `json:"link,omitempty"`
	// LinkUntil is when the link expires if nothing happens.
	LinkUntil time.Time `json:"linkUntil,omitzero"`
	// TimeZone is where the customer is told times, an IANA name; empty means UTC. Quiet is set for a message that waits
	// for the end of quiet hours there: it is then not sent, and SentMessage.HeldUntil says until when.
	TimeZone string     `json:"timeZone,omitempty"`
	Quiet    QuietHours `json:"quiet,omitzero"`
	// NotBefore is when a message that was held may be tried again.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Number of Total: which reminder this is.
	Number int `json:"number,omitempty"`
	Total  int `json:"total,omitempty"`
	// Started tells whether the customer has begun.
	Started bool `json:"started,omitempty"`
	// Attempt the message belongs to; a message of a past attempt is not sent any more.
	Attempt int `json:"attempt"`
	// RetryReason is why another attempt is needed, set only for reasons that customers may be told.
	RetryReason string `json:"retryReason,omitempty"`
	// MessageID is stable over retries of this message.
	MessageID string `json:"messageId"`
}

// SentMessage is the result of ActivitySendMessage.
type SentMessage struct {
	// Channels are those that have taken it, in this step.
	Channels []Channel `json:"channels,omitempty"`
	// HeldUntil is set when nothing was sent, because quiet hours hold until then.
	HeldUntil time.Time `json:"heldUntil,omitzero"`
}

// HandOff delivers a decision to the backend. It is the input of ActivityHandOff.
type HandOff struct {
	hidden
	ID        ID        `json:"id"`
	Reference Reference `json:"reference"`
	Setup     string    `json:"setup"`
	Decision  Decision  `json:"decision"`
	// Amendment tells that an earlier version has been delivered, to one target at least.
	Amendment bool `json:"amendment,omitempty"`
	// Targets are the names of those that are still to get it; empty means DefaultTarget.
	Targets []string `json:"targets,omitempty"`
}

// HandedOff is the result of ActivityHandOff: every target has taken it, unless Changed.
type HandedOff struct {
	Version int `json:"version"`
	// Changed tells that nothing was delivered, because Ondato's decision is not the one that was to be delivered; but for
	// what Taken names, the targets that had taken it before the change was seen.
	Changed bool     `json:"changed,omitempty"`
	Taken   []string `json:"taken,omitempty"`
	// WebhookID is the id under which it was delivered.
	WebhookID string `json:"webhookId,omitempty"`
}

// Failure is a step that failed after its own retries.
type Failure struct {
	// Code is technical and free of personal data, such as "unavailable".
	Code string `json:"code"`
	// Permanent tells that trying again unchanged cannot help.
	Permanent bool `json:"permanent,omitempty"`
	// Taken names the channels or handoff targets that have taken the message all the same. It is the one detail of the
	// ApplicationError that a failed activity returns.
	Taken []string `json:"taken,omitempty"`
}

// Finished is how a step ended: with the result for its kind, or with a Failure.
type Finished struct {
	hidden
	Kind    StepKind
	Opened  *OpenedSession
	Sight   *Sight
	Sent    *SentMessage
	Handed  *HandedOff
	Failure *Failure
}
