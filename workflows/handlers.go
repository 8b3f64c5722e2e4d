package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

// registerHandlers sets the query and update handlers. It runs before the first wait, so that no message is too early.
func (s *shell) registerHandlers(in onboarding.Input) error {
	err := workflow.SetQueryHandlerWithOptions(s.ctx, onboarding.QueryStatus, func() (onboarding.Status, error) {
		return s.process.Status(s.now()), nil
	}, workflow.QueryHandlerOptions{Description: "a complete snapshot of the onboarding"})
	if err != nil {
		return err
	}
	err = workflow.SetQueryHandlerWithOptions(s.ctx, onboarding.QuerySessions, func() ([]string, error) {
		return s.process.Sessions(), nil
	}, workflow.QueryHandlerOptions{Description: "the ids of all sessions, for an erasure"})
	if err != nil {
		return err
	}
	if err := s.registerLink(in.Request.Digest()); err != nil {
		return err
	}
	for _, kind := range onboarding.CommandKinds() {
		if err := s.registerCommand(kind); err != nil {
			return err
		}
	}
	return nil
}

func (s *shell) registerLink(requestDigest string) error {
	wait := func(ctx workflow.Context, _ onboarding.LinkRequest) (onboarding.LinkView, error) {
		var view onboarding.LinkView
		ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled onboarding still answers
		err := workflow.Await(ctx, func() (ready bool) {
			view, ready = s.process.Link()
			return ready
		})
		return view, err
	}
	check := func(_ workflow.Context, ask onboarding.LinkRequest) error {
		if ask.RequestDigest != requestDigest {
			return temporal.NewApplicationError("this reference belongs to an onboarding with another request", onboarding.ErrTypeConflict)
		}
		return nil
	}
	return workflow.SetUpdateHandlerWithOptions(s.ctx, onboarding.UpdateLink, wait, workflow.UpdateHandlerOptions{
		Validator: check, Description: "answers with the customer's link as soon as there is one",
	})
}

// descriptions of the commands, as the Temporal UI shows them.
func description(kind onboarding.CommandKind) string {
	switch kind {
	case onboarding.CommandRemind:
		return "sends the customer a reminder, unless a look at Ondato shows that they have finished"
	case onboarding.CommandRefresh:
		return "asks Ondato now"
	case onboarding.CommandRenew:
		return "opens a new session and sends its link"
	case onboarding.CommandExtend:
		return "moves the deadline by a duration such as 7d"
	case onboarding.CommandCancel:
		return "ends the onboarding as cancelled"
	case onboarding.CommandDecide:
		return "decides Approved or Rejected in Ondato's place"
	default:
		return "tries to hand the decision off now"
	}
}

func (s *shell) registerCommand(kind onboarding.CommandKind) error {
	// An operator may leave the command's id out: it is the update's then.
	read := func(ctx workflow.Context, c onboarding.Command) onboarding.Command {
		c.Kind = kind
		if info := workflow.GetCurrentUpdateInfo(ctx); c.ID == "" && info != nil {
			c.ID = info.ID
		}
		return c
	}
	obey := func(ctx workflow.Context, c onboarding.Command) (onboarding.CommandReceipt, error) {
		c = read(ctx, c)
		repeated := s.process.Known(c)
		if err := s.process.Apply(s.now(), c); err != nil {
			return onboarding.CommandReceipt{}, refusal(err)
		}
		s.stirred = true
		return onboarding.CommandReceipt{Repeated: repeated, Stage: s.process.Stage()}, nil
	}
	check := func(ctx workflow.Context, c onboarding.Command) error {
		return refusal(s.process.Check(s.now(), read(ctx, c)))
	}
	return workflow.SetUpdateHandlerWithOptions(s.ctx, string(kind), obey, workflow.UpdateHandlerOptions{
		Validator: check, Description: description(kind),
	})
}

// refusal gives a refused command the type by which callers tell why.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	var refused *onboarding.Refused
	if errors.As(err, &refused) {
		return temporal.NewApplicationError(refused.Why, onboarding.ErrTypeRefused)
	}
	return temporal.NewApplicationError(err.Error(), onboarding.ErrTypeInvalid)
}
