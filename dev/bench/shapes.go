package bench

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

// The shapes that an onboarding is compared with. All three take the same input, are started by the product's starter,
// answer its update `link`, make the same calls (open, invite, look, hand off, look again after the watch window) and get
// the same six events.
const (
	shapeProduct         = "the product"
	shapeBare            = "bare"
	shapeStraightforward = "straightforward"

	typeBare            = "BenchBare"
	typeStraightforward = "BenchStraightforward"
)

// bare does what cannot be left out, in a fixed order, and no more: no decisions, timers but the watch, search
// attributes, query, duplicates or second attempts. Looks are local activities, as the product's are.
func bare(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
	var opened onboarding.OpenedSession
	if err := answerLink(ctx, in, &opened); err != nil {
		return onboarding.Result{}, err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 20 * time.Second})
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: 5 * time.Second})
	if err := workflow.ExecuteActivity(ctx, onboarding.ActivityOpenSession, openInput(in)).Get(ctx, &opened); err != nil {
		return onboarding.Result{}, err
	}
	if err := workflow.ExecuteActivity(ctx, onboarding.ActivitySendMessage, invitation(in, opened)).Get(ctx, nil); err != nil {
		return onboarding.Result{}, err
	}
	events := workflow.GetSignalChannel(ctx, onboarding.SignalEvent)
	for range sixEvents {
		var event onboarding.Event
		events.Receive(ctx, &event)
	}
	look := onboarding.Look{SessionID: opened.SessionID}
	var seen onboarding.Sight
	if err := workflow.ExecuteLocalActivity(ctx, onboarding.ActivityLook, look).Get(ctx, &seen); err != nil {
		return onboarding.Result{}, err
	}
	hand := handOff(in, opened, seen, workflow.Now(ctx))
	if err := workflow.ExecuteActivity(ctx, onboarding.ActivityHandOff, hand).Get(ctx, nil); err != nil {
		return onboarding.Result{}, err
	}
	if err := workflow.Sleep(ctx, in.Setup.Policy.WatchFor.Std()); err != nil {
		return onboarding.Result{}, err
	}
	if err := workflow.ExecuteLocalActivity(ctx, onboarding.ActivityLook, look).Get(ctx, &seen); err != nil {
		return onboarding.Result{}, err
	}
	return onboarding.Result{Outcome: hand.Decision.Outcome}, nil
}

// straightforward is what one would write first, and well: a loop that waits for the next event or for a timer that says
// what to do if none comes, an upsert of the stage for each event so that lists are up to date, looks as ordinary
// activities with Temporal's retries, duplicates dropped by id.
func straightforward(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
	w := &simple{in: in, policy: in.Setup.Policy, stage: onboarding.StageAwaitingStart, seen: map[string]bool{}}
	w.ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 20 * time.Second})
	w.events = workflow.GetSignalChannel(ctx, onboarding.SignalEvent)
	if err := errors.Join(answerLink(ctx, in, &w.opened), workflow.SetQueryHandler(ctx, onboarding.QueryStatus, w.status)); err != nil {
		return onboarding.Result{}, err
	}
	if err := workflow.ExecuteActivity(w.ctx, onboarding.ActivityOpenSession, openInput(in)).Get(w.ctx, &w.opened); err != nil {
		return onboarding.Result{}, err
	}
	if err := workflow.ExecuteActivity(w.ctx, onboarding.ActivitySendMessage, invitation(in, w.opened)).Get(w.ctx, nil); err != nil {
		return onboarding.Result{}, err
	}
	for w.stage != onboarding.StageHandingOff {
		if err := w.awaitCustomer(); err != nil {
			return onboarding.Result{}, err
		}
	}
	hand := handOff(in, w.opened, w.sight, workflow.Now(ctx))
	if err := workflow.ExecuteActivity(w.ctx, onboarding.ActivityHandOff, hand).Get(w.ctx, nil); err != nil {
		return onboarding.Result{}, err
	}
	return onboarding.Result{Outcome: hand.Decision.Outcome}, w.watch()
}

// simple is the state of a straightforward onboarding.
type simple struct {
	in     onboarding.Input
	policy onboarding.Policy
	ctx    workflow.Context
	events workflow.ReceiveChannel
	opened onboarding.OpenedSession
	sight  onboarding.Sight
	stage  onboarding.Stage
	seen   map[string]bool
}

func (w *simple) status() (onboarding.Status, error) { return onboarding.Status{Stage: w.stage}, nil }

// awaitCustomer waits for the next event; when none comes in time it looks, and reminds a customer who has not finished.
func (w *simple) awaitCustomer() error {
	patience := w.policy.NotStartedReminders[0]
	switch w.stage {
	case onboarding.StageInProgress:
		patience = w.policy.IdleReminders[0]
	case onboarding.StageAwaitingDecision:
		patience = w.policy.Asks[0]
	}
	event, came, err := w.next(patience.Std())
	if err != nil {
		return err
	}
	if !came {
		if err := w.look(); err != nil || w.sight.Session != onboarding.SessionPending {
			return err
		}
		return workflow.ExecuteActivity(w.ctx, onboarding.ActivitySendMessage, invitation(w.in, w.opened)).Get(w.ctx, nil)
	}
	switch {
	case event.Type == onboarding.EventProcessed:
		w.stage = onboarding.StageAwaitingDecision
	case decides(event):
		if err := w.look(); err != nil {
			return err
		}
		if w.sight.Identification == onboarding.IdentificationApproved {
			w.stage = onboarding.StageHandingOff
		}
	default:
		w.stage = onboarding.StageInProgress
	}
	return w.publish()
}

func decides(e onboarding.Event) bool {
	return e.Type == onboarding.EventApproved || e.Type == onboarding.EventRejected || e.Type == onboarding.EventUpdated
}

// watch looks again when an event tells of a decision within the window, and once at its end.
func (w *simple) watch() error {
	w.stage = onboarding.StageWatching
	if err := w.publish(); err != nil {
		return err
	}
	end := workflow.Now(w.ctx).Add(w.policy.WatchFor.Std())
	for {
		event, came, err := w.next(end.Sub(workflow.Now(w.ctx)))
		if err != nil {
			return err
		}
		if !came || decides(event) {
			if err := w.look(); err != nil {
				return err
			}
		}
		if !came {
			w.stage = onboarding.StageDone
		}
		if err := w.publish(); err != nil || !came {
			return err
		}
	}
}

// next waits for an event that is new, or until the time is up.
func (w *simple) next(patience time.Duration) (event onboarding.Event, came bool, err error) {
	ctx, cancel := workflow.WithCancel(w.ctx)
	defer cancel()
	timer := workflow.NewTimer(ctx, patience)
	wait := workflow.NewSelector(w.ctx)
	wait.AddReceive(w.events, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(w.ctx, &event)
		came = true
	})
	wait.AddFuture(timer, func(f workflow.Future) { err = f.Get(ctx, nil) })
	wait.Select(w.ctx)
	if came && w.seen[event.ID] {
		return w.next(patience)
	}
	w.seen[event.ID] = true
	return event, came, err
}

func (w *simple) look() error {
	return workflow.ExecuteActivity(w.ctx, onboarding.ActivityLook, onboarding.Look{SessionID: w.opened.SessionID}).Get(w.ctx, &w.sight)
}

var keyStage = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeStage)

func (w *simple) publish() error {
	return workflow.UpsertTypedSearchAttributes(w.ctx, keyStage.ValueSet(string(w.stage)))
}

// --- what both need ----------------------------------------------------------------------------------------------

// answerLink answers the starter's question for the link as soon as there is one.
func answerLink(ctx workflow.Context, in onboarding.Input, opened *onboarding.OpenedSession) error {
	return workflow.SetUpdateHandler(ctx, onboarding.UpdateLink, func(ctx workflow.Context, _ onboarding.LinkRequest) (onboarding.LinkView, error) {
		err := workflow.Await(ctx, func() bool { return opened.Link != "" })
		return onboarding.LinkView{
			Call: in.Call, RequestDigest: in.Request.Digest(), Link: opened.Link, Stage: onboarding.StageAwaitingStart, Attempt: 1,
		}, err
	})
}

func openInput(in onboarding.Input) onboarding.OpenSession {
	return onboarding.OpenSession{
		ID: in.Request.Reference.ID(), OndatoSetupID: in.Setup.OndatoSetupID, Attempt: 1, Applicant: in.Request.Applicant,
	}
}

func invitation(in onboarding.Input, opened onboarding.OpenedSession) onboarding.Message {
	a := in.Request.Applicant
	return onboarding.Message{
		ID: in.Request.Reference.ID(), Kind: onboarding.MessageInvitation, Setup: in.Setup.Name, Language: in.Setup.Language,
		Channels: in.Setup.Notify, To: a.Email, FirstName: a.FirstName, Link: opened.Link, Attempt: 1,
	}
}

func handOff(in onboarding.Input, opened onboarding.OpenedSession, seen onboarding.Sight, at time.Time) onboarding.HandOff {
	return onboarding.HandOff{
		ID: in.Request.Reference.ID(), Reference: in.Request.Reference, Setup: in.Setup.Name,
		Decision: onboarding.Decision{
			Outcome: onboarding.OutcomeApproved, By: onboarding.DecidedByOndato, At: at, Version: 1, Attempt: 1,
			SessionID: opened.SessionID, IdentificationID: seen.IdentificationID, RecordDigest: seen.RecordDigest,
		},
	}
}
