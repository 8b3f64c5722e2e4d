package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

func TestStart_NoWorkerRuns_StandsAndGoesOnWhenOneDoes(t *testing.T) {
	t.Parallel()
	r := ownRig(t, stack.Config{NoWorker: true, StartWait: 500 * time.Millisecond})
	q := request(t, "watched")
	q.Applicant.Email = "patient@customer.example"
	id := q.Reference.ID()

	for range 2 {
		got, err := r.Starter.Start(timed(t), q)
		require.NoError(t, err)
		require.Equal(t, starter.HowUnanswered, got.How)
		require.Equal(t, onboarding.StageAwaitingStart, got.Stage)
		require.Empty(t, got.Link)
		require.Contains(t, got.Why, "no worker answered in time")
	}
	require.Equal(t, onboarding.StageAwaitingStart, r.overview(t, id).Stage)
	r.deliver(t, id, newEvent(onboarding.EventStatusChanged, uuid.NewString(), "InProgress"))
	extend := onboarding.Command{Kind: onboarding.CommandExtend, ID: "longer", By: onboarding.Duration(24 * time.Hour)}
	extend.Actor, extend.Reason = "jonas", "asked by phone"
	_, err := r.Starter.Obey(quietly(t), id, extend)
	require.Equal(t, starter.Unavailable, codeOf(t, err))
	require.Empty(t, r.sessions(t, id))

	stop, err := r.StartWorker(t.Context())
	require.NoError(t, err)
	s := r.until(t, id, "a link", func(s onboarding.Status) bool { return s.Link != "" })
	require.Eventually(t, func() bool { return len(r.mails("patient@customer.example")) == 1 }, patience, tick, "the invitation")
	again, err := r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, s.Link, again.Link)
	other := q
	other.Applicant.LastName = "Kitokia"
	_, err = r.Starter.Start(timed(t), other)
	require.Equal(t, starter.Conflict, codeOf(t, err))
	_, err = r.Starter.Obey(timed(t), id, extend)
	require.NoError(t, err)
	s = r.status(t, id)
	require.True(t, s.StartedAt.Add(31*24*time.Hour).Equal(s.Deadline), "extended once, although asked for twice")
	require.Equal(t, 1, s.NotedTotal)

	require.NoError(t, stop())
	session := stack.SessionOf(s.Link)
	r.play(t, session, "start", "consent", "submit", "approve")
	require.Eventually(t, func() bool { return count(r.history(t, id, ""), isSignal) == 7 }, patience, tick, "the webhooks are kept")
	again, err = r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, s.Link, again.Link, "which is known from the first answer")

	stop, err = r.StartWorker(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Approved", r.received(t, id, 1)[0].Outcome)
	require.Equal(t, []string{session}, r.sessions(t, id))
	require.Len(t, r.mails("patient@customer.example"), 1)
	r.status(t, id)
	require.NoError(t, stop())

	again, err = r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyDecided, again.How)
	require.Equal(t, onboarding.OutcomeApproved, again.Outcome)
	require.Empty(t, again.Link, "that session is over")
}

func codeOf(t *testing.T, err error) starter.Code {
	t.Helper()
	var e *starter.Error
	require.ErrorAs(t, err, &e)
	return e.Code
}

// runsOf counts the runs of an onboarding in the lists.
func (r rig) runsOf(t *testing.T, id onboarding.ID) int64 {
	t.Helper()
	answer, err := r.Client.CountWorkflow(timed(t), &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: "default", Query: fmt.Sprintf("WorkflowId = '%s'", id.WorkflowID()),
	})
	require.NoError(t, err)
	return answer.GetCount()
}

func TestStart_TwentyAtOnce_AreOneOnboarding(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	q := request(t, "watched")
	ctx := timed(t)
	got := make([]starter.Started, 20)
	require.NoError(t, concurrently(len(got), len(got), func(i int) (err error) {
		got[i], err = r.Starter.Start(ctx, q)
		return err
	}))
	began := 0
	for _, g := range got {
		if g.How == starter.HowStarted {
			began++
		} else {
			require.Equal(t, starter.HowAlreadyRunning, g.How)
		}
		require.NotEmpty(t, g.Link)
		require.Equal(t, got[0].Link, g.Link)
	}
	require.Equal(t, 1, began)
	id := q.Reference.ID()
	require.Equal(t, []string{stack.SessionOf(got[0].Link)}, r.sessions(t, id))
	require.Eventually(t, func() bool { return r.runsOf(t, id) == 1 }, patience, tick)
	require.Equal(t, 1, count(r.history(t, id, ""), isUpdate(onboarding.UpdateLink)))
}

func TestStart_TwoRequestsWithOneReferenceAtOnce_OneWinsAndTheOtherIsAConflict(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	requests := []onboarding.Request{request(t, "watched"), request(t, "watched")}
	requests[1].Reference = requests[0].Reference
	requests[1].Applicant.LastName = "Kitokia"
	ctx := timed(t)
	got, errs := make([]starter.Started, 10), make([]error, 10)
	require.NoError(t, concurrently(len(got), len(got), func(i int) error {
		got[i], errs[i] = r.Starter.Start(ctx, requests[i%2])
		return nil
	}))
	winner, began := 0, 0
	if errs[0] != nil {
		winner = 1
	}
	for i := range got {
		if i%2 != winner {
			require.Equal(t, starter.Conflict, codeOf(t, errs[i]))
			continue
		}
		require.NoError(t, errs[i])
		require.NotEmpty(t, got[i].Link)
		if got[i].How == starter.HowStarted {
			began++
		}
	}
	require.Equal(t, 1, began)
	id := requests[0].Reference.ID()
	require.Len(t, r.sessions(t, id), 1)
	require.Eventually(t, func() bool { return r.runsOf(t, id) == 1 }, patience, tick)
}

func TestCommand_SeveralCancelAtOnce_OneDoesAndTheOthersAreToldWhy(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	started, _ := r.start(t, "watched", "cancelled@customer.example")
	ctx := timed(t)
	errs := make([]error, 5)
	require.NoError(t, concurrently(len(errs), len(errs), func(i int) error {
		_, errs[i] = r.Starter.Obey(ctx, started.ID, onboarding.Command{Kind: onboarding.CommandCancel, Actor: fmt.Sprint("operator ", i), Reason: "withdrawn"})
		return nil
	}))
	carriedOut := 0
	for _, err := range errs {
		if err == nil {
			carriedOut++
			continue
		}
		require.Equal(t, starter.Refused, codeOf(t, err))
		require.ErrorContains(t, err, "Cancelled")
	}
	require.Equal(t, 1, carriedOut)
	require.Equal(t, "Cancelled", r.received(t, started.ID, 1)[0].Outcome)
}

func TestTerminated_SaysSoEverywhereHandsNothingOffAndCanBeReset(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	started, q := r.start(t, "watched", "terminated@customer.example")
	id, session := started.ID, stack.SessionOf(started.Link)
	r.play(t, session, "start")
	r.signalled(t, id, 1)
	require.NoError(t, r.Client.TerminateWorkflow(timed(t), id.WorkflowID(), "", "by a test"))

	last := r.ended(t, id)
	require.True(t, last.Unfinished)
	require.Equal(t, onboarding.StageInProgress, last.Stage)
	require.Empty(t, last.Outcome)
	_, err := r.Starter.Obey(timed(t), id, onboarding.Command{Kind: onboarding.CommandRefresh, Actor: "jonas", Reason: "still there?"})
	require.Equal(t, starter.Ended, codeOf(t, err))
	again, err := r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowTerminated, again.How)
	require.Empty(t, again.Link, "nobody follows that session any more")
	require.Contains(t, again.Why, "terminated in Temporal")
	other := q
	other.Applicant.LastName = "Kitokia"
	_, err = r.Starter.Start(timed(t), other)
	require.Equal(t, starter.Conflict, codeOf(t, err))
	r.deliver(t, id, newEvent(onboarding.EventConsented, session, "InProgress")) // answered, so that Ondato lets go
	got, _ := r.Backend.Of(string(id))
	require.Empty(t, got)
	r.resetBefore(t, id, "the first webhook", isSignal)
	r.until(t, id, "life", func(s onboarding.Status) bool { return s.Stage == onboarding.StageInProgress })
	again, err = r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, started.Link, again.Link)
	require.False(t, r.overview(t, id).Closed)
}
