package privacy

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
)

// The SDK itself, on its test environment and its replayer; a real server is in the end-to-end tests of dev/. The test
// environment binds activities' failures to no namespace, hence failures are the replayer's.

const testNamespace = "default-test-namespace" // the test environment's

// greet has an activity do something with its input; ends says how the activity ends.
func greet(ctx workflow.Context, in request) (request, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 1e9, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var out request
	err := workflow.ExecuteActivity(ctx, "Echo", in).Get(ctx, &out)
	return out, err
}

// newEnvironment runs greet as anna's workflow on the test environment, with a worker's converters.
func newEnvironment(t *testing.T, p *program, echo func(context.Context, request) (request, error)) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	require.NoError(t, p.keys.Ensure(t.Context(), Name(testNamespace, anna)))
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetDataConverter(WorkerDataConverter(p.codec))
	env.SetFailureConverter(WorkerFailureConverter(p.codec))
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: anna})
	env.RegisterWorkflow(greet)
	env.RegisterActivityWithOptions(echo, activity.RegisterOptions{Name: "Echo"})
	return env
}

func TestSDK_WorkflowAndActivity_PassSealedPayloads(t *testing.T) {
	p := newProgram(t)
	var key string
	env := newEnvironment(t, p, func(_ context.Context, in request) (request, error) {
		return request{in.Name + "!"}, nil
	})
	env.SetOnActivityCompletedListener(func(_ *activity.Info, result converter.EncodedValue, _ error) {
		var raw converter.RawValue
		if result.Get(&raw) == nil {
			key = string(raw.Payload().GetData())
		}
	})
	env.ExecuteWorkflow(greet, request{secret})
	require.NoError(t, env.GetWorkflowError())
	var out request
	require.NoError(t, env.GetWorkflowResult(&out))
	require.Equal(t, secret+"!", out.Name)
	require.Contains(t, key, "Annamaria")
	require.NotZero(t, p.store.inserts.Load())
}

func TestSDK_KeyGoneWhenTheResultArrives_PanicsTheWorkflowTask(t *testing.T) {
	p := newProgram(t)
	env := newEnvironment(t, p, func(_ context.Context, in request) (request, error) { return in, nil })
	env.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) {
		p.store.fail(func(context.Context) error { return unavailable("reading a key", errors.New("out of order")) })
		p.keys.known.InvalidateAll()
	})
	env.ExecuteWorkflow(greet, request{secret})
	var panicked *temporal.PanicError
	require.ErrorAs(t, env.GetWorkflowError(), &panicked)
	require.ErrorContains(t, panicked, "this workflow task is tried again")
	require.ErrorContains(t, panicked, ErrUnavailable.Error())
	require.NotContains(t, env.GetWorkflowError().Error(), "Annamaria")
}

func TestSDK_KeyGoneInTheActivity_IsAnErrorOfTheActivity(t *testing.T) {
	p := newProgram(t)
	down := func(context.Context) error { return unavailable("reading a key", errors.New("out of order")) }
	env := newEnvironment(t, p, func(_ context.Context, in request) (request, error) {
		p.store.fail(down) // its result cannot be sealed
		p.keys.known.InvalidateAll()
		return in, nil
	})
	env.SetOnActivityCompletedListener(func(_ *activity.Info, _ converter.EncodedValue, err error) {
		require.Error(t, err)
		p.store.fail(nil)
	})
	env.ExecuteWorkflow(greet, request{secret})
	var app *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &app)
	var panicked *temporal.PanicError
	require.NotErrorAs(t, env.GetWorkflowError(), &panicked)
}

// history is one of anna's greet, whose activity failed if err is not nil.
func history(t *testing.T, p *program, err error) *historypb.History {
	t.Helper()
	dc := converter.WithDataConverterSerializationContext(DataConverter(p.codec), annasWorkflow)
	sealed := func(value any) *commonpb.Payloads {
		out, err := dc.ToPayloads(value)
		require.NoError(t, err)
		return out
	}
	queue := &taskqueuepb.TaskQueue{Name: "onboarding"}
	events := []*historypb.HistoryEvent{
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
				WorkflowType: &commonpb.WorkflowType{Name: "greet"}, TaskQueue: queue, Input: sealed(request{secret}),
			}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{TaskQueue: queue}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, Attributes: &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{ScheduledEventId: 2}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{ScheduledEventId: 2, StartedEventId: 3}}},
		{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
			ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
				ActivityId: "5", ActivityType: &commonpb.ActivityType{Name: "Echo"}, TaskQueue: queue, Input: sealed(request{secret}),
				WorkflowTaskCompletedEventId: 4,
			}}},
		{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{ScheduledEventId: 5}}},
		{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{
				ScheduledEventId: 5, StartedEventId: 6, Result: sealed(request{secret}),
			}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{TaskQueue: queue}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, Attributes: &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{ScheduledEventId: 8}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{ScheduledEventId: 8, StartedEventId: 9}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{
				WorkflowTaskCompletedEventId: 10, Result: sealed(request{secret}),
			}}},
	}
	if err != nil {
		failure := bound(FailureConverter(p.codec), annasActivity).ErrorToFailure(err)
		events[6] = &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED, Attributes: &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{
			ActivityTaskFailedEventAttributes: &historypb.ActivityTaskFailedEventAttributes{ScheduledEventId: 5, StartedEventId: 6, Failure: failure}}}
		events[10] = &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, Attributes: &historypb.HistoryEvent_WorkflowExecutionFailedEventAttributes{
			WorkflowExecutionFailedEventAttributes: &historypb.WorkflowExecutionFailedEventAttributes{WorkflowTaskCompletedEventId: 10, Failure: failure}}}
	}
	for i, event := range events {
		event.EventId = int64(i + 1)
	}
	return &historypb.History{Events: events}
}

// replay returns what the workflow saw of its activity's failure, too.
func replay(t *testing.T, p *program, h *historypb.History, execution workflow.Execution) (saw, err error) {
	t.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: WorkerDataConverter(p.codec), FailureConverter: WorkerFailureConverter(p.codec),
	})
	require.NoError(t, err)
	replayer.RegisterWorkflowWithOptions(func(ctx workflow.Context, in request) (out request, err error) {
		out, saw = greet(ctx, in)
		if saw == nil {
			require.Equal(t, request{secret}, out)
		}
		return out, saw
	}, workflow.RegisterOptions{Name: "greet"})
	err = replayer.ReplayWorkflowHistoryWithOptions(nil, proto.CloneOf(h), worker.ReplayWorkflowHistoryOptions{OriginalExecution: execution})
	return saw, err
}

func TestSDK_Replayer_ReadsASealedHistory(t *testing.T) {
	p := newProgram(t)
	for name, c := range map[string]error{
		"completed": nil,
		"failed":    temporal.NewNonRetryableApplicationError("message: "+secret, "refused", errors.New("cause"), request{secret}),
	} {
		t.Run(name, func(t *testing.T) {
			h := history(t, p, c)
			for _, execution := range []workflow.Execution{{}, {ID: anna, RunID: "a-run"}} {
				saw, err := replay(t, p, h, execution)
				require.NoError(t, err)
				if c == nil {
					continue
				}
				var app *temporal.ApplicationError
				require.ErrorAs(t, saw, &app)
				require.Equal(t, "message: "+secret, app.Message())
				var details request
				require.NoError(t, app.Details(&details))
				require.Equal(t, request{secret}, details)
			}
			for situation, broken := range trouble {
				if situation != "erased" {
					_, err := replay(t, broken.make(t, p), h, workflow.Execution{})
					require.ErrorContains(t, err, "this workflow task is tried again", situation)
					require.ErrorContains(t, err, broken.err.Error(), situation)
					require.NotContains(t, err.Error(), "Annamaria")
				}
			}
		})
	}
}

// Only the failure of the activity cannot be opened: the workflow must not see it without its text.
func TestSDK_FailureThatCannotBeOpened_PanicsTheWorkflowTask(t *testing.T) {
	p, stranger := newProgram(t), newProgram(t)
	h := history(t, p, nil)
	failed := history(t, stranger, errors.New(secret))
	h.Events[6], h.Events[10] = failed.Events[6], failed.Events[10]
	saw, err := replay(t, p, h, workflow.Execution{})
	require.NoError(t, saw)
	require.ErrorContains(t, err, "this workflow task is tried again")
	require.ErrorContains(t, err, ErrUnknownKey.Error())
}
