package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kyc/app"
	"kyc/onboarding"
	"kyc/starter"
)

func listCommand() *cobra.Command {
	var f starter.Filter
	var open, closed bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List onboardings", Args: noArgs,
		Long: "Lists onboardings by their search attributes, which takes no worker. Lists lag by some seconds; status and watch do not.\n\n" +
			"On a terminal the table is made to fit: long values are cut and, where it is narrow, columns are left out. In a pipe and\n" +
			"with -o json everything is there.",
		Example: "  onboarding list --attention any\n" +
			"  onboarding list --stage AwaitingDecision --setup standard --limit 200\n" +
			"  onboarding list --closed --outcome Rejected -o json",
	}
	flags := cmd.Flags()
	flags.StringVar((*string)(&f.Stage), "stage", "", "only in this stage: "+strings.Join(texts(onboarding.Stages()), ", "))
	flags.StringVar((*string)(&f.Outcome), "outcome", "", "only with this outcome: "+strings.Join(texts(onboarding.Outcomes()), ", "))
	flags.StringVar((*string)(&f.Attention), "attention", "", "only with this attention code; any for all that have one")
	flags.StringVar(&f.Setup, "setup", "", "only of this setup")
	flags.BoolVar(&open, "open", false, "only those that are not over")
	flags.BoolVar(&closed, "closed", false, "only those that are over")
	flags.IntVar(&limit, "limit", starter.DefaultPageSize, "how many to list")
	flags.StringVar(&f.PageToken, "page-token", "", "go on after the list that printed this token, under the same filter")
	complete(cmd, "stage", texts(onboarding.Stages()))
	complete(cmd, "outcome", texts(onboarding.Outcomes()))
	complete(cmd, "attention", append(texts(onboarding.Attentions()), string(starter.AttentionAny)))
	completeSetups(cmd)
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case open && closed:
			return usageError{fmt.Errorf("--open and --closed exclude each other: give one of them, or none for all")}
		case open:
			f.Standing = starter.StandingOpen
		case closed:
			f.Standing = starter.StandingClosed
		}
		if limit < 1 {
			return usageError{fmt.Errorf("--limit is less than 1: give how many to list")}
		}
		if err := checkAll(o.check(), f.Validate()); err != nil {
			return err
		}
		s, done, err := steering(cmd.Context(), app.ProgramOperator)
		if err != nil {
			return err
		}
		defer done()
		page := starter.Page{Onboardings: []starter.Overview{}, NextPageToken: f.PageToken}
		for left := limit; left > 0; left = limit - len(page.Onboardings) {
			f.PageSize = min(left, starter.MaxPageSize)
			f.PageToken = page.NextPageToken
			part, err := s.List(cmd.Context(), f)
			if err != nil {
				return err
			}
			page.Onboardings = append(page.Onboardings, part.Onboardings...)
			if page.NextPageToken = part.NextPageToken; page.NextPageToken == "" {
				break
			}
		}
		out, told := cmd.OutOrStdout(), cmd.ErrOrStderr()
		return o.print(out, page, func(w io.Writer) {
			left := printList(w, page.Onboardings, sizeOf(out).wide, paintFor(out))
			if len(page.Onboardings) == 0 {
				fmt.Fprintln(told, "nothing is listed: no onboarding that Temporal keeps fits the filter")
			}
			if len(left) > 0 {
				fmt.Fprintln(told, "no room for "+strings.Join(left, ", ")+": widen the terminal, or use -o json")
			}
			if page.NextPageToken != "" {
				fmt.Fprintln(told, "there may be more: add --page-token "+page.NextPageToken)
			}
		})
	}
	return cmd
}

// printList prints the table, and returns the names of the columns that had no room in the width; 0 has room for all.
func printList(w io.Writer, all []starter.Overview, width int, colours paint) (left []string) {
	of := func(name string, value func(starter.Overview) string) column {
		c := column{name: name, values: make([]string, len(all))}
		for i, o := range all {
			c.values[i] = value(o)
		}
		return c
	}
	when := func(name string, goes int, at func(starter.Overview) time.Time) column {
		c := of(name, func(o starter.Overview) string { return stamp(at(o)) })
		c.brief = of(name, func(o starter.Overview) string { return at(o).Local().Format("01-02 15:04") }).values
		c.goes = goes
		return c
	}
	id := of("ID", func(o starter.Overview) string { return string(o.ID) })
	setup := of("SETUP", func(o starter.Overview) string { return o.Setup })
	setup.least, setup.goes = 8, 4
	stage := of("STAGE", func(o starter.Overview) string { return string(o.Stage) })
	outcome := of("OUTCOME", outcomeOf)
	outcome.goes = 6
	attempt := of("ATTEMPT", func(o starter.Overview) string { return strconv.Itoa(o.Attempt) })
	attempt.goes = 1
	started := when("STARTED", 3, func(o starter.Overview) time.Time { return o.StartedAt })
	deadline := when("DEADLINE", 2, func(o starter.Overview) time.Time { return o.Deadline })
	attention := of("ATTENTION", func(o starter.Overview) string { return strings.Join(o.Attention, ",") })
	attention.least, attention.goes, attention.colour = 12, 5, yellow
	columns, left := fitted([]column{id, setup, stage, outcome, attempt, started, deadline, attention}, width)
	printRows(w, columns, colours)
	return left
}

// outcomeOf is an outcome as lists show it. A run that was terminated must not read as if it went on.
func outcomeOf(o starter.Overview) string {
	if !o.Unfinished {
		return string(o.Outcome)
	}
	return strings.TrimSpace(string(o.Outcome) + " (terminated)")
}

// checkAll returns the first error.
func checkAll(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeSetups completes --setup by what is configured where the shell runs; nothing else needs to be configured there.
func completeSetups(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("setup", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		setups, err := app.LoadSetups(os.Getenv("ONBOARDING_SETUPS"))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(maps.Keys(setups)), cobra.ShellCompDirectiveNoFileComp
	})
}
