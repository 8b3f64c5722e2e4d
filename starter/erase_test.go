package starter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
	"kyc/privacy"
	"kyc/starter"
)

var erasure = onboarding.Erasure{ID: onboarding.Reference("customer-1").ID(), Actor: "officer", Reason: "request 1"}

func TestErase_WrongInput_NamesEveryFieldAndAsksNobody(t *testing.T) {
	s := starter.New(&mocks.Client{}, nil, starter.Options{}) // a call would panic
	_, err := s.Erase(t.Context(), onboarding.Erasure{ID: "customer-1", Actor: " ", Reason: "because\x00"})
	var mine *starter.Error
	require.ErrorAs(t, err, &mine)
	require.Equal(t, starter.Invalid, mine.Code)
	require.Len(t, mine.Fields, 3)
}

// TestErase_EachAnswer_IsAReceiptOrSaysWhatToDo: what a real server answers is in dev/secrecy.
func TestErase_EachAnswer_IsAReceiptOrSaysWhatToDo(t *testing.T) {
	receipt := onboarding.ErasureReceipt{ID: erasure.ID, ErasedAt: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Sessions: 1, KeyDropped: true}
	failed := func(kind string) error {
		return temporal.NewApplicationError("in the words of the erasure", kind)
	}
	for name, c := range map[string]struct {
		starts, ends error
		code         starter.Code // empty: no error
		done         bool
	}{
		"done":                       {done: true},
		"done before":                {starts: alreadyStarted(), done: true},
		"it takes longer":            {ends: context.DeadlineExceeded},
		"it takes longer, elsewhere": {starts: alreadyStarted(), ends: serviceerror.NewDeadlineExceeded("long poll")},
		"refused":                    {ends: failed(onboarding.ErrTypeRefused), code: starter.Refused},
		"unknown":                    {ends: failed(onboarding.ErrTypeNotFound), code: starter.NotFound},
		"Temporal is away":           {starts: serviceerror.NewUnavailable("no"), code: starter.Unavailable},
		"Temporal goes away":         {ends: serviceerror.NewUnavailable("no"), code: starter.Unavailable},
		"a receipt that cannot be opened is not one under way": {ends: privacy.ErrUnknownKey, code: starter.Unavailable},
		"no such namespace": {starts: serviceerror.NewNamespaceNotFound("kyc"), code: starter.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			run := &mocks.WorkflowRun{}
			run.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
				if into, ok := args.Get(1).(*onboarding.ErasureReceipt); ok && c.ends == nil {
					*into = receipt
				}
			}).Return(c.ends)
			at := &mocks.Client{}
			var options client.StartWorkflowOptions
			at.On("ExecuteWorkflow", mock.Anything, mock.Anything, onboarding.ErasureWorkflowType, erasure).Run(func(args mock.Arguments) {
				options = args.Get(1).(client.StartWorkflowOptions)
			}).Return(run, c.starts)
			at.On("GetWorkflow", mock.Anything, erasure.ID.ErasureWorkflowID(), "").Return(run)

			ordered := erasure
			ordered.ID = onboarding.ID(strings.ToUpper(string(erasure.ID)))
			got, err := starter.New(at, nil, starter.Options{Wait: time.Second}).Erase(t.Context(), ordered)
			require.Equal(t, erasure.ID, got.ID)
			require.Equal(t, erasure.ID.ErasureWorkflowID(), options.ID)
			require.NotContains(t, options.StaticSummary+options.StaticDetails, erasure.Actor)
			require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, options.WorkflowIDReusePolicy, "what was refused may be ordered again")
			if c.code != "" {
				var mine *starter.Error
				require.ErrorAs(t, err, &mine)
				require.Equal(t, c.code, mine.Code)
				require.Nil(t, got.Receipt)
				return
			}
			require.NoError(t, err)
			if c.done {
				require.Equal(t, &receipt, got.Receipt)
			} else {
				require.Nil(t, got.Receipt)
			}
		})
	}
}

func TestErase_CallerGoesAway_IsToldSo(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	run := &mocks.WorkflowRun{}
	run.On("Get", mock.Anything, mock.Anything).Run(func(mock.Arguments) { leave() }).Return(context.Canceled)
	at := &mocks.Client{}
	at.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(run, nil)
	_, err := starter.New(at, nil, starter.Options{}).Erase(ctx, erasure)
	var mine *starter.Error
	require.ErrorAs(t, err, &mine)
	require.Equal(t, starter.Unavailable, mine.Code)
	require.True(t, errors.Is(err, context.Canceled))
}

func alreadyStarted() error {
	return serviceerror.NewWorkflowExecutionAlreadyStarted("already started", "", "")
}
