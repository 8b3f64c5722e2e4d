package starter

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

// Erasing is the answer to an Erase.
type Erasing struct {
	ID onboarding.ID `json:"id"`
	// Receipt is what was done; nil while it is still under way, which it then stays without the caller.
	Receipt *onboarding.ErasureReceipt `json:"receipt,omitempty"`
}

// Erase has a customer forgotten: Ondato redacts the sessions, the key of the onboarding is dropped and its runs are
// deleted. It waits as long as Start does; an erasure that takes longer goes on by itself. It may be repeated: an erasure
// that has been ordered is found, with its receipt when it is done. Errors: Invalid, NotFound, Refused (nothing has been
// handed off yet, and the erasure does not say CancelFirst), Unavailable.
func (s *Starter) Erase(ctx context.Context, e onboarding.Erasure) (Erasing, error) {
	if err := e.Validate(); err != nil {
		return Erasing{ID: e.ID}, invalid(err)
	}
	e.ID, _ = onboarding.ParseID(string(e.ID)) // it may have come in capitals
	out := Erasing{ID: e.ID}
	run, err := s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: e.ID.ErasureWorkflowID(), TaskQueue: s.options.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Erasure of onboarding " + string(e.ID),
	}, onboarding.ErasureWorkflowType, e)
	switch {
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		run = s.temporal.GetWorkflow(ctx, e.ID.ErasureWorkflowID(), "")
	case err != nil:
		return out, translated(err)
	}
	waiting, cancel := context.WithTimeout(ctx, s.options.Wait)
	defer cancel()
	var receipt onboarding.ErasureReceipt
	err = run.Get(waiting, &receipt)
	switch {
	case err == nil:
		out.Receipt = &receipt
		return out, nil
	case ctx.Err() == nil && isLate(err):
		return out, nil // it goes on
	default:
		return out, translated(err)
	}
}

// isLate tells whether there was no answer in time.
func isLate(err error) bool {
	var late *serviceerror.DeadlineExceeded
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late)
}
