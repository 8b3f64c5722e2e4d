package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"kyc/dev/stack"
	"kyc/onboarding"
)

// atATime is how many senders of duplicates are at work.
const atATime = 16

// approvedInWatch takes an onboarding to where its decision has been handed off.
func approvedInWatch(t *testing.T, r rig) (id onboarding.ID, event onboarding.Event) {
	t.Helper()
	started, _ := r.start(t, "watched", "again@customer.example")
	session := stack.SessionOf(started.Link)
	r.play(t, session, "start", "consent", "submit", "approve")
	r.received(t, started.ID, 1)
	r.signalled(t, started.ID, 6)
	e := newEvent(onboarding.EventApproved, session, "Approved")
	e.IdentificationID = uuid.NewString()
	return started.ID, e
}

func TestDuplicates_ThousandDeliveriesThroughTheBridge_AreOneSignal(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	id, e := approvedInWatch(t, r)
	before := r.history(t, id, "")
	body := webhook(t, id, e)
	ctx := timed(t)
	require.NoError(t, concurrently(1000, atATime, func(int) error {
		status, err := r.SendWebhook(ctx, body)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("the bridge answers %d", status)
		}
		return err
	}))
	s := r.status(t, id)
	after := r.history(t, id, "")
	require.Equal(t, 1, count(after, isSignal)-count(before, isSignal))
	require.Equal(t, 1, count(after, isLook)-count(before, isLook))
	require.LessOrEqual(t, len(after)-len(before), 8, "a signal, its workflow task, a look and the timer set anew")
	require.Equal(t, onboarding.StageWatching, s.Stage)
	require.Zero(t, s.NotedTotal)
	require.Len(t, r.received(t, id, 1), 1)
}

func TestDuplicates_ThousandSignalsWithIDsOfTheirOwn_ChangeNothingAfterTheFirst(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	id, e := approvedInWatch(t, r)
	before := r.history(t, id, "")
	r.deliver(t, id, e)
	require.NoError(t, r.Settle(timed(t), id))
	first := r.history(t, id, "")
	at := slices.IndexFunc(first, nthSignal(count(before, isSignal)+1))
	input := first[at].GetWorkflowExecutionSignaledEventAttributes().GetInput()
	ctx := timed(t)
	require.NoError(t, concurrently(1000, atATime, func(i int) error {
		request := &workflowservice.SignalWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()},
			SignalName: onboarding.SignalEvent, Input: input,
		}
		if i%2 == 0 { // and every other without any
			request.RequestId = uuid.NewString()
		}
		_, err := r.Client.WorkflowService().SignalWorkflowExecution(ctx, request)
		return err
	}))
	s := r.status(t, id)
	require.Equal(t, 1000, s.NotedTotal)
	for _, n := range s.Noted {
		require.Equal(t, "duplicate", n.Why)
	}
	require.Equal(t, onboarding.StageWatching, s.Stage)
	require.Empty(t, s.Attention)
	require.Equal(t, e.CreatedUtc, s.LastEvent.CreatedUtc)

	signals, looks, events := 0, 0, 0
	runs := r.runs(t, id)
	for _, run := range runs {
		h := r.history(t, id, run)
		signals, looks, events = signals+count(h, isSignal), looks+count(h, isLook), events+len(h)
	}
	require.Equal(t, 1001, signals-count(before, isSignal))
	require.Equal(t, 1, looks-count(before, isLook))
	require.Len(t, r.received(t, id, 1), 1)
	t.Logf("1,000 signals: %d events in %d runs", events-len(first), len(runs))

	_, err := r.Starter.Obey(timed(t), id, onboarding.Command{Kind: onboarding.CommandRefresh, Actor: "jonas", Reason: "is it stuck?"})
	require.NoError(t, err)
}
