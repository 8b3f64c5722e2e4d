package onboarding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Cases that the exploration and the simulation have found, each with its own name. Steps end when the test says so.

// approved takes a new rig to the moment when the first version is being handed off.
func approved(t *testing.T) *rig {
	r := newRig(t)
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	require.NotNil(t, r.p.s.doing(laneHandOff))
	return r
}

func TestRace_TakenBackWhileBeingHandedOffAndAccepted_IsAmended(t *testing.T) {
	r := approved(t)
	r.event(EventRejected, "Rejected")
	r.sees(seenBlurred)
	require.Equal(t, StageHandingOff, r.p.Stage(), "whether the backend accepts is still open")
	r.accepts()
	require.Equal(t, StageWatching, r.p.Stage())
	r.sees(seenBlurred)
	r.accepts()

	require.Equal(t, OutcomeRejected, r.p.s.Handed.Outcome)
	require.Equal(t, 2, r.p.s.Handed.Version)
	require.Equal(t, 1, r.began[StepOpen], "a decision that was delivered is amended, not tried again")
}

func TestRace_TakenBackWhileBeingHandedOffAndNotAccepted_OpensANewSession(t *testing.T) {
	r := approved(t)
	r.event(EventRejected, "Rejected")
	r.sees(seenBlurred)
	r.fails(StepHandOff)
	r.sees(seenBlurred)
	r.opens("s2")

	require.Equal(t, StageAwaitingStart, r.p.Stage())
	require.Nil(t, r.p.s.Handed)
	require.Equal(t, 1, r.began[StepHandOff])
}

func TestRace_ReversedAndBackWhileTheAmendmentIsUnderWay_TheBackendEndsWithTheTruth(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		r := approved(t)
		r.accepts()
		r.event(EventRejected, "Rejected")
		r.sees(seenFraud)
		require.Equal(t, 2, r.p.s.Versions)
		r.event(EventApproved, "Approved")
		r.sees(seenApproved)
		if accepted {
			r.accepts()
		} else {
			r.fails(StepHandOff) // it may have arrived all the same
		}
		r.accepts()

		require.Equal(t, OutcomeApproved, r.p.s.Handed.Outcome)
		require.Equal(t, 3, r.p.s.Handed.Version, "a version must never go back")
	}
}

func TestRace_LookFailsAfterRenew_TheDeadlineStillEndsTheOnboarding(t *testing.T) {
	r := newRig(t, func(s *Setup) { s.Policy.StepPatience = Duration(time.Minute) })
	r.opens("s1")
	r.command(CommandRefresh)
	r.command(CommandRenew)
	r.fails(StepLook)
	for range 500 {
		if r.p.Outcome() != "" {
			break
		}
		if r.p.s.doing(laneOndato) != nil {
			r.fails(StepOpen)
		}
		r.wait(6 * time.Hour)
	}
	require.Equal(t, OutcomeExpired, r.p.Outcome())
	require.WithinDuration(t, simStart.Add(30*day), r.p.s.Decision.At, time.Minute)
}

func TestRace_OpeningFailsAfterCancel_MarksNothing(t *testing.T) {
	r := newRig(t)
	r.fails(StepOpen) // the first try is brisk, the next one patient
	r.command(CommandCancel)
	r.fails(StepOpen)
	require.Empty(t, r.p.s.Attention)
	r.accepts()
	require.Empty(t, r.p.s.Attention)
}

func TestRace_OverdueDecisionTurnsOutProvisional_IsNoLongerMarkedAndMayBeOverdueAgain(t *testing.T) {
	r := newRig(t)
	r.opens("s1")
	r.event(EventProcessed, "Awaiting")
	awaiting := Sight{Session: SessionInProgress, Identification: IdentificationAwaiting, CompletedUtc: r.now}
	overdue := func() {
		for range 20 {
			r.wait(12 * time.Hour)
			if r.p.s.doing(laneOndato) != nil {
				r.sees(awaiting)
			}
			r.sends()
		}
		require.Contains(t, r.p.s.Attention, AttentionOverdue)
	}
	overdue()
	r.command(CommandRefresh)
	r.sees(seenRetrying)
	require.Equal(t, StageInProgress, r.p.Stage())
	require.Empty(t, r.p.s.Attention, "it is the customer's turn")
	r.event(EventProcessed, "Awaiting")
	overdue()
}

func TestRace_EventsHeldWhenTheOnboardingIsDecided_AreNoted(t *testing.T) {
	for name, last := range map[string]func(*rig){
		"while the session is being opened": func(r *rig) {
			r.command(CommandCancel)
			r.fails(StepOpen)
		},
		"between two tries": func(r *rig) {
			r.fails(StepOpen)
			r.fails(StepOpen)
			r.command(CommandCancel)
		},
		"and the session is opened after that": func(r *rig) {
			r.command(CommandCancel)
			r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/?id=s1"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.eventOf("orphan", EventApproved, "Approved")
			last(r)
			require.Empty(t, r.p.s.Held)
			require.Equal(t, 1, r.p.s.NotedTotal)
			require.Contains(t, r.p.s.Attention, AttentionOtherSession)
		})
	}
}

func TestRace_MessageThatFailedHasLostItsSense_IsNoLongerMarked(t *testing.T) {
	r := newRig(t)
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/?id=s1"}})
	r.fails(StepMessage)
	require.Equal(t, []Attention{AttentionMessageFailing}, r.p.s.Attention)
	r.command(CommandCancel)
	require.Empty(t, r.p.s.Attention)
}

func TestRace_CommandAfterTheEnd_IsRefused(t *testing.T) {
	r := newRig(t, func(s *Setup) { s.Policy.WatchFor = 0 })
	r.command(CommandCancel)
	r.accepts()
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/?id=s1"}})
	require.Equal(t, StageDone, r.p.Stage())
	for _, c := range []Command{
		{Kind: CommandDecide, ID: "d", Actor: "jonas", Reason: "asked by phone", Outcome: OutcomeApproved},
		{Kind: CommandRefresh, ID: "r", Actor: "jonas", Reason: "asked by phone"},
	} {
		var refused *Refused
		require.ErrorAs(t, r.p.Apply(r.now, c), &refused)
		require.Equal(t, "the onboarding is over", refused.Why)
	}
}

func TestRace_OndatosClockIsBehind_AnAbortAfterALookIsNotTakenForOld(t *testing.T) {
	const behind = 3 * time.Hour
	r := newRig(t)
	r.opens("s1")
	r.command(CommandRefresh)
	r.sees(Sight{Session: SessionInProgress, ModifiedUtc: r.now.Add(-behind)})
	r.apply(Event{ID: "abort", Type: EventStatusChanged, CreatedUtc: r.now.Add(time.Minute - behind), SessionID: "s1", Status: "Aborted"})
	require.Equal(t, SessionAborted, r.p.s.Session.Status)
	require.Equal(t, 2, r.began[StepLook])
}
