package ondato

import (
	"context"
	"encoding/json"
	"time"
)

// Identification is a KYC identification as Ondato shows it now (contract 3.1). Times that are absent or unreadable are
// zero, ids that are UUIDs are in lower case.
type Identification struct {
	ID                     string
	ApplicationID          string
	IdentityVerificationID string // a bearer secret
	CreatedUtc             time.Time
	CompletedUtc           time.Time // zero until the customer finishes
	Setup                  SetupRef  // the KYC setup
	Status                 IdentificationStatus
	StatusReason           Reason
	IsCrossChecked         bool // a human looked at it (inferred)
	// Raw is the whole record as Ondato gave it, for handing on. It is full of personal data.
	Raw json.RawMessage
}

// Identification reads a KYC identification (contract 3.1).
func (c *Client) Identification(ctx context.Context, id string) (*Identification, error) {
	const op = "get identification"
	var wire struct {
		ID                     string       `json:"id"`
		ApplicationID          string       `json:"applicationId"`
		IdentityVerificationID string       `json:"identityVerificationId"`
		CreatedUtc             string       `json:"createdUtc"`
		CompletedUtc           string       `json:"completedUtc"`
		Setup                  wireSetupRef `json:"setup"`
		Status                 string       `json:"status"`
		StatusReason           string       `json:"statusReason"`
		IsCrossChecked         bool         `json:"isCrossChecked"`
	}
	raw, err := c.get(ctx, op, c.kycURL, "identifications", id, "", recordAnswer, &wire)
	if err != nil {
		return nil, err
	}
	if err := sameID(op, id, wire.ID); err != nil {
		return nil, err
	}
	return &Identification{
		ID:                     normalID(wire.ID),
		ApplicationID:          normalID(wire.ApplicationID),
		IdentityVerificationID: normalID(wire.IdentityVerificationID),
		CreatedUtc:             timeOrZero(wire.CreatedUtc),
		CompletedUtc:           timeOrZero(wire.CompletedUtc),
		Setup:                  wire.Setup.ref(),
		Status:                 IdentificationStatus(wire.Status),
		StatusReason:           ParseReason(wire.StatusReason),
		IsCrossChecked:         wire.IsCrossChecked,
		Raw:                    raw,
	}, nil
}
