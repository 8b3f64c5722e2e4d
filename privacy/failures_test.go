package privacy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

func bound(fc converter.FailureConverter, sc converter.SerializationContext) converter.FailureConverter {
	return converter.WithFailureConverterSerializationContext(fc, sc)
}

// requireSealed: neither a distinctive name nor a payload that is not sealed is anywhere in the failure.
func requireSealed(t testing.TB, failure *failurepb.Failure) {
	t.Helper()
	wire, err := proto.Marshal(failure)
	require.NoError(t, err)
	require.NotContains(t, string(wire), "Distinctive")
	require.NotContains(t, string(wire), "json/plain")
	for part := failure; part != nil; part = part.GetCause() {
		require.Contains(t, []string{encoded, unsealed}, part.GetMessage())
		require.Empty(t, part.GetStackTrace())
	}
}

// requireReadable: what was distinctive in a chain of errors still is.
func requireReadable(t testing.TB, was, is error) {
	t.Helper()
	for ; was != nil; was, is = errors.Unwrap(was), errors.Unwrap(is) {
		require.Error(t, is)
		require.Equal(t, strings.Contains(was.Error(), "Distinctive"), strings.Contains(is.Error(), "Distinctive"), "%v", is)
	}
}

// failing are errors with a distinctive name wherever an error can hold one.
func failing() map[string]error {
	cause := errors.New("cause: " + secret)
	app := temporal.NewApplicationErrorWithOptions("message: "+secret, "refused", temporal.ApplicationErrorOptions{
		NonRetryable: true, Cause: fmt.Errorf("wrapped: %w", cause), Details: []any{request{secret}, 7}, NextRetryDelay: time.Minute,
		Category: temporal.ApplicationErrorCategoryBenign,
	})
	return map[string]error{
		"plain":       cause,
		"wrapped":     fmt.Errorf("doing %s: %w", secret, cause),
		"application": app,
		"in a chain":  fmt.Errorf("doing %s: %w", secret, app),
		"cancelled":   temporal.NewCanceledError(request{secret}),
		"timeout":     temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_HEARTBEAT, app, request{secret}),
		"joined":      errors.Join(cause, app),
		"of the keys": fmt.Errorf("%s: %w", secret, ErrErased),
	}
}

func TestFailureConverter_AnyError_IsSealedWholeAndReadBack(t *testing.T) {
	p := newProgram(t)
	for name, err := range failing() {
		for _, make := range []func(*Codec) converter.FailureConverter{FailureConverter, WorkerFailureConverter} {
			t.Run(name, func(t *testing.T) {
				fc := bound(make(p.codec), annasActivity)
				failure := fc.ErrorToFailure(err)
				requireSealed(t, failure)
				require.Equal(t, keyOwn, string(failure.GetEncodedAttributes().GetMetadata()[metadataKey]))
				back := fc.FailureToError(proto.CloneOf(failure))
				requireReadable(t, err, back)
			})
		}
	}
}

func TestFailureConverter_ApplicationError_KeepsWhatTemporalDecidesBy(t *testing.T) {
	p := newProgram(t)
	fc := bound(FailureConverter(p.codec), annasActivity)
	failure := fc.ErrorToFailure(failing()["application"])
	info := failure.GetApplicationFailureInfo()
	require.Equal(t, "refused", info.GetType())
	require.True(t, info.GetNonRetryable())
	require.Equal(t, time.Minute, info.GetNextRetryDelay().AsDuration())
	require.Equal(t, enumspb.APPLICATION_ERROR_CATEGORY_BENIGN, info.GetCategory())

	var app *temporal.ApplicationError
	require.ErrorAs(t, fc.FailureToError(failure), &app)
	require.Equal(t, "message: "+secret, app.Message())
	var details request
	var n int
	require.NoError(t, app.Details(&details, &n))
	require.Equal(t, request{secret}, details)
	require.Equal(t, 7, n)
}

func TestFailureConverter_StackTrace_IsSealed(t *testing.T) {
	p := newProgram(t)
	fc := bound(FailureConverter(p.codec), annasWorkflow)
	failure := fc.ErrorToFailure(fc.FailureToError(&failurepb.Failure{
		Message: secret, StackTrace: "goroutine 1: " + secret,
		FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: "PanicError"}},
	}))
	requireSealed(t, failure)
	var panicked *temporal.PanicError
	require.ErrorAs(t, fc.FailureToError(failure), &panicked)
	require.Equal(t, "goroutine 1: "+secret, panicked.StackTrace())
}

// An activity's failure that a workflow passes on was opened for the workflow's code, in place.
func TestFailureConverter_FailurePassedOn_IsNotPlainAgain(t *testing.T) {
	p := newProgram(t)
	fc := bound(FailureConverter(p.codec), annasActivity)
	for name, err := range failing() {
		t.Run(name, func(t *testing.T) {
			first := fc.ErrorToFailure(err)
			activity := &failurepb.Failure{Cause: first, Message: "activity error " + secret, FailureInfo: &failurepb.Failure_ActivityFailureInfo{
				ActivityFailureInfo: &failurepb.ActivityFailureInfo{ActivityType: &commonpb.ActivityType{Name: "Invite"}},
			}}
			opened := fc.FailureToError(activity)
			for _, passed := range []error{opened, fmt.Errorf("passing on %s: %w", secret, opened), errors.Unwrap(opened)} {
				before, keep := passed.Error(), proto.CloneOf(activity)
				again := bound(FailureConverter(p.codec), annasWorkflow).ErrorToFailure(passed)
				requireSealed(t, again)
				require.Equal(t, before, passed.Error(), "the error is left as it was")
				require.True(t, proto.Equal(keep, activity))
				requireReadable(t, passed, fc.FailureToError(again))
			}
		})
	}
}

// The SDK's own converter opens a failure in place, so that one may come along with its text in both forms.
func TestFailureConverter_FailureOpenedInPlaceBySomebodyElse_IsSealedAgain(t *testing.T) {
	p := newProgram(t)
	fc := bound(FailureConverter(p.codec), annasActivity)
	failure := fc.ErrorToFailure(failing()["application"])
	for part := failure; part != nil; part = part.GetCause() {
		part.Message, part.StackTrace = secret, secret
	}
	again := fc.ErrorToFailure(fc.FailureToError(failure))
	requireSealed(t, again)
	require.ErrorContains(t, fc.FailureToError(again), "message: "+secret)
}

func TestFailureConverter_FailureOfAPlainRun_IsSealedWhenItIsPassedOn(t *testing.T) {
	p := newProgram(t)
	plain := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{EncodeCommonAttributes: true})
	fc := bound(FailureConverter(p.codec), annasWorkflow)
	for _, err := range failing() {
		failure := fc.ErrorToFailure(fc.FailureToError(plain.ErrorToFailure(err)))
		requireSealed(t, failure)
		requireReadable(t, err, fc.FailureToError(failure))
	}
	var app *temporal.ApplicationError
	require.ErrorAs(t, fc.FailureToError(fc.ErrorToFailure(fc.FailureToError(plain.ErrorToFailure(failing()["application"])))), &app)
	var details request
	require.NoError(t, app.Details(&details))
	require.Equal(t, secret, details.Name)
}

func TestFailureConverter_FailureOfAnotherWorkflow_IsLeftOut(t *testing.T) {
	p := newProgram(t)
	brunos := bound(FailureConverter(p.codec), brunosWorkflow)
	failure := brunos.ErrorToFailure(failing()["application"])
	passed := fmt.Errorf("of bruno: %w", brunos.FailureToError(failure))

	fc := bound(WorkerFailureConverter(p.codec), annasActivity)
	again := fc.ErrorToFailure(passed)
	requireSealed(t, again)
	require.Equal(t, encoded, again.GetMessage())
	require.Equal(t, unsealed, again.GetCause().GetMessage())
	require.Nil(t, again.GetCause().GetEncodedAttributes())
	require.Equal(t, "refused", again.GetCause().GetApplicationFailureInfo().GetType())
	require.ErrorContains(t, fc.FailureToError(again), "of bruno", "and nothing keeps anna's workflow from going on")
}

func TestFailureConverter_WithoutAContext_UsesTheHouseKey(t *testing.T) {
	p := newProgram(t)
	fc := FailureConverter(p.codec)
	failure := fc.ErrorToFailure(failing()["application"])
	requireSealed(t, failure)
	require.Equal(t, keyHouse, string(failure.GetEncodedAttributes().GetMetadata()[metadataKey]))
	require.ErrorContains(t, fc.FailureToError(failure), "Distinctive")
	require.Nil(t, fc.ErrorToFailure(nil))
	require.NoError(t, fc.FailureToError(nil))
}

func TestFailureConverter_WhatCannotBeSealed_IsLeftOutAndTheRestStays(t *testing.T) {
	for situation, c := range trouble {
		for name, err := range failing() {
			t.Run(situation+", "+name, func(t *testing.T) {
				p := c.make(t, newProgram(t))
				for _, make := range []func(*Codec) converter.FailureConverter{FailureConverter, WorkerFailureConverter} {
					failure := bound(make(p.codec), annasActivity).ErrorToFailure(err)
					requireSealed(t, failure)
					require.Equal(t, unsealed, failure.GetMessage())
					require.Nil(t, failure.GetEncodedAttributes())
				}
			})
		}
	}
	p := trouble["store down"].make(t, newProgram(t))
	failure := bound(FailureConverter(p.codec), annasActivity).ErrorToFailure(failing()["application"])
	info := failure.GetApplicationFailureInfo()
	require.Equal(t, "refused", info.GetType())
	require.True(t, info.GetNonRetryable())
	require.Equal(t, time.Minute, info.GetNextRetryDelay().AsDuration())
	require.Empty(t, info.GetDetails().GetPayloads())
	require.NotNil(t, failure.GetCause().GetCause())
	cancelled := bound(FailureConverter(p.codec), annasActivity).ErrorToFailure(temporal.NewCanceledError(request{secret}))
	require.NotNil(t, cancelled.GetCanceledFailureInfo(), "a cancellation stays one")
}

func TestFailureConverter_ErrorsThatTheSDKPanicsOver_AreFailures(t *testing.T) {
	p := newProgram(t)
	fc := bound(FailureConverter(p.codec), annasActivity)
	for _, err := range []error{
		&temporal.TimeoutError{}, // made by hand, without details
		temporal.NewApplicationError(secret, "t", func() {}),
	} {
		requireSealed(t, fc.ErrorToFailure(err))
	}
}

func TestFailureConverter_OfAClient_ReadsWhatCannotBeOpenedAsEncoded(t *testing.T) {
	for situation, c := range trouble {
		t.Run(situation, func(t *testing.T) {
			p := newProgram(t)
			failure := bound(FailureConverter(p.codec), annasWorkflow).ErrorToFailure(failing()["application"])
			p = c.make(t, p)
			err := bound(FailureConverter(p.codec), annasWorkflow).FailureToError(failure)
			var app *temporal.ApplicationError
			require.ErrorAs(t, err, &app)
			require.Equal(t, encoded, app.Message())
			require.Equal(t, "refused", app.Type())
			require.ErrorIs(t, app.Details(new(request)), c.err)
		})
	}
}

func TestWorkerFailureConverter_FailureThatCannotBeOpened_HasTheWorkflowWait(t *testing.T) {
	for situation, c := range trouble {
		t.Run(situation, func(t *testing.T) {
			p := newProgram(t)
			fc := bound(WorkerFailureConverter(p.codec), annasActivity)
			opened := fc.FailureToError(fc.ErrorToFailure(failing()["application"]))
			failure := fc.ErrorToFailure(failing()["application"])
			p = c.make(t, p)
			panicked, _ := outcome(func() error { return bound(WorkerFailureConverter(p.codec), annasActivity).FailureToError(failure) })
			require.ErrorIs(t, panicked.(*Waiting), c.err)

			var app *temporal.ApplicationError
			require.ErrorAs(t, opened, &app)
			if situation == "erased" { // in the program that has opened it, too
				panicked, _ = outcome(func() error { return app.Details(new(request)) })
				require.ErrorIs(t, panicked.(*Waiting), c.err)
			}
		})
	}
	fc := bound(WorkerFailureConverter(newProgram(t).codec), annasActivity)
	panicked, _ := outcome(func() error { return fc.FailureToError(&failurepb.Failure{Message: "activity StartToClose timeout"}) })
	require.Nil(t, panicked, "what Temporal says itself is plain")
}
