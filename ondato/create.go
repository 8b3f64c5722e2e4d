package ondato

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// CreateRequest opens a session (contract 2.1). SetupID is the IDV setup, not the KYC setup; ExternalReferenceID is at
// best a UUID, since longer references are known to be refused.
type CreateRequest struct {
	SetupID             string
	ExternalReferenceID string
	Registration        Registration
}

// Registration is what is known of the customer beforehand; empty members are not sent (contract 2.1).
type Registration struct {
	FirstName    string
	MiddleName   string
	LastName     string
	DateOfBirth  string // YYYY-MM-DD
	Email        string
	PhoneNumber  string // international, see [ParsePhoneNumber]; left out when it cannot be parsed
	PersonalCode string
	CountryCode  string // ISO 3166-1 alpha-2
}

// CreateIdentityVerification opens a session and returns its id, a bearer secret. Ondato has no idempotency key: after a
// [Transient] error a session may exist that nobody knows of; it expires unopened (contract 2.1).
func (c *Client) CreateIdentityVerification(ctx context.Context, r CreateRequest) (string, error) {
	const op = "create identity verification"
	if r.SetupID == "" {
		return "", invalidInput(op, "setupId", "the setup id is empty")
	}
	answer, err := c.do(ctx, request{
		op: op, method: http.MethodPost, url: c.idvURL + "/v1/identity-verifications", body: wireCreate(r), limit: smallAnswer,
	})
	if err != nil {
		return "", err
	}
	var created struct {
		ID string `json:"id"`
	}
	if !decodeObject(answer, &created) || created.ID == "" {
		return "", unreadable(op, "the answer holds no id")
	}
	return normalID(created.ID), nil
}

type createBody struct {
	SetupID             string            `json:"setupId"`
	ExternalReferenceID string            `json:"externalReferenceId,omitempty"`
	Registration        *registrationBody `json:"registration,omitempty"`
}

type registrationBody struct {
	FirstName    string      `json:"firstName,omitempty"`
	MiddleName   string      `json:"middleName,omitempty"`
	LastName     string      `json:"lastName,omitempty"`
	DateOfBirth  string      `json:"dateOfBirth,omitempty"`
	Email        string      `json:"email,omitempty"`
	PhoneNumber  json.Number `json:"phoneNumber,omitempty"`
	PersonalCode string      `json:"personalCode,omitempty"`
	CountryCode  string      `json:"countryCode,omitempty"`
}

func wireCreate(r CreateRequest) createBody {
	body := createBody{SetupID: r.SetupID, ExternalReferenceID: r.ExternalReferenceID}
	registration := registrationBody{
		FirstName:    r.Registration.FirstName,
		MiddleName:   r.Registration.MiddleName,
		LastName:     r.Registration.LastName,
		DateOfBirth:  r.Registration.DateOfBirth,
		Email:        r.Registration.Email,
		PersonalCode: r.Registration.PersonalCode,
		CountryCode:  r.Registration.CountryCode,
	}
	if digits, ok := ParsePhoneNumber(r.Registration.PhoneNumber); ok {
		registration.PhoneNumber = json.Number(digits)
	}
	if registration != (registrationBody{}) {
		body.Registration = &registration
	}
	return body
}

// ParsePhoneNumber returns the digits of an international phone number, without plus sign, as Ondato wants them: as a number
// (contract 2.1). It is false for what is not one: letters, fewer than 7 or more than 15 digits, or a national number
// with its leading zero, which a JSON number would lose.
func ParsePhoneNumber(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if rest, plus := strings.CutPrefix(s, "+"); plus {
		s = rest
	} else {
		s = strings.TrimPrefix(s, "00")
	}
	var digits []byte
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case strings.IndexByte(" -.()/", c) < 0:
			return "", false
		}
	}
	if len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
		return "", false
	}
	return string(digits), true
}
