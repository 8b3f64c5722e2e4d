package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"kyc/internal/signedpost"
	"kyc/onboarding"
)

// webhook is the channel that posts messages, signed, to a service that reaches customers its own way.
type webhook struct {
	poster  *signedpost.Poster
	book    *phrasebook
	company string
}

// posted is the body of a post; docs/messages.md describes it. The same message always gives the same bytes, as long as
// the templates stay.
type posted struct {
	Type string     `json:"type"`
	Data postedData `json:"data"`
}

type postedData struct {
	ID        onboarding.ID          `json:"id"`
	Reference onboarding.Reference   `json:"reference,omitempty"`
	Setup     string                 `json:"setup"`
	Kind      onboarding.MessageKind `json:"kind"`
	Attempt   int                    `json:"attempt"`
	Language  string                 `json:"language"`
	To        postedTo               `json:"to"`
	Link      string                 `json:"link,omitempty"`
	LinkUntil time.Time              `json:"linkUntil,omitzero"`
	TimeZone  string                 `json:"timeZone,omitempty"`
	Started   bool                   `json:"started,omitempty"`
	Number    int                    `json:"number,omitempty"`
	Total     int                    `json:"total,omitempty"`
	// Reason is one that customers may be told, or absent.
	Reason string      `json:"reason,omitempty"`
	Words  postedWords `json:"words"`
}

type postedTo struct {
	Email     string `json:"email,omitempty"`
	Phone     string `json:"phone,omitempty"`
	FirstName string `json:"firstName,omitempty"`
}

// postedWords are the message as the templates say it, in the language that they have for it.
type postedWords struct {
	Language language `json:"language"`
	Subject  string   `json:"subject"`
	Text     string   `json:"text"`
	Short    string   `json:"short"`
}

func (w *webhook) send(ctx context.Context, m onboarding.Message) error {
	body, err := w.compose(m)
	if err != nil {
		return unspeakable()
	}
	if err := w.poster.Post(ctx, m.MessageID, body); err != nil {
		return posting(err)
	}
	return nil
}

func (w *webhook) compose(m onboarding.Message) ([]byte, error) {
	words, err := w.book.render(m, w.company)
	if err != nil {
		return nil, err
	}
	out := postedData{
		ID: m.ID, Reference: m.Reference, Setup: m.Setup, Kind: m.Kind, Attempt: m.Attempt, Language: m.Language,
		To:       postedTo{Email: m.To, Phone: m.Phone, FirstName: greetable(m.FirstName)},
		TimeZone: m.TimeZone,
		Words:    postedWords{Language: words.Language, Subject: words.Subject, Text: words.Text, Short: words.Short},
	}
	if needsLink(m.Kind) {
		out.Link, out.LinkUntil, out.Started, out.Number, out.Total = m.Link, m.LinkUntil.UTC(), m.Started, m.Number, m.Total
	}
	if m.Kind == onboarding.MessageNewLink {
		out.Reason = told(m.RetryReason)
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(posted{Type: "message." + string(m.Kind), Data: out}); err != nil {
		return nil, err
	}
	return bytes.TrimRight(body.Bytes(), "\n"), nil
}

// posting judges a failed post. Unlike a decision, a message that was refused for good is dropped: so what operations can
// mend is not for good.
func posting(err error) error {
	var failed *signedpost.Error
	if !errors.As(err, &failed) {
		return &Error{Code: CodeWebhookUnavailable}
	}
	e := &Error{Status: failed.Status, RetryAfter: failed.RetryAfter, cause: failed.Cause}
	switch failed.Code {
	case signedpost.CodeInvalid:
		e.Code, e.Permanent = CodeInvalid, true
	case signedpost.CodeRefused:
		e.Code = CodeWebhookEndpoint
		if aboutMessage(failed.Status) {
			e.Code, e.Permanent = CodeWebhookRefused, true
		}
	case signedpost.CodeRedirected, signedpost.CodeCertificate, signedpost.CodeAddressRefused:
		e.Code = CodeWebhookEndpoint
	case signedpost.CodeTimeout:
		e.Code = CodeTimeout
	case signedpost.CodeCancelled:
		e.Code = CodeCancelled
	default:
		e.Code = CodeWebhookUnavailable
	}
	return e
}

// aboutMessage tells which refusals are about this message. All others may be about where and with what right it is posted:
// many receivers answer 400 to a signature that they cannot verify.
func aboutMessage(status int) bool {
	return status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity
}
