package webhookbridge

import (
	"errors"
	"net/http"
	"strings"

	"kyc/ondato"
)

// Reasons to ignore an event, as they are counted.
const (
	ignoredType        = "not-ours"
	ignoredApplication = "foreign-application"
	ignoredSetup       = "foreign-setup"
	ignoredReference   = "foreign-reference"
	ignoredUnknown     = "unknown-session"
	ignoredIndecisive  = "not-decisive"
	ignoredClosed      = "closed-or-unknown"
	ignoredErased      = "erased"
)

// decoder reads what a delivery says and drops what is not about our identity verifications.
type decoder struct {
	applicationID string // lower case
}

// decode checks JSON, envelope, type, application and payload ids, in this order: an event that is not ours is never
// refused for a payload that does not concern us. The Webhook returned along with an error is for counting only.
func (d decoder) decode(body []byte) (ondato.Webhook, error) {
	w, err := ondato.ParseWebhook(body)
	if err != nil && !w.Known() { // with a known type the payload alone is at fault
		return w, malformed(err)
	}
	switch {
	case !w.Known():
		return w, &ignored{ignoredType}
	case w.ApplicationID != d.applicationID:
		return w, &ignored{ignoredApplication}
	case err != nil:
		return w, malformed(err)
	}
	return w, nil
}

func malformed(err error) *refusal {
	out := &refusal{status: http.StatusBadRequest, reason: "malformed", field: "body", detail: "is not an event"}
	var field *ondato.FieldError
	if errors.As(err, &field) {
		out.field, out.detail = field.Field, field.Problem
	}
	return out
}

// typeLabel is the event's type as a metric label: the known types and two families of Ondato's other products, all
// else together, because the sender must not be able to make up labels.
func typeLabel(w ondato.Webhook) string {
	if w.Known() {
		return string(w.Type)
	}
	family, _, _ := strings.Cut(string(w.Type), ".")
	switch {
	case w.Type == "":
		return "none"
	case strings.EqualFold(family, "KybIdentification"), strings.EqualFold(family, "Kyb"):
		return "Kyb"
	case strings.EqualFold(family, "Form"):
		return "Form"
	}
	return "other"
}
