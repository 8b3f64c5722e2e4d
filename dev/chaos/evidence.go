package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"kyc/dev/stack"
	"kyc/onboarding"
)

// evidence is all that the check goes by, collected when everything is over.
type evidence struct {
	Onboardings []onboardingEvidence
	// Critical reasons are final; after others a customer may try again.
	Critical map[string]bool
	// Refused deliveries had a wrong signature, Unreadable ones were no decision.
	Refused, Unreadable int
	// Strangers are sessions, deliveries and runs that belong to none of the onboardings, in words.
	Strangers []string
	// Programs says what cannot be excused about the programs.
	Programs []string
}

// onboardingEvidence is what is known of one onboarding, side by side.
type onboardingEvidence struct {
	Name  string
	ID    onboarding.ID
	Setup onboarding.Setup
	// ByHand: nothing happens in a session but what its customer does, who has the link.
	ByHand bool
	// Request as it was made; Started counts the calls that were told that they began the onboarding, StartFailed is an
	// error that repeating could not cure.
	Reference   onboarding.Reference
	Started     int
	StartFailed string

	// Sessions are those at the sandbox under this onboarding's ID, the oldest first; Told are those that the customer
	// was given the link of.
	Sessions []session
	Told     []string
	// Record is the identification that the newest decision names, as Ondato's API shows it now.
	Record     json.RawMessage `json:",omitempty"`
	Deliveries []delivery

	// Runs are those that visibility lists, Chain those of the newest run and its predecessors.
	Runs  []string
	Chain []run
	// LooksBefore counts the answered looks at Ondato before the first handoff was begun, Looks all of them.
	LooksBefore, Looks int
	Result             *onboarding.Result
	Status             *onboarding.Status
}

// run of a workflow.
type run struct {
	ID      string
	Status  enumspb.WorkflowExecutionStatus
	Started time.Time
	Closed  time.Time
}

// began is when the onboarding began.
func (e *onboardingEvidence) began() time.Time {
	if len(e.Chain) == 0 {
		return time.Time{}
	}
	return e.Chain[0].Started
}

// last is the newest run.
func (e *onboardingEvidence) last() (run, bool) {
	if len(e.Chain) == 0 {
		return run{}, false
	}
	return e.Chain[len(e.Chain)-1], true
}

// secrets are what may be in no log: the sessions' ids open the customers' pages.
func (all *evidence) secrets() []string {
	list := []string{lastName(kind{}), "@chaos.example"}
	for _, e := range all.Onboardings {
		for _, s := range e.Sessions {
			list = append(list, s.ID)
		}
	}
	return list
}

// collect asks everybody. What does not answer here is an error: there is no trouble any more.
func (c *chaos) collect(ctx context.Context) (*evidence, error) {
	out := new(evidence)
	var held []delivery
	var err error
	held, out.Refused, out.Unreadable = c.backend.all()
	if out.Critical, err = c.ondato.criticalReasons(ctx); err != nil {
		return nil, err
	}
	sessions, err := c.ondato.sessions(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := c.runs(ctx)
	if err != nil {
		return nil, err
	}
	token, err := c.ondato.token(ctx)
	if err != nil {
		return nil, err
	}
	out.Onboardings = make([]onboardingEvidence, len(c.plan.customers))
	known := map[string]bool{}
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(8)
	for i, who := range c.plan.customers {
		known[string(who.id)] = true
		e := &out.Onboardings[i]
		*e = onboardingEvidence{
			Name: who.name, ID: who.id, Setup: c.setups[who.kind.setup], ByHand: who.kind.script == "", Reference: who.request.Reference,
			Started: c.starts[i].started, StartFailed: c.starts[i].failed, Told: c.told.of(who.number), Runs: runs[who.id.WorkflowID()],
		}
		e.Deliveries, _ = c.backend.of(who.id)
		for _, s := range slices.Backward(sessions) {
			if s.Reference == string(who.id) {
				e.Sessions = append(e.Sessions, s)
			}
		}
		asking.Go(func() error {
			if err := c.complete(ctx, e); err != nil {
				return fmt.Errorf("%s: %w", e.Name, err)
			}
			if held := e.held(); held != nil && held.Message.Data.Ondato.Identification != "" {
				e.Record, err = c.ondato.record(ctx, token, held.Message.Data.Ondato.Identification)
				var no *refusal
				if err != nil && !errors.As(err, &no) { // one that does not exist is for the check to find
					return fmt.Errorf("%s: %w", e.Name, err)
				}
			}
			return nil
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	out.Strangers = c.strangers(known, sessions, held, runs)
	return out, nil
}

// strangers lists what belongs to nobody.
func (c *chaos) strangers(known map[string]bool, sessions []session, held []delivery, runs map[string][]string) (list []string) {
	for _, s := range sessions {
		if !known[s.Reference] {
			list = append(list, fmt.Sprintf("the sandbox's session number %d belongs to no onboarding", s.Number))
		}
	}
	for _, d := range held {
		if !known[d.Message.Data.ID] {
			list = append(list, "the backend holds a decision of no onboarding: "+d.WebhookID)
		}
	}
	workflows := map[string]bool{}
	for _, who := range c.plan.customers {
		workflows[who.id.WorkflowID()] = true
	}
	for id := range runs {
		if !workflows[id] {
			list = append(list, "Temporal holds a workflow of no onboarding: "+id)
		}
	}
	return list
}

// runs lists the runs of every workflow, as visibility knows them.
func (c *chaos) runs(ctx context.Context) (map[string][]string, error) {
	all := map[string][]string{}
	for page := []byte(nil); ; {
		answer, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("listing the workflows: %w", err)
		}
		for _, e := range answer.GetExecutions() {
			id := e.GetExecution().GetWorkflowId()
			all[id] = append(all[id], e.GetExecution().GetRunId())
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return all, nil
		}
	}
}

// complete adds what Temporal knows of an onboarding. One that it does not know has no runs.
func (c *chaos) complete(ctx context.Context, e *onboardingEvidence) error {
	described, err := c.temporal.DescribeWorkflowExecution(ctx, e.ID.WorkflowID(), "")
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	info := described.GetWorkflowExecutionInfo()
	newest := run{ID: info.GetExecution().GetRunId(), Status: info.GetStatus()}
	for at := newest; ; {
		events, err := stack.ReadHistory(ctx, c.temporal, e.ID, at.ID)
		if err != nil {
			return err
		}
		begun := events[0].GetWorkflowExecutionStartedEventAttributes()
		at.Started = events[0].GetEventTime().AsTime()
		if at.Status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			at.Closed = events[len(events)-1].GetEventTime().AsTime()
		}
		e.Chain = slices.Insert(e.Chain, 0, at)
		e.countLooks(events)
		if begun.GetContinuedExecutionRunId() == "" {
			break
		}
		at = run{ID: begun.GetContinuedExecutionRunId(), Status: enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW}
	}
	if newest.Status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		e.Result = new(onboarding.Result)
		if err := c.temporal.GetWorkflow(ctx, e.ID.WorkflowID(), newest.ID).Get(ctx, e.Result); err != nil {
			return err
		}
	}
	status, err := c.starter.Status(ctx, e.ID)
	if err != nil {
		return err
	}
	e.Status = &status
	return nil
}

// countLooks counts answered looks, in a run that precedes those counted before.
func (e *onboardingEvidence) countLooks(events []*historypb.HistoryEvent) {
	names := map[int64]string{}
	looks, before, handed := 0, 0, false
	for _, event := range events {
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			name := event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
			names[event.GetEventId()] = name
			if name == onboarding.ActivityHandOff && !handed {
				handed, before = true, looks
			}
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			if names[event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()] == onboarding.ActivityLook {
				looks++
			}
		case enumspb.EVENT_TYPE_MARKER_RECORDED: // first looks are local activities
			if m := event.GetMarkerRecordedEventAttributes(); m.GetMarkerName() == "LocalActivity" && m.GetFailure() == nil {
				looks++
			}
		}
	}
	e.Looks += looks
	if handed {
		e.LooksBefore = before
	} else {
		e.LooksBefore += looks
	}
}
