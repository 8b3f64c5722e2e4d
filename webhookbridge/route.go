package webhookbridge

import (
	"context"
	"errors"

	"kyc/onboarding"
	"kyc/ondato"
)

// ours tells our sessions from foreign ones.
type ours struct {
	applicationID string                        // lower case
	setups        map[string]onboarding.Deliver // by Ondato's IDV setup id in lower case
}

// judge applies the three marks of a session of ours. What a source does not show, empty, is no evidence against it; but
// without a reference there is nowhere to deliver to.
func (o ours) judge(applicationID, setupID, reference string) session {
	if applicationID != "" && applicationID != o.applicationID {
		return session{foreign: ignoredApplication}
	}
	if _, listed := o.setups[setupID]; setupID != "" && !listed {
		return session{foreign: ignoredSetup}
	}
	id, err := onboarding.ParseID(reference)
	if err != nil {
		return session{foreign: ignoredReference}
	}
	return session{id: id, setupID: setupID}
}

// decisiveOnly tells whether onboardings of the setup are spared events that cannot decide. Where the setups differ, one
// whose setup is not known is not.
func (o ours) decisiveOnly(setupID string) bool {
	if deliver, same := o.uniform(); same {
		return deliver == onboarding.DeliverDecisive
	}
	return o.setups[setupID] == onboarding.DeliverDecisive
}

// uniform returns what all setups say, if they say the same.
func (o ours) uniform() (deliver onboarding.Deliver, same bool) {
	for _, d := range o.setups {
		if deliver != "" && d != deliver {
			return "", false
		}
		deliver = d
	}
	return deliver, true
}

// router finds the onboarding that an event belongs to.
type router struct {
	ours     ours
	sessions *directory
}

// route returns the address of the event, an [ignored] for events of foreign sessions and of no consequence, or a
// refusal when Ondato had to be asked and did not answer.
func (r *router) route(ctx context.Context, w ondato.Webhook) (session, error) {
	s, err := r.find(ctx, w)
	switch {
	case err != nil:
		out := unavailable("ondato-unavailable", "the session could not be looked up; send the event again later", err)
		var failure *ondato.Error
		if errors.As(err, &failure) {
			out.retryAfter = min(failure.RetryAfter, longestRetryAfter)
		}
		return session{}, out
	case s.foreign != "":
		return session{}, &ignored{s.foreign}
	case !onboarding.EventType(w.Type).CanDecide() && r.ours.decisiveOnly(s.setupID):
		return session{}, &ignored{ignoredIndecisive}
	}
	return s, nil
}

func (r *router) find(ctx context.Context, w ondato.Webhook) (session, error) {
	if w.Type.OfSession() {
		return r.ofSession(ctx, w)
	}
	known, cached := r.sessions.recall(w.SessionID)
	id, err := onboarding.ParseID(w.ExternalReferenceID)
	if err != nil { // missing as a rule, and unreliable where present (contract 3.1)
		if cached {
			return known, nil
		}
		return r.sessions.ask(ctx, w.SessionID)
	}
	s := session{id: id}
	if cached {
		s = s.merge(known)
	}
	if !r.mustKnowSetup(w, s) {
		return s, nil
	}
	asked, err := r.sessions.ask(ctx, w.SessionID)
	if err != nil {
		return s, nil // the address is known: an event too many is better than one too late
	}
	return asked, nil
}

// ofSession takes the address from the event itself: its payload is the session.
func (r *router) ofSession(ctx context.Context, w ondato.Webhook) (session, error) {
	s := r.ours.judge(w.ApplicationID, w.SetupID, w.ExternalReferenceID)
	if s.foreign == ignoredReference && w.ExternalReferenceID == "" {
		if known, cached := r.sessions.recall(w.SessionID); cached {
			return known, nil
		}
		return r.sessions.ask(ctx, w.SessionID)
	}
	return r.sessions.learn(w.SessionID, s), nil
}

// mustKnowSetup tells whether the session's setup, not known yet, decides whether the event is delivered.
func (r *router) mustKnowSetup(w ondato.Webhook, s session) bool {
	if onboarding.EventType(w.Type).CanDecide() || s.setupID != "" || s.asked {
		return false
	}
	_, same := r.ours.uniform()
	return !same
}
