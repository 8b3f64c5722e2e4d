package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Version identifies a worker for Temporal's worker versioning. The zero value means that versioning is off.
type Version struct {
	// Deployment is the name that all versions of the worker share.
	Deployment string
	// BuildID tells the versions apart. The same build id means the same code.
	BuildID string
}

// Off tells whether versioning is off.
func (v Version) Off() bool { return v == Version{} }

// options of a worker. An onboarding lasts for weeks, so it moves on to the current version rather than keep a worker of
// its own version alive.
func (v Version) options() sdk.DeploymentOptions {
	if v.Off() {
		return sdk.DeploymentOptions{} // the SDK refuses a behaviour without versioning
	}
	return sdk.DeploymentOptions{
		UseVersioning:             true,
		Version:                   sdk.WorkerDeploymentVersion{DeploymentName: v.Deployment, BuildID: v.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// Times of MakeCurrent: a version is known to the server within a second of its worker's first poll.
const (
	currentPatience = 30 * time.Second
	currentRetry    = 250 * time.Millisecond
)

// MakeCurrent makes v the version of its deployment that new and running onboardings go on with, as soon as a worker of v
// polls the task queue. It returns the build id that was current before, empty when there was none; making current what
// is current already changes nothing. It gives up after 30 seconds.
func MakeCurrent(ctx context.Context, c client.Client, taskQueue string, v Version) (before string, err error) {
	ctx, cancel := context.WithTimeout(ctx, currentPatience)
	defer cancel()
	var why error
	for {
		if before, err = makeCurrent(ctx, c, taskQueue, v); err == nil {
			return before, nil
		}
		if why == nil || ctx.Err() == nil {
			why = err // what the deadline cut off says less than what came before
		}
		if hopeless(err) || !pause(ctx, currentRetry) {
			return "", fmt.Errorf("making version %s of worker deployment %s current: %w", v.BuildID, v.Deployment, why)
		}
	}
}

// pause returns false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// makeCurrent tries once. The conflict token makes sure that what is replaced is what was seen.
func makeCurrent(ctx context.Context, c client.Client, taskQueue string, v Version) (before string, err error) {
	deployment := c.WorkerDeploymentClient().GetHandle(v.Deployment)
	version, err := deployment.DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: v.BuildID})
	if err != nil {
		return "", err
	}
	// Activities are registered apart from workflows. A version that lacks either would leave its tasks without a worker;
	// hence IgnoreMissingTaskQueues stays off as well.
	for _, kind := range []client.TaskQueueType{client.TaskQueueTypeWorkflow, client.TaskQueueTypeActivity} {
		polled := client.WorkerDeploymentTaskQueueInfo{Name: taskQueue, Type: kind}
		if !slices.Contains(version.Info.TaskQueuesInfos, polled) {
			return "", fmt.Errorf("no worker of this version polls task queue %s", taskQueue)
		}
	}
	state, err := deployment.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return "", err
	}
	if before = currentOf(state); before == v.BuildID {
		return before, nil
	}
	_, err = deployment.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{
		BuildID: v.BuildID, ConflictToken: state.ConflictToken,
	})
	return before, err
}

// hopeless tells whether trying again is of no use.
func hopeless(err error) bool {
	var (
		denied  *serviceerror.PermissionDenied
		invalid *serviceerror.InvalidArgument
		unknown *serviceerror.Unimplemented
	)
	return errors.As(err, &denied) || errors.As(err, &invalid) || errors.As(err, &unknown)
}

// CurrentBuild returns the build id of the deployment's current version; empty when there is none, so that workers with
// versioning get no work.
func CurrentBuild(ctx context.Context, c client.Client, deployment string) (string, error) {
	state, err := c.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	var unknown *serviceerror.NotFound
	switch {
	case errors.As(err, &unknown):
		return "", nil // no worker of it has polled yet
	case err != nil:
		return "", fmt.Errorf("describing worker deployment %s: %w", deployment, err)
	}
	return currentOf(state), nil
}

func currentOf(state client.WorkerDeploymentDescribeResponse) string {
	if version := state.Info.RoutingConfig.CurrentVersion; version != nil {
		return version.BuildID
	}
	return ""
}
