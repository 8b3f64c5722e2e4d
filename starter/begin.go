package starter

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

// whyNoLinkYet is Started.Why when the link was not waited for.
const whyNoLinkYet = "the link was not waited for; Start and Status have it when the session is open"

// Begin is Start for callers who do not want to wait for the link: it returns as soon as Temporal has the onboarding,
// worker or not. One that stands already is looked up, which takes a worker to tell whether the request is the same;
// without one the answer is HowUnanswered. Errors: Invalid, Conflict, Erased, Unavailable.
func (s *Starter) Begin(ctx context.Context, r onboarding.Request) (Started, error) {
	in, err := s.input(ctx, r)
	if err != nil {
		return Started{}, err
	}
	id := r.Reference.ID()
	options := s.startOptions(id, in.Setup)
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err = s.temporal.ExecuteWorkflow(ctx, options, onboarding.WorkflowType, in)
	switch {
	case err == nil:
		return Started{ID: id, How: HowStarted, Why: whyNoLinkYet, Stage: onboarding.StageAwaitingStart, Attempt: 1}, nil
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		return s.standing(ctx, id, r.Digest())
	default:
		return Started{}, translated(err)
	}
}

// standing answers for an onboarding that had been started before.
func (s *Starter) standing(ctx context.Context, id onboarding.ID, digest string) (Started, error) {
	asking, cancel := context.WithTimeout(ctx, s.options.Wait)
	defer cancel()
	status, err := s.Status(asking, id)
	var mine *Error
	switch {
	case errors.As(err, &mine) && mine.Code == Unavailable && ctx.Err() == nil:
		return s.unanswered(ctx, id)
	case err != nil:
		return Started{}, err
	case status.RequestDigest != digest:
		return Started{}, conflict()
	}
	out := Started{ID: id, How: HowAlreadyRunning, Link: status.Link, Stage: status.Stage, Outcome: status.Outcome, Attempt: status.Attempt}
	if out.Outcome != "" {
		out.How = HowAlreadyDecided
	}
	if out.Link == "" {
		out.Why = "awaiting " + status.Awaited
	}
	if o, err := s.Overview(ctx, id); err == nil {
		out = out.unlessTerminated(o)
	}
	return out, nil
}
