package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
		"batch without a file":         {[]string{"batch"}, "0 arguments are given: give one, a file that ends with .csv or .jsonl, as in: onboarding batch FILE"},
		"batch of a spreadsheet":       {[]string{"batch", "customers.xlsx"}, "file has a name that tells no format: name it .csv or .jsonl"},
		"batch of a folder":            {[]string{"batch", folder(t, "customers.csv")}, "the file cannot be read"},
		"batch at no rate":             {[]string{"batch", "customers.csv", "--rate", "x"}, "see onboarding batch --help"},
		"batch of a file that is not":  {[]string{"batch", filepath.Join(t.TempDir(), "none.csv")}, "the file cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stderr := invoke(t, c.args...)
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, c.says)
		})
	}
}

func folder(t *testing.T, name string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Mkdir(path, 0o700))
	return path
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

func TestFunnel_InAWidth_HasBarsThatFit(t *testing.T) {
	f := starter.Funnel{
		Stages:   []starter.StageCount{{Stage: onboarding.StageInProgress, Count: 3}},
		Outcomes: []starter.OutcomeCount{{Outcome: onboarding.OutcomeApproved, Count: 2}}, Unfinished: 1,
	}
	var out bytes.Buffer
	printFunnel(&out, f, sizeOf(&out).wide, paintFor(&out))
	require.Equal(t, "InProgress                3\n(terminated)              1\n\nApproved                  2\n", out.String(), "no terminal")
	for _, width := range []int{20, 40, 80, 120} {
		out.Reset()
		printFunnel(&out, f, width, false)
		for _, line := range strings.Split(out.String(), "\n") {
			require.Less(t, utf8.RuneCountInString(line), max(width, funnelText+1), line)
		}
	}
	out.Reset()
	printFunnel(&out, f, 80, true)
	require.Contains(t, out.String(), "\x1b["+yellow+"m████")
}

// seenStages are two stages that have passed on a terminal.
func seenStages() (id onboarding.ID, past []passed) {
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	id = onboarding.Reference("r").ID()
	first := starter.Overview{ID: id, Setup: "standard", Stage: onboarding.StageAwaitingStart, Attempt: 1, StartedAt: began}
	second := first
	second.Stage, second.Attention = onboarding.StageInProgress, []string{"ondato-failing", "message-failing", "decision-overdue", "handoff-failing"}
	return id, []passed{{first, began}, {second, began.Add(90 * time.Second)}}
}

func TestDrawing_OfAnOnboarding_ShowsStagesElapsedAndAwaitedInLinesThatFit(t *testing.T) {
	id, past := seenStages()
	began := past[0].at
	now := asked{Status: onboarding.Status{
		Awaited: "the customer's documents", AwaitedSince: began.Add(90 * time.Second), Next: "the customer is reminded", NextAt: began.Add(time.Hour),
	}}
	lines := drawing(id, past, now, began.Add(2*time.Minute), size{80, 24}, false)
	require.Len(t, lines, 6)
	require.Equal(t, "  ● AwaitingStart        1m30s  attempt 1", lines[1])
	require.Contains(t, lines[2], "◌ InProgress             30s  attempt 1    ! ondato-failing, message-failing")
	require.Equal(t, "  awaiting the customer's documents · 30s", lines[3])
	require.Regexp(t, `^  at \d{4}-\d\d-\d\d \d\d:\d\d:00: the customer is reminded$`, lines[4])
	require.Equal(t, "  elapsed 2m0s", lines[5])
	for _, wide := range []int{20, 40, 80, 120} {
		for _, l := range drawing(id, past, now, began.Add(2*time.Minute), size{wide, 24}, false) {
			require.Less(t, utf8.RuneCountInString(l), wide, l)
		}
	}
	now.err = errors.New("no worker")
	require.Contains(t, drawing(id, past, now, began.Add(2*time.Minute), size{80, 24}, false)[3], "no worker answers at present")
}

func TestDrawing_OfManyChanges_StaysLowerThanTheTerminal(t *testing.T) {
	id, past := seenStages()
	for range 50 {
		past = append(past, past[1])
	}
	for _, high := range []int{3, 10, 24} {
		lines := drawing(id, past, asked{Status: onboarding.Status{Awaited: "x", Next: "y"}}, past[1].at, size{80, high}, false)
		require.Less(t, len(lines), max(high, around+1))
		require.Contains(t, lines[1], " earlier")
	}
}

func TestDrawing_Terminated_SaysThatNothingWasHandedOff(t *testing.T) {
	id, past := seenStages()
	past[1].Closed, past[1].Unfinished = true, true
	text := strings.Join(drawing(id, past, asked{}, past[1].at.Add(time.Hour), size{80, 24}, false), "\n")
	require.Contains(t, text, "✗ InProgress")
	require.Contains(t, text, "terminated in Temporal: nothing was handed off, and nothing follows")
	require.NotContains(t, text, "awaiting")
}

// watched are the changes that a starter yields.
func watched(seen ...starter.Overview) func(func(starter.Overview, error) bool) {
	return func(yield func(starter.Overview, error) bool) {
		for _, o := range seen {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func TestWatch_Terminated_IsAFailureUnlessWhatIsWaitedForHadCome(t *testing.T) {
	for name, c := range map[string]struct {
		seen     starter.Overview
		toTheEnd bool
		says     string // empty: no failure
		line     string
	}{
		"before the handoff": {starter.Overview{Stage: onboarding.StageInProgress, Closed: true, Unfinished: true}, false,
			"nothing was handed off", "InProgress  terminated in Temporal: nothing was handed off, and nothing follows"},
		"before the end": {starter.Overview{Stage: onboarding.StageWatching, Outcome: onboarding.OutcomeApproved, Closed: true, Unfinished: true}, true,
			"its decision had been handed off before", "Approved  terminated in Temporal: the decision had been handed off before"},
		"after the handoff that was waited for": {starter.Overview{Stage: onboarding.StageWatching, Outcome: onboarding.OutcomeApproved, Closed: true, Unfinished: true}, false,
			"", "Approved  terminated in Temporal: the decision had been handed off before"},
		"not at all": {starter.Overview{Stage: onboarding.StageDone, Outcome: onboarding.OutcomeApproved, Closed: true}, true, "", "Done             Approved"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			err := watchPlainly(untilTerminated(watched(c.seen), c.toTheEnd), func(o starter.Overview) error {
				lines = append(lines, plainStage(o, o.StartedAt))
				return nil
			})
			require.Len(t, lines, 1)
			require.Contains(t, lines[0], c.line)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, errTerminated)
			require.ErrorContains(t, err, c.says)
		})
	}
	broken := errors.New("broken")
	require.ErrorIs(t, watchPlainly(watched(starter.Overview{}), func(starter.Overview) error { return broken }), broken)
}

func TestWatchLive_Interrupted_SaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gone := errors.New("interrupted")
	changes := func(yield func(starter.Overview, error) bool) {
		if yield(starter.Overview{Stage: onboarding.StageInProgress}, nil) {
			cancel()
			yield(starter.Overview{}, gone)
		}
	}
	for range 50 { // which of two things that are ready comes first is left to chance
		var out bytes.Buffer
		err := watchLive(ctx, &out, onboarding.Reference("r").ID(), changes, func(ctx context.Context, _ onboarding.ID) (onboarding.Status, error) {
			<-ctx.Done()
			return onboarding.Status{}, ctx.Err()
		})
		require.ErrorIs(t, err, gone)
		require.Contains(t, out.String(), "InProgress")
	}
}

func TestPrintStatus_Terminated_DoesNotReadAsIfItLived(t *testing.T) {
	var out bytes.Buffer
	s := onboarding.Status{
		ID: onboarding.Reference("r").ID(), Stage: onboarding.StageInProgress, Attempt: 1, MaxAttempts: 3, Terminated: true,
		Awaited: "nothing: the run was terminated in Temporal and nothing was handed off", AwaitedSince: time.Now(),
	}
	printStatus(&out, s, false)
	require.True(t, strings.HasPrefix(out.String(), "TERMINATED in Temporal. What follows is how it stood then.\n"), out.String())
	require.Contains(t, out.String(), "awaiting  nothing: the run was terminated in Temporal and nothing was handed off\n")
	require.NotContains(t, out.String(), "since")
}

func TestPrintStatus_Trail_HasEachReasonOnce(t *testing.T) {
	var out bytes.Buffer
	printStatus(&out, onboarding.Status{Trail: []onboarding.TrailEntry{
		{What: "started", Actor: "process"}, {What: "cancel", Actor: "jonas", Reason: "withdrawn"},
		{What: "decided: Cancelled", Actor: "jonas", Reason: "withdrawn"}, {What: "refresh", Actor: "jonas", Reason: "sure?"},
	}}, false)
	for _, line := range []string{"  started  (process)\n", "  cancel: withdrawn  (jonas)\n", "  decided: Cancelled  (jonas)\n", "  refresh: sure?  (jonas)\n"} {
		require.Contains(t, out.String(), line)
	}
}

// seenAs answers a look without a worker.
type seenAs struct {
	starter.Overview
	err error
}

func (s seenAs) at(context.Context, onboarding.ID) (starter.Overview, error) {
	return s.Overview, s.err
}

func TestUnansweredStatus_TellsWhatIsKnownWithoutAWorker(t *testing.T) {
	silent := &starter.Error{Code: starter.Unavailable, Message: "Temporal or the worker did not answer"}
	living := starter.Overview{Stage: onboarding.StageInProgress, Attempt: 2}
	dead := starter.Overview{Stage: onboarding.StageInProgress, Closed: true, Unfinished: true}
	for name, c := range map[string]struct {
		err  error
		seen seenAs
		says string
	}{
		"it lives":             {silent, seenAs{Overview: living}, "stage InProgress, attempt 2. See that a worker runs"},
		"it was terminated":    {silent, seenAs{Overview: dead}, "in stage InProgress when it was terminated in Temporal: nothing was handed off"},
		"Temporal is away":     {silent, seenAs{err: silent}, ""},
		"there is no such one": {&starter.Error{Code: starter.NotFound, Message: "there is no such onboarding"}, seenAs{Overview: living}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := unansweredStatus(t.Context(), c.seen.at, onboarding.Reference("r").ID(), c.err)
			require.ErrorIs(t, err, c.err)
			if c.says == "" {
				require.Equal(t, c.err, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

func someOverviews() []starter.Overview {
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return []starter.Overview{
		{ID: onboarding.Reference("a").ID(), Setup: "standard", Stage: onboarding.StageAwaitingDecision, Attempt: 1, StartedAt: began, Deadline: began,
			Attention: []string{"decision-overdue", "other-session-approved"}},
		{ID: onboarding.Reference("b").ID(), Setup: "a-setup-with-a-name-of-more-than-forty-letters", Stage: onboarding.StageInProgress, Attempt: 12,
			StartedAt: began, Deadline: began, Closed: true, Unfinished: true},
		{ID: onboarding.Reference("c").ID(), Setup: "standard", Stage: onboarding.StageHandingOff, Outcome: onboarding.OutcomeCancelled, Attempt: 1,
			StartedAt: began, Deadline: began, Closed: true, Unfinished: true},
	}
}

func TestPrintList_InAWidth_StaysAlignedAndTellsWhatIsLeftOut(t *testing.T) {
	all := someOverviews()
	for width, want := range map[int]struct{ has, lacks []string }{
		0:   {has: []string{"ID", "SETUP", "STAGE", "OUTCOME", "ATTEMPT", "STARTED", "DEADLINE", "ATTENTION", "a-setup-with-a-name-of-more-than-forty-letters", "decision-overdue,other-session-approved"}},
		160: {has: []string{"SETUP", "STAGE", "OUTCOME", "ATTEMPT", "STARTED", "DEADLINE", "ATTENTION", "…"}},
		120: {has: []string{"STAGE", "OUTCOME", "SETUP", "ATTENTION"}, lacks: []string{"ATTEMPT", "DEADLINE"}},
		80:  {has: []string{"STAGE", "(terminated)"}, lacks: []string{"STARTED", "DEADLINE", "ATTEMPT"}},
		40:  {has: []string{"STAGE"}, lacks: []string{"OUTCOME"}}, // narrower than what must be there
	} {
		var out bytes.Buffer
		left := printList(&out, all, width, false)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		require.Len(t, lines, len(all)+1, width)
		for _, text := range want.has {
			require.Contains(t, out.String(), text, width)
		}
		for _, name := range want.lacks {
			require.NotContains(t, lines[0], name, width)
			require.Contains(t, left, name, width)
		}
		if width == 0 {
			require.Empty(t, left)
		}
		at := strings.Index(lines[0], "STAGE")
		for i, l := range lines {
			if width >= 80 {
				require.LessOrEqual(t, utf8.RuneCountInString(l), width, l)
			}
			if i > 0 {
				require.Equal(t, string(all[i-1].ID), string([]rune(l)[:36]), "an id is never cut")
				require.True(t, strings.HasPrefix(string([]rune(l)[at:]), string(all[i-1].Stage)), "%d: %s", width, out.String())
			}
		}
	}
	require.Equal(t, []string{"decision-overdue", "other-session-approved"}, all[0].Attention, "what was listed is left as it was")
}

func TestPrintList_ColumnsWithNothingInThem_GoFirst(t *testing.T) {
	quiet := someOverviews()[:1]
	quiet[0].Attention = nil
	var out bytes.Buffer
	left := printList(&out, quiet, 120, false)
	require.Empty(t, left)
	require.NotContains(t, out.String(), "ATTENTION")
	require.Contains(t, out.String(), "DEADLINE")
	out.Reset()
	printList(&out, nil, 80, true)
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "the heads alone")
}

func TestFolded_LongWords_StayWhole(t *testing.T) {
	require.Equal(t, []string{"see", "http://127.0.0.1:8090/?id=x", "for more"}, folded("see  http://127.0.0.1:8090/?id=x for more", 10))
	require.Equal(t, []string{""}, folded("", 10))
	require.Equal(t, "abc…", shortened("abcdef", 4))
	require.Equal(t, "abcd", shortened("abcd", 4))
	require.Empty(t, shortened("abcd", 0))
}

func TestParagraphs_OfHelp_FoldWhatIsTooLongAndLeaveTheRest(t *testing.T) {
	text := "One line that is\nwritten on two lines.\n\nShort.\nLines.\n\nColumns of it:\n  first, second, third, fourth\nThe end."
	require.Equal(t, text, paragraphs(text, 0))
	require.Equal(t, text, paragraphs(text, 30))
	require.Equal(t, "One line that is written\non two lines.\n\nShort.\nLines.\n\nColumns of it:\n  first, second, third,\n  fourth\nThe end.",
		paragraphs(strings.ReplaceAll(text, "is\nwritten", "is written"), 25))
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetArgs([]string{"batch", "--help"})
	require.NoError(t, root.Execute())
	for _, part := range []string{"Exit code: 0 all started", "Examples:\n  onboarding batch customers.csv", "--concurrency int", "Usage:\n  onboarding batch FILE"} {
		require.Contains(t, out.String(), part)
	}
}

// everyCommand calls do for each command, with the words that call it.
func everyCommand(parent *cobra.Command, do func(words string, c *cobra.Command)) {
	for _, c := range parent.Commands() {
		do(c.CommandPath(), c)
		everyCommand(c, do)
	}
}

func TestEveryCommand_HasAnExampleAndSaysWhatItIsFor(t *testing.T) {
	root := rootCommand()
	require.Contains(t, root.Example, "onboarding start")
	n := 0
	everyCommand(root, func(words string, c *cobra.Command) {
		n++
		require.Contains(t, c.Example, words, words)
		require.NotEmpty(t, c.Short, words)
		require.LessOrEqual(t, len(c.Short), 62, "%s: its line in the list of commands must fit 80 columns", words)
		for _, line := range strings.Split(c.Example, "\n") {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 120, "%s: %s", words, line)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) { require.NotEmpty(t, f.Usage, "%s --%s", words, f.Name) })
	})
	require.Greater(t, n, 25)
}

// The flags of each example must be there, or people copy what is refused.
func TestEveryExample_FlagsAreThose_OfItsCommand(t *testing.T) {
	root := rootCommand()
	everyCommand(root, func(words string, c *cobra.Command) {
		for _, flag := range regexp.MustCompile(`\s(--?[a-z][a-z-]*)`).FindAllStringSubmatch(c.Example, -1) {
			name := strings.TrimLeft(flag[1], "-")
			found := c.Flags().Lookup(name)
			if len(name) == 1 {
				found = c.Flags().ShorthandLookup(name)
			}
			require.True(t, found != nil || strings.HasPrefix(words, "onboarding completion") || c.HasSubCommands(), "%s has no %s", words, flag[1])
		}
	})
}

func TestEveryCommandThatPrints_HasOutput(t *testing.T) {
	printsNothing := []string{ // programs, which log, and cobra's own, whose output is a program of a shell
		"worker", "webhookbridge", "api", "codec-server", "sandbox", "setup-namespace", "healthcheck", "help", "completion", "keys",
	}
	everyCommand(rootCommand(), func(words string, c *cobra.Command) {
		if slices.Contains(printsNothing, c.Name()) || strings.HasPrefix(words, "onboarding completion") {
			return
		}
		f := c.Flags().Lookup("output")
		require.NotNil(t, f, words)
		require.Equal(t, "o", f.Shorthand, words)
	})
}

func TestVersion_AsJSON(t *testing.T) {
	code, stdout, _ := answers(t, "version", "-o", "json")
	require.Equal(t, exitDone, code)
	require.JSONEq(t, `{"version": "`+version+`"}`, stdout)
}

func TestCompletion_OfValues_OffersThem(t *testing.T) {
	withSetups(t)
	t.Setenv("PRIVACY_PLAINTEXT", "") // the setups are enough
	for args, want := range map[string]string{
		"list --stage In":        "InProgress",
		"list --outcome ":        "Abandoned",
		"list --attention ":      "any",
		"list -o ":               "json",
		"watch r --output ":      "text",
		"keys status -o ":        "json",
		"funnel --setup ":        "standard",
		"start --setup ":         "standard",
		"start --file ":          "json\n:8", // files that end so
		"batch ":                 "csv\njsonl\n:8",
		"decide r --outcome App": "Approved",
		"re":                     "retry-handoff",
		"status ":                ":4", // no file
		"cancel r ":              ":4",
	} {
		root := rootCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(io.Discard)
		root.SetArgs(append([]string{"__complete"}, strings.Split(args, " ")...))
		require.NoError(t, root.Execute())
		require.Contains(t, out.String(), want, args)
	}
}

func TestCompletion_OfReferences_OffersNothingOfACustomer(t *testing.T) {
	withSetups(t)
	for _, args := range []string{"status ", "watch ", "cancel ", "erase ", "start --email ", "start --reference ", "cancel r --reason "} {
		root := rootCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(io.Discard)
		root.SetArgs(append([]string{"__complete"}, strings.Split(args, " ")...))
		require.NoError(t, root.Execute())
		require.Regexp(t, `^:4\n`, out.String(), args)
	}
}
