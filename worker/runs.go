package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
	"kyc/privacy"
)

// Keys are the onboardings' keys, by workflow id.
type Keys interface {
	// Check returns privacy.ErrNoKey or privacy.ErrErased where there is no key.
	Check(ctx context.Context, workflowID string) error
	// Erase drops a key for good.
	Erase(ctx context.Context, workflowID string) error
}

// runs are the onboardings in Temporal, for an erasure. Its client is not the worker's own: what it cannot open is an
// error and not a panic.
type runs struct {
	temporal  client.Client
	namespace string
	keys      Keys
}

// erased is what Temporal shows of a run that an erasure has ended.
const erased = "the customer's data have been erased"

func (r *runs) Survey(ctx context.Context, id onboarding.ID) (found onboarding.Survey, err error) {
	// Asked before the query: a workflow task that lacks its key answers none. A run from before the encryption has none.
	found.Readable = true
	if r.keys != nil {
		switch err := r.keys.Check(ctx, id.WorkflowID()); {
		case errors.Is(err, privacy.ErrNoKey):
		case errors.Is(err, privacy.ErrErased):
			found.Keyed, found.Readable = true, false
		case err != nil:
			return found, err
		default:
			found.Keyed = true
		}
	}
	d, err := r.temporal.DescribeWorkflow(ctx, id.WorkflowID(), "")
	if isNotFound(err) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("describing the onboarding: %w", err)
	}
	found.Known = true
	closed := d.Status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && d.Status != enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	found.HandedOff = closed
	if !found.Readable {
		return found, nil
	}
	var status onboarding.Status
	switch err := r.query(ctx, id, d.WorkflowExecution.RunID, onboarding.QueryStatus, &status); {
	case closed && neverRan(err):
	case err != nil:
		return found, err
	default:
		found.Stage = status.Stage
		found.HandedOff = closed || status.Stage == onboarding.StageWatching || status.Stage == onboarding.StageDone
		found.Opening = !closed && slices.Contains(status.Doing, onboarding.StepOpen)
	}
	found.Sessions, err = r.sessions(ctx, id)
	return found, err
}

// sessions asks every run there is: one that was reset knows nothing of the sessions that were opened after the point it
// went back to.
func (r *runs) sessions(ctx context.Context, id onboarding.ID) (all []string, err error) {
	runs, err := r.list(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		var ids []string
		err := r.query(ctx, id, run, onboarding.QuerySessions, &ids)
		if err != nil && !neverRan(err) && !isNotFound(err) {
			return nil, err
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (r *runs) query(ctx context.Context, id onboarding.ID, runID, name string, into any) error {
	answer, err := r.temporal.QueryWorkflow(ctx, id.WorkflowID(), runID, name)
	if err == nil {
		err = answer.Get(into)
	}
	if err != nil {
		return fmt.Errorf("asking the onboarding: %w", err)
	}
	return nil
}

// neverRan tells whether a query failed because no worker has taken up that run.
func neverRan(err error) bool {
	var notReady *serviceerror.WorkflowNotReady
	return errors.As(err, &notReady)
}

// Cancel sends the command under an id of the erasure's, so that it acts once.
func (r *runs) Cancel(ctx context.Context, e onboarding.Erasure) error {
	c := onboarding.Command{Kind: onboarding.CommandCancel, ID: e.ID.ErasureWorkflowID(), Actor: e.Actor, Reason: e.Reason}
	handle, err := r.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: e.ID.WorkflowID(), UpdateName: string(c.Kind), UpdateID: c.ID, Args: []any{c},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if isNotFound(err) || isRefused(err) {
		return nil // over, or decided meanwhile
	}
	return err
}

func (r *runs) End(ctx context.Context, id onboarding.ID) error {
	err := r.temporal.TerminateWorkflow(ctx, id.WorkflowID(), "", erased)
	if isNotFound(err) {
		return nil
	}
	return err
}

// Pauses of Delete between looks whether Temporal is done, which may take it a minute.
const (
	firstDeletePause = 200 * time.Millisecond
	lastDeletePause  = 2 * time.Second
)

// Delete asks for the deletion of every run, once each, and waits until there is none left.
func (r *runs) Delete(ctx context.Context, id onboarding.ID) error {
	asked := map[string]bool{} // every request is a task of its own to the server
	for wait := firstDeletePause; ; wait = min(2*wait, lastDeletePause) {
		left, err := r.list(ctx, id)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, run := range left {
			if asked[run] {
				continue
			}
			if err := r.delete(ctx, id, run); err != nil {
				return err
			}
			asked[run] = true
		}
		if !pause(ctx, wait) {
			return fmt.Errorf("%d runs are still being deleted: %w", len(left), ctx.Err())
		}
	}
}

// list are the ids of the runs that Temporal's lists show and of the newest, which they may not show yet.
func (r *runs) list(ctx context.Context, id onboarding.ID) (all []string, err error) {
	newest, err := r.temporal.DescribeWorkflow(ctx, id.WorkflowID(), "")
	switch {
	case err == nil:
		all = append(all, newest.WorkflowExecution.RunID)
	case !isNotFound(err):
		return nil, fmt.Errorf("describing the onboarding: %w", err)
	}
	query := fmt.Sprintf("WorkflowId = '%s'", id.WorkflowID()) // a UUID behind a fixed word: nothing to quote
	for page := []byte(nil); ; {
		list, err := r.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("listing the runs: %w", err)
		}
		for _, e := range list.GetExecutions() {
			all = append(all, e.GetExecution().GetRunId())
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			slices.Sort(all)
			return slices.Compact(all), nil
		}
	}
}

func (r *runs) delete(ctx context.Context, id onboarding.ID, runID string) error {
	_, err := r.temporal.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: r.namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID(), RunId: runID},
	})
	if err == nil || isNotFound(err) {
		return nil
	}
	return fmt.Errorf("deleting a run: %w", err)
}

func isNotFound(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}

func isRefused(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == onboarding.ErrTypeRefused
}
