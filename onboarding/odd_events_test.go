package onboarding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// situations take a new rig to a stage with a session s2, after a session s1 that was left behind.
func situations() map[Stage]func(*testing.T) *rig {
	renewed := func(t *testing.T) *rig {
		r := newRig(t)
		r.opens("s1")
		r.command(CommandRenew)
		r.opens("s2")
		return r
	}
	started := func(t *testing.T) *rig {
		r := renewed(t)
		r.event(EventStatusChanged, "InProgress")
		return r
	}
	submitted := func(t *testing.T) *rig {
		r := started(t)
		r.event(EventProcessed, "Awaiting")
		return r
	}
	decided := func(t *testing.T) *rig {
		r := submitted(t)
		r.event(EventApproved, "Approved")
		r.sees(seenApproved)
		return r
	}
	return map[Stage]func(*testing.T) *rig{
		StageAwaitingStart:    renewed,
		StageInProgress:       started,
		StageAwaitingDecision: submitted,
		StageHandingOff:       decided,
		StageWatching: func(t *testing.T) *rig {
			r := decided(t)
			r.accepts()
			return r
		},
	}
}

func TestOddEvents_InEachStage_AreNotedWithWhatWasDoneAndHoldNothingUp(t *testing.T) {
	const (
		ahead    = "dated ahead of our clock; taken as of its arrival"
		before   = "dated before the session was opened; only its place among the events is taken from that date"
		foreign  = "of a session that is not this onboarding's present one"
		past     = "of a session that has been superseded"
		approved = "; marked for attention, because it was approved"
		type_    = "of a type that is not known here"
		status   = "with a status that is not known here; taken as in progress"
	)
	for name, odd := range map[string]struct {
		event     Event
		dated     time.Duration // from now
		why       []string
		attention []Attention
	}{
		"of a foreign session":             {Event{SessionID: "foreign", Type: EventStatusChanged, Status: "Aborted"}, 0, []string{foreign}, nil},
		"approval of a foreign session":    {Event{SessionID: "foreign", Type: EventApproved, Status: "Approved"}, 0, []string{foreign + approved}, []Attention{AttentionOtherSession}},
		"of a superseded session":          {Event{SessionID: "s1", Type: EventStatusChanged, Status: "Aborted"}, 0, []string{past}, nil},
		"approval of a superseded session": {Event{SessionID: "s1", Type: EventApproved, Status: "Approved"}, 0, []string{past + approved}, []Attention{AttentionOtherSession}},
		"status far ahead":                 {Event{SessionID: "s2", Type: EventStatusChanged, Status: "InProgress"}, 366 * day, []string{ahead}, nil},
		"sign far ahead":                   {Event{SessionID: "s2", Type: EventConsented, Status: "InProgress"}, 6 * time.Hour, []string{ahead}, nil},
		"decision far ahead":               {Event{SessionID: "s2", Type: EventApproved, Status: "Approved"}, 3660 * day, []string{ahead}, nil},
		"sign far behind":                  {Event{SessionID: "s2", Type: EventCreated, Status: "Awaiting"}, -6 * time.Hour, []string{before}, nil},
		"edit far behind":                  {Event{SessionID: "s2", Type: EventUpdated, Status: "Approved"}, -366 * day, []string{before}, nil},
		"of an unknown type":               {Event{SessionID: "s2", Type: unknownType, Status: "Reviewed"}, 0, []string{type_}, nil},
		"of an unknown type, far ahead":    {Event{SessionID: "s2", Type: unknownType, Status: "Reviewed"}, day, []string{ahead, type_}, nil},
		"with an unknown status":           {Event{SessionID: "s2", Type: EventStatusChanged, Status: "Paused"}, 0, []string{status}, nil},
		"with no status":                   {Event{SessionID: "s2", Type: EventStatusChanged}, 0, []string{status}, nil},
	} {
		for stage, arrive := range situations() {
			t.Run(name+" in "+string(stage), func(t *testing.T) {
				r := arrive(t)
				require.Equal(t, stage, r.p.Stage())
				e, noted := odd.event, r.p.s.NotedTotal
				e.ID, e.CreatedUtc = "odd", r.now.Add(time.Second).Add(odd.dated)
				r.apply(e)
				requireNoted(t, r, noted, e, odd.why)
				require.Equal(t, odd.attention, r.p.Status(r.now).Attention)

				r.apply(e)
				requireNoted(t, r, noted+len(odd.why), e, []string{"duplicate"})
				requireEnd(t, r)
			})
		}
	}
}

func TestOddEvents_OlderThanWhatIsKnown_AreNotedAndOverwriteNothing(t *testing.T) {
	r := situations()[StageInProgress](t)
	known := r.p.s.Session.StatusAt
	for _, e := range []Event{
		{Type: EventStatusChanged, Status: "Pending", CreatedUtc: known.Add(-time.Millisecond)},
		{Type: EventStatusChanged, Status: "Aborted", CreatedUtc: known.Add(-366 * day)},
		{Type: EventStatusChanged, Status: "Aborted"}, // of the year 1
	} {
		noted := r.p.s.NotedTotal
		e.ID, e.SessionID = e.CreatedUtc.String(), "s2"
		r.apply(e)
		require.Greater(t, r.p.s.NotedTotal, noted)
		require.Equal(t, "older than what is known", r.p.s.Noted[len(r.p.s.Noted)-1].Why)
		require.Equal(t, StageInProgress, r.p.Stage())
		require.Equal(t, SessionInProgress, r.p.s.Session.Status)
	}
	requireEnd(t, r)
}

func TestOddEvents_WhileTheSessionIsBeingOpened_AreJudgedAfterwards(t *testing.T) {
	r := newRig(t)
	r.eventOf("foreign", EventApproved, "Approved")
	r.eventOf("s1", unknownType, "Reviewed")
	r.eventOf("s1", EventStatusChanged, "Paused")
	require.Zero(t, r.p.s.NotedTotal, "whose they are is not known yet")
	r.opens("s1")
	require.Len(t, r.p.Status(r.now).Noted, 3)
	require.Equal(t, StageInProgress, r.p.Stage())
	require.Equal(t, []Attention{AttentionOtherSession}, r.p.s.Attention)
	requireEnd(t, r)
}

// requireNoted requires that the notes beyond the first so many are about the event, and say so.
func requireNoted(t *testing.T, r *rig, so int, e Event, whys []string) {
	t.Helper()
	s := r.p.Status(r.now)
	require.Equal(t, so+len(whys), s.NotedTotal)
	for i, n := range s.Noted[len(s.Noted)-len(whys):] {
		require.Equal(t, Note{At: r.now, EventID: e.ID, Type: e.Type, Why: whys[i]}, n)
	}
}

// requireEnd requires that the onboarding still comes to its end, whatever Ondato's truth.
func requireEnd(t *testing.T, r *rig) {
	t.Helper()
	v := visited{played: nothingPlayed()}
	v.allGoesWell(&node{p: r.p, now: r.now})
	require.Empty(t, v.faults)
}

func TestCommand_UnderANameOfTheProcess_IsRefused(t *testing.T) {
	for _, actor := range []string{"ondato", "Ondato", "policy", "process", " process "} {
		c := Command{Kind: CommandDecide, ID: "1", Actor: actor, Reason: "pretends", Outcome: OutcomeApproved}
		fields := Fields(c.Validate())
		require.Len(t, fields, 1, actor)
		require.Equal(t, "actor", fields[0].Field)
	}
	require.NoError(t, Command{Kind: CommandCancel, ID: "1", Actor: ActorTemporal, Reason: "cancelled there"}.Validate())
}
