package starter

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"kyc/onboarding"
)

// whyTerminated says what became of an onboarding whose run was ended in Temporal.
const whyTerminated = "the run was terminated in Temporal and nothing was handed off; reset it there, or start another onboarding under a reference of its own"

// Status returns the complete snapshot of an onboarding. It needs a worker. Of a run that was terminated in Temporal it is
// the last that was known, with Terminated set and without what will never come. Errors: NotFound, Erased,
// Unavailable.
func (s *Starter) Status(ctx context.Context, id onboarding.ID) (onboarding.Status, error) {
	query := client.QueryWorkflowWithOptionsRequest{
		WorkflowID: id.WorkflowID(), QueryType: onboarding.QueryStatus,
		QueryRejectCondition: enumspb.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY,
	}
	answer, err := s.temporal.QueryWorkflowWithOptions(ctx, &query)
	terminated := err == nil && answer.QueryRejected != nil
	if terminated { // its history still tells how it stood
		query.QueryRejectCondition = enumspb.QUERY_REJECT_CONDITION_NONE
		answer, err = s.temporal.QueryWorkflowWithOptions(ctx, &query)
	}
	var status onboarding.Status
	if err == nil {
		err = answer.QueryResult.Get(&status)
	}
	if err == nil && terminated {
		status = ended(status)
	}
	return status, translated(err)
}

// ended takes from a status what a run that was terminated promises no more.
func ended(s onboarding.Status) onboarding.Status {
	s.Terminated = true
	s.Link, s.Doing, s.Next, s.NextAt, s.Allowed = "", nil, "", time.Time{}, nil
	s.Awaited = "nothing: " + whyTerminated
	if s.HandedOff != nil {
		s.Awaited = fmt.Sprintf("nothing: the run was terminated in Temporal; what the backend has is version %d, and nothing later will be handed off", s.HandedOff.Version)
	}
	return s
}
