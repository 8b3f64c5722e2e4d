package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// longHistory is how many events the server of this test takes for a long history.
const longHistory = 60

const impatientSetup = `setups:
  impatient:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f16
    language: en
    notify: [email]
    events: all
    policy: {stepPatience: 1s, retryDelays: [1s], watchFor: 2s}
`

func TestContinueAsNew_ForcedWhileOpeningAndInProgress_GoesOnAsIfNothingWere(t *testing.T) {
	t.Parallel()
	r := ownRig(t, stack.Config{Setups: impatientSetup, DynamicConfig: map[string]any{"limit.historyCount.suggestContinueAsNew": longHistory}})
	r.faults(t, `{"api": {"unavailable": {"probability": 1, "only": ["create"]}}}`)
	started, request := r.start(t, "impatient", "long@customer.example")
	id := started.ID
	require.Empty(t, started.Link)
	watched := make(chan []starter.Overview, 1)
	go func() {
		var seen []starter.Overview
		for o, err := range r.Starter.Watch(t.Context(), id, true) {
			if err == nil {
				seen = append(seen, o)
			}
		}
		watched <- seen
	}()

	// The first run: Ondato opens no session, and events of one that is not known are held.
	begun := r.until(t, id, "attention", func(s onboarding.Status) bool { return len(s.Attention) > 0 })
	held := r.pokeUntilContinued(t, id)
	s := r.status(t, id)
	require.Equal(t, onboarding.StageOpening, s.Stage)
	require.Equal(t, []onboarding.Attention{onboarding.AttentionOpeningFailing}, s.Attention)
	require.Equal(t, begun.StartedAt, s.StartedAt)
	require.Equal(t, begun.Deadline, s.Deadline)
	require.Equal(t, begun.Trail, s.Trail)
	require.Zero(t, s.NotedTotal, "events are held, not judged")
	r.shows(t, id, s)

	r.faults(t, `{}`)
	s = r.until(t, id, "a session", func(s onboarding.Status) bool { return s.Link != "" })
	s = r.status(t, id)
	require.Equal(t, held, s.NotedTotal, "all that were held have been judged")
	require.Equal(t, onboarding.StageAwaitingStart, s.Stage)
	require.Empty(t, s.Attention)
	require.Len(t, r.mails("long@customer.example"), 1)
	again, err := r.Starter.Start(timed(t), request)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, s.Link, again.Link)

	// The second run: the customer is busy, a command has been given.
	session := stack.SessionOf(s.Link)
	r.play(t, session, "start", "consent")
	r.signalled(t, id, 3)
	old := newEvent(onboarding.EventConsented, session, "InProgress")
	r.deliver(t, id, old)
	extend := onboarding.Command{Kind: onboarding.CommandExtend, ID: "longer", By: onboarding.Duration(24 * time.Hour)}
	require.False(t, r.command(t, id, extend).Repeated)
	r.until(t, id, "all events", func(s onboarding.Status) bool { return s.LastEvent.CreatedUtc.Equal(old.CreatedUtc) })
	before := r.status(t, id)
	require.Equal(t, onboarding.StageInProgress, before.Stage)
	require.True(t, begun.Deadline.Add(24*time.Hour).Equal(before.Deadline))
	strangers := r.pokeUntilContinued(t, id)
	after := r.status(t, id)
	require.Equal(t, before.NotedTotal+strangers, after.NotedTotal)
	unnoted := func(s onboarding.Status) onboarding.Status { s.Noted, s.NotedTotal = nil, 0; return s }
	require.Equal(t, unnoted(before), unnoted(after))
	r.shows(t, id, after)

	// The third run.
	r.deliver(t, id, old) // the bridge may know the first run, which drops it
	r.signal(t, id, old)
	dup := r.until(t, id, "the duplicate", func(s onboarding.Status) bool { return s.NotedTotal > after.NotedTotal })
	require.Equal(t, "duplicate", dup.Noted[len(dup.Noted)-1].Why)
	require.True(t, r.command(t, id, extend).Repeated)
	require.Equal(t, before.Deadline, r.status(t, id).Deadline)
	again, err = r.Starter.Start(timed(t), request)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, before.Link, again.Link)
	r.play(t, session, "submit", "approve")
	got := r.received(t, id, 1)[0]
	require.Equal(t, "Approved", got.Outcome)
	require.Equal(t, 1, got.Version)
	last := r.ended(t, id)
	require.False(t, last.Unfinished)
	require.Equal(t, onboarding.OutcomeApproved, last.Outcome)
	require.Empty(t, last.Attention)
	require.Equal(t, []string{session}, r.sessions(t, id))
	require.Len(t, r.mails("long@customer.example"), 1)

	runs := r.runs(t, id)
	require.Len(t, runs, 3)
	for _, run := range runs[:2] {
		events := r.history(t, id, run)
		require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, events[len(events)-1].GetEventType())
		require.GreaterOrEqual(t, len(events), longHistory)
		require.Less(t, len(events), longHistory+20, "it continues at its first rest")
	}
	seen := <-watched
	var stages []onboarding.Stage
	for _, o := range seen {
		require.Equal(t, o.RunID == last.RunID && o.Stage == onboarding.StageDone, o.Closed)
		if n := len(stages); n == 0 || stages[n-1] != o.Stage {
			stages = append(stages, o.Stage)
		}
	}
	require.Equal(t, onboarding.StageDone, stages[len(stages)-1])
	require.Contains(t, stages, onboarding.StageOpening)
	require.Contains(t, stages, onboarding.StageInProgress)
}

// faults replaces the sandbox's faults.
func (r rig) faults(t *testing.T, set string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPut, r.SandboxURL+"/_sandbox/faults", bytes.NewBufferString(set))
	require.NoError(t, err)
	q.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

// pokeUntilContinued makes the history longer, by events of sessions that do not exist, until the onboarding has
// continued as new, and tells how many that took.
func (r rig) pokeUntilContinued(t *testing.T, id onboarding.ID) (events int) {
	t.Helper()
	run := r.overview(t, id).RunID
	for r.overview(t, id).RunID == run {
		events++
		require.LessOrEqual(t, events, longHistory/2, "it does not continue as new")
		r.deliver(t, id, newEvent(onboarding.EventStatusChanged, uuid.NewString(), "InProgress"))
		require.NoError(t, r.Settle(timed(t), id))
	}
	return events
}

// shows checks that the search attributes say what the status says.
func (r rig) shows(t *testing.T, id onboarding.ID, s onboarding.Status) {
	t.Helper()
	o := r.overview(t, id)
	require.Equal(t, s.Stage, o.Stage)
	require.Equal(t, s.Outcome, o.Outcome)
	require.Equal(t, s.Attempt, o.Attempt)
	require.Equal(t, s.Setup, o.Setup)
	require.WithinDuration(t, s.Deadline, o.Deadline, time.Second)
	codes := slices.Collect(func(yield func(string) bool) {
		for _, a := range s.Attention {
			if !yield(string(a)) {
				return
			}
		}
	})
	require.Equal(t, codes, o.Attention)
}
