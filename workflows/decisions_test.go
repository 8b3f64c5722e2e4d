package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestDecision_Approved_IsHandedOffOnceAndWatched(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, 1, result.Attempts)
	require.Equal(t, onboarding.DecidedByOndato, result.Decision.By)
	require.Equal(t, "k1", result.Decision.IdentificationID)
	require.Equal(t, []string{
		"0s open 1", "0s send invitation", "1h look s1", "1h hand off 1 Approved", "169h look s1",
	}, w.did)
	require.Equal(t, []string{
		"57m InProgress", "59m AwaitingDecision", "1h Watching Approved", "169h Done Approved",
	}, w.shownStages())
	require.False(t, w.handed[0].Amendment)
	require.Equal(t, onboarding.Reference("customer-1"), w.handed[0].Reference)
}

func TestDecision_RunStartedWithoutAttributes_PublishesAllOfThem(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.env.SetTypedSearchAttributesOnStart(noAttributes))
	w.published = []shown{{}}
	w.approvedAt(time.Hour)
	w.run()

	first := w.published[1]
	require.Equal(t, onboarding.StageAwaitingStart, first.Stage)
	require.Equal(t, 1, first.Attempt)
	require.True(t, first.Deadline.Equal(worldStart.Add(30*day)))
}

func TestDecision_RejectedForACriticalReason_EndsAtOnce(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, w.submits)
	w.at(2*time.Hour, func() { w.decides(onboarding.IdentificationRejected, "PossibleFraudAttempt") })
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, "PossibleFraudAttempt", result.Decision.Reason)
	require.Equal(t, 1, result.Attempts)
	require.Equal(t, []string{"2h hand off 1 Rejected"}, w.didOnly("hand"))
}

func TestDecision_RejectedForARetryableReason_IsRenewedThenApproved(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, w.submits)
	w.at(90*time.Minute, func() { w.decides(onboarding.IdentificationRejected, "BlurredPhoto") })
	w.approvedAt(3 * time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, 2, result.Attempts)
	require.Equal(t, "s2", result.Decision.SessionID)
	require.Equal(t, []string{
		"0s open 1", "0s send invitation", "1h10m look s1", "1h30m look s1", "1h30m open 2", "1h30m send new-link", "3h look s2", "3h hand off 1 Approved",
	}, w.did)
	require.Equal(t, "BlurredPhoto", w.messages[1].RetryReason)
	require.Equal(t, "https://idv.example.test/?id=s2", w.messages[1].Link)
	require.Equal(t, 2, w.published[len(w.published)-1].Attempt)
}

func TestDecision_RetryableRejectionOfTheLastAttempt_IsHandedOff(t *testing.T) {
	w := newWorld(t, withoutWatch)
	for i := range 3 {
		w.at(time.Duration(2*i+1)*time.Hour, w.submits)
		w.at(time.Duration(2*i+2)*time.Hour, func() { w.decides(onboarding.IdentificationRejected, "BlurredPhoto") })
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, 3, result.Attempts)
	require.Equal(t, []string{"6h hand off 1 Rejected"}, w.didOnly("hand"))
}

func TestDecision_RejectedProvisionally_WaitsForTheCustomerThenIsApproved(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(60*time.Minute, w.submits)
	w.at(61*time.Minute, func() { w.judged(onboarding.IdentificationRejected, "BlurredPhoto") })
	w.at(62*time.Minute, func() {
		s := w.status()
		require.Equal(t, onboarding.StageInProgress, s.Stage)
		require.Equal(t, onboarding.IdentificationRejected, s.Identification)
		require.NotEmpty(t, s.Link)
	})
	w.at(63*time.Minute, w.submits)
	w.at(64*time.Minute, w.approves)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, 1, result.Attempts)
	require.Equal(t, []string{"1h4m hand off 1 Approved"}, w.didOnly("hand"))
	require.Equal(t, []string{
		"1h AwaitingDecision", "1h1m InProgress", "1h3m AwaitingDecision", "1h4m Done Approved",
	}, w.shownStages())
}

func TestDecision_AbortedThreeTimes_IsAbandoned(t *testing.T) {
	w := newWorld(t, withoutWatch)
	for i := range 3 {
		w.at(time.Duration(i+1)*time.Hour, w.starts)
		w.at(time.Duration(i+1)*time.Hour+time.Minute, func() { w.becomes(onboarding.SessionAborted) })
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeAbandoned, result.Outcome)
	require.Equal(t, onboarding.DecidedByRule, result.Decision.By)
	require.Equal(t, 3, result.Attempts)
	require.Equal(t, []string{"0s open 1", "1h1m open 2", "2h1m open 3"}, w.didOnly("open"))
	require.Equal(t, []string{"3h1m hand off 1 Abandoned"}, w.didOnly("hand"))
}

func TestDecision_DecidedOtherwiseWhileWatched_IsAmendedWithTheNextVersion(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	w.at(2*day, func() { w.decides(onboarding.IdentificationRejected, "PossibleFraudAttempt") })
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Len(t, w.handed, 2)
	require.False(t, w.handed[0].Amendment)
	require.True(t, w.handed[1].Amendment)
	require.Equal(t, 2, w.handed[1].Decision.Version)
	require.Equal(t, []string{"1h hand off 1 Approved", "2d hand off 2 Rejected"}, w.didOnly("hand"))
	require.Equal(t, 9*day, w.since(), "the watch begins anew with the amendment")
}

func TestDecision_DecidedOtherwiseWhileWatchedAndTheWebhookLost_IsFoundByTheLastLook(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	w.at(2*day, func() {
		w.lost = true
		w.decides(onboarding.IdentificationRejected, "PossibleFraudAttempt")
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, []string{"1h hand off 1 Approved", "169h hand off 2 Rejected"}, w.didOnly("hand"))
}

func TestDecision_RecordEditedWhileWatched_IsAmended(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	w.at(2*day, func() {
		id := w.current(func(s *session) { s.edits++ })
		w.deliver(w.event(id, onboarding.EventUpdated, "Approved"))
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Len(t, w.handed, 2)
	require.True(t, w.handed[1].Amendment)
	require.Equal(t, 2, w.handed[1].Decision.Version)
	require.NotEqual(t, w.handed[0].Decision.RecordDigest, w.handed[1].Decision.RecordDigest)
}

func TestDecision_UpdatedEventThatChangesNothing_IsNotAmended(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	w.at(2*day, func() { w.deliver(w.event("s1", onboarding.EventUpdated, "Approved")) })
	w.run()

	require.Len(t, w.handed, 1)
	require.Equal(t, []string{"1h look s1", "2d look s1", "169h look s1"}, w.didOnly("look"))
}

func TestDecision_Overdue_AsksOnScheduleAndEscalatesAfter48Hours(t *testing.T) {
	w := newWorld(t, withoutWatch, withOperations)
	w.at(time.Hour, w.submits)
	w.at(50*time.Hour, func() {
		require.Equal(t, []onboarding.Attention{onboarding.AttentionOverdue}, w.status().Attention)
		w.lost = true
		w.approves()
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{
		"1h10m look s1", "2h look s1", "7h look s1", "19h look s1", "31h look s1", "43h look s1",
		"49h send escalation", "55h look s1", "55h hand off 1 Approved",
	}, w.did[2:])
	require.Equal(t, []string{
		"1h AwaitingDecision", "49h AwaitingDecision ! decision-overdue", "55h Done Approved",
	}, w.shownStages())
	require.Equal(t, "operations@example.test", w.messages[1].To)
	require.Empty(t, w.messages[1].FirstName)
	require.Empty(t, w.messages[1].Link)
}
