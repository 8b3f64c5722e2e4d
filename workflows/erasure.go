package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

// Pauses of an erasure that waits for its onboarding's end.
const (
	firstWait = 2 * time.Second
	lastWait  = 10 * time.Minute
)

// Erasure has a customer forgotten: Ondato redacts the sessions, the onboarding's key is dropped, its runs are deleted.
// Each part may be repeated, and goes on where it was after an interruption. It fails only when it is refused, because
// the onboarding has not been handed off; then it has done nothing.
func Erasure(ctx workflow.Context, in onboarding.Erasure) (onboarding.ErasureReceipt, error) {
	e := &erasure{ctx: workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: lastWait},
	}), in: in}
	return e.run()
}

type erasure struct {
	ctx workflow.Context
	in  onboarding.Erasure
}

func (e *erasure) run() (onboarding.ErasureReceipt, error) {
	receipt := onboarding.ErasureReceipt{ID: e.in.ID}
	found, err := e.handedOff()
	if err != nil {
		return receipt, err
	}
	for i, session := range found.Sessions {
		e.tell(fmt.Sprintf("redacting session %d of %d at Ondato", i+1, len(found.Sessions)))
		if err := e.do(onboarding.ActivityRedact, onboarding.Look{SessionID: session}); err != nil {
			return receipt, err
		}
		receipt.Sessions++
	}
	if found.Known {
		e.tell("ending the run")
		if err := e.do(onboarding.ActivityEndRun, e.in.ID); err != nil {
			return receipt, err
		}
	}
	e.tell("dropping the key")
	if err := workflow.ExecuteActivity(e.ctx, onboarding.ActivityDropKey, e.in.ID).Get(e.ctx, &receipt.KeyDropped); err != nil {
		return receipt, err
	}
	if !e.in.KeepHistory {
		e.tell("deleting the runs")
		if err := e.do(onboarding.ActivityDeleteRuns, e.in.ID); err != nil {
			return receipt, err
		}
		receipt.HistoryDeleted = true
	}
	receipt.ErasedAt = workflow.Now(e.ctx)
	e.tell("done")
	return receipt, nil
}

// handedOff finds out what there is, and waits until the onboarding's decision has been handed off if it may.
func (e *erasure) handedOff() (found onboarding.Survey, err error) {
	e.tell("looking at the onboarding")
	for wait, cancelled := firstWait, false; ; wait = min(2*wait, lastWait) {
		found = onboarding.Survey{} // what is left out of a result would stay as it was
		if err := workflow.ExecuteActivity(e.ctx, onboarding.ActivitySurvey, e.in.ID).Get(e.ctx, &found); err != nil {
			return found, err
		}
		switch {
		case !found.Known && !found.Keyed: // dropping its key would spoil the reference of one that is yet to come
			return found, temporal.NewNonRetryableApplicationError("there is no such onboarding", onboarding.ErrTypeNotFound, nil)
		case !found.Known || !found.Readable || found.HandedOff && !found.Opening:
			return found, nil
		case !found.HandedOff && !e.in.CancelFirst:
			return found, temporal.NewNonRetryableApplicationError(
				"the onboarding is in stage "+string(found.Stage)+" and its decision has not been handed off: wait, or cancel it first",
				onboarding.ErrTypeRefused, nil)
		case !found.HandedOff && !cancelled:
			if err := e.do(onboarding.ActivityCancelFirst, e.in); err != nil {
				return found, err
			}
			cancelled = true
		}
		e.tell("waiting until the decision has been handed off")
		if err := workflow.NewTimerWithOptions(e.ctx, wait, workflow.TimerOptions{Summary: "look again"}).Get(e.ctx, nil); err != nil {
			return found, err
		}
	}
}

func (e *erasure) do(activity string, input any) error {
	return workflow.ExecuteActivity(e.ctx, activity, input).Get(e.ctx, nil)
}

// tell shows people in the Temporal UI what is being done.
func (e *erasure) tell(what string) {
	workflow.SetCurrentDetails(e.ctx, fmt.Sprintf("### Erasure of onboarding %s\n\n%s, since %s.\n", e.in.ID, what, clock(workflow.Now(e.ctx))))
}
