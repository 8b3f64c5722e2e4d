package batch

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/starter"
)

// counting answers starts as Temporal would, without it, and counts them by reference.
type counting struct {
	offline
	mu     sync.Mutex
	sent   map[onboarding.Reference]int
	answer func(onboarding.Request, int) (starter.Started, error)
	now    atomic.Int32
	most   int32
}

func newCounting() *counting {
	return &counting{offline: newOffline(), sent: map[onboarding.Reference]int{}}
}

func (c *counting) Start(_ context.Context, q onboarding.Request) (starter.Started, error) {
	defer c.now.Add(-1)
	now := c.now.Add(1)
	c.mu.Lock()
	c.most = max(c.most, now)
	c.sent[q.Reference]++
	n := c.sent[q.Reference]
	c.mu.Unlock()
	if c.answer != nil {
		return c.answer(q, n)
	}
	how := starter.HowStarted
	if n > 1 {
		how = starter.HowAlreadyRunning
	}
	return starter.Started{How: how, Link: "https://idv.example/?id=" + string(q.Reference)}, nil
}

func customers(n int) string {
	var b strings.Builder
	b.WriteString("reference,setup,email\n")
	for i := range n {
		fmt.Fprintf(&b, "c-%d,standard,c%d@customer.example\n", i, i)
	}
	return b.String()
}

func configOf(t *testing.T, text string) Config {
	return Config{Open: fileOf(text), Format: FormatCSV, Results: filepath.Join(t.TempDir(), "results.csv")}
}

func rowsOf(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Equal(t, resultColumns, rows[0])
	return rows[1:]
}

func TestRun_TenThousandLines_EachIsStartedOnceAndWrittenDown(t *testing.T) {
	const n = 10_000
	s, c := newCounting(), configOf(t, customers(n))
	c.Concurrency = 8
	calls := 0
	c.Progress = func(Tally) { calls++ }
	tally, err := Run(t.Context(), s, c)
	require.NoError(t, err)
	require.Equal(t, Tally{Total: n, Started: n}, tally)
	require.Equal(t, n+1, calls)
	require.LessOrEqual(t, s.most, int32(8))
	rows := rowsOf(t, c.Results)
	require.Len(t, rows, n)
	for _, row := range rows {
		require.Equal(t, []string{row[0], string(onboarding.Reference(row[0]).ID()), "started", "https://idv.example/?id=" + row[0], ""}, row)
		require.Equal(t, 1, s.sent[onboarding.Reference(row[0])])
	}
	info, err := os.Stat(c.Results)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestRun_Interrupted_GoesOnWithoutSendingAnythingTwice(t *testing.T) {
	s, c := newCounting(), configOf(t, customers(100))
	for _, until := range []int{30, 60} {
		ctx, cancel := context.WithCancel(t.Context())
		c.Progress = func(now Tally) {
			if now.Done() >= until {
				cancel()
			}
		}
		tally, err := Run(ctx, s, c)
		require.ErrorIs(t, err, ErrInterrupted)
		require.Len(t, rowsOf(t, c.Results), tally.Done())
		require.Less(t, tally.Done(), 100)
	}
	c.Progress = nil
	tally, err := Run(t.Context(), s, c)
	require.NoError(t, err)
	require.Equal(t, 100, tally.Started)
	require.GreaterOrEqual(t, tally.Earlier, 60)
	require.Len(t, rowsOf(t, c.Results), 100)
	for reference, n := range s.sent {
		require.Equal(t, 1, n, reference)
	}
	c.Again = true
	tally, err = Run(t.Context(), s, c)
	require.NoError(t, err)
	require.Equal(t, Tally{Total: 100, Existing: 100}, tally)
}

func TestRun_ResultFileCutOff_SendsOnlyThatLineAgain(t *testing.T) {
	s, c := newCounting(), configOf(t, customers(3))
	_, err := Run(t.Context(), s, c)
	require.NoError(t, err)
	text, err := os.ReadFile(c.Results)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(c.Results, text[:len(text)-30], 0o600))
	tally, err := Run(t.Context(), s, c)
	require.NoError(t, err)
	require.Equal(t, Tally{Total: 3, Earlier: 2, Started: 2, Existing: 1}, tally)
	require.Len(t, rowsOf(t, c.Results), 3)
}

func TestRun_OtherFileInThePlaceOfTheResults_IsLeftAlone(t *testing.T) {
	s, c := newCounting(), configOf(t, customers(3))
	require.NoError(t, os.WriteFile(c.Results, []byte(customers(3)), 0o600))
	_, err := Run(t.Context(), s, c)
	require.ErrorContains(t, err, "is no result file of a batch")
	text, err := os.ReadFile(c.Results)
	require.NoError(t, err)
	require.Equal(t, customers(3), string(text))
	require.Empty(t, s.sent)
}

func TestRun_RefusedAndUnanswered_AreWrittenDownAndSentAgain(t *testing.T) {
	s, c := newCounting(), configOf(t, customers(4))
	s.answer = func(q onboarding.Request, n int) (starter.Started, error) {
		switch {
		case q.Reference == "c-0":
			return starter.Started{}, &starter.Error{Code: starter.Conflict, Message: "another request"}
		case q.Reference == "c-1" && n == 1:
			return starter.Started{}, &starter.Error{Code: starter.Unavailable, Message: "no answer"} // once: tried again at once
		case q.Reference == "c-2" && n == 1:
			return starter.Started{How: starter.HowUnanswered, Why: "no worker"}, nil
		case q.Reference == "c-3":
			return starter.Started{How: starter.HowTerminated, Why: "terminated"}, nil
		}
		return starter.Started{How: starter.HowStarted, Link: "l"}, nil
	}
	tally, err := Run(t.Context(), s, c)
	require.NoError(t, err)
	require.Equal(t, Tally{Total: 4, Started: 1, Refused: 2, Unanswered: 1}, tally)
	reasons := map[string]string{}
	for _, row := range rowsOf(t, c.Results) {
		reasons[row[0]] = row[2] + " " + row[4]
	}
	require.Equal(t, map[string]string{"c-0": "refused another request", "c-1": "started ", "c-2": "unanswered no worker", "c-3": "refused terminated"}, reasons)
	tally, err = Run(t.Context(), s, c)
	require.NoError(t, err)
	require.Equal(t, Tally{Total: 4, Earlier: 1, Started: 2, Refused: 2}, tally)
	require.Len(t, rowsOf(t, c.Results), 4)
}

func TestRun_NobodyAnswers_StopsAfterSomeAndSaysWhatToDo(t *testing.T) {
	s, c := newCounting(), configOf(t, customers(1000))
	s.answer = func(onboarding.Request, int) (starter.Started, error) {
		return starter.Started{How: starter.HowUnanswered, Why: "no worker answered in time"}, nil
	}
	tally, err := Run(t.Context(), s, c)
	require.Equal(t, starter.Unavailable, codeOf(err))
	require.ErrorContains(t, err, "run the batch again; it goes on where it was")
	require.Less(t, tally.Done(), maxSilent+2*DefaultConcurrency)
}

func TestRun_BadFile_StartsNothingAndMakesNoResultFile(t *testing.T) {
	c := configOf(t, customers(3)+"c-9,standard,nonsense\n")
	_, err := Run(t.Context(), newOffline(), c)
	var wrong *InvalidError
	require.ErrorAs(t, err, &wrong)
	require.NoFileExists(t, c.Results)
}

func TestRun_BadConfig_NamesTheFields(t *testing.T) {
	_, err := Run(t.Context(), newOffline(), Config{Concurrency: -1, Rate: -1})
	var fields onboarding.FieldErrors
	require.True(t, errors.As(err, &fields))
	require.Len(t, fields, 2)
}
