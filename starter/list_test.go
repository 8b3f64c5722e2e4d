package starter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestFilter_BadMembers_AreAllNamed(t *testing.T) {
	err := Filter{
		Stage: "x' OR 'a'='a", Outcome: "Accepted", Attention: "everything", Setup: "Standard'", Standing: "ajar", PageSize: 1001, PageToken: "!",
	}.Validate()
	var fields []string
	for _, f := range onboarding.Fields(err) {
		require.NotEmpty(t, f.Remedy, f.Field)
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{"stage", "outcome", "attention", "setup", "standing", "pageSize", "pageToken"}, fields)
}

func TestFilter_EveryValueThatIsAllowed_IsAccepted(t *testing.T) {
	for _, stage := range onboarding.Stages() {
		require.NoError(t, Filter{Stage: stage}.Validate())
	}
	for _, outcome := range onboarding.Outcomes() {
		require.NoError(t, Filter{Outcome: outcome}.Validate())
	}
	for _, code := range append(onboarding.Attentions(), AttentionAny) {
		require.NoError(t, Filter{Attention: code}.Validate())
	}
	require.NoError(t, Filter{Setup: "standard_2-b", Standing: StandingClosed, PageSize: MaxPageSize}.Validate())
}

func TestFilter_Query_SaysWhatTheFilterSays(t *testing.T) {
	const all = "WorkflowType = 'Onboarding' AND ExecutionStatus != 'ContinuedAsNew'"
	require.Equal(t, all, Filter{}.query())
	require.Equal(t, all+" AND OnboardingStage = 'InProgress' AND OnboardingOutcome = 'Approved' AND OnboardingAttention = 'handoff-failing' AND OnboardingSetup = 'standard'"+
		" AND ExecutionStatus NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut')",
		Filter{Stage: "InProgress", Outcome: "Approved", Attention: "handoff-failing", Setup: "standard", Standing: StandingOpen}.query())
	require.Equal(t, all+" AND OnboardingAttention IS NOT NULL", Filter{Attention: AttentionAny}.query())
	require.Equal(t, "'it''s'", quoted("it's"))
}

func TestPageToken_OfAnotherFilter_IsRefused(t *testing.T) {
	f := Filter{Setup: "standard"}
	f.PageToken = f.tokenFor([]byte("position"))
	require.NoError(t, f.Validate())
	position, err := f.position()
	require.NoError(t, err)
	require.Equal(t, "position", string(position))
	f.PageSize = 7
	require.NoError(t, f.Validate(), "the size may change")
	f.Setup = "premium"
	require.ErrorContains(t, f.Validate(), "pageToken is not a token of this list")
	require.Empty(t, f.tokenFor(nil))
}
