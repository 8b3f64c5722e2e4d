package histories_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/dev/histories"
	"kyc/onboarding"
	"kyc/workflows"
)

// kept is where the replay test of package workflows finds its histories.
const kept = "../../workflows/testdata/histories"

// TestRecord_EverySituation_ComesOutAsNamedAndIsReplayedByTheCodeThatMadeIt also holds the kept histories against the
// situations, so that none is forgotten.
func TestRecord_EverySituation_ComesOutAsNamedAndIsReplayedByTheCodeThatMadeIt(t *testing.T) {
	dir := t.TempDir()
	var programs bytes.Buffer
	written := map[string]int{}
	err := histories.Record(t.Context(), histories.Config{
		Dir: dir, Log: &programs, Progress: func(name string, events int, _ bool) { written[name] = events },
	})
	if err != nil {
		t.Logf("the end of the programs' logs:\n%s", programs.String()[max(0, programs.Len()-8000):])
	}
	require.NoError(t, err)

	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(workflows.Onboarding, workflow.RegisterOptions{Name: onboarding.WorkflowType})
	host, err := os.Hostname()
	require.NoError(t, err)
	for name, events := range written {
		path := filepath.Join(dir, name+".json")
		require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), path), name)
		require.FileExists(t, filepath.Join(kept, histories.Generation, name+".json"), "record it: make histories")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(data), host, "a history tells nothing of the machine that recorded it")
		t.Logf("%-40s %3d events", name, events)
	}
}
