package starter

import (
	"context"
	"iter"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

var (
	keyStage     = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeStage)
	keyOutcome   = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeOutcome)
	keySetup     = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeSetup)
	keyAttempt   = temporal.NewSearchAttributeKeyInt64(onboarding.AttributeAttempt)
	keyAttention = temporal.NewSearchAttributeKeyKeywordList(onboarding.AttributeAttention)
	keyDeadline  = temporal.NewSearchAttributeKeyTime(onboarding.AttributeDeadline)
)

// Overview is what an onboarding shows without a worker: its search attributes. Stages that last for seconds only are
// not in it.
type Overview struct {
	ID        onboarding.ID      `json:"id"`
	RunID     string             `json:"runId"`
	Setup     string             `json:"setup"`
	Stage     onboarding.Stage   `json:"stage"`
	Outcome   onboarding.Outcome `json:"outcome,omitempty"`
	Attempt   int                `json:"attempt"`
	Attention []string           `json:"attention,omitempty"`
	// StartedAt is when the run began. An onboarding that has continued as new or was reset began earlier: Status tells.
	StartedAt time.Time `json:"startedAt"`
	Deadline  time.Time `json:"deadline"`
	// Closed tells that the run is over; Unfinished that it was terminated, so that nothing was handed off at its end. Stage
	// is then where it stood: see Undelivered.
	Closed     bool `json:"closed"`
	Unfinished bool `json:"unfinished,omitempty"`
}

// Undelivered tells that the run was terminated before its decision had been handed off: nothing follows any more, and
// whoever asked for the onboarding hears nothing of it.
func (o Overview) Undelivered() bool { return o.Unfinished && o.Stage != onboarding.StageWatching }

// end says in few words how a run that is over has ended.
func (o Overview) end() string {
	switch {
	case o.Undelivered():
		return whyTerminated
	case o.Unfinished:
		return string(o.Outcome) + " was handed off, and then the run was terminated in Temporal"
	}
	return string(o.Outcome)
}

// Overview looks an onboarding up. Errors: NotFound, Unavailable.
func (s *Starter) Overview(ctx context.Context, id onboarding.ID) (Overview, error) {
	d, err := s.temporal.DescribeWorkflow(ctx, id.WorkflowID(), "")
	if err != nil {
		return Overview{}, translated(err)
	}
	return overviewOf(id, d.WorkflowExecution.RunID, d.WorkflowStartTime, d.Status, d.TypedSearchAttributes), nil
}

func overviewOf(id onboarding.ID, run string, began time.Time, status enumspb.WorkflowExecutionStatus, set temporal.SearchAttributes) Overview {
	out := Overview{ID: id, RunID: run, StartedAt: began}
	stage, _ := set.GetKeyword(keyStage)
	outcome, _ := set.GetKeyword(keyOutcome)
	attempt, _ := set.GetInt64(keyAttempt)
	out.Stage, out.Outcome, out.Attempt = onboarding.Stage(stage), onboarding.Outcome(outcome), int(attempt)
	out.Setup, _ = set.GetKeyword(keySetup)
	out.Attention, _ = set.GetKeywordList(keyAttention)
	out.Deadline, _ = set.GetTime(keyDeadline)
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		out.Closed = true
	default:
		out.Closed, out.Unfinished = true, true
	}
	return out
}

// handedOff tells whether the decision has been handed off.
func (o Overview) handedOff() bool {
	return o.Closed || o.Stage == onboarding.StageWatching || o.Stage == onboarding.StageDone
}

// Watch yields the overview now and after every change, until the decision has been handed off, or with toTheEnd until
// the onboarding is over. It polls descriptions, which cost nothing on Temporal Cloud and need no worker. A passing
// failure to look is retried; what is yielded as an error ends the watch.
func (s *Starter) Watch(ctx context.Context, id onboarding.ID, toTheEnd bool) iter.Seq2[Overview, error] {
	return func(yield func(Overview, error) bool) {
		tick := time.NewTicker(s.options.PollEvery)
		defer tick.Stop()
		var last Overview
		failures := 0
		for {
			o, err := s.Overview(ctx, id)
			switch {
			case err == nil:
				failures = 0
				if changed := o.Stage != last.Stage || o.Outcome != last.Outcome || o.Attempt != last.Attempt ||
					o.Closed != last.Closed || !slices.Equal(o.Attention, last.Attention); changed {
					if !yield(o, nil) {
						return
					}
					last = o
				}
				if o.Closed || !toTheEnd && o.handedOff() {
					return
				}
			case ctx.Err() != nil:
				yield(last, translated(ctx.Err()))
				return
			default:
				if failures++; failures > 20 || err.(*Error).Code == NotFound {
					yield(last, err)
					return
				}
			}
			select {
			case <-ctx.Done():
				yield(last, translated(ctx.Err()))
				return
			case <-tick.C:
			}
		}
	}
}
