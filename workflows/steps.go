package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

// Times of the tries. A first try is made once and shortly; after it the step is patient, for Policy.StepPatience.
const (
	// A brisk look runs inside the workflow task, which times out after 10 s and is extended at 8 s: stay below.
	briskLook = 5 * time.Second
	briskTry  = 20 * time.Second
	oneTry    = 45 * time.Second
)

// pendingStep is a step that is under way.
type pendingStep struct {
	kind   onboarding.StepKind
	future workflow.Future
	// endsBy is when it has ended at the latest.
	endsBy time.Time
}

// begin starts a step and tells the process so.
func (s *shell) begin(step onboarding.Step) {
	s.process.Started(s.now(), step)
	name, input, summary := call(step)
	switch {
	case step.Brisk && step.Kind == onboarding.StepLook:
		// Looking is a short, repeatable read: as a local activity it costs one event instead of six.
		ctx := workflow.WithLocalActivityOptions(s.ctx, workflow.LocalActivityOptions{
			ScheduleToCloseTimeout: briskLook,
			RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
			Summary:                summary,
		})
		s.wait(step.Kind, workflow.ExecuteLocalActivity(ctx, name, input), briskLook)
	case step.Brisk:
		ctx := workflow.WithActivityOptions(s.ctx, workflow.ActivityOptions{
			StartToCloseTimeout:    briskTry,
			ScheduleToCloseTimeout: 2 * briskTry, // leaves time for a busy worker to take it up
			RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
			Summary:                summary,
		})
		s.wait(step.Kind, workflow.ExecuteActivity(ctx, name, input), 2*briskTry)
	default:
		patience := s.process.Patience()
		ctx := workflow.WithActivityOptions(s.ctx, workflow.ActivityOptions{
			StartToCloseTimeout:    min(oneTry, patience),
			ScheduleToCloseTimeout: patience,
			RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
			Summary:                summary,
		})
		s.wait(step.Kind, workflow.ExecuteActivity(ctx, name, input), patience)
	}
}

func (s *shell) wait(kind onboarding.StepKind, future workflow.Future, atMost time.Duration) {
	s.pending = append(s.pending, pendingStep{kind, future, s.now().Add(atMost)})
}

// call is the activity of a step, its input, and a line for people who read the history.
func call(step onboarding.Step) (name string, input any, summary string) {
	switch step.Kind {
	case onboarding.StepOpen:
		return onboarding.ActivityOpenSession, *step.Open, fmt.Sprintf("open session %d at Ondato", step.Open.Attempt)
	case onboarding.StepLook:
		return onboarding.ActivityLook, *step.Look, "ask Ondato"
	case onboarding.StepMessage:
		return onboarding.ActivitySendMessage, *step.Message, "send " + string(step.Message.Kind)
	default:
		return onboarding.ActivityHandOff, *step.HandOff,
			fmt.Sprintf("hand off version %d: %s", step.HandOff.Decision.Version, step.HandOff.Decision.Outcome)
	}
}

// takeResults brings the results of steps that have ended to the process.
func (s *shell) takeResults() {
	still := s.pending[:0:0]
	for _, p := range s.pending {
		if !p.future.IsReady() {
			still = append(still, p)
			continue
		}
		s.apply(s.result(p))
	}
	s.pending = still
}

func (s *shell) result(p pendingStep) onboarding.Finished {
	out := onboarding.Finished{Kind: p.kind}
	var err error
	switch p.kind {
	case onboarding.StepOpen:
		out.Opened = new(onboarding.OpenedSession)
		err = p.future.Get(s.ctx, out.Opened)
	case onboarding.StepLook:
		out.Sight = new(onboarding.Sight)
		err = p.future.Get(s.ctx, out.Sight)
	case onboarding.StepMessage:
		out.Sent = new(onboarding.SentMessage)
		err = p.future.Get(s.ctx, out.Sent)
	case onboarding.StepHandOff:
		out.Handed = new(onboarding.HandedOff)
		err = p.future.Get(s.ctx, out.Handed)
	}
	if err != nil {
		return onboarding.Finished{Kind: p.kind, Failure: failure(err)}
	}
	return out
}

// failure reduces an error to its technical code.
func failure(err error) *onboarding.Failure {
	var app *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &app):
		out := &onboarding.Failure{Code: app.Type(), Permanent: app.NonRetryable()}
		if app.HasDetails() {
			_ = app.Details(&out.Taken) // what cannot be read names nobody: they get it again, under the same id
		}
		return out
	case errors.As(err, &timeout):
		out := &onboarding.Failure{Code: "timeout"}
		if timeout.HasLastHeartbeatDetails() {
			_ = timeout.LastHeartbeatDetails(&out.Taken)
		}
		return out
	default:
		return &onboarding.Failure{Code: "failed"}
	}
}
