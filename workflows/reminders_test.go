package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestReminder_NeverStarted_RemindsAfterALookEachTimeRenewsTwiceAndExpires(t *testing.T) {
	w := newWorld(t, withoutWatch)
	result := w.run()

	require.Equal(t, onboarding.OutcomeExpired, result.Outcome)
	require.Equal(t, onboarding.DecidedByRule, result.Decision.By)
	require.Equal(t, 3, result.Attempts)

	var want []string
	line := func(at time.Duration, what string) { want = append(want, onboarding.Duration(at).String()+" "+what) }
	for attempt := range 3 {
		opened := time.Duration(attempt) * (7*day + 15*time.Minute)
		number := string(rune('1' + attempt))
		line(opened, "open "+number)
		if attempt == 0 {
			line(opened, "send invitation")
		} else {
			line(opened, "send new-link")
		}
		for _, after := range []time.Duration{day, 3 * day, 6 * day} {
			line(opened+after, "look s"+number)
			line(opened+after, "send reminder")
		}
		line(opened+7*day+15*time.Minute, "look s"+number)
	}
	line(3*(7*day+15*time.Minute), "hand off 1 Expired")
	require.Equal(t, want, w.did)

	require.Equal(t, 1, w.messages[1].Number)
	require.Equal(t, 3, w.messages[3].Number)
	require.Equal(t, 3, w.messages[3].Total)
	require.Equal(t, worldStart.Add(7*day), w.messages[3].LinkUntil.UTC())
}

func TestReminder_DeadlineBeforeTheSessionEnds_ExpiresAfterALastLook(t *testing.T) {
	w := newWorld(t, withoutWatch, func(s *onboarding.Setup) { s.Policy.Deadline = onboarding.Duration(5 * day) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeExpired, result.Outcome)
	require.Equal(t, []string{
		"1d look s1", "1d send reminder", "3d look s1", "3d send reminder", "5d look s1", "5d hand off 1 Expired",
	}, w.did[2:])
}

func TestReminder_CustomerFinishedAndAllWebhooksWereLost_IsNotReminded(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.lost = true
	w.at(2*time.Hour, w.submits)
	w.at(25*time.Hour, func() {
		require.Equal(t, onboarding.StageAwaitingDecision, w.status().Stage)
		w.approves()
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{
		"0s open 1", "0s send invitation", "1d look s1", "32h look s1", "32h hand off 1 Approved",
	}, w.did)
}

func TestReminder_SignalBetweenTheLastReminderAndTheEndOfTheSession_EndsTheWaitAtOnce(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(156 * time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{
		"6d look s1", "6d send reminder", "156h look s1", "156h hand off 1 Approved",
	}, w.did[len(w.did)-4:])
	require.Equal(t, 156*time.Hour, w.since())
}

func TestReminder_CustomerIdleInTheMiddle_IsRemindedOnceThenRenewed(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, w.starts)
	w.at(3*time.Hour, func() {
		w.lost = true
		w.becomes(onboarding.SessionExpired)
		w.lost = false
	})
	w.approvedAt(4 * time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{
		"1h45m look s1", "1h45m send reminder", "3h15m look s1", "3h15m open 2", "3h15m send new-link",
		"4h look s2", "4h hand off 1 Approved",
	}, w.did[2:])
	require.True(t, w.messages[1].Started)
}

func TestReminder_SetupWithoutChannel_SendsNothing(t *testing.T) {
	w := newWorld(t, withoutWatch, func(s *onboarding.Setup) { s.Notify = nil })
	result := w.run()

	require.Equal(t, onboarding.OutcomeExpired, result.Outcome)
	require.Empty(t, w.messages)
	require.Len(t, w.didOnly("look"), 3, "nothing but the end of each session is looked at")
}

func TestReminder_MessageRefused_SetsAttentionAndTheOnboardingGoesOn(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.on[onboarding.StepMessage] = refusing
	w.approvedAt(time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"0s send invitation"}, w.didOnly("send"), "a refused message is not repeated")
	require.Equal(t, "0s AwaitingStart ! message-refused", w.shownStages()[0])
}

func TestReminder_MessageFails_IsSentAgainAfterGrowingPauses(t *testing.T) {
	w := newWorld(t, withoutWatch, impatient)
	w.on[onboarding.StepMessage] = func(n int) error {
		if n < 4 {
			return failing(n)
		}
		return nil
	}
	w.approvedAt(10 * time.Hour)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Len(t, w.messages, 1)
	require.Equal(t, onboarding.MessageInvitation, w.messages[0].Kind)
	require.Len(t, w.didOnly("send"), 4)
	require.Contains(t, w.shownStages()[0], "AwaitingStart ! message-failing")
	require.NotContains(t, w.shownStages()[1], "!", "the attention leaves with its cause")
}

func TestTimer_OrdinaryOnboarding_NoneFiresForNothing(t *testing.T) {
	w := newWorld(t)
	var set []time.Duration
	var fired, cancelled int
	w.env.SetOnTimerScheduledListener(func(_ string, d time.Duration) { set = append(set, d) })
	w.env.SetOnTimerFiredListener(func(string) { fired++ })
	w.env.SetOnTimerCanceledListener(func(string) { cancelled++ })
	w.approvedAt(time.Hour)
	w.run()

	// The first reminder; ten minutes for the customer, which serve the decision as well; the end of the watch.
	require.Equal(t, []time.Duration{day, 10 * time.Minute, 7 * day}, set)
	require.Equal(t, 2, cancelled)
	require.Equal(t, 1, fired)
}

func TestQuietHours_ReminderHeld_GoesOutAtTheirEndAfterAnotherLook(t *testing.T) {
	w := newWorld(t, withoutWatch, func(s *onboarding.Setup) {
		s.QuietHours = onboarding.QuietHours{From: "08:00", To: "20:00"} // the first reminder falls due within them
	})
	w.holds = func(m onboarding.Message) time.Time { return m.Quiet.Until(w.env.Now(), time.UTC) }
	w.approvedAt(40 * time.Hour)
	w.run()
	require.Equal(t, []string{"0s open 1", "0s send invitation", "1d look s1", "1d send reminder", "35h look s1", "35h send reminder"}, w.did[:6])
	require.Len(t, w.messages, 2, "the invitation, and the reminder once")
}
