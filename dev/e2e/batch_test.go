package e2e

import (
	"bytes"
	"encoding/csv"
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

func TestBatch_KilledTwiceAndRunAgain_LosesNoneAndDoublesNone(t *testing.T) {
	const lines = 200
	r := ownRig(t, stack.Config{})
	binary, file := commandLine(t), batchFile(t, lines)
	results := file + ".results.csv"
	command := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"batch", file, "--concurrency", "8"}, args...)...)
		var said bytes.Buffer
		cmd.Env, cmd.Stderr, cmd.Stdout = append(os.Environ(), r.Environ()...), &said, &said
		return cmd, &said
	}
	for _, at := range []int{lines / 4, lines / 2} {
		cmd, said := command("--rate", "100")
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return len(rowsOf(results)) >= at }, patience, tick, "%d rows", at)
		require.NoError(t, cmd.Process.Kill())
		require.ErrorContains(t, cmd.Wait(), "killed", said)
		require.Less(t, len(rowsOf(results)), lines)
	}
	cmd, said := command("--rate", "0", "-o", "json")
	require.NoError(t, cmd.Run(), said)
	require.Contains(t, said.String(), fmt.Sprintf(`"total": %d`, lines))

	rows := rowsOf(results)
	require.Len(t, rows, lines)
	info, err := os.Stat(results)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Eventually(t, func() bool {
		f, err := r.Starter.Funnel(timed(t), "single")
		return err == nil && f.Stages[0] == starter.StageCount{Stage: onboarding.StageAwaitingStart, Count: lines} && f.Unfinished == 0
	}, patience, 10*tick, "all are counted")
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
