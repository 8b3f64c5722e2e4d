package secrecy

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/internal/postgrestest"
	"kyc/onboarding"
	"kyc/privacy"
	"kyc/starter"
)

// TestKeyStore_DownForAWhile_LosesNothing stops the key store, a real PostgreSQL, under a worker that has just begun and
// knows no keys yet, with the panic policy of production.
func TestKeyStore_DownForAWhile_LosesNothing(t *testing.T) {
	t.Parallel()
	postgres := postgrestest.Start(t)
	c := newCast(t, stack.Config{
		NoUI: true, NoWorker: true, StartWait: 2 * time.Second, Variables: map[string]string{"PRIVACY_KEYS_URL": postgres.Database(t)},
	})
	stop, err := c.StartWorker(t.Context())
	require.NoError(t, err)
	begin := func(mark, setup string, actions ...string) (starter.Started, string) {
		q := c.person(t, mark)
		q.Setup = setup
		s := c.started(t, q)
		session := stack.SessionOf(s.Link)
		c.play(t, session, actions...)
		return s, session
	}
	opened, openedAt := begin("opened", "watched")
	submitted, submittedAt := begin("submitted", "watched", "start", "consent", "submit")
	watched, watchedAt := begin("watched", "watched", approve...)
	c.handedOff(t, watched.ID, 1)
	known, _ := begin("known", "watched")
	// The backend refuses one whose delivery Temporal tries again by itself, after 8 seconds the next time.
	delivering, deliveringAt := begin("delivering", "patient")
	down := c.backend.refuse(string(delivering.ID), 503, -1)
	c.play(t, deliveringAt, approve...)
	waitFor(t, "the fourth try of the patient delivery", func() bool { return c.deliveryTries(t, delivering.ID) == 5 })

	require.NoError(t, stop())
	_, err = c.StartWorker(t.Context())
	require.NoError(t, err)
	_, err = c.Starter.Status(timed(t), known.ID)
	require.NoError(t, err)
	postgres.Stop(t)

	// What is known goes on.
	c.command(t, known.ID, onboarding.Command{Kind: onboarding.CommandCancel})
	require.Equal(t, "Cancelled", c.handedOff(t, known.ID, 1).Outcome)

	// Nothing starts, and nothing is left half started.
	fresh := c.person(t, "fresh")
	_, err = c.Starter.Start(timed(t), fresh)
	require.Equal(t, starter.Unavailable, codeOf(t, err))
	require.EqualError(t, err, "the key store does not answer; repeat the call")
	_, err = c.Starter.Overview(timed(t), fresh.Reference.ID())
	require.Equal(t, starter.NotFound, codeOf(t, err))
	cfg, err := c.Config(app.ProgramWorker, map[string]string{"METRICS_LISTEN": "127.0.0.1:0"})
	require.NoError(t, err)
	err = app.RunWorker(timed(t), cfg, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, privacy.ErrUnavailable)
	require.ErrorContains(t, err, "PRIVACY_KEYS_URL")
	require.NotContains(t, err.Error(), "made-up-password")
	cfg, err = c.Config(app.ProgramCLI, nil)
	require.NoError(t, err)
	_, err = app.Connect(timed(t), cfg, slog.New(slog.DiscardHandler), nil)
	require.ErrorIs(t, err, privacy.ErrUnavailable)

	// Ondato is answered all the while, and what it tells is kept.
	before := map[onboarding.ID]int{}
	cold := []onboarding.ID{opened.ID, submitted.ID, watched.ID}
	for _, id := range cold {
		before[id] = signals(c.history(t, id, ""))
	}
	c.play(t, openedAt, approve...)
	c.play(t, submittedAt, "approve")
	c.play(t, watchedAt, "reject")
	for _, id := range cold {
		waitFor(t, "the webhooks are delivered", func() bool { return c.sessions(t, id)[0].Webhooks.Pending == 0 })
		require.Greater(t, signals(c.history(t, id, "")), before[id])
		waitFor(t, "a failed workflow task", func() bool { return c.waitsForItsKey(t, id) })
	}
	waitFor(t, "a delivery that lacks the key", func() bool { return c.deliveryTries(t, delivering.ID) > 5 })
	for _, id := range append(cold, delivering.ID) {
		d, err := c.Client.DescribeWorkflow(timed(t), id.WorkflowID(), "")
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, d.Status)
	}
	_, err = c.Starter.Status(quietly(t), opened.ID)
	require.Equal(t, starter.Unavailable, codeOf(t, err))
	got, _ := c.Backend.Of(string(submitted.ID))
	require.Empty(t, got)

	postgres.Resume(t)
	c.backend.lift(down)
	for _, is := range []struct {
		id       onboarding.ID
		messages int
		outcome  onboarding.Outcome
	}{
		{opened.ID, 1, onboarding.OutcomeApproved}, {submitted.ID, 1, onboarding.OutcomeApproved}, {watched.ID, 2, onboarding.OutcomeRejected},
		{delivering.ID, 1, onboarding.OutcomeApproved}, {known.ID, 1, onboarding.OutcomeCancelled},
	} {
		c.decided(t, is.id, is.messages, is.outcome)
		for _, e := range c.history(t, is.id, "") {
			require.NotEqual(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, e.GetEventType())
		}
		sealed(t, is.id.WorkflowID(), c.history(t, is.id, ""))
	}
	require.ErrorIs(t, c.keyOf(t, fresh.Reference.ID()), privacy.ErrNoKey)
	c.started(t, fresh)
	for file, hay := range c.haystacks(t) {
		require.Empty(t, c.needles.in(hay), file)
	}
}

// deliveryTries is how often the delivery that is under way has been begun.
func (r *rig) deliveryTries(t *testing.T, id onboarding.ID) int32 {
	t.Helper()
	d, err := r.Client.DescribeWorkflowExecution(timed(t), id.WorkflowID(), "")
	require.NoError(t, err)
	for _, a := range d.GetPendingActivities() {
		if a.GetActivityType().GetName() == onboarding.ActivityHandOff {
			return a.GetAttempt()
		}
	}
	return 0
}

// waitsForItsKey tells whether a workflow task has failed, which must say why to those who may know.
func (r *rig) waitsForItsKey(t *testing.T, id onboarding.ID) bool {
	t.Helper()
	events := r.history(t, id, "")
	at := slices.IndexFunc(events, func(e event) bool { return e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED })
	if at < 0 {
		return false
	}
	failed := events[at].GetWorkflowTaskFailedEventAttributes()
	require.Equal(t, enumspb.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE, failed.GetCause())
	require.Equal(t, "Encoded failure", failed.GetFailure().GetMessage())
	keysets, err := privacy.OpenKeysetFile(r.keysetFile())
	require.NoError(t, err)
	house := privacy.NewCodec(privacy.CodecConfig{Keysets: keysets})
	why := privacy.FailureConverter(house).FailureToError(failed.GetFailure())
	require.ErrorContains(t, why, "this workflow task is tried again until its payloads can be sealed and opened: the key store does not answer")
	return true
}

// quietly is a context of a caller who does not wait long.
func quietly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}
