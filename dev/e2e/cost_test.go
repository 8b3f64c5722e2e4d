package e2e

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/dev/cost"
	"kyc/dev/relay"
	"kyc/dev/stack"
	"kyc/onboarding"
)

// The budgets of an approved onboarding.
var budgets = map[string]struct{ events, actions int }{
	"standard": {70, 20},
	"decisive": {62, 18},
}

// TestCost_OfAnApprovedOnboarding_IsWithinTheBudget counts what an onboarding costs at the most: its six webhooks come
// one at a time, each after the workflow has settled, so that no two share a workflow task; the watch ends by itself.
// With -v it prints the figures.
func TestCost_OfAnApprovedOnboarding_IsWithinTheBudget(t *testing.T) {
	var s *stack.Stack
	pacer, err := relay.Start(func() string { return s.BridgeURL })
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pacer.Close()) })
	s, err = stack.Start(t.Context(), stack.Config{
		Dir: t.TempDir(), Setups: setups, NoUI: true, Log: io.Discard,
		Variables: map[string]string{"SANDBOX_WEBHOOK_URL": pacer.URL + "/webhooks/ondato"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })

	for setup, budget := range budgets {
		t.Run(setup, func(t *testing.T) {
			started, err := s.Starter.Start(timed(t), request(t, setup))
			require.NoError(t, err)
			pacer.Pace(func(ctx context.Context) error { return s.Settle(ctx, started.ID) })
			session, passed := stack.SessionOf(started.Link), pacer.Passed()
			for _, act := range []struct {
				action   string
				webhooks int
			}{{"start", 1}, {"consent", 2}, {"submit", 1}, {"approve", 2}} {
				require.NoError(t, s.Settle(timed(t), started.ID))
				require.NoError(t, s.Act(timed(t), session, act.action, nil))
				passed += act.webhooks
				require.Eventually(t, func() bool { return pacer.Passed() == passed }, patience, tick, act.action)
			}
			for seen, err := range s.Starter.Watch(timed(t), started.ID, true) {
				require.NoError(t, err)
				if seen.Closed {
					require.Equal(t, onboarding.OutcomeApproved, seen.Outcome)
				}
			}
			events, err := s.History(timed(t), started.ID, "")
			require.NoError(t, err)
			got := cost.Of(events)
			t.Logf("an approved onboarding, setup %s: %s", setup, got)
			require.LessOrEqual(t, got.Events, budget.events)
			require.LessOrEqual(t, got.Actions, budget.actions)
		})
	}
}
