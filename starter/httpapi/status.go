package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kyc/onboarding"
)

// status answers everything about one onboarding.
func (a *API) status(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := query(c).err(); err != nil {
		return err
	}
	return a.answerStatus(c, id)
}

func (a *API) answerStatus(c *gin.Context, id onboarding.ID) error {
	s, err := a.onboardings.Status(c.Request.Context(), id)
	if err != nil {
		return err
	}
	renderJSON(c, http.StatusOK, "application/json", viewOf(s))
	return nil
}

// statusView is what is shown of an onboarding.Status. It is a list of its own, so that what is added there does not
// leave the house by itself: digests do not, nor do session ids, which open the customer's page long after the link has
// gone.
type statusView struct {
	ID             onboarding.ID                   `json:"id"`
	Reference      onboarding.Reference            `json:"reference"`
	Setup          string                          `json:"setup"`
	Stage          onboarding.Stage                `json:"stage"`
	Outcome        onboarding.Outcome              `json:"outcome,omitempty"`
	Attempt        int                             `json:"attempt"`
	MaxAttempts    int                             `json:"maxAttempts"`
	StartedAt      time.Time                       `json:"startedAt"`
	Deadline       time.Time                       `json:"deadline"`
	Link           string                          `json:"link,omitempty"`
	Session        onboarding.SessionStatus        `json:"session,omitempty"`
	Identification onboarding.IdentificationStatus `json:"identification,omitempty"`
	Decision       *decisionView                   `json:"decision,omitempty"`
	HandedOff      *handedView                     `json:"handedOff,omitempty"`
	Awaited        string                          `json:"awaited"`
	AwaitedSince   time.Time                       `json:"awaitedSince"`
	Next           string                          `json:"next,omitempty"`
	NextAt         time.Time                       `json:"nextAt,omitzero"`
	Attention      []onboarding.Attention          `json:"attention,omitempty"`
	Terminated     bool                            `json:"terminated,omitempty"`
	Commands       []onboarding.CommandKind        `json:"commands,omitempty"`
	Trail          []trailView                     `json:"trail,omitempty"`
}

type decisionView struct {
	Outcome          onboarding.Outcome `json:"outcome"`
	Reason           string             `json:"reason,omitempty"`
	By               string             `json:"by"`
	At               time.Time          `json:"at"`
	Attempt          int                `json:"attempt"`
	IdentificationID string             `json:"identificationId,omitempty"`
	Version          int                `json:"version"`
}

type handedView struct {
	decisionView
	HandedAt  time.Time `json:"handedAt"`
	WebhookID string    `json:"webhookId"`
}

type trailView struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	What   string    `json:"what"`
	Reason string    `json:"reason,omitempty"`
}

func viewOf(s onboarding.Status) statusView {
	v := statusView{
		ID: s.ID, Reference: s.Reference, Setup: s.Setup, Stage: s.Stage, Outcome: s.Outcome, Attempt: s.Attempt,
		MaxAttempts: s.MaxAttempts, StartedAt: s.StartedAt, Deadline: s.Deadline, Link: s.Link, Session: s.Session,
		Identification: s.Identification, Awaited: s.Awaited, AwaitedSince: s.AwaitedSince, Next: s.Next, NextAt: s.NextAt,
		Attention: s.Attention, Terminated: s.Terminated, Commands: s.Allowed,
	}
	if s.Decision != nil {
		d := decisionOf(*s.Decision)
		v.Decision = &d
	}
	if h := s.HandedOff; h != nil {
		v.HandedOff = &handedView{decisionView: decisionOf(h.Decision), HandedAt: h.HandedAt, WebhookID: h.WebhookID}
	}
	for _, t := range s.Trail {
		v.Trail = append(v.Trail, trailView{At: t.At, Actor: t.Actor, What: t.What, Reason: t.Reason})
	}
	return v
}

func decisionOf(d onboarding.Decision) decisionView {
	return decisionView{Outcome: d.Outcome, Reason: d.Reason, By: d.By, At: d.At, Attempt: d.Attempt, IdentificationID: d.IdentificationID, Version: d.Version}
}
