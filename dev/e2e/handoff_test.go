package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/dev/backend"
	"kyc/dev/stack"
	"kyc/onboarding"
)

const (
	crmSecret    = "whsec_Y3JtLWNybS1jcm0tY3JtLWNybS1jcm0tY3JtLWNybQ=="
	ledgerSecret = "whsec_bGVkZ2VyLWxlZGdlci1sZWRnZXItbGVkZ2VyLWxlZGdlcg=="
)

// target is an example backend behind a door that tests can open and close.
type target struct {
	*backend.Backend
	*httptest.Server

	mu sync.Mutex
	// door sees each delivery before the backend does, and tells whether it has dealt with it.
	door func(w http.ResponseWriter, r *http.Request, keep http.Handler) (done bool)
	ids  []string
}

func newTarget(t *testing.T, secret string) *target {
	t.Helper()
	kept, err := backend.New(secret, "")
	require.NoError(t, err)
	g := &target{Backend: kept}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.ids = append(g.ids, r.Header.Get(standardwebhooks.HeaderWebhookID))
		door := g.door
		g.mu.Unlock()
		if door == nil || !door(w, r, g.Backend) {
			g.Backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(g.Server.Close)
	return g
}

func (g *target) setDoor(door func(http.ResponseWriter, *http.Request, http.Handler) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.door = door
}

// knocks are the webhook ids of all deliveries, answered however.
func (g *target) knocks() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.ids...)
}

// requireOnce holds that a target got the versions, in this order, each of them once.
func (g *target) requireOnce(t *testing.T, id onboarding.ID, outcomes ...string) (got []backend.Received) {
	t.Helper()
	got, _ = g.Of(string(id))
	require.Len(t, got, len(outcomes))
	for i, one := range got {
		require.Equal(t, outcomes[i], one.Outcome)
		require.Equal(t, i+1, one.Version)
		require.Zero(t, one.Repeats, "version %d came twice", one.Version)
	}
	require.Zero(t, g.Refused())
	return got
}

func (r rig) with(t *testing.T, id onboarding.ID, g *target, n int) {
	t.Helper()
	require.Eventually(t, func() bool { got, _ := g.Of(string(id)); return len(got) == n }, patience, tick, "version %d", n)
}

func failing(s onboarding.Status) bool {
	return slices.Contains(s.Attention, onboarding.AttentionHandOffFailing)
}

func TestHandOff_SeveralTargets_OneThatFailsKeepsNothingFromTheOther(t *testing.T) {
	t.Parallel()
	crm, ledger := newTarget(t, crmSecret), newTarget(t, ledgerSecret)
	r := ownRig(t, stack.Config{
		Setups: `setups:
  several:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f21
    handOff: [crm, ledger]
`,
		Variables: map[string]string{
			"HANDOFF_URL": "", "HANDOFF_SECRETS": "", "HANDOFF_TARGETS": "crm,ledger",
			"HANDOFF_CRM_URL": crm.URL + "/decisions", "HANDOFF_CRM_SECRETS": crmSecret,
			"HANDOFF_LEDGER_URL": ledger.URL + "/decisions", "HANDOFF_LEDGER_SECRETS": ledgerSecret,
		},
	})
	begun, _ := r.start(t, "several", "")
	session := stack.SessionOf(begun.Link)

	// Both are away at the first try, which is made once; of the tries that follow, the ledger takes none, and refuses for
	// good in the end. That the CRM has taken one is known to the later tries of the same activity.
	crm.setDoor(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		crm.setDoor(nil)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	away := 4
	ledger.setDoor(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		if away--; away > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			w.WriteHeader(http.StatusGone)
		}
		return true
	})
	r.play(t, session, "start", "consent", "submit", "approve")
	r.with(t, begun.ID, crm, 1)
	s := r.until(t, begun.ID, "attention", failing)
	require.Equal(t, onboarding.StageHandingOff, s.Stage)
	require.True(t, slices.ContainsFunc(s.Trail, func(e onboarding.TrailEntry) bool { return e.Reason == "refused (ledger)" }))
	crm.requireOnce(t, begun.ID, "Approved")
	ledger.requireOnce(t, begun.ID)
	require.Len(t, crm.knocks(), 2)
	require.Len(t, ledger.knocks(), 4)
	require.Eventually(t, func() bool {
		return slices.Contains(r.overview(t, begun.ID).Attention, string(onboarding.AttentionHandOffFailing))
	}, patience, tick, "the list of operations shows it")

	ledger.setDoor(nil)
	r.command(t, begun.ID, onboarding.Command{Kind: onboarding.CommandRetryHandoff})
	s = r.until(t, begun.ID, "handed off", func(s onboarding.Status) bool { return s.HandedOff != nil })
	require.Empty(t, s.Attention)
	atCRM, atLedger := crm.requireOnce(t, begun.ID, "Approved"), ledger.requireOnce(t, begun.ID, "Approved")
	require.Equal(t, "onboarding.decided", atCRM[0].Type)
	require.Equal(t, atCRM[0].WebhookID, atLedger[0].WebhookID)
	require.Equal(t, atCRM[0].Body, atLedger[0].Body)
	for _, id := range ledger.knocks() {
		require.Equal(t, atLedger[0].WebhookID, id, "a repeat has another id")
	}

	r.play(t, session, "reject")
	for _, g := range []*target{crm, ledger} {
		r.with(t, begun.ID, g, 2)
		require.Equal(t, "onboarding.amended", g.requireOnce(t, begun.ID, "Approved", "Rejected")[1].Type)
	}
}

func TestHandOff_BackendDiesWithTheMessage_GetsItAgainUnderTheSameID(t *testing.T) {
	t.Parallel()
	to := newTarget(t, crmSecret)
	r := ownRig(t, stack.Config{Variables: map[string]string{"HANDOFF_URL": to.URL + "/decisions", "HANDOFF_SECRETS": crmSecret}})
	died := 0
	to.setDoor(func(_ http.ResponseWriter, r *http.Request, keep http.Handler) bool {
		if died++; died > 2 {
			return false
		}
		keep.ServeHTTP(httptest.NewRecorder(), r) // the message is kept, the answer is not given
		panic(http.ErrAbortHandler)
	})
	begun, _ := r.start(t, "single", "")
	r.play(t, stack.SessionOf(begun.Link), "start", "consent", "submit", "approve")
	r.ended(t, begun.ID)
	got, _ := to.Of(string(begun.ID))
	require.Len(t, got, 1, "a repeat has another id")
	require.Equal(t, 2, got[0].Repeats)
	require.Len(t, to.knocks(), 3)
}

// The worker is a process of its own, killed when the backend has answered and before the worker can tell Temporal.
func TestHandOff_WorkerKilledBetweenDeliveryAndCompletion_DeliversAgainUnderTheSameID(t *testing.T) {
	t.Parallel()
	to := newTarget(t, crmSecret)
	r := ownRig(t, stack.Config{NoWorker: true, Variables: map[string]string{"HANDOFF_URL": to.URL + "/decisions", "HANDOFF_SECRETS": crmSecret}})
	worker := exec.CommandContext(context.WithoutCancel(t.Context()), commandLine(t), "worker")
	worker.Env = r.Environ()
	require.NoError(t, worker.Start())
	kill := sync.OnceFunc(func() {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	})
	t.Cleanup(kill)
	answered := make(chan struct{})
	to.setDoor(func(w http.ResponseWriter, r *http.Request, keep http.Handler) bool {
		to.setDoor(nil)
		defer close(answered)
		if err := worker.Process.Signal(syscall.SIGSTOP); err != nil { // so that it cannot read the answer
			panic(err)
		}
		keep.ServeHTTP(w, r)
		_ = http.NewResponseController(w).Flush()
		return true
	})
	begun, _ := r.start(t, "single", "")
	r.play(t, stack.SessionOf(begun.Link), "start", "consent", "submit", "approve")
	select {
	case <-answered:
	case <-timed(t).Done():
		require.Fail(t, "the worker has delivered nothing")
	}
	kill()
	got, _ := to.Of(string(begun.ID))
	require.Len(t, got, 1)
	require.Zero(t, got[0].Repeats)

	_, err := r.StartWorker(t.Context())
	require.NoError(t, err)
	r.ended(t, begun.ID)
	got, _ = to.Of(string(begun.ID))
	require.Len(t, got, 1, "a repeat has another id")
	require.Equal(t, 1, got[0].Repeats)
	require.Len(t, to.knocks(), 2)
	require.Equal(t, 1, count(r.history(t, begun.ID, ""), func(e historyEvent) bool {
		return e.GetActivityTaskTimedOutEventAttributes() != nil
	}), "the first delivery was never completed")
}
