package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"kyc/dev/backend"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// rig is a stack with what tests do to onboardings in it.
type rig struct{ *stack.Stack }

// ownRig starts a stack for one test, on the setups of all tests.
func ownRig(t *testing.T, cfg stack.Config) rig {
	t.Helper()
	cfg.Dir, cfg.NoUI, cfg.Log = t.TempDir(), true, io.Discard
	if cfg.Setups == "" {
		cfg.Setups = setups
	}
	s, err := stack.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return rig{s}
}

// start starts an onboarding of a customer with an address of their own.
func (r rig) start(t *testing.T, setup, email string) (starter.Started, onboarding.Request) {
	t.Helper()
	q := request(t, setup)
	q.Applicant.Email = email
	started, err := r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowStarted, started.How)
	return started, q
}

// play acts at the sandbox as the customer and as Ondato.
func (r rig) play(t *testing.T, session string, actions ...string) {
	t.Helper()
	for _, a := range actions {
		var body any
		if a == "reject" {
			body = map[string]any{"reason": "PossibleFraudAttempt", "final": true}
		}
		require.NoError(t, r.Act(timed(t), session, a, body), a)
	}
}

func (r rig) until(t *testing.T, id onboarding.ID, what string, ok func(onboarding.Status) bool) (s onboarding.Status) {
	t.Helper()
	ctx := timed(t)
	require.Eventually(t, func() bool {
		var err error
		s, err = r.Starter.Status(ctx, id)
		return err == nil && ok(s)
	}, patience, tick, what)
	return s
}

func (r rig) status(t *testing.T, id onboarding.ID) onboarding.Status {
	t.Helper()
	require.NoError(t, r.Settle(timed(t), id))
	s, err := r.Starter.Status(timed(t), id)
	require.NoError(t, err)
	return s
}

func (r rig) overview(t *testing.T, id onboarding.ID) starter.Overview {
	t.Helper()
	o, err := r.Starter.Overview(timed(t), id)
	require.NoError(t, err)
	return o
}

// signalled waits until a number of signals is in the history of the newest run.
func (r rig) signalled(t *testing.T, id onboarding.ID, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return count(r.history(t, id, ""), isSignal) == n }, patience, tick, "%d signals", n)
	require.NoError(t, r.Settle(timed(t), id))
}

// received waits until the backend has n different messages of the onboarding, and returns all.
func (r rig) received(t *testing.T, id onboarding.ID, n int) (got []backend.Received) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, _ = r.Backend.Of(string(id))
		return len(got) >= n
	}, patience, tick, "%d messages at the backend", n)
	require.Len(t, got, n)
	return got
}

// ended waits until the onboarding is over.
func (r rig) ended(t *testing.T, id onboarding.ID) (last starter.Overview) {
	t.Helper()
	for seen, err := range r.Starter.Watch(timed(t), id, true) {
		require.NoError(t, err)
		last = seen
	}
	require.True(t, last.Closed)
	return last
}

func (r rig) command(t *testing.T, id onboarding.ID, c onboarding.Command) onboarding.CommandReceipt {
	t.Helper()
	c.Actor, c.Reason = "jonas", "asked by phone"
	receipt, err := r.Starter.Obey(timed(t), id, c)
	require.NoError(t, err)
	return receipt
}

// mails are the subjects of the mails to an address, oldest first.
func (r rig) mails(to string) (subjects []string) {
	for _, m := range r.Mailbox.Mails() {
		if m.To == to {
			subjects = append(subjects, m.Subject)
		}
	}
	return subjects
}

// sessions are the sandbox's sessions of an onboarding, newest first.
func (r rig) sessions(t *testing.T, id onboarding.ID) (ids []string) {
	t.Helper()
	answer, err := http.Get(r.SandboxURL + "/_sandbox/sessions?externalReferenceId=" + url.QueryEscape(string(id)))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	var list struct{ Sessions []struct{ ID string } }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&list))
	for _, s := range list.Sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

// --- webhooks -----------------------------------------------------------------------------------------------------

// newEvent is an event of now.
func newEvent(kind onboarding.EventType, session, status string) onboarding.Event {
	return onboarding.Event{ID: uuid.NewString(), Type: kind, CreatedUtc: time.Now().UTC().Truncate(time.Microsecond), SessionID: session, Status: status}
}

// webhook is an event as Ondato sends it.
func webhook(t *testing.T, id onboarding.ID, e onboarding.Event) []byte {
	t.Helper()
	payload := map[string]any{"id": e.SessionID, "externalReferenceId": id, "status": e.Status}
	switch e.Type {
	case onboarding.EventCreated, onboarding.EventProcessed, onboarding.EventApproved, onboarding.EventRejected, onboarding.EventUpdated:
		payload = map[string]any{"id": e.IdentificationID, "identityVerificationId": e.SessionID, "status": e.Status}
	}
	body, err := json.Marshal(map[string]any{
		"id": e.ID, "applicationId": stack.ApplicationID, "createdUtc": e.CreatedUtc.Format("2006-01-02T15:04:05.9999999Z"), "type": e.Type, "payload": payload,
	})
	require.NoError(t, err)
	return body
}

// deliver sends an event to the bridge, which must accept it.
func (r rig) deliver(t *testing.T, id onboarding.ID, e onboarding.Event) {
	t.Helper()
	status, err := r.SendWebhook(timed(t), webhook(t, id, e))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}

// signal sends an event past the bridge, which would recognise a repeated one.
func (r rig) signal(t *testing.T, id onboarding.ID, e onboarding.Event) {
	t.Helper()
	require.NoError(t, r.Client.SignalWorkflow(timed(t), id.WorkflowID(), "", onboarding.SignalEvent, e))
}

// --- histories ----------------------------------------------------------------------------------------------------

type historyEvent = *historypb.HistoryEvent

func (r rig) history(t *testing.T, id onboarding.ID, runID string) []historyEvent {
	t.Helper()
	events, err := r.History(timed(t), id, runID)
	require.NoError(t, err)
	return events
}

func count(events []historyEvent, is func(historyEvent) bool) (n int) {
	for _, e := range events {
		if is(e) {
			n++
		}
	}
	return n
}

func isSignal(e historyEvent) bool { return e.GetWorkflowExecutionSignaledEventAttributes() != nil }

func isActivity(name string) func(historyEvent) bool {
	return func(e historyEvent) bool {
		return e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == name
	}
}

// isLook: brisk looks are the only local activities.
func isLook(e historyEvent) bool {
	return e.GetMarkerRecordedEventAttributes().GetMarkerName() == "LocalActivity"
}

func isUpdate(name string) func(historyEvent) bool {
	return func(e historyEvent) bool {
		return e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName() == name
	}
}

// nthSignal finds a signal by its number, from 1.
func nthSignal(n int) func(historyEvent) bool {
	return func(e historyEvent) bool {
		if isSignal(e) {
			n--
		}
		return n == 0
	}
}

// signals are the signals' payloads, in order, whether they are sealed or not.
func signals(events []historyEvent) (payloads []string) {
	for _, e := range events {
		if isSignal(e) {
			payloads = append(payloads, e.GetWorkflowExecutionSignaledEventAttributes().GetInput().String())
		}
	}
	return payloads
}

// runs are the ids of the runs that continued one another as new, oldest first.
func (r rig) runs(t *testing.T, id onboarding.ID) (ids []string) {
	t.Helper()
	for run := r.overview(t, id).RunID; run != ""; {
		ids = append([]string{run}, ids...)
		run = r.history(t, id, run)[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
	}
	return ids
}

// resetBefore resets the newest run to the workflow task after which the first event of a kind came about, so that
// nothing of this has happened in the new run. Signals and updates since then are applied again.
func (r rig) resetBefore(t *testing.T, id onboarding.ID, what string, is func(historyEvent) bool) (oldRun, newRun string) {
	t.Helper()
	require.NoError(t, r.Settle(timed(t), id))
	oldRun = r.overview(t, id).RunID
	var task int64
	found := false
	for _, e := range r.history(t, id, oldRun) {
		if found = is(e); found {
			break
		}
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			task = e.GetEventId()
		}
	}
	require.True(t, found, "the history has no %s", what)
	answer, err := r.Client.ResetWorkflowExecution(timed(t), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace:                 "default",
		WorkflowExecution:         &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID(), RunId: oldRun},
		Reason:                    "test: before " + what,
		WorkflowTaskFinishEventId: task,
		RequestId:                 uuid.NewString(),
	})
	require.NoError(t, err)
	d, err := r.Client.DescribeWorkflow(timed(t), id.WorkflowID(), oldRun)
	require.NoError(t, err)
	require.NotEqual(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, d.Status)
	return oldRun, answer.GetRunId()
}

// concurrently calls do n times, at most so many at a time.
func concurrently(n, atATime int, do func(i int) error) error {
	errs := make([]error, n)
	slots := make(chan struct{}, atATime)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			errs[i] = do(i)
			<-slots
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// quietly is a context of a caller who does not wait long.
func quietly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
