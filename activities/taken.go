package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// What goes to several places may be taken by some of them while others fail. Who has taken it is told to the next try of
// the activity by a heartbeat, and to the process by the error's one detail, so that nobody gets it again without need.

// takenBefore are the names that earlier tries of this activity have left.
func takenBefore(ctx context.Context) []string {
	var taken []string
	if !activity.IsActivity(ctx) || !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &taken) != nil {
		return nil // whoever had it gets it again, under the same id
	}
	return taken
}

// keepTaken leaves the names for the next try, if there will be one. A heartbeat costs, and is sent only for this.
func keepTaken(ctx context.Context, taken []string, failure error) {
	var app *temporal.ApplicationError
	if !activity.IsActivity(ctx) || errors.As(failure, &app) && app.NonRetryable() {
		return
	}
	if another(activity.GetInfo(ctx)) {
		activity.RecordHeartbeat(ctx, taken)
	}
}

// another tells whether the activity may be tried again.
func another(info activity.Info) bool {
	policy := info.RetryPolicy
	return policy == nil || policy.MaximumAttempts == 0 || info.Attempt < policy.MaximumAttempts
}

// withTaken gives an error the names.
func withTaken(err error, taken []string) error {
	var app *temporal.ApplicationError
	if len(taken) == 0 || !errors.As(err, &app) {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(app.Message(), app.Type(), temporal.ApplicationErrorOptions{
		NonRetryable: app.NonRetryable(), NextRetryDelay: app.NextRetryDelay(), Details: []any{taken},
	})
}
