package e2e

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/handoff"
	"kyc/notify"
	"kyc/onboarding"
	"kyc/ondato"
	"kyc/worker"
	"kyc/workflows"
)

const deployment = "onboarding-worker"

// editionChange is the change of the second edition, and the memo that it writes.
const editionChange = "edition"

// secondEdition is the workflow of a later release: it has one more command at its beginning. Onboardings that began
// before do without.
func secondEdition(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
	if workflow.GetVersion(ctx, editionChange, workflow.DefaultVersion, 1) == 1 {
		if err := workflow.UpsertMemo(ctx, map[string]any{editionChange: 2}); err != nil {
			return onboarding.Result{}, err
		}
	}
	return workflows.Onboarding(ctx, in)
}

// carelessEdition is the same release without regard to what has begun before.
func carelessEdition(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
	if err := workflow.UpsertMemo(ctx, map[string]any{editionChange: 2}); err != nil {
		return onboarding.Result{}, err
	}
	return workflows.Onboarding(ctx, in)
}

func TestVersioning_WorkerReplacedByOneWithNewCode_OnboardingsGoOnUnderIt(t *testing.T) {
	r := ownRig(t, stack.Config{NoWorker: true, Variables: map[string]string{"PRIVACY_PLAINTEXT": "1"}}) // for the replay below
	unversioned, err := r.StartWorker(timed(t))
	require.NoError(t, err)
	begun, _ := r.start(t, "single", "old@customer.example")
	session := stack.SessionOf(begun.Link)
	r.play(t, session, "start", "consent")
	r.until(t, begun.ID, "in progress", func(s onboarding.Status) bool { return s.Stage == onboarding.StageInProgress })
	require.NoError(t, unversioned())

	first, firstLog := r.runWorker(t, deployment, "1", true)
	_, forgottenLog := r.runWorker(t, "forgotten", "1", false)
	r.current(t, "1")
	r.play(t, session, "submit")
	r.until(t, begun.ID, "awaiting the decision", func(s onboarding.Status) bool { return s.Stage == onboarding.StageAwaitingDecision })
	first()

	r.startSecond(t)
	second := worker.Version{Deployment: deployment, BuildID: "2"}
	for _, want := range []string{"1", "2"} { // what is current already stays so
		before, err := worker.MakeCurrent(timed(t), r.Client, onboarding.DefaultTaskQueue, second)
		require.NoError(t, err)
		require.Equal(t, want, before)
	}
	r.play(t, session, "approve")
	require.Equal(t, "Approved", r.received(t, begun.ID, 1)[0].Outcome)
	r.ended(t, begun.ID)
	require.Equal(t, []string{"", "1", "2"}, slices.Compact(r.builds(t, begun.ID)))
	require.False(t, r.ofSecondEdition(t, begun.ID), "an onboarding goes on by the code it began with")

	fresh, _ := r.start(t, "single", "new@customer.example")
	r.play(t, stack.SessionOf(fresh.Link), "start", "consent", "submit", "approve")
	r.ended(t, fresh.ID)
	require.Equal(t, []string{"2"}, slices.Compact(r.builds(t, fresh.ID)))
	require.True(t, r.ofSecondEdition(t, fresh.ID))

	old, latest := r.history(t, begun.ID, ""), r.history(t, fresh.ID, "")
	require.NoError(t, replay(secondEdition, old))
	require.NoError(t, replay(secondEdition, latest))
	require.ErrorContains(t, replay(carelessEdition, old), "TMPRL1100", "replay tells when new code disregards what has begun")

	_, lateLog := r.runWorker(t, deployment, "1", false)
	says := func(log *lines, text string) {
		require.Eventually(t, func() bool { return strings.Contains(log.String(), text) }, patience, tick, text)
	}
	says(firstLog, `msg="this version is current now" deployment=onboarding-worker buildId=1 before=none`)
	says(lateLog, `msg="another version is current; this worker gets work when its own is" deployment=onboarding-worker buildId=1 current=2`)
	says(forgottenLog, "this worker gets no work: restart it with --make-current, or run: "+
		"temporal worker deployment set-current-version --namespace default --deployment-name forgotten --build-id 1")
}

func TestMakeCurrent_NobodyPolls_SaysSo(t *testing.T) {
	r := rig{shared}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := worker.MakeCurrent(ctx, r.Client, "nobody-is-here", worker.Version{Deployment: "unknown", BuildID: "1"})
	require.ErrorContains(t, err, "making version 1 of worker deployment unknown current")
	require.ErrorContains(t, err, "not found")
}

// runWorker runs the product's worker as a version of a deployment.
func (r rig) runWorker(t *testing.T, deployment, build string, makeCurrent bool) (stop func(), log *lines) {
	t.Helper()
	cfg, err := r.Config(app.ProgramWorker, map[string]string{
		"ONBOARDING_DEPLOYMENT_NAME": deployment, "ONBOARDING_BUILD_ID": build, "METRICS_LISTEN": "127.0.0.1:0",
	})
	require.NoError(t, err)
	if makeCurrent {
		require.NoError(t, cfg.MakeCurrent())
	}
	log = &lines{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.RunWorker(ctx, cfg, slog.New(slog.NewTextHandler(log, nil))) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop, log
}

// startSecond starts the worker of the second edition: the product's, but for the workflow.
func (r rig) startSecond(t *testing.T) {
	t.Helper()
	cfg, err := r.Config(app.ProgramWorker, nil)
	require.NoError(t, err)
	api, err := ondato.New(cfg.Ondato)
	require.NoError(t, err)
	deliverer, err := handoff.New(cfg.HandOff)
	require.NoError(t, err)
	sender, err := notify.New(notify.Config{SMTPURL: cfg.Notify.SMTPURL.Reveal(), From: cfg.Notify.From})
	require.NoError(t, err)
	w := worker.New(r.Client, worker.Options{Version: worker.Version{Deployment: deployment, BuildID: "2"}},
		worker.Collaborators{Ondato: api, Deliverer: deliverer, Sender: sender})
	register(w, secondEdition)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

func register(r sdk.WorkflowRegistry, edition any) {
	r.RegisterWorkflowWithOptions(edition, workflow.RegisterOptions{
		Name: onboarding.WorkflowType, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade, DisableAlreadyRegisteredCheck: true,
	})
}

// current waits until a build is current.
func (r rig) current(t *testing.T, build string) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, err := worker.CurrentBuild(timed(t), r.Client, deployment)
		return err == nil && got == build
	}, patience, tick, "build %s is current", build)
}

// builds are the build ids that completed the onboarding's workflow tasks, in order; empty without versioning.
func (r rig) builds(t *testing.T, id onboarding.ID) (builds []string) {
	t.Helper()
	for _, e := range r.history(t, id, "") {
		if a := e.GetWorkflowTaskCompletedEventAttributes(); a != nil {
			if a.GetDeploymentVersion() != nil {
				require.Equal(t, deployment, a.GetDeploymentVersion().GetDeploymentName())
				require.Equal(t, enumspb.VERSIONING_BEHAVIOR_AUTO_UPGRADE, a.GetVersioningBehavior())
			}
			builds = append(builds, a.GetDeploymentVersion().GetBuildId())
		}
	}
	return builds
}

// ofSecondEdition tells whether the onboarding has taken the second edition's branch.
func (r rig) ofSecondEdition(t *testing.T, id onboarding.ID) bool {
	t.Helper()
	d, err := r.Client.DescribeWorkflowExecution(timed(t), id.WorkflowID(), "")
	require.NoError(t, err)
	require.Equal(t, "2", d.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId())
	return d.GetWorkflowExecutionInfo().GetMemo().GetFields()[editionChange] != nil
}

func replay(edition any, events []historyEvent) error {
	replayer := sdk.NewWorkflowReplayer()
	register(replayer, edition)
	return replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), &historypb.History{Events: events})
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
