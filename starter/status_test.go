package starter_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	querypb "go.temporal.io/api/query/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"kyc/onboarding"
	"kyc/privacy"
	"kyc/starter"
)

// What a real server answers is in dev/e2e.

// answered is a query's answer.
func answered(t *testing.T, s onboarding.Status) converter.EncodedValue {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(s)
	require.NoError(t, err)
	return client.NewValue(payloads)
}

// queried is a Temporal that answers a query, and rejects it first if the run was terminated.
func queried(t *testing.T, terminated bool, s onboarding.Status) *mocks.Client {
	t.Helper()
	at := &mocks.Client{}
	asks := func(c enumspb.QueryRejectCondition) any {
		return mock.MatchedBy(func(q *client.QueryWorkflowWithOptionsRequest) bool { return q.QueryRejectCondition == c })
	}
	result := &client.QueryWorkflowWithOptionsResponse{QueryResult: answered(t, s)}
	first := result
	if terminated {
		first = &client.QueryWorkflowWithOptionsResponse{QueryRejected: &querypb.QueryRejected{Status: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED}}
	}
	at.On("QueryWorkflowWithOptions", mock.Anything, asks(enumspb.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY)).Return(first, nil)
	at.On("QueryWorkflowWithOptions", mock.Anything, asks(enumspb.QUERY_REJECT_CONDITION_NONE)).Return(result, nil)
	return at
}

func TestStatus_RunTerminated_PromisesNothingMore(t *testing.T) {
	living := onboarding.Status{
		Stage: onboarding.StageInProgress, Link: "https://link.example", Awaited: "the customer", Next: "a reminder", NextAt: time.Now(),
		Allowed: onboarding.CommandKinds(), Doing: []onboarding.StepKind{onboarding.StepLook},
	}
	id := erasure.ID
	got, err := starter.New(queried(t, false, living), nil, starter.Options{}).Status(t.Context(), id)
	require.NoError(t, err)
	require.False(t, got.Terminated)
	require.Equal(t, living.Link, got.Link)

	got, err = starter.New(queried(t, true, living), nil, starter.Options{}).Status(t.Context(), id)
	require.NoError(t, err)
	require.True(t, got.Terminated)
	require.Equal(t, onboarding.StageInProgress, got.Stage, "where it stood")
	require.Contains(t, got.Awaited, "nothing: the run was terminated in Temporal and nothing was handed off")
	require.Empty(t, got.Link+got.Next)
	require.Empty(t, got.Allowed)
	require.Empty(t, got.Doing)
	require.True(t, got.NextAt.IsZero())

	handed := living
	handed.HandedOff = &onboarding.HandedDecision{Decision: onboarding.Decision{Outcome: onboarding.OutcomeApproved, Version: 2}}
	got, err = starter.New(queried(t, true, handed), nil, starter.Options{}).Status(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, got.Awaited, "version 2")
	require.NotContains(t, got.Awaited, "nothing was handed off")
}

func TestStatus_NoAnswer_IsAnErrorWithACode(t *testing.T) {
	for code, err := range map[starter.Code]error{
		starter.NotFound: serviceerror.NewNotFound("no"), starter.Unavailable: serviceerror.NewUnavailable("no"), starter.Erased: privacy.ErrErased,
	} {
		at := &mocks.Client{}
		at.On("QueryWorkflowWithOptions", mock.Anything, mock.Anything).Return((*client.QueryWorkflowWithOptionsResponse)(nil), err)
		_, got := starter.New(at, nil, starter.Options{}).Status(t.Context(), erasure.ID)
		var mine *starter.Error
		require.ErrorAs(t, got, &mine)
		require.Equal(t, code, mine.Code)
		require.True(t, errors.Is(got, err))
	}
}

func TestUndelivered_TerminatedBeforeTheHandoff_IsTold(t *testing.T) {
	for name, c := range map[string]struct {
		overview starter.Overview
		want     bool
	}{
		"open":                         {starter.Overview{Stage: onboarding.StageInProgress}, false},
		"done":                         {starter.Overview{Stage: onboarding.StageDone, Closed: true}, false},
		"terminated":                   {starter.Overview{Stage: onboarding.StageInProgress, Closed: true, Unfinished: true}, true},
		"terminated while handing off": {starter.Overview{Stage: onboarding.StageHandingOff, Closed: true, Unfinished: true}, true},
		"terminated while watching":    {starter.Overview{Stage: onboarding.StageWatching, Closed: true, Unfinished: true}, false},
	} {
		require.Equal(t, c.want, c.overview.Undelivered(), name)
	}
}

func TestObey_InANameOfTheProcess_IsRefusedWithoutAskingTemporal(t *testing.T) {
	s := starter.New(&mocks.Client{}, nil, starter.Options{}) // a call would panic
	for _, actor := range []string{"ondato", "Policy", "process ", "temporal", "Temporal"} {
		_, err := s.Obey(t.Context(), erasure.ID, onboarding.Command{Kind: onboarding.CommandCancel, Actor: actor, Reason: "withdrawn"})
		var mine *starter.Error
		require.ErrorAs(t, err, &mine, actor)
		require.Equal(t, starter.Invalid, mine.Code)
		require.Len(t, mine.Fields, 1)
		require.Equal(t, "actor", mine.Fields[0].Field)
		require.NotEmpty(t, mine.Fields[0].Remedy)
	}
}
