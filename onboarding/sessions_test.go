package onboarding

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// An erasure has each of these redacted: a session that is not among them keeps the customer's data at Ondato.
func TestSessions_HoweverTheyBecameKnown_AreAllToldOnce(t *testing.T) {
	r := newRig(t)
	require.Empty(t, r.p.Sessions())
	r.eventOf("lost", EventStatusChanged, "Pending") // its creation was not answered: it is held
	require.Equal(t, []string{"lost"}, r.p.Sessions())
	r.opens("s1")
	require.Equal(t, []string{"lost", "s1"}, r.p.Sessions())
	r.eventOf("lost", EventStatusChanged, "Expired")
	r.command(CommandRenew)
	r.eventOf("s1", EventStatusChanged, "Aborted")
	r.eventOf("s2", EventStatusChanged, "Pending")
	r.opens("s2")
	r.eventOf("", EventStatusChanged, "Expired")
	r.eventOf("other", EventApproved, "Approved")
	require.Equal(t, []string{"lost", "other", "s1", "s2"}, r.p.Sessions())
	require.Equal(t, r.p.Sessions(), Resume(r.p.Carry(), r.now).Sessions(), "also after continuing as new")

	for range 3 * maxPast {
		r.eventOf(uuid.NewString(), EventStatusChanged, "Expired")
	}
	require.Len(t, r.p.Sessions(), maxPast+2, "what is remembered is bounded; the onboarding's own are not forgotten for it")
	require.Subset(t, r.p.Sessions(), []string{"s1", "s2"})
}
