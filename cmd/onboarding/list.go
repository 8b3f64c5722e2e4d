package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

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
		Use: "list", Short: "List onboardings", Args: cobra.NoArgs,
		Long: "Lists onboardings by their search attributes, which takes no worker. Lists lag by some seconds; status and watch do not.",
		Example: "  onboarding list --attention any\n" +
			"  onboarding list --stage AwaitingDecision --setup standard --limit 200\n" +
			"  onboarding list --closed --outcome Rejected -o json",
	}
	flags := cmd.Flags()
	flags.StringVar((*string)(&f.Stage), "stage", "", "only in this stage")
	flags.StringVar((*string)(&f.Outcome), "outcome", "", "only with this outcome")
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
		return o.print(cmd.OutOrStdout(), page, func(w io.Writer) {
			printList(w, page.Onboardings)
			if page.NextPageToken != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "there may be more: add --page-token "+page.NextPageToken)
			}
		})
	}
	return cmd
}

func printList(w io.Writer, all []starter.Overview) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSETUP\tSTAGE\tOUTCOME\tATTEMPT\tSTARTED\tDEADLINE\tATTENTION")
	for _, o := range all {
		attention := o.Attention
		if o.Unfinished {
			attention = append(attention, "terminated")
		}
		fmt.Fprintln(t, strings.Join([]string{
			string(o.ID), o.Setup, string(o.Stage), string(o.Outcome), strconv.Itoa(o.Attempt), stamp(o.StartedAt), stamp(o.Deadline), strings.Join(attention, ","),
		}, "\t"))
	}
	_ = t.Flush()
}

func funnelCommand() *cobra.Command {
	var setup string
	cmd := &cobra.Command{
		Use: "funnel", Short: "Count onboardings by stage and outcome", Args: cobra.NoArgs,
		Long:    "Counts what Temporal keeps: onboardings that are over longer than the namespace's retention are not in it.",
		Example: "  onboarding funnel\n  onboarding funnel --setup standard -o json",
	}
	cmd.Flags().StringVar(&setup, "setup", "", "only of this setup")
	completeSetups(cmd)
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkAll(o.check(), starter.Filter{Setup: setup}.Validate()); err != nil {
			return err
		}
		s, done, err := steering(cmd.Context(), app.ProgramOperator)
		if err != nil {
			return err
		}
		defer done()
		f, err := s.Funnel(cmd.Context(), setup)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		return o.print(out, f, func(w io.Writer) { printFunnel(w, f, onTerminal(out), paintFor(out)) })
	}
	return cmd
}

// printFunnel prints the counts, with bars where they can be seen.
func printFunnel(w io.Writer, f starter.Funnel, bars bool, colours paint) {
	whole := f.Unfinished
	for _, c := range f.Stages {
		whole += c.Count
	}
	row := func(name string, count int64, colour string) {
		text := fmt.Sprintf("%-18s%9d", name, count)
		if bars {
			text += "  " + colours.in(colour, bar(count, whole, 40))
		}
		fmt.Fprintln(w, text)
	}
	for _, c := range f.Stages {
		row(string(c.Stage), c.Count, yellow)
	}
	row("(terminated)", f.Unfinished, grey)
	fmt.Fprintln(w)
	for _, c := range f.Outcomes {
		row(string(c.Outcome), c.Count, green)
	}
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

// completeSetups completes --setup by what is configured where the shell runs.
func completeSetups(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("setup", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		cfg, err := app.Load(app.ProgramCLI, os.LookupEnv, os.Environ())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(maps.Keys(cfg.Setups)), cobra.ShellCompDirectiveNoFileComp
	})
}
