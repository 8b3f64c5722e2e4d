package ondato

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Webhook is what one delivery tells, without the personal data of its payload (contract 5.1). All ids are in lower case.
// What the delivery does not hold, or holds in another type than expected, is empty or zero.
type Webhook struct {
	// ID is the webhook's own id: 1 to 200 printable characters.
	ID string
	// ApplicationID is the tenant, from the envelope or else from the payload; the caller compares it with its own.
	ApplicationID string
	// CreatedUtc orders events; deliveries come in any order (contract 5.5).
	CreatedUtc time.Time
	// Type is the event under today's name, RawType as it was sent. Both are the sender's text when Known is false.
	Type    EventType
	RawType string
	// SessionID is the identity verification's id, a UUID for known types and a bearer secret.
	SessionID string
	// IdentificationID is the KYC identification's id where the payload names one.
	IdentificationID string
	// ExternalReferenceID is our reference; do not expect it in KYC events (contract 3.1).
	ExternalReferenceID string
	// SetupID is the IDV setup for session events and the KYC setup for identification events.
	SetupID string
	// Status is a SessionStatus or an IdentificationStatus, according to Type.
	Status string
	// Times of the resource, zero where absent. Sessions have a modification, identifications a completion.
	PayloadCreatedUtc   time.Time
	PayloadModifiedUtc  time.Time
	PayloadCompletedUtc time.Time
}

// Known reports whether the event is one of the seven that concern sessions and identifications.
func (w Webhook) Known() bool { return w.Type.Known() }

// ParseWebhook reads a delivery with camelCase or PascalCase members (contract 5.1). An error is a [*FieldError] and
// means that the sender must change something. The checks run in this order: JSON, the envelope's id, type and
// createdUtc, the type, the payload's session id. Of a type that is not Known only the first two are demanded.
//
// On a bad payload of a known type the Webhook is returned along with the error, envelope filled in, so that a caller can
// drop another application's events before it refuses anything; on every other error it is zero.
// An absent application id is no error: it is empty, and therefore nobody's own.
//
// Of repeated members, also ones that differ in case only, the last of the expected type counts.
func ParseWebhook(body []byte) (Webhook, error) {
	var wire wireWebhook
	body = bytes.TrimPrefix(body, []byte("\ufeff")) // some .NET writers begin with a byte order mark
	if err := decodeBody(body, &wire); err != nil {
		return Webhook{}, err
	}
	w := wire.webhook()
	if err := w.checkEnvelope(wire); err != nil {
		return Webhook{}, err
	}
	return w, w.checkPayload()
}

// wireWebhook and its parts hold strings only: whatever else is in a delivery is skipped by the decoder, and
// values of another type are left empty (see decodeLenient).
type wireWebhook struct {
	ID            string      `json:"id"`
	ApplicationID string      `json:"applicationId"`
	CreatedUtc    string      `json:"createdUtc"`
	Type          string      `json:"type"`
	Payload       wirePayload `json:"payload"`
}

type wirePayload struct {
	ID                     string `json:"id"`
	ApplicationID          string `json:"applicationId"`
	IdentityVerificationID string `json:"identityVerificationId"`
	ExternalReferenceID    string `json:"externalReferenceId"`
	Status                 string `json:"status"`
	CreatedUtc             string `json:"createdUtc"`
	ModifiedUtc            string `json:"modifiedUtc"`
	CompletedUtc           string `json:"completedUtc"`
	Setup                  struct {
		ID string `json:"id"`
	} `json:"setup"`
	Step struct {
		KycIdentification struct {
			ID string `json:"id"`
		} `json:"kycIdentification"`
	} `json:"step"`
}

func decodeBody(body []byte, into *wireWebhook) error {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return &FieldError{Field: "body", Problem: "is empty; send one event as a JSON object"}
	}
	if err := decodeLenient(body, into); err != nil {
		problem := "is not valid JSON"
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) { // its text quotes the body, its offset does not
			problem += " near byte " + strconv.FormatInt(syntax.Offset, 10)
		}
		return &FieldError{Field: "body", Problem: problem}
	}
	if !opensWith(body, '{') {
		return &FieldError{Field: "body", Problem: "is not a JSON object; send one event as an object"}
	}
	return nil
}

func (wire *wireWebhook) webhook() Webhook {
	p := &wire.Payload
	w := Webhook{
		ID:                  strings.ToLower(wire.ID),
		ApplicationID:       strings.ToLower(wire.ApplicationID),
		CreatedUtc:          timeOrZero(wire.CreatedUtc),
		Type:                ParseEventType(wire.Type),
		RawType:             wire.Type,
		ExternalReferenceID: strings.ToLower(p.ExternalReferenceID),
		SetupID:             strings.ToLower(p.Setup.ID),
		Status:              p.Status,
		PayloadCreatedUtc:   timeOrZero(p.CreatedUtc),
		PayloadModifiedUtc:  timeOrZero(p.ModifiedUtc),
		PayloadCompletedUtc: timeOrZero(p.CompletedUtc),
	}
	if w.ApplicationID == "" {
		w.ApplicationID = strings.ToLower(p.ApplicationID)
	}
	switch {
	case w.Type.OfSession():
		w.SessionID = strings.ToLower(p.ID)
		w.IdentificationID = strings.ToLower(p.Step.KycIdentification.ID)
	case w.Type.OfIdentification():
		w.SessionID = strings.ToLower(p.IdentityVerificationID)
		w.IdentificationID = strings.ToLower(p.ID)
	}
	return w
}

const absent = "is missing or not a string"

func (w *Webhook) checkEnvelope(wire wireWebhook) error {
	switch {
	case wire.ID == "":
		return &FieldError{Field: "id", Problem: absent}
	case !printableID(wire.ID):
		return &FieldError{Field: "id", Problem: "is not 1 to 200 printable characters"}
	case wire.Type == "":
		return &FieldError{Field: "type", Problem: absent}
	case wire.CreatedUtc == "":
		return &FieldError{Field: "createdUtc", Problem: absent}
	}
	if _, ok := parseTime(wire.CreatedUtc); !ok && w.Known() {
		return &FieldError{Field: "createdUtc", Problem: "is not a UTC timestamp of the form 2006-01-02T15:04:05.9999999Z"}
	}
	return nil
}

func (w *Webhook) checkPayload() error {
	field := "payload.id"
	if w.Type.OfIdentification() {
		field = "payload.identityVerificationId"
	}
	switch {
	case !w.Known() || isUUID(w.SessionID):
		return nil
	case w.SessionID == "":
		return &FieldError{Field: field, Problem: absent}
	}
	w.SessionID = ""
	return &FieldError{Field: field, Problem: "is not a UUID"}
}

// printableID accepts what can be a key elsewhere. The replacement character stands for invalid UTF-8: two
// different ids could look the same.
func printableID(s string) bool {
	return utf8.RuneCountInString(s) <= 200 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
}
