// Package cost counts what a workflow's history costs: its events, and the actions that Temporal Cloud would bill.
package cost

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

// Kinds of billable actions, in the words of Temporal Cloud's documentation ("Temporal Cloud Actions").
const (
	WorkflowStarted = "workflow started"
	SignalSent      = "signal sent"
	UpdateReceived  = "update received"
	TimerStarted    = "timer started"
	ActivityStarted = "activity started or retried"
	LocalActivities = "local activities of a workflow task"
	AttributeUpsert = "search attribute upsert"
	OptionsUpdated  = "workflow options updated"
)

// Cost is what one history costs. Queries, heartbeats and rejected updates are billed as well, but leave no event.
type Cost struct {
	Events  int
	Actions int
	// EventsBy and ActionsBy are the same, by type of event and kind of action.
	EventsBy  map[string]int
	ActionsBy map[string]int
}

// Of counts a whole history.
func Of(events []*historypb.HistoryEvent) Cost {
	c := Cost{Events: len(events), EventsBy: map[string]int{}, ActionsBy: map[string]int{}}
	marked := map[int64]bool{}
	act := func(kind string, n int) {
		c.Actions += n
		c.ActionsBy[kind] += n
	}
	for _, e := range events {
		c.EventsBy[e.GetEventType().String()]++
		switch e.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: // continuing as new starts a workflow, too
			act(WorkflowStarted, 1)
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			act(SignalSent, 1)
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
			act(UpdateReceived, 1)
		case enumspb.EVENT_TYPE_TIMER_STARTED:
			act(TimerStarted, 1)
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED: // written when the activity has ended, with its last attempt
			act(ActivityStarted, int(max(e.GetActivityTaskStartedEventAttributes().GetAttempt(), 1)))
		case enumspb.EVENT_TYPE_MARKER_RECORDED: // all markers of a workflow task are one action
			if task := e.GetMarkerRecordedEventAttributes().GetWorkflowTaskCompletedEventId(); !marked[task] {
				marked[task] = true
				act(LocalActivities, 1)
			}
		case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			act(AttributeUpsert, 1)
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED:
			act(OptionsUpdated, 1)
		}
	}
	return c
}

// String is a table for people: the sums, then each kind, the most frequent first.
func (c Cost) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d events, %d billable actions\n", c.Events, c.Actions)
	for _, by := range []map[string]int{c.ActionsBy, c.EventsBy} {
		names := slices.SortedFunc(maps.Keys(by), func(x, y string) int {
			return cmp.Or(by[y]-by[x], strings.Compare(x, y))
		})
		for _, name := range names {
			fmt.Fprintf(&b, "  %3d  %s\n", by[name], name)
		}
	}
	return b.String()
}
