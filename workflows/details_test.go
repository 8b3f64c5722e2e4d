package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestDetails_HandOffFailing_SayWhatIsWrongAndWhatHelps(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	got := details(onboarding.Status{
		Setup: "retail", Stage: onboarding.StageHandingOff, Outcome: onboarding.OutcomeApproved, Attempt: 1, MaxAttempts: 3,
		StartedAt: at, Deadline: at.Add(30 * 24 * time.Hour), Awaited: "the backend", AwaitedSince: at.Add(time.Hour),
		Next: "hand the decision off", NextAt: at.Add(2 * time.Hour),
		Attention: []onboarding.Attention{onboarding.AttentionHandOffFailing},
		Allowed:   []onboarding.CommandKind{onboarding.CommandDecide, onboarding.CommandRetryHandoff},
		LastEvent: &onboarding.SeenEvent{Type: onboarding.EventApproved, Status: "Approved", ArrivedAt: at.Add(time.Hour)}, NotedTotal: 1,
		Trail: []onboarding.TrailEntry{
			{At: at, Actor: "process", What: "handoff-failing", Reason: "handoff-refused"},
			{At: at, Actor: "jonas|ops", What: "retry-handoff", Reason: "Ona called"},
		},
	})
	for _, want := range []string{
		"### HandingOff · Approved\n",
		"**Awaiting** the backend, since 2026-11-02 10:00:00 UTC.",
		"**Next**, if nothing happens before: hand the decision off, at 2026-11-02 11:00:00 UTC.",
		"- `handoff-failing`: the backend does not accept the decision",
		"Setup retail · started 2026-11-02 09:00:00 UTC · attempt 1 of 3\n",
		"Last event: `KycIdentification.Approved` Approved, arrived 2026-11-02 10:00:00 UTC.",
		"noted without being acted on: 1;",
		"- `decide`: decides Approved or Rejected in Ondato's place; add `\"outcome\": \"Approved\"` or `\"Rejected\"`.",
		"- `retry-handoff`: tries to hand the decision off now.",
		"| 2026-11-02 09:00:00 UTC | handoff-failing (handoff-refused) | process |",
		`| retry-handoff | jonas\|ops |`,
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "Ona called", "people write freely")
	require.NotContains(t, got, "deadline", "it means nothing any more")
}

func TestDetails_LongTrail_ShowsItsEnd(t *testing.T) {
	var s onboarding.Status
	for i := range 30 {
		s.Trail = append(s.Trail, onboarding.TrailEntry{What: "entry " + string(rune('A'+i)), Actor: "process"})
	}
	got := details(s)
	require.Equal(t, maxShown, strings.Count(got, "entry"))
	require.Contains(t, got, "entry "+string(rune('A'+29)))
	require.NotContains(t, got, "You can", "nothing is allowed")
}

func TestAdvice_EachCode_HasItsOwn(t *testing.T) {
	seen := map[string]bool{advice("unheard-of"): true}
	for _, a := range []onboarding.Attention{
		onboarding.AttentionOpeningFailing, onboarding.AttentionOndatoFailing, onboarding.AttentionMessageFailing, onboarding.AttentionMessageRefused,
		onboarding.AttentionOverdue, onboarding.AttentionHandOffFailing, onboarding.AttentionLateDecision, onboarding.AttentionOtherSession,
	} {
		require.False(t, seen[advice(a)], a)
		seen[advice(a)] = true
	}
}
