package handoff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestWebhookID_WhatIsSaidChanges_ChangesTheID(t *testing.T) {
	changes := map[string]func(*onboarding.HandOff){
		"reference":      func(h *onboarding.HandOff) { h.Reference += "1" },
		"setup":          func(h *onboarding.HandOff) { h.Setup = "business" },
		"amendment":      func(h *onboarding.HandOff) { h.Amendment = true },
		"outcome":        func(h *onboarding.HandOff) { h.Decision.Outcome = onboarding.OutcomeRejected },
		"reason":         func(h *onboarding.HandOff) { h.Decision.Reason = "ManuallyIdentified" },
		"by":             func(h *onboarding.HandOff) { h.Decision.By = "api:crm" },
		"attempt":        func(h *onboarding.HandOff) { h.Decision.Attempt++ },
		"session":        func(h *onboarding.HandOff) { h.Decision.SessionID = "" },
		"identification": func(h *onboarding.HandOff) { h.Decision.IdentificationID = "" },
		"record":         func(h *onboarding.HandOff) { h.Decision.RecordDigest = "cd" },
		"version":        func(h *onboarding.HandOff) { h.Decision.Version++ },
		"id":             func(h *onboarding.HandOff) { h.ID = onboarding.Reference("another").ID() },
		"border between fields": func(h *onboarding.HandOff) {
			h.Decision.Reason, h.Decision.By = h.Decision.Reason+h.Decision.By, ""
		},
	}
	seen := map[string]string{WebhookID(approved()): "nothing"}
	for name, change := range changes {
		h := approved()
		change(&h)
		id := WebhookID(h)
		require.NotContains(t, seen, id, "%s gives the id of %s", name, seen[id])
		seen[id] = name
	}
}

func TestWebhookID_OnlyTimePasses_StaysTheSame(t *testing.T) {
	later := approved()
	later.Decision.At = later.Decision.At.Add(time.Hour)
	require.Equal(t, WebhookID(approved()), WebhookID(later))
}

// Ids are kept by backends: a change of the digest would deliver what is under way a second time.
func TestWebhookID_KnownDecision_KeepsItsIDForEver(t *testing.T) {
	require.Equal(t, string(reference.ID())+".1.43da4609", WebhookID(approved()))
}
