package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// The SDK's test environment does not tell an activity its retry policy.
func TestAnother_AttemptAndPolicy_TellWhetherThereWillBeAnotherTry(t *testing.T) {
	require.True(t, another(activity.Info{Attempt: 9}))
	require.True(t, another(activity.Info{Attempt: 9, RetryPolicy: &temporal.RetryPolicy{}}))
	require.True(t, another(activity.Info{Attempt: 2, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3}}))
	require.False(t, another(activity.Info{Attempt: 1, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1}}), "a brisk try is the only one")
}
