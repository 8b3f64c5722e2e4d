package sandbox

import (
	"fmt"
	"time"
)

// Session states of contract 2.5.
const (
	pending    = "Pending"
	inProgress = "InProgress"
	suspended  = "Suspended"
	completed  = "Completed"
	aborted    = "Aborted"
	expired    = "Expired"
)

// Identification states of contract 3.2; no identification is the empty string.
const (
	awaiting = "Awaiting"
	approved = "Approved"
	rejected = "Rejected"
)

// Ondato's own clocks (contract 2.5).
const (
	pendingFor   = 7 * 24 * time.Hour
	idleFor      = 2 * time.Hour
	suspendedFor = 7 * 24 * time.Hour
)

// Event types of contract 5.2 that this product line has.
const (
	eventStatusChanged = "IdentityVerification.StatusChanged"
	eventConsented     = "IdentityVerification.Consented"
	eventCreated       = "KycIdentification.Created"
	eventProcessed     = "KycIdentification.Processed"
	eventApproved      = "KycIdentification.Approved"
	eventRejected      = "KycIdentification.Rejected"
	eventUpdated       = "KycIdentification.Updated"
)

var eventTypes = []string{eventStatusChanged, eventConsented, eventCreated, eventProcessed, eventApproved, eventRejected, eventUpdated}

// What a customer can do, and what Ondato can do.
const (
	actStart          = "start"
	actConsent        = "consent"
	actDeclineConsent = "decline-consent"
	actSuspend        = "suspend"
	actResume         = "resume"
	actSubmit         = "submit"
	actResubmit       = "resubmit"
	actAbort          = "abort"
	actComplete       = "complete"

	actApprove = "approve"
	actReject  = "reject"
	actUpdate  = "update"
	actExpire  = "expire"
)

var (
	customerActions = []string{actStart, actConsent, actDeclineConsent, actSuspend, actResume, actSubmit, actResubmit, actAbort, actComplete}
	ondatoActions   = []string{actApprove, actReject, actUpdate, actExpire}
	allActions      = append(append([]string{}, customerActions...), ondatoActions...)
)

// Consent of the customer; not asked yet is the empty string.
const (
	consentGiven    = "given"
	consentDeclined = "declined"
)

// Declining consent is expected to abort; the name of the reason is a guess (contract 2.2: values unknown).
const reasonConsentDeclined = "ConsentDeclined"

// state is all that decides what may happen next to a session and its one identification.
type state struct {
	Status         string `json:"status"`
	StatusReason   string `json:"statusReason,omitempty"`
	Consent        string `json:"consent,omitempty"`
	Identification string `json:"identification,omitempty"`
	Reason         string `json:"reason,omitempty"`
	Submitted      bool   `json:"submitted,omitempty"` // the customer has handed in and has not begun anew
	CrossChecked   bool   `json:"crossChecked,omitempty"`
	Rejections     int    `json:"rejections,omitempty"`
}

// waitsForOndato holds while the customer has nothing left to do.
func (s state) waitsForOndato() bool { return s.Identification == awaiting && s.Submitted }

func (s state) terminal() bool {
	return s.Status == completed || s.Status == aborted || s.Status == expired
}

type action struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason,omitempty"` // reject
	Final  bool   `json:"final,omitempty"`  // reject
	Manual bool   `json:"manual,omitempty"` // approve, reject: decided by a person

	DocumentType string            `json:"documentType,omitempty"` // submit
	Decision     string            `json:"decision,omitempty"`     // submit: who decides, "" = nobody by itself
	Document     map[string]string `json:"document,omitempty"`     // update
}

// rules are the parts of a setup that the state machine depends on.
type rules struct {
	retries                int
	completeBeforeDecision bool
}

// step is one observable change: the state reached and the event that tells of it ("" = none).
type step struct {
	state state
	event string
}

// notAllowedError says that an action does not fit the present state.
type notAllowedError struct {
	action, why string
}

func (e *notAllowedError) Error() string {
	return fmt.Sprintf("%s is not allowed now: %s", e.action, e.why)
}

// next is the state machine of contract 2.5, 3.2 and 8.1. Each step is a state that can be seen, in order.
func next(s state, a action, r rules) ([]step, error) {
	refuse := func(format string, args ...any) ([]step, error) {
		return nil, &notAllowedError{action: a.Kind, why: fmt.Sprintf(format, args...)}
	}
	needs := func(status string) error {
		if s.Status != status {
			return &notAllowedError{action: a.Kind, why: fmt.Sprintf("the session is %s, it would have to be %s", s.Status, status)}
		}
		return nil
	}
	move := func(status, reason string) []step {
		s.Status, s.StatusReason = status, reason
		return []step{{s, eventStatusChanged}}
	}
	var err error
	switch a.Kind {
	case actStart:
		if err = needs(pending); err != nil {
			return nil, err
		}
		return move(inProgress, ""), nil

	case actConsent, actDeclineConsent:
		if err = needs(inProgress); err != nil {
			return nil, err
		}
		if s.Consent != "" {
			return refuse("consent was already %s", s.Consent)
		}
		if a.Kind == actDeclineConsent {
			s.Consent = consentDeclined
			return move(aborted, reasonConsentDeclined), nil
		}
		s.Consent = consentGiven
		consented := step{s, eventConsented}
		s.Identification = awaiting
		return []step{consented, {s, eventCreated}}, nil

	case actSuspend, actAbort:
		if err = needs(inProgress); err != nil {
			return nil, err
		}
		if s.waitsForOndato() {
			return refuse("the customer has handed in everything and waits for the decision")
		}
		if a.Kind == actAbort {
			return move(aborted, ""), nil
		}
		return move(suspended, ""), nil

	case actResume:
		if err = needs(suspended); err != nil {
			return nil, err
		}
		return move(inProgress, ""), nil

	case actSubmit:
		if err = needs(inProgress); err != nil {
			return nil, err
		}
		switch {
		case s.Identification == "":
			return refuse("the customer has not consented yet")
		case s.Identification == rejected:
			return refuse("the identification is Rejected, the customer has to resubmit first")
		case s.Submitted || s.Identification != awaiting:
			return refuse("it was submitted already")
		}
		s.Submitted = true
		steps := []step{{s, eventProcessed}}
		if r.completeBeforeDecision {
			steps = append(steps, move(completed, "")...)
		}
		return steps, nil

	case actResubmit:
		if err = needs(inProgress); err != nil {
			return nil, err
		}
		if s.Identification != rejected {
			return refuse("only a Rejected identification can be tried again")
		}
		s.Identification, s.Reason, s.Submitted, s.CrossChecked = awaiting, "", false, false
		return []step{{s, ""}}, nil

	case actComplete:
		if err = needs(inProgress); err != nil {
			return nil, err
		}
		if !s.Submitted {
			return refuse("the customer has not submitted anything that could be completed")
		}
		return move(completed, ""), nil

	case actApprove, actReject:
		if !s.Submitted {
			return refuse("there is no submitted identification to decide on")
		}
		if s.Status == suspended {
			return refuse("the session is Suspended, the customer has to resume first")
		}
		if a.Kind == actApprove {
			return approve(s, a, refuse)
		}
		return reject(s, a, r, refuse)

	case actUpdate:
		if !s.Submitted {
			return refuse("there is no submitted document to edit")
		}
		return []step{{s, eventUpdated}}, nil

	case actExpire:
		if s.terminal() {
			return refuse("the session is %s and cannot expire any more", s.Status)
		}
		return move(expired, ""), nil
	}
	return nil, fmt.Errorf("unknown action %q, known are %v", a.Kind, allActions)
}

type refuser func(format string, args ...any) ([]step, error)

func approve(s state, a action, refuse refuser) ([]step, error) {
	if s.Identification == approved {
		return refuse("it is Approved already")
	}
	s.Identification, s.Reason, s.CrossChecked = approved, reasonAutomatic, a.Manual
	if a.Manual {
		s.Reason = reasonManual
	}
	steps := []step{{s, eventApproved}}
	if s.Status == inProgress {
		s.Status = completed
		steps = append(steps, step{s, eventStatusChanged})
	}
	return steps, nil
}

func reject(s state, a action, r rules, refuse refuser) ([]step, error) {
	if s.Identification == rejected {
		return refuse("it is Rejected already")
	}
	reason, ok := findReason(a.Reason)
	if !ok {
		return nil, fmt.Errorf("unknown reason %q, see GET /_sandbox/reasons", a.Reason)
	}
	final := a.Final || reason.Critical || s.Rejections >= r.retries
	s.Identification, s.Reason, s.CrossChecked = rejected, reason.Name, a.Manual
	s.Rejections++
	steps := []step{{s, eventRejected}}
	if final && s.Status == inProgress {
		s.Status = completed
		steps = append(steps, step{s, eventStatusChanged})
	}
	return steps, nil
}

// deadline says when a session expires by itself. A submitted identification does not idle out: it waits for Ondato,
// which may take days when a person reviews (contract 5.2).
func deadline(s state, created, lastAction time.Time) (time.Time, bool) {
	switch {
	case s.Status == pending:
		return created.Add(pendingFor), true
	case s.Status == inProgress && !s.waitsForOndato():
		return lastAction.Add(idleFor), true
	case s.Status == suspended:
		return lastAction.Add(suspendedFor), true
	}
	return time.Time{}, false
}

// allowed lists the actions the present state admits, for the pages' buttons.
func allowed(s state, r rules) []string {
	list := []string{}
	for _, kind := range allActions {
		if _, err := next(s, action{Kind: kind, Reason: "BlurredPhoto"}, r); err == nil {
			list = append(list, kind)
		}
	}
	return list
}
