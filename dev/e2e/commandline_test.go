package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// TestCommandLine_RunEndedInTemporal_NeverReadsAsIfItLived: whoever looks at an onboarding that was terminated must see that
// nothing comes any more, whichever command they ask.
func TestCommandLine_RunEndedInTemporal_NeverReadsAsIfItLived(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	binary := commandLine(t)
	run := func(args ...string) (code int, stdout, stderr string) {
		var out, told bytes.Buffer
		cmd := exec.CommandContext(timed(t), binary, args...)
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), r.Environ()...), &out, &told
		if err := cmd.Run(); err != nil {
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
		}
		return cmd.ProcessState.ExitCode(), out.String(), told.String()
	}

	started, q := r.start(t, "watched", "terminated-and-looked-at@customer.example")
	id := string(started.ID)
	r.play(t, stack.SessionOf(started.Link), "start")
	r.signalled(t, started.ID, 1)
	code, living, stderr := run("status", string(q.Reference))
	require.Zero(t, code, stderr)
	require.Contains(t, living, "next ")
	require.NotContains(t, living, "erminated")

	require.NoError(t, r.Client.TerminateWorkflow(timed(t), started.ID.WorkflowID(), "", "by a test"))
	require.Eventually(t, func() bool { // lists lag
		_, out, _ := run("list", "--closed", "--setup", "watched", "--stage", string(onboarding.StageInProgress), "--limit", "1000")
		for _, line := range bytes.Split([]byte(out), []byte("\n")) {
			if bytes.HasPrefix(line, []byte(id)) {
				return bytes.Contains(line, []byte("(terminated)"))
			}
		}
		return false
	}, patience, tick)

	code, stdout, stderr := run("status", id)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "TERMINATED in Temporal.")
	require.Contains(t, stdout, "nothing was handed off")
	require.NotContains(t, stdout, "next ")
	require.NotContains(t, stdout, started.Link)
	require.NotContains(t, stdout, "commands ")
	code, stdout, _ = run("status", id, "-o", "json")
	require.Zero(t, code)
	var status onboarding.Status
	require.NoError(t, json.Unmarshal([]byte(stdout), &status))
	require.True(t, status.Terminated)

	for _, args := range [][]string{{"watch", id}, {"watch", id, "--to-the-end"}} {
		code, stdout, stderr = run(args...)
		require.Equal(t, 1, code)
		require.Contains(t, stdout, "InProgress  terminated in Temporal: nothing was handed off, and nothing follows")
		require.Contains(t, stderr, "the run was terminated in Temporal and nothing was handed off")
	}
	code, stdout, _ = run("watch", id, "-o", "json")
	require.Equal(t, 1, code)
	var seen starter.Overview
	require.NoError(t, json.Unmarshal([]byte(stdout), &seen), "one object on one line")
	require.True(t, seen.Unfinished)

	asked, err := json.Marshal(q)
	require.NoError(t, err)
	request := filepath.Join(t.TempDir(), "request.json")
	require.NoError(t, os.WriteFile(request, asked, 0o600))
	code, stdout, stderr = run("start", "--file", request, "-o", "json")
	require.Equal(t, 1, code, "a script must not take it for started: %s", stderr)
	var again starter.Started
	require.NoError(t, json.Unmarshal([]byte(stdout), &again))
	require.Equal(t, starter.HowTerminated, again.How)
	require.Contains(t, stderr, "the onboarding is terminated: the run was terminated in Temporal and nothing was handed off")

	code, _, stderr = run("remind", id, "--reason", "still there?")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "terminated in Temporal")
}
