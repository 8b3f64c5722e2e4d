package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// whats is the audit trail without its times.
func whats(trail []onboarding.TrailEntry) (lines []string) {
	for _, e := range trail {
		lines = append(lines, e.Actor+": "+e.What)
	}
	return lines
}

func TestReset_InTheMiddle_LosesNothingRepeatsNothingAndComesToTheSameEnd(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	started, request := r.start(t, "standard", "reset@customer.example")
	id, session := started.ID, stack.SessionOf(started.Link)
	r.play(t, session, "start", "consent")
	r.signalled(t, id, 3)
	early := newEvent(onboarding.EventConsented, session, "InProgress")
	r.deliver(t, id, early)
	r.command(t, id, onboarding.Command{Kind: onboarding.CommandExtend, ID: "before", By: onboarding.Duration(24 * time.Hour)})
	r.command(t, id, onboarding.Command{Kind: onboarding.CommandRemind, ID: "remind"})
	r.until(t, id, "a reminder", func(s onboarding.Status) bool { return slices.Contains(whats(s.Trail), "process: sent reminder") })
	require.NoError(t, r.Settle(timed(t), id))
	r.play(t, session, "suspend", "resume")
	r.signalled(t, id, 6)
	late := newEvent(onboarding.EventConsented, session, "InProgress")
	r.deliver(t, id, late)
	r.command(t, id, onboarding.Command{Kind: onboarding.CommandExtend, ID: "after", By: onboarding.Duration(48 * time.Hour)})
	before := r.status(t, id)
	require.Equal(t, onboarding.StageInProgress, before.Stage)

	oldRun, newRun := r.resetBefore(t, id, "the suspension", nthSignal(5))
	require.NotEqual(t, oldRun, newRun)

	t.Run("its state is the same", func(t *testing.T) {
		after := r.until(t, id, "the deadline as moved twice", func(s onboarding.Status) bool { return s.Deadline.Equal(before.Deadline) })
		require.ElementsMatch(t, whats(before.Trail), whats(after.Trail))
		require.Equal(t, before.Stage, after.Stage)
		require.Equal(t, before.Session, after.Session)
		require.Equal(t, before.Link, after.Link)
		require.True(t, late.CreatedUtc.Equal(after.LastEvent.CreatedUtc))
		require.Equal(t, before.NotedTotal, after.NotedTotal)
		require.Equal(t, signals(r.history(t, id, oldRun)), signals(r.history(t, id, newRun)))

		seen := r.overview(t, id)
		require.Equal(t, newRun, seen.RunID)
		require.Equal(t, onboarding.StageInProgress, seen.Stage)
		require.Equal(t, 1, seen.Attempt)
		require.WithinDuration(t, before.Deadline, seen.Deadline, time.Millisecond)
		require.Equal(t, "standard", seen.Setup)
		require.Empty(t, seen.Attention)
	})

	t.Run("a repeated event changes nothing", func(t *testing.T) {
		was := r.status(t, id)
		repeated := []onboarding.Event{early, late} // one from before the reset's point, one applied again
		for _, e := range repeated {
			r.deliver(t, id, e) // the bridge knows the old run, which drops it
			r.signal(t, id, e)
		}
		now := r.until(t, id, "all signals", func(s onboarding.Status) bool { return s.NotedTotal >= was.NotedTotal+len(repeated) })
		require.Equal(t, was.LastEvent, now.LastEvent)
		require.Equal(t, whats(was.Trail), whats(now.Trail))
		for _, n := range now.Noted[was.NotedTotal:] {
			require.Equal(t, "duplicate", n.Why)
		}
	})

	t.Run("a repeated command does not act again", func(t *testing.T) {
		for _, c := range []string{"before", "after"} {
			r.command(t, id, onboarding.Command{Kind: onboarding.CommandExtend, ID: c, By: onboarding.Duration(24 * time.Hour)})
		}
		require.True(t, r.status(t, id).Deadline.Equal(before.Deadline))
	})

	t.Run("a webhook reaches it, although the bridge knows the old run", func(t *testing.T) {
		e := newEvent(onboarding.EventConsented, session, "InProgress")
		r.deliver(t, id, e)
		r.until(t, id, "the event", func(s onboarding.Status) bool { return s.LastEvent.CreatedUtc.Equal(e.CreatedUtc) })
	})

	t.Run("a repeated start finds it", func(t *testing.T) {
		again, err := r.Starter.Start(timed(t), request)
		require.NoError(t, err)
		require.Equal(t, starter.HowAlreadyRunning, again.How)
		require.Equal(t, started.Link, again.Link)
	})

	r.play(t, session, "submit", "approve")
	got := r.received(t, id, 1)[0]
	require.Equal(t, "Approved", got.Outcome)
	require.Equal(t, 1, got.Version)
	last := r.ended(t, id)
	require.False(t, last.Unfinished)
	require.Equal(t, newRun, last.RunID)
	require.Equal(t, onboarding.OutcomeApproved, last.Outcome)
	require.Empty(t, last.Attention)
	require.Equal(t, []string{session}, r.sessions(t, id))
	require.Len(t, r.mails("reset@customer.example"), 2, "an invitation and a reminder")
	require.Len(t, r.received(t, id, 1), 1)

	d, err := r.Client.DescribeWorkflow(timed(t), id.WorkflowID(), oldRun)
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, d.Status)
}

func TestReset_ToBeforeTheSessionWasOpened_TheFirstSessionsApprovalOnlyMarks(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	started, _ := r.start(t, "watched", "anew@customer.example")
	id, first := started.ID, stack.SessionOf(started.Link)
	r.play(t, first, "start", "consent")
	r.signalled(t, id, 3)
	r.resetBefore(t, id, "the opening", isActivity(onboarding.ActivityOpenSession))

	s := r.until(t, id, "another session", func(s onboarding.Status) bool { return s.Link != "" })
	second := stack.SessionOf(s.Link)
	require.NotEqual(t, first, second)
	require.Equal(t, []string{second, first}, r.sessions(t, id))
	require.Equal(t, 1, s.Attempt)
	s = r.status(t, id)
	require.Equal(t, onboarding.StageAwaitingStart, s.Stage)
	require.Equal(t, 3, s.NotedTotal, "the first session's events, applied again")

	r.play(t, first, "submit", "approve") // the customer has the first mail as well
	s = r.until(t, id, "attention", func(s onboarding.Status) bool { return len(s.Attention) > 0 })
	require.Equal(t, []onboarding.Attention{onboarding.AttentionOtherSession}, s.Attention)
	r.signalled(t, id, 6)
	require.Equal(t, onboarding.StageAwaitingStart, r.status(t, id).Stage)
	got, _ := r.Backend.Of(string(id))
	require.Empty(t, got)

	r.play(t, second, "start", "consent", "submit", "reject")
	require.Equal(t, "Rejected", r.received(t, id, 1)[0].Outcome, "the present session decides")
	require.Contains(t, string(r.received(t, id, 1)[0].Body), second)
}

// TestReset_AfterTheHandOff checks design section 9: a receiver drops what it has had already, and nothing else.
func TestReset_AfterTheHandOff(t *testing.T) {
	t.Parallel()
	r := ownRig(t, stack.Config{NoWorker: true})
	for _, c := range []struct {
		name    string
		changed bool
		outcome string
	}{
		{"DecisionChanged_ComesUnderAnotherWebhookID", true, "Rejected"},
		{"DecisionUnchanged_IsRepeatedUnderTheSameWebhookID", false, "Approved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stop, err := r.StartWorker(t.Context())
			require.NoError(t, err)
			started, _ := r.start(t, "watched", "decided@customer.example")
			id, session := started.ID, stack.SessionOf(started.Link)
			r.play(t, session, "start", "consent", "submit", "approve")
			first := r.received(t, id, 1)[0]
			require.Equal(t, "Approved", first.Outcome)
			require.Equal(t, 1, first.Version)
			r.until(t, id, "the watch", func(s onboarding.Status) bool { return s.Stage == onboarding.StageWatching })

			require.NoError(t, stop()) // what comes now is there before the new run looks
			_, newRun := r.resetBefore(t, id, "the look", isLook)
			if c.changed {
				r.play(t, session, "reject")
			}
			stop, err = r.StartWorker(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, stop()) }()

			require.Eventually(t, func() bool {
				got, _ := r.Backend.Of(string(id))
				return len(got) == 2 || got[0].Repeats == 1
			}, patience, tick, "the second delivery")
			s := r.until(t, id, "the watch", func(s onboarding.Status) bool { return s.Stage == onboarding.StageWatching })
			require.EqualValues(t, c.outcome, s.Outcome)
			require.Equal(t, 1, s.HandedOff.Version)
			r.shows(t, id, r.status(t, id))
			require.Equal(t, 1, count(r.history(t, id, newRun), isActivity(onboarding.ActivityHandOff)))
			got, _ := r.Backend.Of(string(id))
			if !c.changed {
				require.Len(t, got, 1)
				require.Equal(t, first.WebhookID, s.HandedOff.WebhookID)
				return
			}
			require.Len(t, got, 2)
			second := got[1]
			require.NotEqual(t, first.WebhookID, second.WebhookID)
			require.Equal(t, "onboarding.decided", second.Type)
			require.Equal(t, 1, second.Version)
			require.Equal(t, "Rejected", second.Outcome)
			prefix := string(id) + ".1."
			require.True(t, strings.HasPrefix(first.WebhookID, prefix) && strings.HasPrefix(second.WebhookID, prefix))
		})
	}
}
