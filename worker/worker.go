package worker

import (
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/activities"
	"kyc/onboarding"
	"kyc/workflows"
)

// Collaborators are what the activities work with. Sender may be nil where no setup sends messages.
type Collaborators struct {
	Ondato    activities.OndatoAPI
	Sender    activities.Sender
	Deliverer activities.Deliverer
	Erasing   Erasing
}

// Erasing is what erasures work with; without it the worker takes none.
type Erasing struct {
	// Client is for the activities' own calls, in Namespace. It must not be the worker's, which panics where it lacks a key.
	Client    client.Client
	Namespace string
	Redactor  activities.Redactor
	// Keys are nil where payloads are stored in plain.
	Keys Keys
}

// Options of a worker.
type Options struct {
	// TaskQueue to poll; empty means onboarding.DefaultTaskQueue.
	TaskQueue string
	// Version switches worker versioning on; zero means off.
	Version Version
	// StopTimeout is how long activities may finish when the worker stops; 0 means 20 seconds.
	StopTimeout time.Duration
	// OnFatalError is told of an error that ends the worker.
	OnFatalError func(error)
}

// New builds a worker that runs onboardings. The caller starts and stops it.
func New(c client.Client, o Options, with Collaborators) sdk.Worker {
	if o.TaskQueue == "" {
		o.TaskQueue = onboarding.DefaultTaskQueue
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = 20 * time.Second
	}
	w := sdk.New(c, o.TaskQueue, sdk.Options{
		WorkerStopTimeout:           o.StopTimeout,
		OnFatalError:                o.OnFatalError,
		DisableRegistrationAliasing: true,
		DeploymentOptions:           o.Version.options(),
		WorkflowTaskPollerBehavior:  sdk.NewPollerBehaviorAutoscaling(sdk.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:  sdk.NewPollerBehaviorAutoscaling(sdk.PollerBehaviorAutoscalingOptions{}),
	})
	Register(w, with)
	return w
}

// Register adds the workflows and activities to anything that runs or replays them.
func Register(r sdk.Registry, with Collaborators) {
	r.RegisterWorkflowWithOptions(workflows.Onboarding, workflow.RegisterOptions{
		Name: onboarding.WorkflowType, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})

	ondato := &activities.Ondato{API: with.Ondato}
	messages := &activities.Messages{Sender: with.Sender}
	hand := &activities.HandOff{Ondato: ondato, Deliverer: with.Deliverer}
	for name, run := range map[string]any{
		onboarding.ActivityOpenSession: ondato.OpenSession,
		onboarding.ActivityLook:        ondato.LookAtSession,
		onboarding.ActivitySendMessage: messages.SendMessage,
		onboarding.ActivityHandOff:     hand.HandOffDecision,
	} {
		r.RegisterActivityWithOptions(run, activity.RegisterOptions{Name: name})
	}
	if with.Erasing.Client != nil {
		registerErasure(r, with.Erasing)
	}
}

func registerErasure(r sdk.Registry, with Erasing) {
	r.RegisterWorkflowWithOptions(workflows.Erasure, workflow.RegisterOptions{
		Name: onboarding.ErasureWorkflowType, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	})
	erasure := &activities.Erasure{Runs: &runs{with.Client, with.Namespace, with.Keys}, Ondato: with.Redactor}
	if with.Keys != nil { // not a nil in an interface
		erasure.Keys = with.Keys
	}
	for name, run := range map[string]any{
		onboarding.ActivitySurvey:      erasure.SurveyForErasure,
		onboarding.ActivityCancelFirst: erasure.CancelBeforeErasure,
		onboarding.ActivityRedact:      erasure.RedactSession,
		onboarding.ActivityEndRun:      erasure.EndRun,
		onboarding.ActivityDropKey:     erasure.DropKey,
		onboarding.ActivityDeleteRuns:  erasure.DeleteRuns,
	} {
		r.RegisterActivityWithOptions(run, activity.RegisterOptions{Name: name})
	}
}
