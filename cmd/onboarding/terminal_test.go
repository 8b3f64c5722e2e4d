package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/starter"
	"kyc/starter/batch"
)

func TestList_BadFilters_Exit2AndNameTheField(t *testing.T) {
	withSetups(t)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"list by an unknown stage":     {[]string{"list", "--stage", "Started"}, "stage is not a stage: use one of: AwaitingStart, Opening"},
		"list by an unknown outcome":   {[]string{"list", "--outcome", "OK"}, "outcome is not an outcome: use one of: Approved"},
		"list of no length":            {[]string{"list", "--limit", "0"}, "--limit is less than 1"},
		"list of both":                 {[]string{"list", "--open", "--closed"}, "--open and --closed exclude each other"},
		"list after a strange token":   {[]string{"list", "--page-token", "x"}, "pageToken is not a token of this list"},
		"funnel of a name that is not": {[]string{"funnel", "--setup", "A'"}, "setup is not a setup's name"},
		"batch without a file":         {[]string{"batch"}, "accepts 1 arg"},
		"batch of a spreadsheet":       {[]string{"batch", "customers.xlsx"}, "file has a name that tells no format: name it .csv or .jsonl"},
		"batch of a file that is not":  {[]string{"batch", filepath.Join(t.TempDir(), "none.csv")}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stderr := invoke(t, c.args...)
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, c.says)
		})
	}
}

func TestBatch_BadLines_Exits2WithEachOfThemWithoutTemporal(t *testing.T) {
	withSetups(t)
	file := filepath.Join(t.TempDir(), "customers.csv")
	require.NoError(t, os.WriteFile(file, []byte("reference,setup,email\na,standard,private\nb,other,b@customer.example\na,standard,a@customer.example\n"), 0o600))
	code, stderr := invoke(t, "batch", file)
	require.Equal(t, exitUsage, code, stderr)
	require.Contains(t, stderr, "line 2, email: is not an e-mail address")
	require.Contains(t, stderr, "line 3, setup: is not configured: use one of: standard")
	require.Contains(t, stderr, "line 4, reference: is that of line 2, too")
	require.Contains(t, stderr, "the file has 3 problems in 3 lines; nothing was started")
	require.NotContains(t, stderr, "private")
	require.NoFileExists(t, file+".results.csv")
}

func TestProgressLine_TellsRateAndRemainingTime(t *testing.T) {
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	require.Equal(t, "0 of 100", progressLine(batch.Tally{Total: 100}, began, began))
	require.Equal(t, "60 of 100, 5 existing, 1 refused, 5.0 a second, 8s left",
		progressLine(batch.Tally{Total: 100, Earlier: 10, Started: 54, Existing: 5, Refused: 1}, began, began.Add(10*time.Second)))
	require.Equal(t, "100 of 100, 10.0 a second", progressLine(batch.Tally{Total: 100, Started: 100}, began, began.Add(10*time.Second)))
}

func TestBar_ShowsEvenASmallPart(t *testing.T) {
	require.Equal(t, "··········", bar(0, 0, 10))
	require.Equal(t, "█·········", bar(1, 1000, 10))
	require.Equal(t, "█████·····", bar(50, 100, 10))
	require.Equal(t, "██████████", bar(100, 100, 10))
}

func TestFunnel_NotOnATerminal_IsPlain(t *testing.T) {
	var out bytes.Buffer
	f := starter.Funnel{Stages: []starter.StageCount{{Stage: onboarding.StageInProgress, Count: 3}}, Outcomes: []starter.OutcomeCount{{Outcome: onboarding.OutcomeApproved, Count: 2}}}
	printFunnel(&out, f, onTerminal(&out), paintFor(&out))
	require.Equal(t, "InProgress                3\n(terminated)              0\n\nApproved                  2\n", out.String())
	out.Reset()
	printFunnel(&out, f, true, true)
	require.Contains(t, out.String(), "\x1b["+yellow+"m████")
}

func TestDrawing_OfAnOnboarding_ShowsStagesElapsedAndAwaitedInNarrowLines(t *testing.T) {
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	id := onboarding.Reference("r").ID()
	first := starter.Overview{ID: id, Setup: "standard", Stage: onboarding.StageAwaitingStart, Attempt: 1, StartedAt: began}
	second := first
	second.Stage, second.Attention = onboarding.StageInProgress, []string{"ondato-failing", "message-failing", "decision-overdue", "handoff-failing"}
	s := onboarding.Status{Awaited: "the customer's documents", Next: "the customer is reminded", NextAt: began.Add(time.Hour)}
	lines := drawing(id, []passed{{first, began}, {second, began.Add(90 * time.Second)}}, s, began.Add(2*time.Minute), false)
	require.Len(t, lines, 6)
	require.Equal(t, "  ● AwaitingStart        1m30s  attempt 1", lines[1])
	require.Contains(t, lines[2], "◌ InProgress             30s  attempt 1")
	require.Equal(t, "  awaiting the customer's documents", lines[3])
	require.Contains(t, lines[4], "next: the customer is reminded, at ")
	require.Equal(t, "  elapsed 2m0s", lines[5])
	for _, l := range lines {
		require.LessOrEqual(t, utf8.RuneCountInString(l), widest)
	}
}

func TestWatchPlainly_Terminated_IsAFailure(t *testing.T) {
	changes := func(yield func(starter.Overview, error) bool) {
		yield(starter.Overview{Stage: onboarding.StageInProgress, Closed: true, Unfinished: true}, nil)
	}
	shown := 0
	err := watchPlainly(changes, func(starter.Overview) error { shown++; return nil })
	require.ErrorIs(t, err, errTerminated)
	require.Equal(t, 1, shown)
	broken := errors.New("broken")
	require.ErrorIs(t, watchPlainly(changes, func(starter.Overview) error { return broken }), broken)
}

func TestEveryCommand_HasAnExample(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		if c.Hidden || c.HasSubCommands() || c.Name() == "version" {
			continue
		}
		require.Contains(t, c.Example, "onboarding "+c.Name(), c.Name())
	}
}

func TestCompletion_OfValues_OffersThem(t *testing.T) {
	withSetups(t)
	for args, want := range map[[3]string]string{
		{"list", "--stage", "In"}:   "InProgress",
		{"list", "--outcome", ""}:   "Approved",
		{"list", "--attention", ""}: "any",
		{"funnel", "--setup", ""}:   "standard",
		{"start", "--setup", ""}:    "standard",
	} {
		root := rootCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs([]string{"__complete", args[0], args[1], args[2]})
		require.NoError(t, root.Execute())
		require.Contains(t, out.String(), want, args)
	}
}
