package privacy

import (
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// FailureConverter seals the messages, stack traces and details of failures like payloads. What cannot be sealed is left
// out, what cannot be opened reads as "Encoded failure"; it never panics. The SDK's own default converter is not bound to
// a workflow, and panics where a message cannot be sealed.
func FailureConverter(codec *Codec) converter.FailureConverter {
	return &failureConverter{codec: codec}
}

// WorkerFailureConverter is for a worker's client, beside WorkerDataConverter. A failure that reaches a workflow and
// cannot be opened panics, like a result: what the workflow makes of it must not depend on when the keys were there.
func WorkerFailureConverter(codec *Codec) converter.FailureConverter {
	return &failureConverter{codec: codec, worker: true}
}

type failureConverter struct {
	codec  *Codec
	worker bool
	// waits has what cannot be opened panic.
	waits bool
}

var _ converter.FailureConverterWithSerializationContext = (*failureConverter)(nil)

// WithSerializationContext binds to one workflow. In a worker failures are opened for workflows alone, those of
// activities among them.
func (f *failureConverter) WithSerializationContext(sc converter.SerializationContext) converter.FailureConverter {
	return &failureConverter{codec: f.codec.boundTo(sc), worker: f.worker, waits: f.worker}
}

func (f *failureConverter) FailureToError(failure *failurepb.Failure) error {
	// A copy, because the SDK opens it in place: what it has just made of a local activity's error goes into the history.
	return plainFailures(&dataConverter{DataConverter: sealed(f.codec), waits: f.waits}).FailureToError(proto.CloneOf(failure))
}

// Texts that are stored as they are.
const (
	// unsealed stands in for a message that cannot be sealed.
	unsealed = "the failure's text could not be sealed and was left out"
	// encoded is what the SDK writes in place of a message that is in the encoded attributes.
	encoded = "Encoded failure"
)

func (f *failureConverter) ErrorToFailure(err error) *failurepb.Failure {
	if err == nil {
		return nil
	}
	dc := DataConverter(f.codec)
	failure := f.converted(dc, err)
	for part := failure; part != nil; part = part.GetCause() {
		f.sealTexts(dc, part)
		if details := detailsOf(part); details != nil && !f.sealHere(details.Payloads...) {
			details.Payloads = nil
		}
	}
	return failure
}

// converted is the failure with new details sealed, and its texts as they are. Details that cannot be sealed are left out.
func (f *failureConverter) converted(dc converter.DataConverter, err error) *failurepb.Failure {
	for _, dc := range []converter.DataConverter{dc, withoutDetails{dc}} {
		if out := tried(dc, err); out != nil {
			return out
		}
	}
	return &failurepb.Failure{
		Source:      "GoSDK",
		FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{}},
	}
}

// tried returns nil where the SDK's converter panics: over details that it cannot convert.
func tried(dc converter.DataConverter, err error) (out *failurepb.Failure) {
	defer func() { _ = recover() }()
	// A copy, because an error that came as a failure gives the very same one back.
	return proto.CloneOf(plainFailures(dc).ErrorToFailure(err))
}

// sealTexts seals the message and the stack trace, which are sealed already, and have only been opened for reading, in a
// failure that came from elsewhere.
func (f *failureConverter) sealTexts(dc converter.DataConverter, part *failurepb.Failure) {
	if part.GetEncodedAttributes() == nil {
		if converter.EncodeCommonFailureAttributes(dc, part) != nil {
			part.EncodedAttributes = nil
		}
	} else if !f.sealHere(part.EncodedAttributes) {
		part.EncodedAttributes = nil
	}
	part.Message, part.StackTrace = encoded, ""
	if part.EncodedAttributes == nil {
		part.Message = unsealed
	}
}

// sealHere has payloads that came along with a failure be such as can be stored here: plain ones are sealed in place. It
// is false if one cannot be, or was sealed for another workflow, where it could not be opened.
func (f *failureConverter) sealHere(payloads ...*commonpb.Payload) bool {
	for _, p := range payloads {
		if Sealed(p) {
			if _, at, err := label(p); err != nil || !f.codec.admits(at) {
				return false
			}
			continue
		}
		now, err := f.codec.Encode([]*commonpb.Payload{p})
		if err != nil {
			return false
		}
		p.Metadata, p.Data, p.ExternalPayloads = now[0].Metadata, now[0].Data, nil
	}
	return true
}

func detailsOf(part *failurepb.Failure) *commonpb.Payloads {
	switch info := part.GetFailureInfo().(type) {
	case *failurepb.Failure_ApplicationFailureInfo:
		return info.ApplicationFailureInfo.GetDetails()
	case *failurepb.Failure_CanceledFailureInfo:
		return info.CanceledFailureInfo.GetDetails()
	case *failurepb.Failure_TimeoutFailureInfo:
		return info.TimeoutFailureInfo.GetLastHeartbeatDetails()
	case *failurepb.Failure_ResetWorkflowFailureInfo:
		return info.ResetWorkflowFailureInfo.GetLastHeartbeatDetails()
	}
	return nil
}

// withoutDetails leaves an error's details out.
type withoutDetails struct{ converter.DataConverter }

func (withoutDetails) ToPayloads(...any) (*commonpb.Payloads, error) { return nil, nil }

// plainFailures converts with sealed details and leaves texts as they are; it opens sealed texts.
func plainFailures(dc converter.DataConverter) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: dc})
}
