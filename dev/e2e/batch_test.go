package e2e

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// commandLine builds the product's binary.
func commandLine(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "onboarding")
	out, err := exec.Command("go", "build", "-o", path, "kyc/cmd/onboarding").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// batchFile writes a file of made-up customers under a setup that sends no mail.
func batchFile(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("reference,setup,lastName\n")
	for i := range n {
		fmt.Fprintf(&b, "batch-%d,single,Pavyzdė %d\n", i, i)
	}
	path := filepath.Join(t.TempDir(), "customers.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// rowsOf are the rows of a result file without their head; one that is not there yet has none.
func rowsOf(path string) [][]string {
	text, _ := os.ReadFile(path)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil
	}
	return rows[1:]
}

// peakMemory is the most memory that a program has used so far, in MB; 0 where the system does not say.
func peakMemory(pid int) (mb int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, peak, found := strings.Cut(string(text), "VmHWM:"); found {
		_, _ = fmt.Sscan(peak, &mb)
	}
	return mb >> 10
}

// everyOne lists all onboardings of a filter, page by page, and sees that none comes twice.
func (r rig) everyOne(t *testing.T, f starter.Filter) map[onboarding.ID]starter.Overview {
	t.Helper()
	all := map[onboarding.ID]starter.Overview{}
	for {
		page, err := r.Starter.List(timed(t), f)
		require.NoError(t, err)
		for _, o := range page.Onboardings {
			require.NotContains(t, all, o.ID)
			all[o.ID] = o
		}
		if f.PageToken = page.NextPageToken; f.PageToken == "" {
			return all
		}
	}
}

var (
	batchLines = flag.Int("batch.lines", 200, "lines of the batch that is interrupted")
	batchKills = flag.Int("batch.kills", 2, "how often it is interrupted")
)

// TestBatch_KilledAndRunAgain_LosesNoneAndDoublesNone interrupts a batch again and again. With -batch.lines=10000
// -batch.kills=3 it is the drill whose figures docs/figures.md gives.
func TestBatch_KilledAndRunAgain_LosesNoneAndDoublesNone(t *testing.T) {
	lines := *batchLines
	long := patience + time.Duration(lines)*100*time.Millisecond
	r := ownRig(t, stack.Config{})
	binary, file := commandLine(t), batchFile(t, lines)
	results := file + ".results.csv"
	began := time.Now()
	// run has the batch run until its result file holds so many rows, or to its end.
	run := func(rows int, args ...string) string {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"batch", file, "--rate", "0"}, args...)...)
		var said bytes.Buffer
		cmd.Env, cmd.Stderr, cmd.Stdout = append(os.Environ(), r.Environ()...), &said, &said
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		memory, over, done := 0, time.Now().Add(long), false
		for !done {
			memory = max(memory, peakMemory(cmd.Process.Pid))
			select {
			case err := <-ended:
				require.NoError(t, err, &said)
				done = true
			case <-time.After(tick):
				require.True(t, time.Now().Before(over), "it takes too long")
				if done = len(rowsOf(results)) >= rows; done {
					require.NoError(t, cmd.Process.Kill())
					require.ErrorContains(t, <-ended, "killed")
				}
			}
		}
		t.Logf("after %s: %d of %d lines, at most %d MB of memory", time.Since(began).Round(time.Second), len(rowsOf(results)), lines, memory)
		require.Less(t, memory, 100, "MB of memory")
		return said.String()
	}
	for n := range *batchKills {
		run(lines * (n + 1) / (*batchKills + 2))
		require.Less(t, len(rowsOf(results)), lines)
	}
	said := run(lines+1, "-o", "json")
	require.Contains(t, said, fmt.Sprintf(`"total": %d`, lines))

	rows := rowsOf(results)
	require.Len(t, rows, lines)
	info, err := os.Stat(results)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Eventually(t, func() bool {
		f, err := r.Starter.Funnel(timed(t), "single")
		return err == nil && f.Stages[0] == starter.StageCount{Stage: onboarding.StageAwaitingStart, Count: int64(lines)} && f.Unfinished == 0
	}, long, 10*tick, "all are counted")
	listed := r.everyOne(t, starter.Filter{Setup: "single", Standing: starter.StandingOpen, PageSize: 70})
	require.Len(t, listed, lines)
	for _, row := range rows {
		id := onboarding.Reference(row[0]).ID()
		require.Equal(t, string(id), row[1])
		require.Contains(t, []string{"started", "existing"}, row[2])
		require.Contains(t, listed, id)
		require.Equal(t, []string{stack.SessionOf(row[3])}, r.sessions(t, id), "one session, and its link is in the file")
	}
	for _, o := range r.everyOne(t, starter.Filter{PageSize: 1000}) {
		require.Contains(t, listed, o.ID, "nothing else was started")
	}
}

func TestList_Filters_FindWhatTheySayAndTokensBelongToThem(t *testing.T) {
	t.Parallel()
	r := ownRig(t, stack.Config{})
	var open []onboarding.ID
	for range 3 {
		started, _ := r.start(t, "watched", "listed@customer.example")
		open = append(open, started.ID)
	}
	decided, _ := r.start(t, "single", "")
	r.play(t, stack.SessionOf(decided.Link), "start", "consent", "submit", "approve")
	r.ended(t, decided.ID)
	terminated, _ := r.start(t, "single", "")
	require.NoError(t, r.Client.TerminateWorkflow(timed(t), terminated.ID.WorkflowID(), "", "by a test"))

	ids := func(f starter.Filter) (found []onboarding.ID) {
		for id := range r.everyOne(t, f) {
			found = append(found, id)
		}
		return found
	}
	for name, c := range map[string]struct {
		filter starter.Filter
		want   []onboarding.ID
	}{
		"everything":  {starter.Filter{}, append([]onboarding.ID{decided.ID, terminated.ID}, open...)},
		"by setup":    {starter.Filter{Setup: "watched"}, open},
		"by stage":    {starter.Filter{Stage: onboarding.StageDone}, []onboarding.ID{decided.ID}},
		"by outcome":  {starter.Filter{Outcome: onboarding.OutcomeApproved}, []onboarding.ID{decided.ID}},
		"open":        {starter.Filter{Standing: starter.StandingOpen, PageSize: 2}, open},
		"closed":      {starter.Filter{Standing: starter.StandingClosed}, []onboarding.ID{decided.ID, terminated.ID}},
		"attention":   {starter.Filter{Attention: onboarding.AttentionOverdue}, nil},
		"any of them": {starter.Filter{Attention: starter.AttentionAny}, nil},
	} {
		require.EventuallyWithT(t, func(now *assert.CollectT) { assert.ElementsMatch(now, c.want, ids(c.filter)) }, patience, 10*tick, name)
	}
	page, err := r.Starter.List(timed(t), starter.Filter{PageSize: 2})
	require.NoError(t, err)
	require.Len(t, page.Onboardings, 2)
	o := r.everyOne(t, starter.Filter{})[open[0]]
	seen := r.overview(t, open[0])
	require.WithinDuration(t, seen.Deadline, o.Deadline, time.Second)
	o.Deadline, o.StartedAt = seen.Deadline, seen.StartedAt
	require.Equal(t, seen, o, "a list shows what a description does")
	for _, f := range []starter.Filter{{Setup: "single", PageToken: page.NextPageToken}, {PageToken: "nonsense"}, {Stage: "x' OR 'a'='a"}, {PageSize: -1}} {
		_, err := r.Starter.List(timed(t), f)
		require.Equal(t, starter.Invalid, codeOf(t, err))
	}
	f, err := r.Starter.Funnel(timed(t), "single")
	require.NoError(t, err)
	require.EqualValues(t, 1, f.Unfinished)
	require.Equal(t, starter.StageCount{Stage: onboarding.StageDone, Count: 1}, f.Stages[len(f.Stages)-1])
	require.Equal(t, starter.OutcomeCount{Outcome: onboarding.OutcomeApproved, Count: 1}, f.Outcomes[0])
}
