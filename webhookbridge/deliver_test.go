package webhookbridge

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"kyc/onboarding"
	"kyc/ondato"
)

type signalRequest = workflowservice.SignalWorkflowExecutionRequest

// wire is an error as Temporal's server puts it on the wire, details included.
func wire(err error) error { return serviceerror.ToStatus(err).Err() }

func notFoundError() error {
	return wire(serviceerror.NewNotFound("workflow execution already completed"))
}

func busyError() error {
	return wire(serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW, "workflow is busy"))
}

func TestDeliver_TemporalsErrors_AreAnsweredByKind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		err   error
		want  string // what is said
		class string
		tries int // 0: as many as the time allows
	}{
		{"closed or unknown", notFoundError(), "200 closed-or-unknown", "not-found", 1},
		{"namespace unknown", wire(serviceerror.NewNamespaceNotFound(testNamespace)), "503", "namespace-not-found", 1},
		{"invalid, such as too many signals", wire(serviceerror.NewInvalidArgument("exceeded workflow execution limit for signal events")), "503", "invalid-argument", 1},
		{"not permitted", wire(serviceerror.NewPermissionDenied("no", "")), "503", "permission-denied", 1},
		{"not authenticated", status.Error(codes.Unauthenticated, "no"), "503", "permission-denied", 1},
		{"not implemented", wire(serviceerror.NewUnimplemented("no")), "503", "unimplemented", 1},
		{"internal", wire(serviceerror.NewInternal("oops")), "503", "internal", 1},
		{"out of range", status.Error(codes.OutOfRange, "odd"), "503", "other", 1},
		{"unavailable", wire(serviceerror.NewUnavailable("down")), "503", "unavailable", 0},
		{"busy", busyError(), "503", "resource-exhausted", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.temporal.does(func(context.Context, int, *signalRequest) error { return c.err })
			began := time.Now()
			got := f.post(idvEvent().String())
			require.Equal(t, c.want, got.said(), got.body)
			require.Less(t, time.Since(began), patience+time.Second)
			tries := len(f.temporal.received())
			if c.tries != 0 {
				require.Equal(t, c.tries, tries)
			} else {
				require.Greater(t, tries, 5)
			}
			require.Equal(t, float64(tries), f.metric(`temporal_errors_total{class="`+c.class+`"}`))
			if got.status == http.StatusServiceUnavailable {
				require.Equal(t, "10", got.header.Get("Retry-After"))
				require.Equal(t, 1.0, f.metric(`webhooks_refused_total{reason="temporal-`+c.class+`",status="503"}`))
			}
		})
	}
}

func TestDeliver_TroubleThatPasses_IsNotSeenByOndato(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.temporal.does(func(ctx context.Context, call int, _ *signalRequest) error {
		switch call {
		case 1:
			return wire(serviceerror.NewUnavailable("restarting"))
		case 2:
			return busyError()
		case 3: // hangs longer than one try may take
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
	s := f.temporal.received()
	require.Len(t, s, 4)
	for _, r := range s {
		require.Equal(t, s[0].GetRequestId(), r.GetRequestId(), "Temporal drops the repeat of one that had succeeded")
	}
	require.Equal(t, 1.0, f.metric(`temporal_errors_total{class="timeout"}`))
}

func TestDeliver_TemporalHangs_Is503WithinFiveSeconds(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.temporal.does(func(ctx context.Context, _ int, _ *signalRequest) error { <-ctx.Done(); return ctx.Err() })
	began := time.Now()
	got := f.post(idvEvent().String())
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.NotEmpty(t, got.header.Get("Retry-After"))
	require.Less(t, time.Since(began), patience+500*time.Millisecond)
}

func TestDeliver_TemporalIsNotThere_Is503(t *testing.T) {
	t.Parallel()
	temporal := startTemporal(t)
	temporal.address = "127.0.0.1:1"
	f := startWith(t, temporal, startOndato(t))
	require.Equal(t, http.StatusServiceUnavailable, f.post(idvEvent().String()).status)
}

func TestRequestID_DiffersWithEachPartOfTheEvent(t *testing.T) {
	t.Parallel()
	parse := func(e event) ondato.Webhook {
		w, err := ondato.ParseWebhook([]byte(e.String()))
		require.NoError(t, err)
		return w
	}
	seen := map[string]string{}
	for name, e := range map[string]event{
		"event":              kycEvent(),
		"other id":           kycEvent().set("id", "x"),
		"other type":         kycEvent().set("type", "KycIdentification.Updated"),
		"other time":         kycEvent().set("createdUtc", "2026-11-03T09:16:00.1284418Z"),
		"other payload":      kycEvent().set("payload.id", eventID),
		"other status":       kycEvent().set("payload.status", "Approved"),
		"parts run together": kycEvent().set("id", eventID+`","KycIdentification.Rejected`),
	} {
		id := requestID(parse(e))
		require.Empty(t, seen[id], name)
		seen[id] = name
	}
	zoned := kycEvent().set("createdUtc", "2026-11-03T11:16:00.1284417+02:00")
	require.Equal(t, requestID(parse(kycEvent())), requestID(parse(zoned)), "the same moment")
	require.Equal(t, requestID(parse(kycEvent())), requestID(parse(kycEvent().set("payload.statusReason", "Other"))))
	require.Equal(t, "a2e2d9c4-c67f-52b8-b19d-d7e5932522aa", requestID(parse(kycEvent())), "replicas of two versions must agree")
}

// boundCodec seals payloads for one workflow, as the privacy codec does.
type boundCodec struct{ workflow string }

func (c boundCodec) WithSerializationContext(sc converter.SerializationContext) converter.PayloadCodec {
	if w, ok := sc.(converter.WorkflowSerializationContext); ok {
		return boundCodec{w.Namespace + "/" + w.WorkflowID}
	}
	return c
}

func (c boundCodec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		out[i] = &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("test/bound"), "for": []byte(c.workflow)}, Data: p.GetData()}
	}
	return out, nil
}

func (c boundCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()["for"]) != c.workflow {
			return nil, errors.New("sealed for another workflow")
		}
		out[i] = &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(converter.MetadataEncodingJSON)}, Data: p.GetData()}
	}
	return out, nil
}

func TestDeliver_Payload_IsSealedForTheWorkflow(t *testing.T) {
	t.Parallel()
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), boundCodec{})
	f := start(t, func(c *Config) { c.DataConverter = dc })
	f.ondato.knows(sessionID, ourApplication, allSetup, string(ourID))
	require.Equal(t, "200 accepted", f.post(kycEvent().String()).said())
	input := f.temporal.received()[0].GetInput()
	require.Equal(t, testNamespace+"/"+ourID.WorkflowID(), string(input.GetPayloads()[0].GetMetadata()["for"]))

	var e onboarding.Event
	reader := converter.WithDataConverterSerializationContext(dc, converter.WorkflowSerializationContext{Namespace: testNamespace, WorkflowID: ourID.WorkflowID()})
	require.NoError(t, reader.FromPayloads(input, &e))
	require.Equal(t, onboarding.Event{ID: eventID, Type: onboarding.EventRejected, SessionID: sessionID, IdentificationID: kycID,
		Status: "Rejected", CreatedUtc: time.Date(2026, 11, 3, 9, 16, 0, 128441700, time.UTC)}, e)
	for _, p := range input.GetPayloads() {
		require.NotContains(t, string(p.GetData()), "BlurredPhoto")
		require.NotContains(t, string(p.GetData()), "ONA")
	}
}

// brokenCodec fails, or panics, in encoding.
type brokenCodec struct{ err error }

func (c brokenCodec) Encode([]*commonpb.Payload) ([]*commonpb.Payload, error) {
	if c.err == nil {
		panic("customer's name in a panic")
	}
	return nil, c.err
}

func (c brokenCodec) Decode(p []*commonpb.Payload) ([]*commonpb.Payload, error) { return p, nil }

func TestDeliver_EncodingFails_IsOurTroubleUnlessErased(t *testing.T) {
	t.Parallel()
	erased := errors.New("the key has been erased")
	with := func(err error) *fixture {
		return start(t, func(c *Config) {
			c.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), brokenCodec{err})
			c.IsErased = func(err error) bool { return errors.Is(err, erased) }
		})
	}
	require.Equal(t, "200 erased", with(erased).post(idvEvent().String()).said())
	require.Equal(t, http.StatusServiceUnavailable, with(errors.New("no key")).post(idvEvent().String()).status)

	f := with(nil)
	got := f.post(idvEvent().String())
	require.Equal(t, http.StatusServiceUnavailable, got.status, "a panic is our trouble too")
	require.NotEmpty(t, got.header.Get("Retry-After"))
	require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
	require.Contains(t, f.logs.String(), "value_type=string")
	require.NotContains(t, f.logs.String()+got.body, "customer's name")
	require.Equal(t, 1.0, f.metric(`webhooks_refused_total{reason="panic",status="503"}`))
	require.Zero(t, f.metric("webhooks_in_flight"))
	require.False(t, strings.Contains(f.logs.String(), sessionID))
}
