package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

// Onboarding takes one customer from the request to the decision and watches the decision for a while. It fails for no
// reason of its own: what cannot go on is marked for attention and waits for an operator.
func Onboarding(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
	s, err := newShell(ctx, in)
	if err != nil {
		return onboarding.Result{}, err
	}
	return s.run()
}

// shell connects a process to Temporal. Everything happens in the one coroutine of run, in a fixed order, but for the
// handlers of updates; so nothing can slip in between the last look at the mailbox and the end.
type shell struct {
	// root is cancelled when Temporal cancels the run; ctx never is, because a cancelled onboarding is still handed off.
	root workflow.Context
	ctx  workflow.Context

	process *onboarding.Process
	events  workflow.ReceiveChannel
	pending []pendingStep
	timer   *timer
	// stirred: a handler has changed the process since run last looked.
	stirred   bool
	cancelled bool
	published onboarding.Attributes
}

// timer is the one timer of an onboarding.
type timer struct {
	at     time.Time
	fired  workflow.Future
	cancel workflow.CancelFunc
}

func newShell(root workflow.Context, in onboarding.Input) (*shell, error) {
	ctx, _ := workflow.NewDisconnectedContext(root)
	s := &shell{root: root, ctx: ctx, process: onboarding.Resume(in, workflow.Now(ctx))}
	s.events = workflow.GetSignalChannel(ctx, onboarding.SignalEvent)
	s.published = s.attributesAtStart()
	return s, s.registerHandlers(in)
}

func (s *shell) run() (onboarding.Result, error) {
	for {
		s.takeIn()
		s.apply(onboarding.Clock{})
		plan := s.process.Next(s.now())
		for _, step := range plan.Steps {
			s.begin(step)
		}
		s.publish()
		if s.idle() && workflow.AllHandlersFinished(s.ctx) {
			if plan.Done {
				return s.finish()
			}
			if workflow.GetInfo(s.ctx).GetContinueAsNewSuggested() && len(plan.Steps) == 0 {
				return onboarding.Result{}, workflow.NewContinueAsNewError(s.ctx, onboarding.WorkflowType, s.process.Carry())
			}
		}
		s.arm(plan)
		workflow.SetCurrentDetails(s.ctx, details(s.process.Status(s.now())))
		if err := workflow.Await(s.ctx, func() bool { return s.somethingHappened(plan) }); err != nil {
			return onboarding.Result{}, err
		}
	}
}

func (s *shell) now() time.Time { return workflow.Now(s.ctx) }

func (s *shell) idle() bool { return len(s.pending) == 0 && s.events.Len() == 0 }

func (s *shell) somethingHappened(plan onboarding.Plan) bool {
	if s.stirred || s.events.Len() > 0 || s.timer != nil && s.timer.fired.IsReady() || s.root.Err() != nil && !s.cancelled {
		return true
	}
	for _, p := range s.pending {
		if p.future.IsReady() {
			return true
		}
	}
	// The end, and continuing as new, wait for handlers that are still at work.
	return s.idle() && plan.Done && workflow.AllHandlersFinished(s.ctx)
}

// apply brings an occurrence to the process. Only commands can be refused, and they have been checked by then.
func (s *shell) apply(what onboarding.Occurrence) {
	if err := s.process.Apply(s.now(), what); err != nil {
		workflow.GetLogger(s.ctx).Warn("refused", "error", err)
	}
}

// takeIn brings everything that has happened to the process, in a fixed order.
func (s *shell) takeIn() {
	s.stirred = false
	if s.timer != nil && s.timer.fired.IsReady() {
		s.timer = nil
	}
	s.takeResults()
	for {
		var event onboarding.Event
		if !s.events.ReceiveAsync(&event) {
			break
		}
		s.apply(event)
	}
	if s.root.Err() != nil && !s.cancelled {
		s.cancelled = true
		s.apply(onboarding.Command{
			Kind: onboarding.CommandCancel, ID: "temporal-cancellation", Actor: onboarding.ActorTemporal,
			Reason: "the workflow's cancellation was requested",
		})
	}
}

// arm sets the timer to the plan's wake. Cancelling a timer costs one event, one that fires for nothing four: a timer is
// replaced unless it is right, or early where something is likely to happen first. While a step is under way that will
// end before the wake, its end serves as the timer.
func (s *shell) arm(plan onboarding.Plan) {
	for _, p := range s.pending {
		if plan.Wake.IsZero() || !p.endsBy.After(plan.Wake) {
			return
		}
	}
	if s.timer != nil {
		if s.timer.at.Equal(plan.Wake) || plan.EarlierWill && s.timer.at.Before(plan.Wake) {
			return
		}
		s.timer.cancel()
		s.timer = nil
	}
	if plan.Wake.IsZero() {
		return
	}
	ctx, cancel := workflow.WithCancel(s.ctx)
	fired := workflow.NewTimerWithOptions(ctx, plan.Wake.Sub(s.now()), workflow.TimerOptions{Summary: "next look"})
	s.timer = &timer{at: plan.Wake, fired: fired, cancel: cancel}
}

// finish ends the run. Nothing yields between the last look into the mailbox and the return.
func (s *shell) finish() (onboarding.Result, error) {
	if names := workflow.GetUnhandledSignalNames(s.ctx); len(names) > 0 {
		workflow.GetLogger(s.ctx).Warn("signals that nobody reads", "count", len(names))
	}
	return s.process.Result(), nil
}
