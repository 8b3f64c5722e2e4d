package webhookbridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"kyc/onboarding"
	"kyc/ondato"
)

const (
	// tryPatience is how long Temporal may take for one try; a healthy one takes milliseconds.
	tryPatience = 1500 * time.Millisecond
	firstPause  = 50 * time.Millisecond
	lastPause   = 400 * time.Millisecond
)

// requestSpace is the namespace of the request ids. It must never change while two versions of the bridge run.
var requestSpace = uuid.MustParse("0c6a5d0e-7f52-5b0a-9d5f-3b8a4de1c7f4")

// deliverer makes an event durable: a signal of the onboarding's workflow.
type deliverer struct {
	service   workflowservice.WorkflowServiceClient
	namespace string
	identity  string
	converter converter.DataConverter
	isErased  func(error) bool
	sessions  *directory
	failed    func(class string)
}

// deliver returns nil once Temporal has the signal, an [ignored] where no onboarding is left to take it, or a refusal
// with 503.
func (d *deliverer) deliver(ctx context.Context, to session, w ondato.Webhook) error {
	input, err := d.encode(ctx, to.id, w)
	switch {
	case err != nil && d.isErased(err):
		return &ignored{ignoredErased}
	case err != nil:
		d.failed("encode")
		return unavailable("encoding", "the event could not be encoded for Temporal; send it again later", err)
	}
	request := &workflowservice.SignalWorkflowExecutionRequest{
		Namespace:         d.namespace,
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: to.id.WorkflowID(), RunId: to.runID},
		SignalName:        onboarding.SignalEvent,
		Input:             input,
		Identity:          d.identity,
		RequestId:         requestID(w),
	}
	runID, err := d.signal(ctx, request)
	if err != nil && to.runID != "" && isGone(err) { // that run; the onboarding may have continued in another
		d.sessions.forgetRun(w.SessionID, to.runID)
		request.WorkflowExecution.RunId = ""
		runID, err = d.signal(ctx, request)
	}
	switch {
	case err == nil:
		if runID != "" && runID != to.runID {
			d.sessions.learn(w.SessionID, session{id: to.id, runID: runID})
		}
		return nil
	case isGone(err):
		return &ignored{ignoredClosed}
	default:
		return unavailable("temporal-"+temporalClass(err), "the event could not be handed to Temporal; send it again later", err)
	}
}

// encode writes the signal's payload as the SDK's own SignalWorkflow does: through the client's converter, bound to the
// workflow, so that the codec seals it for this workflow and no other.
func (d *deliverer) encode(ctx context.Context, id onboarding.ID, w ondato.Webhook) (*commonpb.Payloads, error) {
	dc := d.converter
	if aware, ok := dc.(interface {
		WithContext(context.Context) converter.DataConverter
	}); ok {
		dc = aware.WithContext(ctx)
	}
	dc = converter.WithDataConverterSerializationContext(dc, converter.WorkflowSerializationContext{
		Namespace:  d.namespace,
		WorkflowID: id.WorkflowID(),
	})
	input, err := dc.ToPayloads(onboarding.Event{
		ID:               w.ID,
		Type:             onboarding.EventType(w.Type),
		CreatedUtc:       w.CreatedUtc,
		SessionID:        w.SessionID,
		IdentificationID: w.IdentificationID,
		Status:           w.Status,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the event: %w", err)
	}
	return input, nil
}

// requestID is the same for every delivery of the same event, by whichever replica: the server drops a repeat before it
// costs anything (design section 9).
func requestID(w ondato.Webhook) string {
	payloadID := w.SessionID
	if w.Type.OfIdentification() {
		payloadID = w.IdentificationID
	}
	name := make([]byte, 0, 256)
	for i, part := range [...]string{w.ID, string(w.Type), w.CreatedUtc.UTC().Format(time.RFC3339Nano), payloadID, w.Status} {
		if i > 0 {
			name = append(name, ',')
		}
		name = strconv.AppendQuote(name, part) // quoted, so that no two lists look alike when joined
	}
	return uuid.NewSHA1(requestSpace, name).String()
}

// signal calls Temporal until it accepts, refuses, or the time is up: the raw service has neither retries nor a time-out.
// Repeating is safe because of the request id. It returns the run that took the signal, empty where the server does not
// say (older ones): the next signal to a run that is known spares the server the look-up.
func (d *deliverer) signal(ctx context.Context, request *workflowservice.SignalWorkflowExecutionRequest) (runID string, err error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		runID, err = d.try(ctx, request)
		if err == nil {
			return runID, nil
		}
		d.failed(temporalClass(err))
		if !worthAnotherTry(err) || !wait(ctx, pause/2+rand.N(pause/2)) {
			return "", err
		}
	}
}

func (d *deliverer) try(ctx context.Context, request *workflowservice.SignalWorkflowExecutionRequest) (runID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	answer, err := d.service.SignalWorkflowExecution(ctx, request)
	return answer.GetLink().GetWorkflowEvent().GetRunId(), err
}

// wait reports whether the pause passed; it does not begin one that the deadline would cut short.
func wait(ctx context.Context, pause time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worthAnotherTry tells whether the next moment may be better: the server is not there, slow, or busy (a busy workflow
// is ResourceExhausted too).
func worthAnotherTry(err error) bool {
	switch code(err) {
	case "Unavailable", "DeadlineExceeded", "ResourceExhausted", "Aborted":
		return true
	}
	return false
}

// isGone tells whether the workflow, or the run asked for, is closed, deleted or never was; Temporal does not say which.
// A namespace that does not exist is our own trouble.
func isGone(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}

// temporalClass is a label from a closed list.
func temporalClass(err error) string {
	var namespace *serviceerror.NamespaceNotFound
	if errors.As(err, &namespace) {
		return "namespace-not-found"
	}
	switch code(err) {
	case "Unavailable":
		return "unavailable"
	case "DeadlineExceeded", "Canceled":
		return "timeout"
	case "ResourceExhausted":
		return "resource-exhausted"
	case "NotFound":
		return "not-found"
	case "InvalidArgument": // among others: the workflow has as many signals as it may have
		return "invalid-argument"
	case "PermissionDenied", "Unauthenticated":
		return "permission-denied"
	case "Unimplemented":
		return "unimplemented"
	case "Internal", "Unknown", "DataLoss":
		return "internal"
	}
	return "other"
}

// code is the name of the gRPC status code.
func code(err error) string { return serviceerror.ToStatus(err).Code().String() }
