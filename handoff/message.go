package handoff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kyc/onboarding"
)

// MaxBodySize is the largest body that is sent, in bytes. A record holds text; what is larger is a mistake.
const MaxBodySize = 8 << 20

const (
	typeDecided = "onboarding.decided"
	typeAmended = "onboarding.amended"
)

type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

// data must stay the last member of message: encode adds the record behind it.
type data struct {
	ID        onboarding.ID        `json:"id"`
	Reference onboarding.Reference `json:"reference"`
	Setup     string               `json:"setup"`
	Outcome   onboarding.Outcome   `json:"outcome"`
	Reason    string               `json:"reason,omitempty"`
	Attempt   int                  `json:"attempt"`
	DecidedAt time.Time            `json:"decidedAt"`
	DecidedBy string               `json:"decidedBy"`
	Version   int                  `json:"version"`
	Ondato    ondatoIDs            `json:"ondato"`
}

type ondatoIDs struct {
	IdentityVerificationID string `json:"identityVerificationId,omitempty"`
	IdentificationID       string `json:"identificationId,omitempty"`
}

func messageType(h onboarding.HandOff) string {
	if h.Amendment {
		return typeAmended
	}
	return typeDecided
}

// encode writes the body. The same input always gives the same bytes, and the record is in it byte for byte: the
// backend may keep it as evidence, and json.Marshal would rewrite it.
func encode(h onboarding.HandOff, record json.RawMessage) ([]byte, error) {
	d := h.Decision
	at := d.At.UTC()
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(message{
		Type:      messageType(h),
		Timestamp: at,
		Data: data{
			ID: h.ID, Reference: h.Reference, Setup: h.Setup,
			Outcome: d.Outcome, Reason: d.Reason, Attempt: d.Attempt,
			DecidedAt: at, DecidedBy: d.By, Version: d.Version,
			Ondato: ondatoIDs{IdentityVerificationID: d.SessionID, IdentificationID: d.IdentificationID},
		},
	})
	if err != nil {
		return nil, err
	}
	body.Truncate(body.Len() - 1) // the encoder's line break
	if len(record) > 0 {
		body.Truncate(body.Len() - 2) // the ends of data and message
		body.WriteString(`,"identification":`)
		body.Write(record)
		body.WriteString("}}")
	}
	return body.Bytes(), nil
}

// check returns onboarding.FieldErrors for what would make a message that no backend can use.
func check(h onboarding.HandOff, record json.RawMessage) error {
	var found onboarding.FieldErrors
	add := func(field, problem, remedy string) {
		found = append(found, &onboarding.FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
	if _, err := onboarding.ParseID(string(h.ID)); err != nil {
		found = append(found, onboarding.Fields(err)...)
	}
	if h.Reference == "" {
		add("reference", "is missing", "give the reference that the onboarding was started with")
	}
	if !slices.Contains(onboarding.Outcomes(), h.Decision.Outcome) {
		add("decision.outcome", "is not an outcome", "give one of onboarding.Outcomes")
	}
	if h.Decision.By == "" {
		add("decision.by", "is missing", "say who decided")
	}
	if year := h.Decision.At.UTC().Year(); h.Decision.At.IsZero() || year < 1 || year > 9999 {
		add("decision.at", "is missing or cannot be written down", "give the time of the decision")
	}
	if h.Decision.Version < 1 {
		add("decision.version", "is less than 1", "count versions from 1")
	}
	// json.Valid alone would admit a number or null.
	if len(record) > 0 && (!json.Valid(record) || bytes.TrimLeft(record, " \t\r\n")[0] != '{') {
		add("record", "is not a JSON object", "pass the identification on as Ondato gave it, or nil")
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// WebhookID identifies what is said: <ID>.<version>.<8 hex of a digest of the decision>. Equal decisions have equal ids
// whenever they are delivered, so that a backend can drop repeats; another decision has another id even under the same
// version (which a workflow reset can bring about). The times of the decision and of its delivery are not in the digest.
func WebhookID(h onboarding.HandOff) string {
	d := h.Decision
	digest := sha256.New()
	// %q makes the sequence unambiguous, whatever the texts hold.
	fmt.Fprintf(digest, "handoff 1 %q %q %q %q %q %q %q %d %q %q %q %d", messageType(h), h.ID, h.Reference, h.Setup,
		d.Outcome, d.Reason, d.By, d.Attempt, d.SessionID, d.IdentificationID, d.RecordDigest, d.Version)
	return fmt.Sprintf("%s.%d.%s", h.ID, d.Version, hex.EncodeToString(digest.Sum(nil)[:4]))
}
