package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

func TestOpening_FailsBriskly_PublishesOpeningAndThePatientRetryHealsIt(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.on[onboarding.StepOpen] = func(n int) error {
		if n < 4 {
			return failing(n)
		}
		return nil
	}
	w.approvedAt(time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"0s open 1", "0s open 1", "1s open 1", "3s open 1"}, w.didOnly("open"))
	require.Equal(t, []string{
		"0s Opening", "3s AwaitingStart", "57m InProgress", "59m AwaitingDecision", "1h Done Approved",
	}, w.shownStages())
}

func TestOpening_FailsForLong_SetsAttentionUntilItSucceeds(t *testing.T) {
	w := newWorld(t, withoutWatch, impatient)
	w.on[onboarding.StepOpen] = func(n int) error {
		if w.since() < 10*time.Minute {
			return failing(n)
		}
		return nil
	}
	w.approvedAt(time.Hour)
	w.run()

	require.Equal(t, "0s Opening", w.shownStages()[0])
	require.Contains(t, w.shownStages()[1], "Opening ! opening-failing")
	require.Contains(t, w.shownStages()[2], "AwaitingStart")
	require.NotContains(t, w.shownStages()[2], "!")
}

func TestOpening_NeverSucceeds_ExpiresAtTheDeadline(t *testing.T) {
	w := newWorld(t, withoutWatch, func(s *onboarding.Setup) { s.Policy.Deadline = onboarding.Duration(2 * day) })
	w.on[onboarding.StepOpen] = refusing
	result := w.run()

	require.Equal(t, onboarding.OutcomeExpired, result.Outcome)
	require.Equal(t, []string{"2d hand off 1 Expired"}, w.didOnly("hand"))
}

func TestLook_FailsBriskly_IsRepeatedPatiently(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.on[onboarding.StepLook] = func(n int) error {
		if n < 4 {
			return failing(n)
		}
		return nil
	}
	w.approvedAt(time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"1h look s1", "1h look s1", "1h0m1s look s1", "1h0m3s look s1"}, w.didOnly("look"))
}

func TestLook_FailsForLong_SetsAttentionUntilItSucceeds(t *testing.T) {
	w := newWorld(t, withoutWatch, impatient)
	w.on[onboarding.StepLook] = func(n int) error {
		if w.since() < 2*time.Hour {
			return failing(n)
		}
		return nil
	}
	w.approvedAt(time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, "1h0m1s AwaitingDecision ! ondato-failing", w.shownStages()[2])
	require.NotContains(t, w.shownStages()[3], "!")
}

func TestHandOff_Fails_PublishesItPausesLongerEachTimeAndRetryHandoffEndsThePause(t *testing.T) {
	w := newWorld(t, withoutWatch, impatient, withOperations)
	w.approvedAt(time.Hour)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n < 10 {
			return failing(n)
		}
		return nil
	}
	var refused, retry *reply
	w.at(61*time.Minute, func() {
		s := w.status()
		require.Equal(t, onboarding.StageHandingOff, s.Stage)
		require.Equal(t, []onboarding.Attention{onboarding.AttentionHandOffFailing}, s.Attention)
		require.Equal(t, "hand the decision off", s.Next)
		refused = w.command(onboarding.CommandCancel)
	})
	w.at(2*time.Hour, func() { retry = w.command(onboarding.CommandRetryHandoff) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{
		"1h hand off 1 Approved",                               // brisk
		"1h hand off 1 Approved", "1h0m1s hand off 1 Approved", // patient
		"1h5m1s hand off 1 Approved", "1h5m2s hand off 1 Approved", // after 5 m
		"1h20m2s hand off 1 Approved", "1h20m3s hand off 1 Approved", // after 15 m
		"1h50m3s hand off 1 Approved", "1h50m4s hand off 1 Approved", // after 30 m
		"2h hand off 1 Approved", // ordered; the pause would have been 1 h
	}, w.didOnly("hand"))
	require.Equal(t, []string{
		"1h HandingOff Approved", "1h0m1s HandingOff Approved ! handoff-failing", "2h Done Approved",
	}, w.shownStages()[2:])
	require.Equal(t, []string{"0s send invitation", "1h0m1s send handoff-failing"}, w.didOnly("send"))
	refusedAs(t, refused, onboarding.ErrTypeRefused, "decided: Approved")
	w.receipt(retry)
}

func TestHandOff_RefusedForGood_SetsAttentionAtOnce(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n == 1 {
			return refusing(n)
		}
		return nil
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"1h hand off 1 Approved", "7h hand off 1 Approved"}, w.didOnly("hand"))
	require.Equal(t, []string{"1h HandingOff Approved ! handoff-failing", "7h Done Approved"}, w.shownStages()[2:])
}

func TestHandOff_DecisionChangedMeanwhile_LooksAgainAndHandsOffTheNewOne(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.changed = func(n int) bool {
		if n > 1 {
			return false
		}
		w.current(func(s *session) {
			s.Identification, s.Reason = onboarding.IdentificationRejected, "PossibleFraudAttempt"
		})
		return true
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, []string{
		"1h look s1", "1h hand off 1 Approved", "1h look s1", "1h hand off 2 Rejected",
	}, w.did[2:])
	require.Len(t, w.handed, 1)
	require.False(t, w.handed[0].Amendment, "nothing was delivered before")
}

func TestHandOff_OndatoTakesTheDecisionBackBeforeDelivery_WaitsForTheNext(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.changed = func(n int) bool {
		if n == 1 {
			w.current(func(s *session) { s.Identification, s.Reason = onboarding.IdentificationAwaiting, "" })
		}
		return n == 1
	}
	w.at(2*time.Hour, func() {
		require.Equal(t, onboarding.StageAwaitingDecision, w.status().Stage)
		w.judged(onboarding.IdentificationRejected, "PossibleFraudAttempt")
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Len(t, w.handed, 1)
	require.Equal(t, "2h Done Rejected", w.shownStages()[len(w.shownStages())-1])
}

func TestHandOff_DecidedByAPersonWhileOndatosIsOnItsWay_DeliversBothInOrder(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n == 1 {
			w.meanwhile(func() { w.command(onboarding.CommandDecide, outcome(onboarding.OutcomeRejected)) })
		}
		return nil
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, "jonas", result.Decision.By)
	require.Equal(t, []string{"1h hand off 1 Approved", "1h hand off 2 Rejected"}, w.didOnly("hand"))
	require.True(t, w.handed[1].Amendment)
}

func TestHandOff_ThatRunsOutOfTime_IsTriedAgain(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n == 1 {
			return temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil)
		}
		return nil
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"1h hand off 1 Approved", "1h hand off 1 Approved"}, w.didOnly("hand"))
}

func TestHandOff_AmendmentWithoutAnswerAndTheDecisionTurnsBack_TellsTheBackendAgain(t *testing.T) {
	w := newWorld(t, impatient)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n > 1 && n < 5 { // the backend may have taken version 2 before its answer was lost
			return failing(n)
		}
		return nil
	}
	w.approvedAt(time.Hour)
	w.at(2*time.Hour, func() { w.judged(onboarding.IdentificationRejected, "PossibleFraudAttempt") })
	w.at(2*time.Hour+time.Minute, func() { w.judged(onboarding.IdentificationApproved, "AutomaticallyIdentified") })
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	last := w.handed[len(w.handed)-1]
	require.Equal(t, onboarding.OutcomeApproved, last.Decision.Outcome)
	require.Equal(t, 3, last.Decision.Version)
	require.True(t, last.Amendment)
	require.True(t, last.Decision.At.After(w.handed[0].Decision.At))
}

func TestHandOff_OneOfTwoTargetsHasTakenIt_TheNextTryIsForTheOther(t *testing.T) {
	w := newWorld(t, withoutWatch, func(s *onboarding.Setup) { s.HandOff = []string{"crm", "ledger"} })
	w.approvedAt(time.Hour)
	w.on[onboarding.StepHandOff] = func(n int) error {
		if n == 1 {
			return temporal.NewApplicationErrorWithOptions("handoff: refused", "refused (ledger)", temporal.ApplicationErrorOptions{
				NonRetryable: true, Details: []any{[]string{"crm"}},
			})
		}
		return nil
	}
	w.run()
	require.Equal(t, []string{"ledger"}, w.handed[0].Targets)
	require.Equal(t, []string{"1h HandingOff Approved ! handoff-failing", "7h Done Approved"}, w.shownStages()[2:])
}
