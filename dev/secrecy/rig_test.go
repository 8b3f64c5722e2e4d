package secrecy

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"

	"kyc/app"
	"kyc/dev/backend"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// setups of the tests: whatever goes wrong is tried again within seconds, and watched long enough.
const setups = `setups:
  watched:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
    language: en
    notify: [email]
    events: all
    policy: {stepPatience: 2s, retryDelays: [1s, 2s]}
  brief:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f12
    language: en
    notify: [email]
    events: all
    policy: {stepPatience: 2s, retryDelays: [1s, 2s], watchFor: 0s}
  patient:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f13
    language: en
    notify: [email]
    events: all
`

// quickDeletion has the server take note every half second, and not every half minute, of what it has done: it deletes
// no run before it knows that the run has been closed.
var quickDeletion = map[string]any{"history.transferProcessorUpdateAckInterval": "500ms"}

// TestMain lets more tests run side by side than there are processors: they wait more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// patience bounds every wait, tick is how often a condition is looked at.
const (
	patience = 45 * time.Second
	tick     = 30 * time.Millisecond
)

// namespace that the stacks run in.
const namespace = "default"

// rig is a stack whose collaborators are indiscreet, with what tests do in it.
type rig struct {
	*stack.Stack
	dir string
	cfg stack.Config
	// ondato and backend stand before the sandbox and the example backend, mail is the mail server.
	ondato, backend *indiscreet
	mail            *postmaster
}

// newRig starts a stack of its own, without the Temporal UI and what that needs.
func newRig(t *testing.T, cfg stack.Config) *rig {
	t.Helper()
	cfg.NoUI = true
	return startRig(t, cfg)
}

func startRig(t *testing.T, cfg stack.Config) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), mail: startPostmaster(t)}
	r.ondato = startIndiscreet(t, func() string { return r.SandboxURL })
	r.backend = startIndiscreet(t, func() string { return r.BackendURL })
	variables := map[string]string{
		"ONDATO_IDV_URL": r.ondato.url, "ONDATO_KYC_URL": r.ondato.url, "HANDOFF_URL": r.backend.url + "/decisions",
		"NOTIFY_SMTP_URL": "smtp://" + r.mail.address + "?starttls=none", "LOG_LEVEL": "debug",
	}
	maps.Copy(variables, cfg.Variables)
	dynamic := maps.Clone(quickDeletion)
	maps.Copy(dynamic, cfg.DynamicConfig)
	cfg.DynamicConfig = dynamic
	cfg.Dir, cfg.Setups, cfg.Variables, cfg.LogLevel = r.dir, setups, variables, slog.LevelDebug
	log, err := os.Create(r.logFile())
	require.NoError(t, err)
	t.Cleanup(func() { _ = log.Close() })
	cfg.Log = log
	r.cfg = cfg
	r.start(t)
	t.Cleanup(func() {
		require.NoError(t, r.Stop())
		if t.Failed() {
			text, _ := os.ReadFile(r.logFile())
			t.Logf("the end of the programs' logs:\n%s", text[max(0, len(text)-6000):])
		}
	})
	return r
}

func (r *rig) logFile() string { return filepath.Join(r.dir, "programs.log") }

func (r *rig) start(t *testing.T) {
	t.Helper()
	s, err := stack.Start(t.Context(), r.cfg)
	require.NoError(t, err)
	r.Stack = s
	r.cfg.Ports = s.Ports() // links go on working when it is started again
}

func (r *rig) keysetFile() string { return filepath.Join(r.dir, "keyset.json") }

// again stops everything, has something done, and starts everything again as new processes would: without a key in
// their caches.
func (r *rig) again(t *testing.T, meanwhile func()) {
	t.Helper()
	require.NoError(t, r.Stop())
	meanwhile()
	r.start(t)
}

func timed(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// waitFor waits in the test's own goroutine, so that the condition may use require.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := timed(t)
	for !ok() {
		require.NoError(t, ctx.Err(), "waited in vain: %s", what)
		time.Sleep(tick)
	}
}

// applicant is a made-up customer.
func applicant(email string) onboarding.Applicant {
	return onboarding.Applicant{FirstName: "Vardenė", LastName: "Pavardytė", DateOfBirth: "1991-04-17", Email: email}
}

func (r *rig) begin(t *testing.T, setup string) starter.Started {
	t.Helper()
	return r.beginAs(t, onboarding.Request{
		Reference: onboarding.Reference("case " + uuid.NewString()), Setup: setup, Applicant: applicant("someone@customer.example"),
	})
}

func (r *rig) beginAs(t *testing.T, q onboarding.Request) starter.Started {
	t.Helper()
	started, err := r.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, starter.HowStarted, started.How)
	return started
}

// play acts at the sandbox as the customer and as Ondato.
func (r *rig) play(t *testing.T, session string, actions ...string) {
	t.Helper()
	for _, a := range actions {
		var body any
		if a == "reject" {
			body = map[string]any{"reason": "PossibleFraudAttempt", "final": true}
		}
		require.NoError(t, r.Act(timed(t), session, a, body), a)
	}
}

// approved takes an onboarding to its approval, handed off.
func (r *rig) approved(t *testing.T, started starter.Started) {
	t.Helper()
	r.play(t, stack.SessionOf(started.Link), "start", "consent", "submit", "approve")
	r.handedOff(t, started.ID, 1)
}

// handedOff waits until the onboarding knows that the backend has a number of its messages, and returns the last.
func (r *rig) handedOff(t *testing.T, id onboarding.ID, n int) backend.Received {
	t.Helper()
	r.until(t, id, fmt.Sprintf("%d messages at the backend", n), func(s onboarding.Status) bool {
		return s.HandedOff != nil && s.HandedOff.Version >= n
	})
	got, _ := r.Backend.Of(string(id))
	require.Len(t, got, n)
	return got[n-1]
}

func (r *rig) until(t *testing.T, id onboarding.ID, what string, ok func(onboarding.Status) bool) (s onboarding.Status) {
	t.Helper()
	ctx := timed(t)
	require.Eventually(t, func() bool {
		var err error
		s, err = r.Starter.Status(ctx, id)
		return err == nil && ok(s)
	}, patience, tick, what)
	return s
}

// command gives an operator's command, which must be obeyed.
func (r *rig) command(t *testing.T, id onboarding.ID, c onboarding.Command) {
	t.Helper()
	if c.Actor == "" {
		c.Actor, c.Reason = "jonas", "asked by phone"
	}
	_, err := r.Starter.Obey(timed(t), id, c)
	require.NoError(t, err)
}

// gone tells whether Temporal knows nothing of an onboarding any more.
func (r *rig) gone(t *testing.T, id onboarding.ID) bool {
	t.Helper()
	_, err := r.Client.DescribeWorkflow(timed(t), id.WorkflowID(), "")
	var notFound *serviceerror.NotFound
	if err != nil {
		require.ErrorAs(t, err, &notFound)
	}
	return err != nil
}

type event = *historypb.HistoryEvent

// history is the history of an onboarding's run, or with an empty run id of the newest.
func (r *rig) history(t *testing.T, id onboarding.ID, runID string) []event {
	t.Helper()
	return r.events(t, id.WorkflowID(), runID)
}

// events is the history of any workflow.
func (r *rig) events(t *testing.T, workflowID, runID string) (events []event) {
	t.Helper()
	pages := r.Client.GetWorkflowHistory(timed(t), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		require.NoError(t, err)
		events = append(events, event)
	}
	require.NotEmpty(t, events)
	return events
}

// signals counts the signals in a history.
func signals(events []event) (n int) {
	for _, e := range events {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
			n++
		}
	}
	return n
}

// connect makes a connection of its own, as another process has it: with nothing in its cache.
func (r *rig) connect(t *testing.T) (*app.Connection, *starter.Starter) {
	t.Helper()
	cfg, err := r.Config(app.ProgramCLI, nil)
	require.NoError(t, err)
	c, err := app.Connect(timed(t), cfg, slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, starter.New(c.Client, cfg.Setups, starter.Options{Keys: c.Keys(), PollEvery: tick, Wait: r.cfg.StartWait})
}

func codeOf(t *testing.T, err error) starter.Code {
	t.Helper()
	var mine *starter.Error
	require.ErrorAs(t, err, &mine)
	return mine.Code
}

// --- the sandbox --------------------------------------------------------------------------------------------------

// seen is a session as the sandbox's control API shows it.
type seen struct {
	ID           string
	Registration json.RawMessage
	Webhooks     struct{ Pending int }
}

// sessions are the sandbox's sessions of an onboarding.
func (r *rig) sessions(t *testing.T, id onboarding.ID) []seen {
	t.Helper()
	answer, err := http.Get(r.SandboxURL + "/_sandbox/sessions?externalReferenceId=" + url.QueryEscape(string(id)))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	var list struct{ Sessions []seen }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&list))
	return list.Sessions
}

// webhook sends an event of a session to the bridge and returns the status of the answer.
func (r *rig) webhook(t *testing.T, kind onboarding.EventType, payload map[string]any) int {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": uuid.NewString(), "applicationId": stack.ApplicationID, "type": kind, "payload": payload,
		"createdUtc": time.Now().UTC().Format("2006-01-02T15:04:05.9999999Z"),
	})
	require.NoError(t, err)
	status, err := r.SendWebhook(timed(t), body)
	require.NoError(t, err)
	return status
}
