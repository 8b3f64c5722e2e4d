package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kyc/app"
	"kyc/starter"
)

func funnelCommand() *cobra.Command {
	var setup string
	cmd := &cobra.Command{
		Use: "funnel", Short: "Count onboardings by stage and outcome", Args: noArgs,
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
		return o.print(out, f, func(w io.Writer) { printFunnel(w, f, sizeOf(out).wide, paintFor(out)) })
	}
	return cmd
}

// What stands beside a bar, and how long a bar is at most.
const (
	funnelText = 27
	longestBar = 50
)

// printFunnel prints the counts, with bars where there is a width for them.
func printFunnel(w io.Writer, f starter.Funnel, width int, colours paint) {
	whole := f.Unfinished
	for _, c := range f.Stages {
		whole += c.Count
	}
	long := min(width-funnelText-gap-1, longestBar)
	row := func(name string, count int64, colour string) {
		text := fmt.Sprintf("%-18s%9d", name, count)
		if long >= 5 {
			text += "  " + colours.in(colour, bar(count, whole, long))
		}
		fmt.Fprintln(w, text)
	}
	for _, c := range f.Stages {
		row(string(c.Stage), c.Count, yellow)
	}
	row("(terminated)", f.Unfinished, red)
	fmt.Fprintln(w)
	for _, c := range f.Outcomes {
		row(string(c.Outcome), c.Count, green)
	}
}
