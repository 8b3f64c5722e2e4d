package onboarding

import "time"

// EventType is an Ondato event's type in its current spelling (contract 5.2).
type EventType string

// The events that concern an onboarding.
const (
	EventStatusChanged EventType = "IdentityVerification.StatusChanged"
	EventConsented     EventType = "IdentityVerification.Consented"
	EventCreated       EventType = "KycIdentification.Created"
	EventProcessed     EventType = "KycIdentification.Processed"
	EventApproved      EventType = "KycIdentification.Approved"
	EventRejected      EventType = "KycIdentification.Rejected"
	EventUpdated       EventType = "KycIdentification.Updated"
)

// CanDecide tells whether the event can change what happens next; the others only show that the customer is active.
func (t EventType) CanDecide() bool { return t != EventConsented && t != EventCreated }

// Event is what an Ondato webhook tells an onboarding: ids, type, status and times, no reason and no personal data.
// It is the payload of SignalEvent.
type Event struct {
	hidden
	// ID is the webhook's id; a redelivery repeats it (contract 5.5).
	ID   string    `json:"id"`
	Type EventType `json:"type"`
	// CreatedUtc is when Ondato generated the event; it orders events among themselves.
	CreatedUtc time.Time `json:"createdUtc"`
	// SessionID is the identity verification's id.
	SessionID string `json:"sessionId"`
	// IdentificationID is the KYC identification's id, where the event is about one.
	IdentificationID string `json:"identificationId,omitempty"`
	// Status is the status inside the event's payload, in Ondato's words.
	Status string `json:"status,omitempty"`
}

// SessionStatus is the status of a session at Ondato (contract 2.5). Values not listed here are treated as in progress.
type SessionStatus string

// The statuses of a session. SessionGone is ours: Ondato does not know the session (any more).
const (
	SessionPending    SessionStatus = "Pending"
	SessionInProgress SessionStatus = "InProgress"
	SessionSuspended  SessionStatus = "Suspended"
	SessionCompleted  SessionStatus = "Completed"
	SessionAborted    SessionStatus = "Aborted"
	SessionExpired    SessionStatus = "Expired"
	SessionGone       SessionStatus = "Gone"
)

// Terminal tells whether Ondato never leaves the status.
func (s SessionStatus) Terminal() bool {
	return s == SessionCompleted || s == SessionAborted || s == SessionExpired || s == SessionGone
}

// IdentificationStatus is the status of a KYC identification (contract 3.2).
type IdentificationStatus string

// The statuses of an identification; empty means that there is none yet.
const (
	IdentificationAwaiting IdentificationStatus = "Awaiting"
	IdentificationApproved IdentificationStatus = "Approved"
	IdentificationRejected IdentificationStatus = "Rejected"
)
