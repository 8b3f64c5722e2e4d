package activities

import (
	"context"
	"encoding/json"

	"kyc/onboarding"
)

// Deliverer delivers decisions to the backend; *handoff.Deliverer is it.
type Deliverer interface {
	Deliver(ctx context.Context, h onboarding.HandOff, record json.RawMessage) (webhookID string, err error)
}

// HandOff delivers decisions. The identification record goes straight from Ondato to the backend: it is in no history.
type HandOff struct {
	Ondato    *Ondato
	Deliverer Deliverer
}

// HandOffDecision is onboarding.ActivityHandOff. For a decision of Ondato's it fetches the record, and when that is not
// the one that was decided on it delivers nothing and says so.
func (h *HandOff) HandOffDecision(ctx context.Context, in onboarding.HandOff) (onboarding.HandedOff, error) {
	out := onboarding.HandedOff{Version: in.Decision.Version}
	var record json.RawMessage
	if in.Decision.By == onboarding.DecidedByOndato {
		seen, raw, err := h.Ondato.look(ctx, in.Decision.SessionID)
		if err != nil {
			return onboarding.HandedOff{}, classified(err)
		}
		if seen.RecordDigest != in.Decision.RecordDigest {
			out.Changed = true
			return out, nil
		}
		record = raw
	}
	id, err := h.Deliverer.Deliver(ctx, in, record)
	if err != nil {
		return onboarding.HandedOff{}, classified(err)
	}
	out.WebhookID = id
	return out, nil
}
