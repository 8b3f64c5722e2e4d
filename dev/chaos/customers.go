package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"kyc/onboarding"
)

// customer is one onboarding to be: who asks for it when, and what its customer does.
type customer struct {
	number  int
	name    string
	kind    kind
	request onboarding.Request
	id      onboarding.ID
	// comes is when the backend asks for the onboarding, from the beginning; twice: two of its processes do at once.
	comes time.Duration
	twice bool
	rng   *rand.Rand
}

// kind is a course that an onboarding may take.
type kind struct {
	name, setup string
	weight      int
	// script is what the sandbox plays by itself in every session, also in those that nobody was told of; play is what a
	// customer does who got the link. A kind has one of them, or none.
	script string
	play   play
}

// play is what a customer does, and what Ondato does about it.
type play func(context.Context, *visit) error

// kinds are all courses. What they come to is not said here: the second pass finds it out from the sandbox alone.
var kinds = []kind{
	{name: "approved", setup: setupMain, weight: 3, play: acts("start", "consent", "submit", "approve")},
	{name: "approved-by-script", setup: setupMain, weight: 1, script: "AutoApprove"},
	{name: "approved-after-review", setup: setupMain, weight: 1, play: then(
		acts("start", "consent", "submit", "complete"), rest(5*time.Second, 10*time.Second), acts("approve"))},
	{name: "rejected-critical", setup: setupMain, weight: 1, play: acts("start", "consent", "submit", "reject:Sanctioned")},
	{name: "rejected-critical-by-script", setup: setupMain, weight: 1, script: "AutoReject-PossibleFraudAttempt"},
	{name: "rejected-renewed-approved", setup: setupMain, weight: 2, play: then(
		acts("start", "consent", "submit", "reject:BlurredPhoto:final"), nextLink, acts("start", "consent", "submit", "approve"))},
	{name: "rejected-until-used-up", setup: setupTwo, weight: 1, script: "AutoReject-PoorPhotoQuality"},
	{name: "resubmitted-approved", setup: setupMain, weight: 1, play: acts(
		"start", "consent", "submit", "reject:DocumentIsExpired", "resubmit", "submit", "approve")},
	{name: "resubmitted-by-script", setup: setupMain, weight: 1, script: "AutoRejectThenApprove-BlurredPhoto"},
	{name: "aborted-renewed-approved", setup: setupMain, weight: 2, play: then(
		acts("start", "abort"), nextLink, acts("start", "consent", "submit", "approve"))},
	{name: "aborted-until-used-up", setup: setupTwo, weight: 1, script: "AutoAbort"},
	{name: "declined-until-used-up", setup: setupTwo, weight: 1, script: "AutoDeclineConsent"},
	{name: "expired-renewed-approved", setup: setupMain, weight: 1, play: then(
		life, acts("expire"), nextLink, acts("start", "consent", "submit", "approve"))},
	{name: "expired-until-used-up", setup: setupTwo, weight: 1, play: then(
		life, acts("expire"), nextLink, acts("start"), life, acts("expire"))},
	{name: "suspended-approved", setup: setupMain, weight: 1, play: then(
		acts("start", "consent", "suspend"), rest(time.Second, 4*time.Second), acts("resume", "submit", "approve"))},
	{name: "suspended-by-script", setup: setupMain, weight: 1, script: "AutoSuspendThenApprove"},
	{name: "approved-reversed", setup: setupMain, weight: 2, play: then(
		acts("start", "consent", "submit", "approve"), handedOff, acts("reject:PossibleFraudAttempt"))},
	{name: "approved-reversed-by-script", setup: setupMain, weight: 1, script: "AutoApproveThenReject-Sanctioned"},
	{name: "rejected-reversed", setup: setupMain, weight: 1, play: then(
		acts("start", "consent", "submit", "reject:DuplicatedInfo"), handedOff, acts("approve"))},
	{name: "approved-edited", setup: setupMain, weight: 2, play: then(
		acts("start", "consent", "submit", "approve"), handedOff, acts("update"))},
	{name: "approved-edited-by-script", setup: setupMain, weight: 1, script: "AutoApproveThenUpdate"},
	{name: "never-opened", setup: setupBrief, weight: 1},
	{name: "at-the-deadline", setup: setupBrief, weight: 1, play: then(
		rest(8*time.Second, 11*time.Second), acts("start", "consent", "submit", "approve"))},
}

// visit is a customer at play.
type visit struct {
	*customer
	told    *told
	ondato  *ondato
	backend *receiver
	// links counts the links that the customer has used; session is of the present one.
	links   int
	session string
}

// follow waits for the next link to another session and takes it.
func (v *visit) follow(ctx context.Context) (err error) {
	v.session, err = v.told.link(ctx, v.number, v.links)
	v.links++
	return err
}

// through plays the customer to the end.
func (v *visit) through(ctx context.Context) error {
	if v.kind.play == nil {
		return nil
	}
	if err := v.follow(ctx); err != nil {
		return err
	}
	return v.kind.play(ctx, v)
}

func then(parts ...play) play {
	return func(ctx context.Context, v *visit) error {
		for _, part := range parts {
			if err := part(ctx, v); err != nil {
				return err
			}
		}
		return nil
	}
}

// acts does one thing after the other in the present session, each after a moment. A rejection is written reject:Reason,
// or reject:Reason:final for one that ends the session.
func acts(actions ...string) play {
	return func(ctx context.Context, v *visit) error {
		for _, a := range actions {
			if err := rest(50*time.Millisecond, 800*time.Millisecond)(ctx, v); err != nil {
				return err
			}
			if err := v.act(ctx, a); err != nil {
				return err
			}
		}
		return nil
	}
}

// act does something until the sandbox has taken it. What it does not allow has been done already, by a try whose answer
// was lost, or has no sense any more.
func (v *visit) act(ctx context.Context, action string) error {
	word, rest, _ := strings.Cut(action, ":")
	body := map[string]any{}
	if word == "reject" {
		reason, final := strings.CutSuffix(rest, ":final")
		body["reason"], body["final"] = reason, final
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for {
		err := v.ondato.control(ctx, http.MethodPost, "sessions/"+v.session+"/"+word, string(text), nil)
		var no *refusal
		switch {
		case err == nil:
			return nil
		case errors.As(err, &no) && no.status == http.StatusConflict:
			return nil
		case errors.As(err, &no) && no.status/100 == 4:
			return fmt.Errorf("the sandbox answers %d to %s", no.status, word) // the path holds the session's id
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// rest waits a while.
func rest(least, most time.Duration) play {
	return func(ctx context.Context, v *visit) error { return pause(ctx, between(v.rng, least, most)) }
}

// life waits as long as the policy says that a session lives.
func life(ctx context.Context, _ *visit) error { return pause(ctx, 6*time.Second) }

// nextLink waits for a link to a new session and takes it.
func nextLink(ctx context.Context, v *visit) error { return v.follow(ctx) }

// handedOff waits until the backend has accepted a decision, and a moment more.
func handedOff(ctx context.Context, v *visit) error {
	if err := v.backend.accepted(ctx, v.id, 1); err != nil {
		return err
	}
	return rest(100*time.Millisecond, 2*time.Second)(ctx, v)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
