package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

var noAttributes = temporal.NewSearchAttributes()

func TestCommand_Cancel_IsHandedOffAsCancelled(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.at(time.Hour, func() { r = w.command(onboarding.CommandCancel) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeCancelled, result.Outcome)
	require.Equal(t, "jonas", result.Decision.By)
	require.Equal(t, "asked by phone", result.Decision.Reason)
	require.Equal(t, onboarding.CommandReceipt{Stage: onboarding.StageHandingOff}, w.receipt(r))
	require.Equal(t, []string{"1h hand off 1 Cancelled"}, w.didOnly("hand"))
}

func TestCommand_TemporalCancellation_IsHandedOffAsCancelled(t *testing.T) {
	w := newWorld(t)
	w.at(time.Hour, w.env.CancelWorkflow)
	result := w.run()

	require.Equal(t, onboarding.OutcomeCancelled, result.Outcome)
	require.Equal(t, onboarding.ActorTemporal, result.Decision.By)
	require.Equal(t, []string{"1h hand off 1 Cancelled"}, w.didOnly("hand"))
	require.Equal(t, 7*day+time.Hour, w.since(), "what was cancelled is watched all the same")
}

func TestCommand_TemporalCancellationAfterTheDecision_ChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	w.at(2*time.Hour, w.env.CancelWorkflow)
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"1h hand off 1 Approved"}, w.didOnly("hand"))
	require.Equal(t, 7*day+time.Hour, w.since())
	trail := w.status().Trail
	require.Contains(t, whats(trail), "cancel was refused")
}

func whats(trail []onboarding.TrailEntry) (out []string) {
	for _, e := range trail {
		out = append(out, e.What)
	}
	return out
}

func TestCommand_CancelWhileTheSessionIsBeingOpened_LeavesNoSessionBehindThatDecides(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.on[onboarding.StepOpen] = func(int) error {
		w.meanwhile(func() { r = w.command(onboarding.CommandCancel) })
		return nil
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeCancelled, result.Outcome)
	require.NoError(t, r.refused)
	require.Empty(t, w.messages, "nobody is invited to a cancelled onboarding")
	require.Empty(t, w.didOnly("look"))
}

func TestCommand_DecideInOndatosPlace_IsHandedOff(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, w.submits)
	w.at(2*time.Hour, func() { w.command(onboarding.CommandDecide, outcome(onboarding.OutcomeApproved)) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, "jonas", result.Decision.By)
	require.Empty(t, result.Decision.RecordDigest)
	require.Equal(t, []string{"2h hand off 1 Approved"}, w.didOnly("hand"))
}

func TestCommand_DecideAgainstOndato_AmendsAndStandsAgainstOndato(t *testing.T) {
	w := newWorld(t)
	w.at(time.Hour, w.submits)
	w.at(2*time.Hour, func() { w.decides(onboarding.IdentificationRejected, "PossibleFraudAttempt") })
	w.at(day, func() { w.command(onboarding.CommandDecide, outcome(onboarding.OutcomeApproved)) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, "jonas", result.Decision.By)
	require.Equal(t, []string{"2h hand off 1 Rejected", "1d hand off 2 Approved"}, w.didOnly("hand"))
	require.True(t, w.handed[1].Amendment)
	require.Contains(t, w.shownStages()[len(w.shownStages())-1], "Done Approved ! late-decision",
		"the last look tells that Ondato still says otherwise")
}

func outcome(o onboarding.Outcome) func(*onboarding.Command) {
	return func(c *onboarding.Command) { c.Outcome = o }
}

func by(d time.Duration) func(*onboarding.Command) {
	return func(c *onboarding.Command) { c.By = onboarding.Duration(d) }
}

func id(s string) func(*onboarding.Command) { return func(c *onboarding.Command) { c.ID = s } }

func TestCommand_ApprovedAfterCancel_OnlySetsAttention(t *testing.T) {
	w := newWorld(t)
	w.at(time.Hour, w.submits)
	w.at(2*time.Hour, func() { w.command(onboarding.CommandCancel) })
	w.at(3*time.Hour, w.approves)
	result := w.run()

	require.Equal(t, onboarding.OutcomeCancelled, result.Outcome)
	require.Equal(t, []string{"2h hand off 1 Cancelled"}, w.didOnly("hand"))
	require.Equal(t, []string{
		"1h AwaitingDecision", "2h Watching Cancelled", "3h Watching Cancelled ! late-decision",
		"170h Done Cancelled ! late-decision",
	}, w.shownStages())
}

func TestCommand_TwoAtOnce_AreCarriedOutInTurn(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var first, second, third, fourth *reply
	w.at(time.Hour, func() {
		first, second = w.command(onboarding.CommandExtend, by(day)), w.command(onboarding.CommandExtend, by(2*day))
	})
	w.at(2*time.Hour, func() {
		require.True(t, w.status().Deadline.Equal(worldStart.Add(33*day)))
		third, fourth = w.command(onboarding.CommandCancel), w.command(onboarding.CommandCancel)
	})
	result := w.run()

	require.Equal(t, onboarding.OutcomeCancelled, result.Outcome)
	w.receipt(first)
	w.receipt(second)
	w.receipt(third)
	refusedAs(t, fourth, onboarding.ErrTypeRefused, "the onboarding has been decided: Cancelled")
	require.Len(t, w.handed, 1)
}

func TestCommand_CancelDuringTheHandOff_IsRefused(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.approvedAt(time.Hour)
	var r *reply
	w.on[onboarding.StepHandOff] = func(int) error {
		w.meanwhile(func() { r = w.command(onboarding.CommandCancel) })
		return nil
	}
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	refusedAs(t, r, onboarding.ErrTypeRefused, "the onboarding has been decided: Approved")
	require.Len(t, w.handed, 1)
}

func TestCommand_RepeatedWithOneID_ActsOnce(t *testing.T) {
	w := newWorld(t)
	var first, second, cancel, again *reply
	w.at(time.Hour, func() { first = w.command(onboarding.CommandExtend, by(day), id("x")) })
	w.at(2*time.Hour, func() { second = w.command(onboarding.CommandExtend, by(day), id("x")) })
	w.at(3*time.Hour, func() {
		require.True(t, w.status().Deadline.Equal(worldStart.Add(31*day)))
		cancel = w.command(onboarding.CommandCancel, id("y"))
	})
	w.at(4*time.Hour, func() { again = w.command(onboarding.CommandCancel, id("y")) })
	w.run()

	require.False(t, w.receipt(first).Repeated)
	require.True(t, w.receipt(second).Repeated)
	require.False(t, w.receipt(cancel).Repeated)
	require.Equal(t, onboarding.CommandReceipt{Repeated: true, Stage: onboarding.StageWatching}, w.receipt(again))
	require.Len(t, w.handed, 1)
}

func TestCommand_WithoutAnID_TakesThatOfTheUpdate(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var first, again *reply
	w.at(time.Minute, func() {
		first = w.updateAs("u1", string(onboarding.CommandExtend), onboarding.Command{Actor: "jonas", Reason: "by the Temporal UI", By: onboarding.Duration(day)})
		again = w.command(onboarding.CommandExtend, by(day), id("u1"))
	})
	w.at(time.Hour, func() { require.True(t, w.status().Deadline.Equal(worldStart.Add(31*day))) })
	w.approvedAt(2 * time.Hour)
	w.run()

	require.False(t, w.receipt(first).Repeated)
	require.True(t, w.receipt(again).Repeated)
}

func TestCommand_Remind_LooksFirstAndReminds(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, func() { w.command(onboarding.CommandRemind) })
	w.approvedAt(2 * time.Hour)
	w.run()

	require.Equal(t, []string{"1h look s1", "1h send reminder"}, w.did[2:4])
}

func TestCommand_RemindACustomerWhoHasFinished_IsNotCarriedOut(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, func() {
		w.lost = true
		w.submits()
		w.lost = false
	})
	w.at(2*time.Hour, func() { w.command(onboarding.CommandRemind) })
	w.at(3*time.Hour, w.approves)
	w.run()

	require.Equal(t, []string{"0s send invitation"}, w.didOnly("send"))
}

func TestCommand_Renew_OpensANewSessionAndTheOldOneDecidesNothing(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.at(time.Hour, func() { w.command(onboarding.CommandRenew) })
	w.at(2*time.Hour, func() { w.deliver(w.event("s1", onboarding.EventApproved, "Approved")) })
	w.at(3*time.Hour, func() {
		s := w.status()
		require.Equal(t, onboarding.StageAwaitingStart, s.Stage)
		require.Equal(t, []onboarding.Attention{onboarding.AttentionOtherSession}, s.Attention)
		require.Contains(t, s.Noted[0].Why, "superseded")
	})
	w.at(4*time.Hour, func() { w.command(onboarding.CommandDecide, outcome(onboarding.OutcomeRejected)) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeRejected, result.Outcome)
	require.Equal(t, []string{"0s open 1", "1h open 2"}, w.didOnly("open"))
	require.Empty(t, w.didOnly("look"))
	require.Equal(t, "4h Done Rejected", w.shownStages()[len(w.shownStages())-1], "deciding settles the attention")
}

func TestCommand_Refresh_AsksOndatoNow(t *testing.T) {
	w := newWorld(t, withoutWatch)
	w.lost = true
	w.at(time.Hour, w.approves)
	w.at(2*time.Hour, func() { w.command(onboarding.CommandRefresh) })
	result := w.run()

	require.Equal(t, onboarding.OutcomeApproved, result.Outcome)
	require.Equal(t, []string{"2h look s1", "2h hand off 1 Approved"}, w.did[2:])
}

func TestCommand_ThatDoesNotFit_IsRefusedWithTheReason(t *testing.T) {
	w := newWorld(t)
	type refusal struct {
		kind   onboarding.CommandKind
		change func(*onboarding.Command)
		as     string
		why    string
	}
	asIs := func(*onboarding.Command) {}
	var check []func()
	ask := func(after time.Duration, list ...refusal) {
		w.at(after, func() {
			for _, x := range list {
				r := w.command(x.kind, x.change)
				check = append(check, func() { refusedAs(t, r, x.as, x.why) })
			}
		})
	}
	ask(time.Minute,
		refusal{onboarding.CommandRetryHandoff, asIs, onboarding.ErrTypeRefused, "there is no decision to hand off yet"},
		refusal{onboarding.CommandCancel, func(c *onboarding.Command) { c.Reason = " " }, onboarding.ErrTypeInvalid, "reason is missing: say why"},
		refusal{onboarding.CommandCancel, func(c *onboarding.Command) { c.Actor = "" }, onboarding.ErrTypeInvalid, "actor is missing"},
		refusal{onboarding.CommandExtend, asIs, onboarding.ErrTypeInvalid, "by is out of range: give a duration up to 366d"},
		refusal{onboarding.CommandDecide, outcome(onboarding.OutcomeCancelled), onboarding.ErrTypeInvalid, "outcome is neither Approved nor Rejected"},
	)
	w.at(30*time.Minute, w.submits)
	ask(40*time.Minute, refusal{onboarding.CommandRemind, asIs, onboarding.ErrTypeRefused, "it is not the customer's turn"})
	w.at(time.Hour, w.approves)
	ask(2*time.Hour,
		refusal{onboarding.CommandCancel, asIs, onboarding.ErrTypeRefused, "decided: Approved"},
		refusal{onboarding.CommandRenew, asIs, onboarding.ErrTypeRefused, "decided: Approved"},
		refusal{onboarding.CommandExtend, by(day), onboarding.ErrTypeRefused, "decided: Approved"},
		refusal{onboarding.CommandRemind, asIs, onboarding.ErrTypeRefused, "decided: Approved"},
		refusal{onboarding.CommandRetryHandoff, asIs, onboarding.ErrTypeRefused, "the decision has been handed off"},
	)
	w.run()
	require.Len(t, check, 11)
	for _, c := range check {
		c()
	}
}

func TestCommand_RemindInASetupWithoutChannel_IsRefused(t *testing.T) {
	w := newWorld(t, withoutWatch, func(s *onboarding.Setup) { s.Notify = nil })
	var r *reply
	w.at(time.Hour, func() { r = w.command(onboarding.CommandRemind) })
	w.run()
	refusedAs(t, r, onboarding.ErrTypeRefused, "setup retail has no channel to its customers")
}

// --- the link -----------------------------------------------------------------------------------------------------

func TestLink_AskedWhileTheSessionIsBeingOpened_AnswersAsSoonAsThereIsOne(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.on[onboarding.StepOpen] = func(int) error {
		w.meanwhile(func() { r = w.linkUpdate() })
		if r.answered {
			t.Error("answered without a link")
		}
		return nil
	}
	w.at(time.Minute, func() { require.True(t, r.answered) })
	w.approvedAt(time.Hour)
	w.run()

	require.Equal(t, onboarding.LinkView{
		Call: "call-1", RequestDigest: w.in.Request.Digest(), Link: "https://idv.example.test/?id=s1", Stage: onboarding.StageAwaitingStart, Attempt: 1,
	}, answer[onboarding.LinkView](t, r))
}

func TestLink_AnotherRequest_IsRefusedAsAConflict(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.at(time.Minute, func() {
		other := w.in.Request
		other.Applicant.LastName = "Onaite"
		r = w.update(onboarding.UpdateLink, onboarding.LinkRequest{RequestDigest: other.Digest()})
	})
	w.approvedAt(time.Hour)
	w.run()
	refusedAs(t, r, onboarding.ErrTypeConflict, "another request")
}

func TestLink_OpeningFails_SaysWhyThereIsNone(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.on[onboarding.StepOpen] = func(n int) error {
		if n == 1 {
			w.meanwhile(func() { r = w.linkUpdate() })
		}
		if n < 4 {
			return failing(n)
		}
		return nil
	}
	w.at(time.Second/2, func() { require.True(t, r.answered) })
	w.approvedAt(time.Hour)
	w.run()

	view := answer[onboarding.LinkView](t, r)
	require.Empty(t, view.Link)
	require.Contains(t, view.Why, "Ondato does not open a session at present")
	require.Equal(t, onboarding.StageOpening, view.Stage)
}

func TestLink_AfterTheDecision_SaysSoAtOnce(t *testing.T) {
	w := newWorld(t)
	w.approvedAt(time.Hour)
	var r *reply
	w.at(2*time.Hour, func() { r = w.linkUpdate() })
	w.at(2*time.Hour+time.Second, func() { require.True(t, r.answered) })
	w.run()

	view := answer[onboarding.LinkView](t, r)
	require.Empty(t, view.Link)
	require.Equal(t, "the onboarding has been decided: Approved", view.Why)
	require.Equal(t, onboarding.OutcomeApproved, view.Outcome)
}

func TestLink_AwaitedWhenTheOnboardingIsCancelled_IsAnsweredBeforeTheEnd(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.on[onboarding.StepOpen] = func(int) error {
		w.meanwhile(func() { r = w.linkUpdate() })
		w.meanwhile(func() { w.command(onboarding.CommandCancel) })
		return nil
	}
	w.run()
	require.Equal(t, "the onboarding has been decided: Cancelled", answer[onboarding.LinkView](t, r).Why)
}

func TestLink_AwaitedWhenTemporalCancelsTheOnboarding_IsAnsweredBeforeTheEnd(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.on[onboarding.StepOpen] = func(int) error {
		w.meanwhile(func() { r = w.linkUpdate() })
		w.meanwhile(w.env.CancelWorkflow)
		return nil
	}
	require.Equal(t, onboarding.OutcomeCancelled, w.run().Outcome)
	require.Equal(t, "the onboarding has been decided: Cancelled", answer[onboarding.LinkView](t, r).Why)
}

func TestLink_AskedAgainAfterARenewal_AnswersWithTheNewLink(t *testing.T) {
	w := newWorld(t, withoutWatch)
	var r *reply
	w.at(time.Hour, func() { w.command(onboarding.CommandRenew) })
	w.at(2*time.Hour, func() { r = w.linkUpdate() })
	w.approvedAt(3 * time.Hour)
	w.run()

	view := answer[onboarding.LinkView](t, r)
	require.Equal(t, "https://idv.example.test/?id=s2", view.Link)
	require.Equal(t, 2, view.Attempt)
}
