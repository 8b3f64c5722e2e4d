package workflows_test

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
	"kyc/workflows"
)

// keptHistories lists the histories in testdata; its README says what they are.
func keptHistories(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir("testdata/histories", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".json" {
			files = append(files, path)
		}
		return err
	}))
	require.NotEmpty(t, files)
	return files
}

func replay(path string, code any) error {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(code, workflow.RegisterOptions{Name: onboarding.WorkflowType})
	return replayer.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), path)
}

func TestReplay_EveryKeptHistory_IsReplayedByTheCodeOfToday(t *testing.T) {
	for _, path := range keptHistories(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(path, workflows.Onboarding))
		})
	}
}

// nondeterminism is the code by which the SDK marks it.
const nondeterminism = "TMPRL1100"

// TestReplay_WrongChange_IsCaught proves that the replay test bites: each of these changes, deployed, would break
// onboardings that are under way.
func TestReplay_WrongChange_IsCaught(t *testing.T) {
	changes := map[string]struct {
		code any
		// spared: histories in which the change does not show.
		spared func(name string) bool
	}{
		"a timer before everything else": {
			code: func(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
				if err := workflow.Sleep(ctx, time.Second); err != nil {
					return onboarding.Result{}, err
				}
				return workflows.Onboarding(ctx, in)
			},
		},
		"one more step at the end": {
			code: func(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
				result, err := workflows.Onboarding(ctx, in)
				if err != nil {
					return result, err
				}
				return result, workflow.Sleep(ctx, time.Second)
			},
			spared: func(name string) bool { return strings.HasPrefix(name, "open-") || strings.HasSuffix(name, "-run-1") },
		},
		"other first steps": {
			code: func(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
				in.Setup.Notify = nil // nobody is invited any more
				return workflows.Onboarding(ctx, in)
			},
			spared: func(name string) bool {
				return name == "aborted-abandoned" || name == "cancelled-in-temporal" || strings.Contains(name, "-run-2")
			},
		},
	}
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			for _, path := range keptHistories(t) {
				name := strings.TrimSuffix(filepath.Base(path), ".json")
				if err := replay(path, change.code); change.spared != nil && change.spared(name) {
					require.NoError(t, err, name)
				} else {
					require.ErrorContains(t, err, nondeterminism, name)
				}
			}
		})
	}
}
