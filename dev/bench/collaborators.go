package bench

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"kyc/onboarding"
	"kyc/ondato"
	"kyc/worker"
)

// collaborators do nothing and answer at once, so that what remains is the workflow, the worker and the server. The
// product's activities stand before them as in production.
func collaborators() worker.Collaborators {
	return worker.Collaborators{Ondato: idleOndato{}, Sender: idleSender{}, Deliverer: idleDeliverer{}}
}

const (
	linkTo = "https://idv.example.test/?id="
	record = `{"status":"Approved","completedUtc":"2026-11-03T09:15:58Z","document":{"lastName":"PAVYZDE"},"rules":[]}`
)

// idleOndato knows only customers that it has approved; nobody looks before they are told so.
type idleOndato struct{}

func (idleOndato) CreateIdentityVerification(context.Context, ondato.CreateRequest) (string, error) {
	return uuid.NewString(), nil
}

func (idleOndato) IdentityVerification(_ context.Context, id string) (*ondato.IdentityVerification, error) {
	return &ondato.IdentityVerification{ID: id, Status: ondato.SessionCompleted, KycIdentification: &ondato.KycStep{ID: id}}, nil
}

func (idleOndato) Identification(_ context.Context, id string) (*ondato.Identification, error) {
	return &ondato.Identification{ID: id, Status: ondato.IdentificationApproved, Raw: json.RawMessage(record)}, nil
}

func (idleOndato) Link(sessionID string) string { return linkTo + sessionID }

func sessionOf(link string) string { return strings.TrimPrefix(link, linkTo) }

type idleSender struct{}

func (idleSender) Send(context.Context, onboarding.Message) (onboarding.SentMessage, error) {
	return onboarding.SentMessage{Channels: []onboarding.Channel{onboarding.ChannelEmail}}, nil
}

type idleDeliverer struct{}

func (idleDeliverer) Deliver(_ context.Context, _ string, h onboarding.HandOff, _ json.RawMessage) (string, error) {
	return string(h.ID), nil
}
