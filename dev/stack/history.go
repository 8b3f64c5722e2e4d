package stack

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"kyc/onboarding"
)

// Settle waits until nothing is under way in an onboarding's run: no workflow task, no activity. What wakes a run
// schedules its workflow task in the same transaction, so that there is no gap in which it looks settled and is not.
func (s *Stack) Settle(ctx context.Context, id onboarding.ID) error {
	for {
		d, err := s.Client.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
		if err != nil {
			return err
		}
		if d.GetPendingWorkflowTask() == nil && len(d.GetPendingActivities()) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// History reads the whole history of a run, or with an empty run id of the newest.
func (s *Stack) History(ctx context.Context, id onboarding.ID, runID string) ([]*historypb.HistoryEvent, error) {
	return ReadHistory(ctx, s.Client, id, runID)
}

// ReadHistory is Stack.History where there is no stack.
func ReadHistory(ctx context.Context, c client.Client, id onboarding.ID, runID string) ([]*historypb.HistoryEvent, error) {
	var events []*historypb.HistoryEvent
	pages := c.GetWorkflowHistory(ctx, id.WorkflowID(), runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}
