package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
	"kyc/workflows"
)

const day = 24 * time.Hour

var worldStart = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// world is all that an onboarding deals with, on virtual time: an Ondato that knows the truth of each session, the
// customer, the operators, the backend. It records what the onboarding does.
type world struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment
	in  onboarding.Input

	// lost: no webhook arrives. on is called at the n-th call of a step, from 1; its error fails the call. changed says
	// that the backend's n-th delivery found another decision at Ondato.
	lost    bool
	on      map[onboarding.StepKind]func(n int) error
	changed func(n int) bool

	mu       sync.Mutex
	sessions []*session
	calls    map[onboarding.StepKind]int
	did      []string
	messages []onboarding.Message
	handed   []onboarding.HandOff
	// holds says until when a message is held in quiet hours, if at all.
	holds     func(onboarding.Message) time.Time
	published []shown
	events    int
	due, ran  int
}

// session is the truth of a session at Ondato.
type session struct {
	onboarding.Sight
	openedAt time.Time
	edits    int
}

// shown is what the search attributes said, and since when after the start.
type shown struct {
	At        time.Duration
	Stage     onboarding.Stage
	Outcome   onboarding.Outcome
	Attempt   int
	Attention string
	Deadline  time.Time
}

func newWorld(t *testing.T, change ...func(*onboarding.Setup)) *world {
	setup := onboarding.Setup{
		Name: "retail", OndatoSetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11", Language: "en", Events: onboarding.DeliverAll,
		Notify: []onboarding.Channel{onboarding.ChannelEmail}, Policy: onboarding.DefaultPolicy(),
	}
	for _, c := range change {
		c(&setup)
	}
	require.NoError(t, setup.Validate())
	in := onboarding.Input{
		Request: onboarding.Request{Reference: "customer-1", Setup: "retail", Applicant: onboarding.Applicant{FirstName: "Ona", Email: "ona@example.test"}},
		Setup:   setup, Call: "call-1",
	}
	return worldWith(t, in, worldStart)
}

func worldWith(t *testing.T, in onboarding.Input, start time.Time) *world {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &world{
		t: t, env: suite.NewTestWorkflowEnvironment(), in: in,
		on: map[onboarding.StepKind]func(int) error{}, calls: map[onboarding.StepKind]int{},
	}
	w.env.SetStartTime(start)
	w.env.SetTestTimeout(20 * time.Second)
	register := func(name string, does any) {
		w.env.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
	register(onboarding.ActivityOpenSession, w.open)
	register(onboarding.ActivityLook, w.look)
	register(onboarding.ActivitySendMessage, w.message)
	register(onboarding.ActivityHandOff, w.handOff)
	w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&watching{w: w}}})
	if in.State == nil {
		w.startedWith(onboarding.Attributes{Stage: onboarding.StageAwaitingStart, Attempt: 1, Deadline: start.Add(in.Setup.Policy.Deadline.Std())})
	} else {
		s := in.State
		w.startedWith(onboarding.Attributes{Stage: s.Stage, Attempt: s.Attempt, Deadline: s.Deadline})
	}
	return w
}

var (
	keyStage     = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeStage)
	keyOutcome   = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeOutcome)
	keyAttempt   = temporal.NewSearchAttributeKeyInt64(onboarding.AttributeAttempt)
	keyAttention = temporal.NewSearchAttributeKeyKeywordList(onboarding.AttributeAttention)
	keyDeadline  = temporal.NewSearchAttributeKeyTime(onboarding.AttributeDeadline)
)

// startedWith sets the attributes as the starter does.
func (w *world) startedWith(a onboarding.Attributes) {
	require.NoError(w.t, w.env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(
		keyStage.ValueSet(string(a.Stage)), keyAttempt.ValueSet(int64(a.Attempt)), keyDeadline.ValueSet(a.Deadline))))
	w.published = []shown{{Stage: a.Stage, Attempt: a.Attempt, Deadline: a.Deadline}}
}

// The interceptors below lead each upsert past world.publish. The environment's mock would not do: it hides which
// attributes an upsert has unset.
type (
	watching struct {
		interceptor.WorkerInterceptorBase
		w *world
	}
	watchingIn struct {
		interceptor.WorkflowInboundInterceptorBase
		w *world
	}
	watchingOut struct {
		interceptor.WorkflowOutboundInterceptorBase
		w *world
	}
)

func (i *watching) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &watchingIn{interceptor.WorkflowInboundInterceptorBase{Next: next}, i.w}
}

func (i *watchingIn) Init(out interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&watchingOut{interceptor.WorkflowOutboundInterceptorBase{Next: out}, i.w})
}

func (o *watchingOut) UpsertTypedSearchAttributes(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	err := o.Next.UpsertTypedSearchAttributes(ctx, updates...)
	o.w.publish(workflow.GetTypedSearchAttributes(ctx))
	return err
}

// publish records what the attributes say after an upsert.
func (w *world) publish(set temporal.SearchAttributes) {
	stage, _ := set.GetKeyword(keyStage)
	outcome, _ := set.GetKeyword(keyOutcome)
	attempt, _ := set.GetInt64(keyAttempt)
	attention, _ := set.GetKeywordList(keyAttention)
	deadline, _ := set.GetTime(keyDeadline)
	w.published = append(w.published, shown{
		w.since(), onboarding.Stage(stage), onboarding.Outcome(outcome), int(attempt), strings.Join(attention, " "), deadline,
	})
}

// shownStages are the stages as published after the start, each with the attention that goes with it.
func (w *world) shownStages() []string {
	var out []string
	for _, s := range w.published[1:] {
		line := fmt.Sprintf("%s %s", onboarding.Duration(s.At), s.Stage)
		if s.Outcome != "" {
			line += " " + string(s.Outcome)
		}
		if s.Attention != "" {
			line += " ! " + s.Attention
		}
		out = append(out, line)
	}
	return out
}

func (w *world) since() time.Duration { return w.env.Now().Sub(worldStart).Round(time.Millisecond) }

// --- the steps ----------------------------------------------------------------------------------------------------

// begin records a call and asks the script what becomes of it.
func (w *world) begin(kind onboarding.StepKind, what string) (n int, err error) {
	w.mu.Lock()
	w.calls[kind]++
	n = w.calls[kind]
	w.did = append(w.did, fmt.Sprintf("%s %s", onboarding.Duration(w.since()), what))
	script := w.on[kind]
	w.mu.Unlock()
	if script != nil {
		err = script(n)
	}
	return n, err
}

func (w *world) open(_ context.Context, o onboarding.OpenSession) (onboarding.OpenedSession, error) {
	if _, err := w.begin(onboarding.StepOpen, fmt.Sprintf("open %d", o.Attempt)); err != nil {
		return onboarding.OpenedSession{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions = append(w.sessions, &session{Sight: onboarding.Sight{Session: onboarding.SessionPending}, openedAt: w.env.Now()})
	id := fmt.Sprintf("s%d", len(w.sessions))
	return onboarding.OpenedSession{SessionID: id, Link: "https://idv.example.test/?id=" + id}, nil
}

func (w *world) look(_ context.Context, l onboarding.Look) (onboarding.Sight, error) {
	if _, err := w.begin(onboarding.StepLook, "look "+l.SessionID); err != nil {
		return onboarding.Sight{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.sessions {
		if l.SessionID != fmt.Sprintf("s%d", i+1) {
			continue
		}
		if s.Session == onboarding.SessionPending && !w.env.Now().Before(s.openedAt.Add(7*day)) {
			s.Session, s.ModifiedUtc = onboarding.SessionExpired, s.openedAt.Add(7*day)
		}
		return s.sight(fmt.Sprintf("k%d", i+1)), nil
	}
	return onboarding.Sight{}, temporal.NewNonRetryableApplicationError("no such session", "missing", nil)
}

func (s *session) sight(identification string) onboarding.Sight {
	seen := s.Sight
	if seen.Identification != "" {
		seen.IdentificationID = identification
		seen.RecordDigest = fmt.Sprintf("%s-%s-%d", seen.Identification, seen.Reason, s.edits)
	}
	return seen
}

func (w *world) message(_ context.Context, m onboarding.Message) (onboarding.SentMessage, error) {
	if _, err := w.begin(onboarding.StepMessage, "send "+string(m.Kind)); err != nil {
		return onboarding.SentMessage{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holds != nil {
		if until := w.holds(m); !until.IsZero() {
			return onboarding.SentMessage{HeldUntil: until}, nil
		}
	}
	w.messages = append(w.messages, m)
	return onboarding.SentMessage{Channels: []onboarding.Channel{onboarding.ChannelEmail}}, nil
}

func (w *world) handOff(_ context.Context, h onboarding.HandOff) (onboarding.HandedOff, error) {
	n, err := w.begin(onboarding.StepHandOff, fmt.Sprintf("hand off %d %s", h.Decision.Version, h.Decision.Outcome))
	if err != nil {
		return onboarding.HandedOff{}, err
	}
	if w.changed != nil && w.changed(n) {
		return onboarding.HandedOff{Version: h.Decision.Version, Changed: true}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handed = append(w.handed, h)
	return onboarding.HandedOff{Version: h.Decision.Version, WebhookID: fmt.Sprintf("w%d", h.Decision.Version)}, nil
}

// meanwhile does something on behalf of a step that is under way, and returns when the onboarding has taken it in.
func (w *world) meanwhile(do func()) {
	done := make(chan struct{})
	w.env.RegisterDelayedCallback(func() {
		do()
		w.env.RegisterDelayedCallback(func() { close(done) }, 0)
	}, 0)
	<-done
}

// --- what happens -------------------------------------------------------------------------------------------------

// at does something at a time after the start. The onboarding must not end before.
func (w *world) at(after time.Duration, do func()) {
	w.due++
	w.env.RegisterDelayedCallback(func() { w.ran++; do() }, after)
}

// current changes the truth about the newest session, and tells its id.
func (w *world) current(change func(*session)) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[len(w.sessions)-1]
	s.ModifiedUtc = w.env.Now()
	change(s)
	return fmt.Sprintf("s%d", len(w.sessions))
}

// event makes an event of now.
func (w *world) event(sessionID string, kind onboarding.EventType, status string) onboarding.Event {
	w.events++
	return onboarding.Event{ID: fmt.Sprintf("e%d", w.events), Type: kind, CreatedUtc: w.env.Now(), SessionID: sessionID, Status: status}
}

func (w *world) deliver(e onboarding.Event) {
	if !w.lost {
		w.env.SignalWorkflow(onboarding.SignalEvent, e)
	}
}

func (w *world) becomes(status onboarding.SessionStatus) {
	id := w.current(func(s *session) { s.Session = status })
	w.deliver(w.event(id, onboarding.EventStatusChanged, string(status)))
}

func (w *world) starts() { w.becomes(onboarding.SessionInProgress) }

func (w *world) submits() {
	id := w.current(func(s *session) {
		s.Session, s.Identification, s.Reason = onboarding.SessionInProgress, onboarding.IdentificationAwaiting, ""
		s.CompletedUtc = w.env.Now()
	})
	w.deliver(w.event(id, onboarding.EventProcessed, "Awaiting"))
}

// judged: Ondato decides about the newest session, without ending it.
func (w *world) judged(as onboarding.IdentificationStatus, reason string) {
	id := w.current(func(s *session) {
		s.Identification, s.Reason, s.RetryableReason = as, reason, reason == "BlurredPhoto"
	})
	kind := onboarding.EventApproved
	if as == onboarding.IdentificationRejected {
		kind = onboarding.EventRejected
	}
	w.deliver(w.event(id, kind, string(as)))
}

// decides: Ondato decides and ends the session.
func (w *world) decides(as onboarding.IdentificationStatus, reason string) {
	w.current(func(s *session) { s.Session = onboarding.SessionCompleted })
	w.judged(as, reason)
	w.becomes(onboarding.SessionCompleted)
}

func (w *world) approves() { w.decides(onboarding.IdentificationApproved, "AutomaticallyIdentified") }

// approvedAt lets the customer go through without trouble and be approved.
func (w *world) approvedAt(after time.Duration) {
	w.at(after-3*time.Minute, w.starts)
	w.at(after-time.Minute, w.submits)
	w.at(after, w.approves)
}

// reply is what became of an update.
type reply struct {
	refused, failed error
	answered        bool
	answer          any
}

func (w *world) update(name string, arg any) *reply { return w.updateAs("", name, arg) }

func (w *world) updateAs(updateID, name string, arg any) *reply {
	r := &reply{}
	w.env.UpdateWorkflow(name, updateID, &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { r.refused = err },
		OnComplete: func(answer any, err error) { r.answered, r.answer, r.failed = true, answer, err },
	}, arg)
	return r
}

func (w *world) command(kind onboarding.CommandKind, change ...func(*onboarding.Command)) *reply {
	w.events++
	c := onboarding.Command{ID: fmt.Sprintf("c%d", w.events), Actor: "jonas", Reason: "asked by phone"}
	for _, f := range change {
		f(&c)
	}
	return w.update(string(kind), c)
}

func (w *world) linkUpdate() *reply {
	return w.update(onboarding.UpdateLink, onboarding.LinkRequest{RequestDigest: w.in.Request.Digest()})
}

// receipt is the answer to a command that must have been accepted.
func (w *world) receipt(r *reply) onboarding.CommandReceipt {
	w.t.Helper()
	return answer[onboarding.CommandReceipt](w.t, r)
}

func answer[T any](t *testing.T, r *reply) (out T) {
	t.Helper()
	require.NoError(t, r.refused)
	require.True(t, r.answered, "the update was not answered")
	require.NoError(t, r.failed)
	text, err := json.Marshal(r.answer)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// refusedAs requires that the validator refused with a type and a reason.
func refusedAs(t *testing.T, r *reply, kind, why string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, r.refused, &app)
	require.Equal(t, kind, app.Type())
	require.Contains(t, app.Message(), why)
	require.False(t, r.answered)
}

func (w *world) status() onboarding.Status {
	w.t.Helper()
	value, err := w.env.QueryWorkflow(onboarding.QueryStatus)
	require.NoError(w.t, err)
	var s onboarding.Status
	require.NoError(w.t, value.Get(&s))
	return s
}

// --- the end ------------------------------------------------------------------------------------------------------

func (w *world) execute() {
	w.env.ExecuteWorkflow(workflows.Onboarding, w.in)
	require.True(w.t, w.env.IsWorkflowCompleted())
}

// run takes the onboarding to its end, which must be a result and must not come before all of the script has happened.
func (w *world) run() onboarding.Result {
	w.t.Helper()
	w.execute()
	require.NoError(w.t, w.env.GetWorkflowError())
	require.Equal(w.t, w.due, w.ran, "the onboarding ended before the script did")
	var result onboarding.Result
	require.NoError(w.t, w.env.GetWorkflowResult(&result))
	return result
}

// didOnly are the recorded steps that begin with one of the words.
func (w *world) didOnly(words ...string) []string {
	var out []string
	for _, line := range w.did {
		var at, word string
		_, err := fmt.Sscanf(line, "%s %s", &at, &word)
		require.NoError(w.t, err)
		for _, want := range words {
			if word == want {
				out = append(out, line)
			}
		}
	}
	return out
}

// withoutWatch ends an onboarding with its hand-off.
func withoutWatch(s *onboarding.Setup) { s.Policy.WatchFor = 0 }

// impatient makes a patient step give up after two tries, one second apart, so that the pauses between steps show.
func impatient(s *onboarding.Setup) { s.Policy.StepPatience = onboarding.Duration(time.Second) }

func withOperations(s *onboarding.Setup) { s.OperationsEmail = "operations@example.test" }

func failing(int) error { return temporal.NewApplicationError("down", "unavailable") }

func refusing(int) error {
	return temporal.NewNonRetryableApplicationError("no", "refused-by-peer", nil)
}
