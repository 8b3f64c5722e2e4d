package activities

import (
	"context"
	"encoding/json"

	"kyc/onboarding"
	"kyc/ondato"
)

// OndatoAPI is what the activities need of Ondato; *ondato.Client is it.
type OndatoAPI interface {
	CreateIdentityVerification(ctx context.Context, r ondato.CreateRequest) (string, error)
	IdentityVerification(ctx context.Context, id string) (*ondato.IdentityVerification, error)
	Identification(ctx context.Context, id string) (*ondato.Identification, error)
	Link(sessionID string) string
}

// Ondato opens sessions and looks at them.
type Ondato struct{ API OndatoAPI }

// OpenSession is onboarding.ActivityOpenSession. Ondato has no idempotency key (contract 2.1): a retry after a lost
// answer opens a second session, whose events the process tells apart by the session's id.
func (o *Ondato) OpenSession(ctx context.Context, in onboarding.OpenSession) (onboarding.OpenedSession, error) {
	a := in.Applicant
	id, err := o.API.CreateIdentityVerification(ctx, ondato.CreateRequest{
		SetupID:             in.OndatoSetupID,
		ExternalReferenceID: string(in.ID),
		Registration: ondato.Registration{
			FirstName: a.FirstName, MiddleName: a.MiddleName, LastName: a.LastName, DateOfBirth: a.DateOfBirth,
			Email: a.Email, PhoneNumber: a.Phone, PersonalCode: a.PersonalCode, CountryCode: a.CountryCode,
		},
	})
	if err != nil {
		return onboarding.OpenedSession{}, classified(err)
	}
	return onboarding.OpenedSession{SessionID: id, Link: o.API.Link(id)}, nil
}

// LookAtSession is onboarding.ActivityLook: GET of the session, and of its identification when there is one. A session
// that Ondato does not know is a finding, not an error.
func (o *Ondato) LookAtSession(ctx context.Context, in onboarding.Look) (onboarding.Sight, error) {
	seen, _, err := o.look(ctx, in.SessionID)
	return seen, classified(err)
}

func (o *Ondato) look(ctx context.Context, sessionID string) (onboarding.Sight, json.RawMessage, error) {
	session, err := o.API.IdentityVerification(ctx, sessionID)
	if ondato.IsNotFound(err) {
		return onboarding.Sight{Session: onboarding.SessionGone}, nil, nil
	}
	if err != nil {
		return onboarding.Sight{}, nil, err
	}
	seen := onboarding.Sight{
		Session:     onboarding.SessionStatus(session.Status),
		ModifiedUtc: session.ModifiedUtc,
	}
	if session.KycIdentification == nil || session.KycIdentification.ID == "" {
		return seen, nil, nil
	}
	record, err := o.API.Identification(ctx, session.KycIdentification.ID)
	if ondato.IsNotFound(err) {
		return seen, nil, nil
	}
	if err != nil {
		return onboarding.Sight{}, nil, err
	}
	seen.IdentificationID = record.ID
	seen.Identification = onboarding.IdentificationStatus(record.Status)
	seen.Reason = string(record.StatusReason)
	seen.RetryableReason = record.StatusReason.Retryable()
	seen.CompletedUtc = record.CompletedUtc
	seen.RecordDigest = record.Digest()
	return seen, record.Raw, nil
}
