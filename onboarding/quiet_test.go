package onboarding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuietHours_AtEachMoment_HoldUntilTheirEnd(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.ParseInLocation("2006-01-02 15:04", text, vilnius)
		require.NoError(t, err)
		return moment
	}
	night := QuietHours{From: "21:00", To: "08:00"}
	for _, c := range []struct {
		name       string
		hours      QuietHours
		now, until string
	}{
		{"before the evening", night, "2026-11-03 20:59", ""},
		{"in the evening", night, "2026-11-03 21:00", "2026-11-04 08:00"},
		{"after midnight", night, "2026-11-04 00:30", "2026-11-04 08:00"},
		{"at their end", night, "2026-11-04 08:00", ""},
		{"at the end of a month", night, "2026-11-30 23:00", "2026-12-01 08:00"},
		{"within one day", QuietHours{From: "12:00", To: "14:30"}, "2026-11-03 13:00", "2026-11-03 14:30"},
		{"outside, within one day", QuietHours{From: "12:00", To: "14:30"}, "2026-11-03 23:00", ""},
		{"to midnight", QuietHours{From: "20:00", To: "00:00"}, "2026-11-03 23:59", "2026-11-04 00:00"},
		{"in the night that lasts an hour longer", night, "2026-10-24 22:00", "2026-10-25 08:00"},
		{"in the night that lasts an hour less", night, "2026-03-28 22:00", "2026-03-29 08:00"},
		{"none", QuietHours{}, "2026-11-03 23:00", ""},
		{"unreadable", QuietHours{From: "9pm", To: "08:00"}, "2026-11-03 23:00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			until := c.hours.Until(at(c.now).UTC(), vilnius)
			if c.until == "" {
				require.Zero(t, until)
				return
			}
			require.True(t, until.Equal(at(c.until)), "%s", until)
		})
	}
}

// quiet has quiet hours and a confirmation; the rig, not the clock, says when they hold.
func quiet(s *Setup) {
	s.TimeZone, s.QuietHours, s.Confirm = "Europe/Vilnius", QuietHours{From: "21:00", To: "08:00"}, true
}

func (r *rig) holds(d time.Duration) {
	r.t.Helper()
	r.apply(Finished{Kind: StepMessage, Sent: &SentMessage{HeldUntil: r.now.Add(d)}})
}

func (r *rig) message() Message {
	r.t.Helper()
	step := r.p.s.doing(laneMessage)
	require.NotNil(r.t, step, "no message is being sent")
	return *step.Message
}

func TestQuietHours_InvitationAndNewLinkThatSomebodyCaused_DoNotWait(t *testing.T) {
	r := newRig(t, quiet)
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/"}})
	require.Equal(t, MessageInvitation, r.message().Kind)
	require.Zero(t, r.message().Quiet)
	r.sends()
	r.event(EventRejected, "Rejected")
	r.sees(seenBlurred)
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s2", Link: "https://idv.example.test/"}})
	require.Equal(t, MessageNewLink, r.message().Kind)
	require.Zero(t, r.message().Quiet, "the customer has just been rejected and is awake")
	r.sends()
	r.command(CommandRemind)
	r.sees(Sight{Session: SessionPending})
	require.Equal(t, MessageReminder, r.message().Kind)
	require.Zero(t, r.message().Quiet, "an operator wants it now")
}

func TestQuietHours_NewLinkAfterAnExpiry_Waits(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.NotStartedReminders = nil })
	r.opens("s1")
	r.wait(8 * day)
	r.sees(Sight{Session: SessionExpired})
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s2", Link: "https://idv.example.test/"}})
	require.Equal(t, MessageNewLink, r.message().Kind)
	require.NotZero(t, r.message().Quiet)
	r.holds(5 * time.Hour)
	require.Nil(t, r.p.s.doing(laneMessage))
	r.wait(4 * time.Hour)
	require.Nil(t, r.p.s.doing(laneMessage))
	r.wait(2 * time.Hour)
	require.Equal(t, MessageNewLink, r.message().Kind)
}

func TestQuietHours_ReminderHeld_IsPrecededByAnotherLook(t *testing.T) {
	r := newRig(t, quiet)
	r.opens("s1")
	r.wait(25 * time.Hour)
	r.sees(Sight{Session: SessionPending})
	require.Equal(t, 1, r.message().Number)
	r.holds(9 * time.Hour)
	looks := r.began[StepLook]
	r.wait(8 * time.Hour)
	require.Equal(t, looks, r.began[StepLook])
	r.wait(2 * time.Hour)
	require.Equal(t, looks+1, r.began[StepLook], "in the morning, Ondato is asked first")
	r.sees(Sight{Session: SessionPending})
	require.Equal(t, MessageReminder, r.message().Kind)
	require.Equal(t, 1, r.message().Number)
	r.sends()
	r.wait(20 * time.Hour)
	require.Nil(t, r.p.s.doing(laneMessage), "it was sent once")
}

func TestQuietHours_CustomerFinishesWhileAReminderIsHeld_IsNotReminded(t *testing.T) {
	for _, heard := range []bool{true, false} { // whether the webhook arrives
		r := newRig(t, quiet)
		r.opens("s1")
		r.wait(25 * time.Hour)
		r.sees(Sight{Session: SessionPending})
		r.holds(9 * time.Hour)
		if heard {
			r.event(EventProcessed, "Awaiting")
		}
		for range 5 {
			r.wait(3 * time.Hour)
			if r.p.s.doing(laneOndato) != nil {
				r.sees(Sight{Session: SessionInProgress, Identification: IdentificationAwaiting, CompletedUtc: r.now.Add(-time.Minute)})
			}
		}
		require.Equal(t, 2, r.began[StepMessage], "the invitation, and the reminder that was held")
	}
}

func TestQuietHours_EscalationBehindAHeldConfirmation_IsSentAtOnce(t *testing.T) {
	r := newRig(t, quiet)
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	require.Equal(t, MessageConfirmation, r.message().Kind)
	r.holds(9 * time.Hour)
	r.event(EventUpdated, "Approved")
	edited := seenApproved
	edited.RecordDigest = "edited"
	r.sees(edited)
	r.apply(Finished{Kind: StepHandOff, Failure: &Failure{Code: "refused", Permanent: true}})
	require.Equal(t, MessageHandOffFailing, r.message().Kind)
}

func TestConfirmation_ApprovalHandedOff_IsSentOnce(t *testing.T) {
	r := newRig(t, quiet)
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	require.Equal(t, 1, r.began[StepMessage])
	r.accepts()
	require.Equal(t, MessageConfirmation, r.message().Kind)
	require.Empty(t, r.message().Link, "nothing is left to do")
	r.sends()
	r.event(EventUpdated, "Approved")
	edited := seenApproved
	edited.RecordDigest = "edited"
	r.sees(edited)
	r.accepts()
	require.Equal(t, 2, r.began[StepMessage])
}

func TestConfirmation_ApprovalReversedWhileItIsHeld_IsNotSent(t *testing.T) {
	r := newRig(t, quiet)
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	r.holds(9 * time.Hour)
	r.event(EventRejected, "Rejected")
	r.sees(seenFraud)
	r.accepts()
	r.wait(day)
	require.Equal(t, 2, r.began[StepMessage], "the invitation, and the try that was held")
	require.Empty(t, r.p.s.Outbox)
}

func TestConfirmation_RefusedForGood_IsNotTriedAgain(t *testing.T) {
	r := newRig(t, quiet)
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	r.apply(Finished{Kind: StepMessage, Failure: &Failure{Code: "recipient", Permanent: true}})
	require.Contains(t, r.p.s.Attention, AttentionMessageRefused)
	r.wait(day)
	require.Equal(t, 2, r.began[StepMessage])
}

func TestConfirmation_HeldWithoutAWatch_KeepsTheOnboardingOpenUntilItIsSent(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.WatchFor = 0 })
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	r.holds(9 * time.Hour)
	require.False(t, r.p.Done(r.now))
	r.wait(10 * time.Hour)
	r.sends()
	require.True(t, r.p.Done(r.now))
}

func TestConfirmation_ChannelInTrouble_DoesNotKeepTheOnboardingOpen(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.WatchFor = 0 })
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	r.fails(StepMessage)
	require.True(t, r.p.Done(r.now))
}

func TestConfirmation_AfterAnInvitationThatNeverWentOut_IsSent(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.WatchFor = 0 })
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/"}})
	r.fails(StepMessage)
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	require.Equal(t, MessageConfirmation, r.message().Kind)
}

func TestConfirmation_GivenUp_IsMarked(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.WatchFor = 0 })
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	r.accepts()
	r.fails(StepMessage)
	require.True(t, r.p.Done(r.now))
	require.Equal(t, []Attention{AttentionMessageRefused}, r.p.s.Attention)
}

func TestReminder_LinkNotSentYet_Waits(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.NotStartedReminders = hours(4) })
	r.opens("s1")
	r.event(EventStatusChanged, "Expired")
	r.sees(Sight{Session: SessionExpired})
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s2", Link: "https://idv.example.test/"}})
	r.holds(9 * time.Hour)
	r.wait(8 * time.Hour)
	require.Nil(t, r.p.s.doing(laneMessage))
	require.Nil(t, r.p.s.doing(laneOndato), "nor is there a look for it")
	r.wait(2 * time.Hour)
	require.Equal(t, MessageNewLink, r.message().Kind)
	r.sends()
	r.wait(3 * time.Hour)
	require.Nil(t, r.p.s.doing(laneOndato), "the reminder counts from when the link was sent")
	r.wait(2 * time.Hour)
	require.NotNil(t, r.p.s.doing(laneOndato))
}

func TestReminder_HeldAfterAnOrderedOne_DoesNotComeBack(t *testing.T) {
	r := newRig(t, quiet, func(s *Setup) { s.Policy.NotStartedReminders = hours(24) })
	r.opens("s1")
	r.wait(25 * time.Hour)
	r.sees(Sight{Session: SessionPending})
	require.NotZero(t, r.message().Quiet)
	r.command(CommandRemind)
	r.sees(Sight{Session: SessionPending})
	r.holds(9 * time.Hour) // the scheduled one
	require.Zero(t, r.message().Quiet, "the ordered one")
	r.sends()
	messages := r.began[StepMessage]
	for range 5 {
		r.wait(10 * time.Hour)
		if r.p.s.doing(laneOndato) != nil {
			r.sees(Sight{Session: SessionPending})
		}
	}
	require.Equal(t, messages, r.began[StepMessage])
}
