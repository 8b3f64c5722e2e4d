package codecserver

import (
	"errors"
	"net/http"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"kyc/privacy"
)

// The metadata of a sealed payload that say whose it is; package privacy writes and authenticates them.
const (
	metadataNamespace  = "kyc-namespace"
	metadataWorkflowID = "kyc-workflow-id"
)

// What people read in place of a payload that stays closed.
const (
	shownErased     = "[erased]"
	shownUnreadable = "[cannot be opened: "
)

// tally counts what became of the payloads of one request.
type tally struct {
	opened, erased, unreadable, passed, sealed int
	// onboardings are those whose payloads were opened or found erased, by namespace and workflow id. Only what is proven
	// is here: of other payloads the metadata may be anybody's words.
	onboardings []string
}

func (t tally) payloads() int { return t.opened + t.erased + t.unreadable + t.passed + t.sealed }

func (t tally) byOutcome() map[string]int {
	return map[string]int{"opened": t.opened, "erased": t.erased, "unreadable": t.unreadable, "passed": t.passed, "sealed": t.sealed}
}

// request is the codec of one request, inside the SDK's handler. It answers for each payload by itself.
type request struct {
	codec *privacy.Codec
	// admit waits until the holder may have that many payloads, or refuses.
	admit func(payloads int) error
	tally tally
	// failed is why the whole request is refused. The SDK's handler makes 400 of every error, so it is kept here.
	failed error
}

var _ converter.PayloadCodec = (*request)(nil)

// Decode opens. Its only errors are a refusal by admit, and a key store that does not answer: then another try helps,
// and half of an answer would look like the whole.
func (r *request) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if r.failed = r.admitted(payloads); r.failed != nil {
		return nil, r.failed
	}
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if out[i], r.failed = r.open(p); r.failed != nil {
			return nil, r.failed
		}
	}
	return out, nil
}

func (r *request) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	if !privacy.Sealed(p) {
		r.tally.passed++
		return p, nil
	}
	opened, err := r.codec.Decode([]*commonpb.Payload{p})
	switch {
	case err == nil && len(opened) == 1:
		r.tally.opened++
		r.prove(p)
		return opened[0], nil
	case errors.Is(err, privacy.ErrUnavailable):
		return nil, &refusal{status: http.StatusServiceUnavailable, reason: "key-store",
			detail: "the key store does not answer; load the page again in a moment", cause: err}
	case errors.Is(err, privacy.ErrErased):
		r.tally.erased++
		r.prove(p)
		return note(shownErased)
	}
	r.tally.unreadable++
	return note(shownUnreadable + why(err) + "]")
}

// prove records whose payload that was.
func (r *request) prove(p *commonpb.Payload) {
	namespace, workflowID := string(p.GetMetadata()[metadataNamespace]), string(p.GetMetadata()[metadataWorkflowID])
	name := privacy.Name(namespace, workflowID)
	if workflowID != "" && !slices.Contains(r.tally.onboardings, name) {
		r.tally.onboardings = append(r.tally.onboardings, name)
	}
}

// why says it in the words of the error's class: what wraps it is for the log of programs, not for the page.
func why(err error) string {
	for _, class := range []error{privacy.ErrNoKey, privacy.ErrUnknownKey, privacy.ErrForged} {
		if errors.Is(err, class) {
			return class.Error()
		}
	}
	return "its key is not usable"
}

func note(text string) (*commonpb.Payload, error) {
	return converter.GetDefaultDataConverter().ToPayload(text)
}

// Encode seals with the house keyset: nobody says which workflow a payload is for. What is sealed already stays as it is.
func (r *request) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if r.failed = r.admitted(payloads); r.failed != nil {
		return nil, r.failed
	}
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if privacy.Sealed(p) {
			out[i] = p
			r.tally.passed++
			continue
		}
		sealed, err := r.codec.Encode([]*commonpb.Payload{p})
		if err != nil || len(sealed) != 1 {
			r.failed = &refusal{status: http.StatusServiceUnavailable, reason: "sealing", detail: "the payloads could not be sealed; try again in a moment", cause: err}
			return nil, r.failed
		}
		out[i] = sealed[0]
		r.tally.sealed++
	}
	return out, nil
}

func (r *request) admitted(payloads []*commonpb.Payload) error {
	if len(payloads) > MaxPayloads {
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "payloads", detail: "there are more than 1000 payloads in the request; ask for them in parts"}
	}
	return r.admit(max(1, len(payloads)))
}

func tooMany(wait time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, reason: "rate", retryAfter: wait,
		detail: "this token has had its share of payloads for now; try again after the time in Retry-After"}
}
