package ondato

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// RedactScope says what to erase (contract 8.2).
type RedactScope string

// The scopes (contract 8.2).
const (
	// PersonalData is all of the customer's data, forms and media included, but not biometrics.
	PersonalData RedactScope = "PersonalData"
	// BiometricData is only the biometrics of KYC identifications.
	BiometricData RedactScope = "BiometricData"
)

// Redaction is what a session tells of its erasure (contract 8.2).
type Redaction struct {
	RedactedUtc time.Time // the older form; zero where there is none
	Events      []RedactionEvent
}

// RedactionEvent is one erasure, by us or by Ondato's retention policy (contract 8.2).
type RedactionEvent struct {
	Scope        RedactScope
	Status       string // InProgress or Completed
	Source       string // OnDemand or DataRetentionPolicy
	CreatedUtc   time.Time
	CompletedUtc time.Time // zero until it is completed
}

// Completed reports whether data of that scope is known to be gone; the older form does not tell scopes apart and
// counts for both. It may be asked of nil (contract 8.2).
func (r *Redaction) Completed(scope RedactScope) bool {
	if r == nil {
		return false
	}
	for _, e := range r.Events {
		if e.Scope == scope && (e.Status == "Completed" || !e.CompletedUtc.IsZero()) {
			return true
		}
	}
	return !r.RedactedUtc.IsZero()
}

// Redact starts the irreversible erasure of a session's data; [IdentityVerification].Redaction shows its
// progress. The body's shape is inferred (contract 8.2).
func (c *Client) Redact(ctx context.Context, id string, scope RedactScope) error {
	const op = "redact"
	if scope != PersonalData && scope != BiometricData {
		return invalidInput(op, "scope", "the scope is neither PersonalData nor BiometricData")
	}
	address, err := resource(op, c.idvURL, identityVerifications, id, "/redact")
	if err != nil {
		return err
	}
	body := struct {
		Scope RedactScope `json:"scope"`
	}{scope}
	_, err = c.do(ctx, request{op: op, method: http.MethodPut, url: address, body: body, limit: smallAnswer})
	return err
}

type wireRedactionEvent struct {
	Scope        string `json:"scope"`
	Status       string `json:"status"`
	Source       string `json:"source"`
	CreatedUtc   string `json:"createdUtc"`
	CompletedUtc string `json:"completedUtc"`
}

// parseRedaction reads the three shapes that the sources disagree about: {redactedUtc}, one event, a list of
// events, also inside an object (contract 2.2).
func parseRedaction(raw json.RawMessage) *Redaction {
	var (
		events   []wireRedactionEvent
		redacted Redaction
	)
	switch {
	case opensWith(raw, '['):
		_ = decodeLenient(raw, &events) // raw has been through the decoder: only its types can be wrong
	case opensWith(raw, '{'):
		var object struct {
			RedactedUtc string               `json:"redactedUtc"`
			Events      []wireRedactionEvent `json:"events"`
			wireRedactionEvent
		}
		_ = decodeLenient(raw, &object)
		redacted.RedactedUtc = timeOrZero(object.RedactedUtc)
		events = append(object.Events, object.wireRedactionEvent)
	}
	for _, e := range events {
		if e.Scope == "" && e.Status == "" {
			continue
		}
		redacted.Events = append(redacted.Events, RedactionEvent{
			Scope: RedactScope(e.Scope), Status: e.Status, Source: e.Source,
			CreatedUtc: timeOrZero(e.CreatedUtc), CompletedUtc: timeOrZero(e.CompletedUtc),
		})
	}
	if redacted.RedactedUtc.IsZero() && len(redacted.Events) == 0 {
		return nil
	}
	return &redacted
}
