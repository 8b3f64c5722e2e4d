package ondato

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

const identityVerifications = "identity-verifications"

// IdentityVerification is a session as Ondato shows it now (contract 2.2). Times that are absent or unreadable are zero,
// absent steps are nil, ids that are UUIDs are in lower case. The registration is not decoded.
type IdentityVerification struct {
	ID                  string // a bearer secret
	ApplicationID       string
	ExternalReferenceID string
	CreatedUtc          time.Time
	ModifiedUtc         time.Time
	Status              SessionStatus
	StatusReason        string // values unknown (contract 2.2)
	Setup               SetupRef
	Consent             *ConsentStep
	KycIdentification   *KycStep // nil until the customer starts the step
	Redaction           *Redaction
}

// SetupRef names a setup and the version that the session is pinned to (contract 2.2).
type SetupRef struct {
	ID        string
	VersionID string
}

// ConsentStep is step.consent (contract 2.2).
type ConsentStep struct {
	ID           string
	IsConsented  bool
	ConsentedUtc time.Time
}

// KycStep is step.kycIdentification (contract 2.2). IsSuccess is nil where Ondato says nothing; it is no decision.
type KycStep struct {
	ID        string
	IsSuccess *bool
}

// IdentityVerification reads a session (contract 2.2).
func (c *Client) IdentityVerification(ctx context.Context, id string) (*IdentityVerification, error) {
	const op = "get identity verification"
	var wire wireSession
	if _, err := c.get(ctx, op, c.idvURL, identityVerifications, id, "", smallAnswer, &wire); err != nil {
		return nil, err
	}
	if err := sameID(op, id, wire.ID); err != nil {
		return nil, err
	}
	return wire.session(), nil
}

// sameID guards against an answer about something else, for example from a cache between us and Ondato: acting on
// it could give one customer's decision to another.
func sameID(op, asked, answered string) error {
	switch {
	case answered == "":
		return unreadable(op, "the answer holds no id")
	case !strings.EqualFold(asked, answered):
		return unreadable(op, "the answer is about another id than the one asked for")
	}
	return nil
}

type wireSetupRef struct {
	ID        string `json:"id"`
	VersionID string `json:"versionId"`
}

func (w wireSetupRef) ref() SetupRef {
	return SetupRef{ID: normalID(w.ID), VersionID: normalID(w.VersionID)}
}

type wireSession struct {
	ID                  string       `json:"id"`
	ApplicationID       string       `json:"applicationId"`
	ExternalReferenceID string       `json:"externalReferenceId"`
	CreatedUtc          string       `json:"createdUtc"`
	ModifiedUtc         string       `json:"modifiedUtc"`
	Status              string       `json:"status"`
	StatusReason        string       `json:"statusReason"`
	Setup               wireSetupRef `json:"setup"`
	Step                struct {
		Consent           *wireConsentStep `json:"consent"`
		KycIdentification *wireKycStep     `json:"kycIdentification"`
	} `json:"step"`
	Redaction json.RawMessage `json:"redaction"`
}

type wireConsentStep struct {
	ID           string `json:"id"`
	IsConsented  bool   `json:"isConsented"`
	ConsentedUtc string `json:"consentedUtc"`
}

type wireKycStep struct {
	ID string `json:"id"`
	// Raw, because a member of another type would leave a *bool pointing at false.
	IsSuccess json.RawMessage `json:"isSuccess"`
}

func (w wireSession) session() *IdentityVerification {
	s := &IdentityVerification{
		ID:                  normalID(w.ID),
		ApplicationID:       normalID(w.ApplicationID),
		ExternalReferenceID: normalID(w.ExternalReferenceID),
		CreatedUtc:          timeOrZero(w.CreatedUtc),
		ModifiedUtc:         timeOrZero(w.ModifiedUtc),
		Status:              SessionStatus(w.Status),
		StatusReason:        w.StatusReason,
		Setup:               w.Setup.ref(),
		Redaction:           parseRedaction(w.Redaction),
	}
	if consent := w.Step.Consent; consent != nil && *consent != (wireConsentStep{}) {
		s.Consent = &ConsentStep{
			ID: normalID(consent.ID), IsConsented: consent.IsConsented, ConsentedUtc: timeOrZero(consent.ConsentedUtc),
		}
	}
	if kyc := w.Step.KycIdentification; kyc != nil && kyc.ID != "" {
		s.KycIdentification = &KycStep{ID: normalID(kyc.ID), IsSuccess: optionalBool(kyc.IsSuccess)}
	}
	return s
}

func optionalBool(raw json.RawMessage) *bool {
	switch string(raw) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	return nil
}
