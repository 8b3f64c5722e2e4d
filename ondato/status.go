package ondato

// SessionStatus is the status of an identity verification; values that Ondato adds are kept as they are (contract 2.5).
type SessionStatus string

// The known session statuses (contract 2.5).
const (
	SessionPending    SessionStatus = "Pending"
	SessionInProgress SessionStatus = "InProgress"
	SessionSuspended  SessionStatus = "Suspended"
	SessionCompleted  SessionStatus = "Completed"
	SessionAborted    SessionStatus = "Aborted"
	SessionExpired    SessionStatus = "Expired"
)

// Known reports whether the status is one of the contract's.
func (s SessionStatus) Known() bool {
	switch s {
	case SessionPending, SessionInProgress, SessionSuspended, SessionCompleted, SessionAborted, SessionExpired:
		return true
	}
	return false
}

// Terminal reports whether the customer can do nothing more in this session; an unknown status is not terminal (contract 2.5).
func (s SessionStatus) Terminal() bool {
	switch s {
	case SessionCompleted, SessionAborted, SessionExpired:
		return true
	}
	return false
}

// IdentificationStatus is the status of a KYC identification; values that Ondato adds are kept as they are (contract 3.2).
type IdentificationStatus string

// The known identification statuses (contract 3.2).
const (
	IdentificationAwaiting IdentificationStatus = "Awaiting"
	IdentificationApproved IdentificationStatus = "Approved"
	IdentificationRejected IdentificationStatus = "Rejected"
)

// Known reports whether the status is one of the contract's.
func (s IdentificationStatus) Known() bool {
	switch s {
	case IdentificationAwaiting, IdentificationApproved, IdentificationRejected:
		return true
	}
	return false
}

// Decided reports whether the status is Approved or Rejected.
func (s IdentificationStatus) Decided() bool {
	return s == IdentificationApproved || s == IdentificationRejected
}
