package ondato

// EventType is what a webhook tells, <Resource>.<Event>; other products' and future types are kept as they are (contract 5.2).
type EventType string

// The event types of the products used here (contract 5.2).
const (
	IdentityVerificationStatusChanged EventType = "IdentityVerification.StatusChanged"
	IdentityVerificationConsented     EventType = "IdentityVerification.Consented"
	KycIdentificationCreated          EventType = "KycIdentification.Created"
	KycIdentificationProcessed        EventType = "KycIdentification.Processed" // the customer finished; no decision
	KycIdentificationApproved         EventType = "KycIdentification.Approved"
	KycIdentificationRejected         EventType = "KycIdentification.Rejected"
	KycIdentificationUpdated          EventType = "KycIdentification.Updated" // edited in Ondato's portal
)

// ParseEventType replaces the names of 2022, Idv.*, by today's; every other name is kept (contract 5.2).
func ParseEventType(name string) EventType {
	switch name {
	case "Idv.StatusChanged":
		return IdentityVerificationStatusChanged
	case "Idv.Consented":
		return IdentityVerificationConsented
	}
	return EventType(name)
}

// OfSession reports whether the payload is an identity verification (contract 5.2).
func (t EventType) OfSession() bool {
	return t == IdentityVerificationStatusChanged || t == IdentityVerificationConsented
}

// OfIdentification reports whether the payload is a KYC identification (contract 5.2).
func (t EventType) OfIdentification() bool {
	switch t {
	case KycIdentificationCreated, KycIdentificationProcessed, KycIdentificationApproved, KycIdentificationRejected, KycIdentificationUpdated:
		return true
	}
	return false
}

// Known reports whether the type is one of the seven above.
func (t EventType) Known() bool { return t.OfSession() || t.OfIdentification() }
