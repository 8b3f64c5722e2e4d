package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

func TestMailbox_OlderApprovedAfterNewerRejected_DoesNotWin(t *testing.T) {
	w := newWorld(t)
	w.at(time.Hour, w.submits)
	var older onboarding.Event
	w.at(2*time.Hour, func() { older = w.event("s1", onboarding.EventApproved, "Approved") })
	w.at(3*time.Hour, func() { w.decides(onboarding.IdentificationRejected, "PossibleFraudAttempt") })
	w.at(4*time.Hour, func() { w.deliver(older) })
	w.at(5*time.Hour, func() {
		require.Contains(t, whys(w.status().Noted), "older than the newest decision; Ondato is asked all the same")
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, []string{"3h hand off 1 Rejected"}, w.didOnly("hand"))
}

func whys(notes []onboarding.Note) (out []string) {
	for _, n := range notes {
		out = append(out, n.Why)
	}
	return out
}

func TestMailbox_SignalInTheTaskThatWouldComplete_IsNotLost(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n == 1 {
			id := w.current(func(s *session) {
				s.Identification, s.Reason = onboarding.IdentificationRejected, "PossibleFraudAttempt"
			})
			w.env.SignalWorkflowSkippingWorkflowTask(onboarding.SignalEvent, w.event(id, onboarding.EventRejected, "Rejected"))
		}
		return nil
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, []string{
		"1h look s1", "1h hand off 1 Approved", "1h look s1", "1h hand off 2 Rejected",
	}, w.did[2:])
	require.True(t, w.handed[1].Amendment)
}

func TestMailbox_ThousandDuplicates_ChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(2 * time.Hour)
	var again onboarding.Event
	w.at(3*time.Hour, func() {
		again = w.event("s1", onboarding.EventApproved, "Approved")
		w.deliver(again)
	})
	for i := range 10 {
		w.at(4*time.Hour+time.Duration(i)*time.Second, func() {
			for range 100 {
				w.deliver(again)
			}
		})
	}
	w.at(5*time.Hour, func() {
		s := w.status()
		require.Equal(t, onboarding.StageWatching, s.Stage)
		require.Equal(t, 1000, s.NotedTotal)
		require.Len(t, s.Noted, 20)
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"2h look s1", "3h look s1", "170h look s1"}, w.didOnly("look"))
	require.Len(t, w.handed, 1)
}

func TestMailbox_EventHeldWhileTheSessionIsBeingCreated_IsJudgedAfterwards(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.on[onboarding.StepOpen] = func(int) error {
		w.meanwhile(func() { w.deliver(w.event("s1", onboarding.EventStatusChanged, "InProgress")) })
		return nil
	}
	w.at(time.Minute, func() {
		s := w.status()
		require.Equal(t, onboarding.StageInProgress, s.Stage)
		require.NotNil(t, s.LastEvent)
		require.Zero(t, s.NotedTotal)
	})
	w.approvedAt(time.Hour)
	result := w.run()
	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
}

func TestMailbox_OrphansApproved_SetsAttentionAndDecidesNothing(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, func() { w.deliver(w.event("orphan", onboarding.EventApproved, "Approved")) })
	w.at(2*time.Hour, func() {
		s := w.status()
		require.Equal(t, onboarding.StageAwaitingStart, s.Stage)
		require.Contains(t, s.Noted[0].Why, "not this onboarding's present one")
	})
	w.at(3*time.Hour, func() { w.command(onboarding.CommandCancel) })
	w.run()

	require.Equal(t, "1h AwaitingStart ! other-session-approved", w.shownStages()[0])
	require.Empty(t, w.didOnly("look"))
}

func TestMailbox_ApprovedBeforeTheAPIShowsIt_IsCheckedAgainShortly(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, w.submits)
	w.at(2*time.Hour, func() { w.deliver(w.event("s1", onboarding.EventApproved, "Approved")) })
	w.at(2*time.Hour+20*time.Second, func() {
		w.lost = true
		w.approves()
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"2h look s1", "2h0m5s look s1", "2h0m30s look s1", "2h0m30s hand off 1 Approved"}, w.did[4:])
}

func TestStatus_AtEachStage_IsComplete(t *testing.T) {
	w := newWorld(t)
	seen := map[onboarding.Stage]onboarding.Status{}
	ask := func(after time.Duration) { w.at(after, func() { s := w.status(); seen[s.Stage] = s }) }
	w.on[onboarding.StepOpen] = func(n int) error {
		if n < 6 {
			return failing(n)
		}
		return nil
	}
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n == 1 {
			return refusing(n)
		}
		return nil
	}
	ask(500 * time.Millisecond)
	ask(30 * time.Minute)
	w.approvedAt(time.Hour)
	ask(58 * time.Minute)
	ask(59*time.Minute + 30*time.Second)
	ask(62 * time.Minute)
	ask(8 * time.Hour)
	w.run()
	seen[onboarding.StageDone] = w.status()

	const (
		remind, refresh, renew = onboarding.CommandRemind, onboarding.CommandRefresh, onboarding.CommandRenew
		extend, cancel, decide = onboarding.CommandExtend, onboarding.CommandCancel, onboarding.CommandDecide
	)
	for _, want := range []struct {
		stage   onboarding.Stage
		awaited string
		next    string
		allowed []onboarding.CommandKind
		doing   []onboarding.StepKind
		link    bool
	}{
		{stage: onboarding.StageOpening, awaited: "cannot be opened at present",
			allowed: []onboarding.CommandKind{extend, cancel, decide}, doing: []onboarding.StepKind{onboarding.StepOpen}},
		{stage: onboarding.StageAwaitingStart, awaited: "has not opened the link yet", next: "send reminder 1 of 3",
			allowed: []onboarding.CommandKind{remind, refresh, renew, extend, cancel, decide}, link: true},
		{stage: onboarding.StageInProgress, awaited: "going through the verification", next: "send reminder 1 of 1",
			allowed: []onboarding.CommandKind{remind, refresh, renew, extend, cancel, decide}, link: true},
		{stage: onboarding.StageAwaitingDecision, awaited: "Ondato's decision", next: "ask Ondato",
			allowed: []onboarding.CommandKind{refresh, renew, extend, cancel, decide}, link: true},
		{stage: onboarding.StageHandingOff, awaited: "being handed the decision Approved", next: "hand the decision off",
			allowed: []onboarding.CommandKind{refresh, decide, onboarding.CommandRetryHandoff}},
		{stage: onboarding.StageWatching, awaited: "watched for changes", next: "ask Ondato a last time",
			allowed: []onboarding.CommandKind{refresh, decide}},
		{stage: onboarding.StageDone, awaited: "nothing"},
	} {
		t.Run(string(want.stage), func(t *testing.T) {
			s, ok := seen[want.stage]
			require.True(t, ok, "the stage was not seen")
			require.Equal(t, onboarding.Reference("customer-1").ID(), s.ID)
			require.Equal(t, w.in.Request.Digest(), s.RequestDigest)
			require.Equal(t, "retail", s.Setup)
			require.Equal(t, 1, s.Attempt)
			require.Equal(t, 3, s.MaxAttempts)
			require.True(t, s.StartedAt.Equal(worldStart))
			require.True(t, s.Deadline.Equal(worldStart.Add(30*day)))
			require.False(t, s.AwaitedSince.IsZero())
			require.Contains(t, s.Awaited, want.awaited)
			require.Contains(t, s.Next, want.next)
			require.Equal(t, want.next == "", s.Next == "")
			require.Equal(t, want.next == "", s.NextAt.IsZero())
			require.Equal(t, want.allowed, s.Allowed)
			require.Equal(t, want.doing, s.Doing)
			require.Equal(t, want.link, s.Link != "")
			require.NotEmpty(t, s.Trail)
		})
	}
	require.Equal(t, onboarding.OutcomeApproved, seen[onboarding.StageWatching].HandedOff.Outcome)
	require.Equal(t, 1, seen[onboarding.StageWatching].HandedOff.Version)
	require.Equal(t, onboarding.OutcomeApproved, seen[onboarding.StageDone].Outcome)
}

// continued ends a run that continues as new and returns the world of the next run, with the same Ondato.
func continued(w *world) *world {
	w.t.Helper()
	w.execute()
	var next *workflow.ContinueAsNewError
	require.ErrorAs(w.t, w.env.GetWorkflowError(), &next)
	require.Equal(w.t, onboarding.WorkflowType, next.WorkflowType.Name)
	var in onboarding.Input
	require.NoError(w.t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	then := worldWith(w.t, in, w.env.Now())
	then.sessions = w.sessions
	then.events = w.events
	return then
}

func TestContinueAsNew_InTheMiddle_CarriesEverythingToTheEnd(t *testing.T) {
	w := newWorld(t)
	var extend *reply
	var dup onboarding.Event
	w.at(time.Hour, func() {
		extend = w.command(onboarding.CommandExtend, by(day), id("x"))
		w.deliver(w.event("orphan", onboarding.EventApproved, "Approved"))
	})
	w.at(2*time.Hour, func() { w.env.SetContinueAsNewSuggested(true) })
	w.at(3*time.Hour, func() {
		id := w.current(func(s *session) { s.Session = onboarding.SessionInProgress })
		dup = w.event(id, onboarding.EventStatusChanged, "InProgress")
		w.deliver(dup)
	})
	second := continued(w)
	w.receipt(extend)
	before := w.status()
	require.Equal(t, onboarding.StageInProgress, before.Stage)

	var again *reply
	second.at(time.Second, func() { require.Equal(t, before, second.status()) })
	second.at(2*time.Second, func() {
		second.deliver(dup)
		again = second.command(onboarding.CommandExtend, by(day), id("x"))
	})
	second.at(time.Minute, func() { require.Equal(t, "duplicate", second.status().Noted[1].Why) })
	second.at(5*time.Minute, second.submits)
	second.at(10*time.Minute, second.approves)
	second.at(time.Hour, func() { require.True(t, second.status().Deadline.Equal(worldStart.Add(31*day))) })
	result := second.run()

	require.True(t, second.receipt(again).Repeated)
	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{
		"3h10m look s1", "3h10m hand off 1 Approved", "171h10m look s1",
	}, second.did, "no second session, no second invitation")
}

func TestContinueAsNew_WhileWatched_KeepsTheEndOfTheWatch(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	w.at(2*time.Hour, func() { w.env.SetContinueAsNewSuggested(true) })
	w.at(3*time.Hour, func() { w.command(onboarding.CommandRefresh) })
	second := continued(w)
	second.at(time.Hour, func() {
		id := second.current(func(s *session) { s.edits++ })
		second.deliver(second.event(id, onboarding.EventUpdated, "Approved"))
	})
	result := second.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, 2, result.Decision.Version)
	require.Equal(t, []string{"4h look s1", "4h hand off 2 Approved", "172h look s1"}, second.did)
	require.True(t, second.handed[0].Amendment)
}

func TestContinueAsNew_SuggestedWhileAStepIsUnderWay_WaitsForItsEnd(t *testing.T) {
	w := newWorld(t)
	w.on[onboarding.StepOpen] = func(int) error {
		w.meanwhile(func() {
			w.env.SetContinueAsNewSuggested(true)
			w.deliver(w.event("s1", onboarding.EventStatusChanged, "InProgress"))
		})
		return nil
	}
	second := continued(w)
	require.Equal(t, []string{"0s open 1", "0s send invitation"}, w.did)
	require.Empty(t, second.in.State.Doing)
	require.NotNil(t, second.in.State.Session)
	second.at(time.Minute, second.submits)
	second.at(2*time.Minute, second.approves)
	require.Equal(t, onboarding.OutcomeApproved, second.run().Outcome)
	require.Empty(t, second.didOnly("open"))
}

func TestContinueAsNew_NotSuggested_DoesNotHappen(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.execute()
	var next *workflow.ContinueAsNewError
	require.False(t, errors.As(w.env.GetWorkflowError(), &next))
}
