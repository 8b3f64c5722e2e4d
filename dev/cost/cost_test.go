package cost_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"kyc/dev/cost"
)

func TestOf_RetriesAndMarkersOfOneTask_AreCountedAsTemporalCloudDoes(t *testing.T) {
	marker := func(task int64) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_MARKER_RECORDED,
			Attributes: &historypb.HistoryEvent_MarkerRecordedEventAttributes{
				MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{WorkflowTaskCompletedEventId: task},
			},
		}
	}
	got := cost.Of([]*historypb.HistoryEvent{
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED},
		marker(4), marker(4), marker(9),
		{
			EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED,
			Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
				ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{Attempt: 3},
			},
		},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED},
	})
	require.Equal(t, 7, got.Events)
	require.Equal(t, 1+2+3, got.Actions)
	require.Equal(t, map[string]int{cost.WorkflowStarted: 1, cost.LocalActivities: 2, cost.ActivityStarted: 3}, got.ActionsBy)
}
