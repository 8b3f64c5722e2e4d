package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kyc/onboarding"
	"kyc/starter"
)

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status ID|REFERENCE", Short: "Show everything about one onboarding", Args: oneOnboarding,
		Long: "Asks a worker how the onboarding stands: what is awaited, what comes next, which commands would be accepted, and the audit\n" +
			"trail. What it shows is personal data, and the link opens the customer's page.",
		Example: "  onboarding status customer-4711\n" +
			"  onboarding status 25926665-b813-5184-b930-c2e445d2961f -o json",
	}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, s, done, err := o.onOne(cmd, args[0])
		if err != nil {
			return err
		}
		defer done()
		ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
		defer cancel()
		status, err := s.Status(ctx, id)
		if err != nil {
			return unansweredStatus(cmd.Context(), s.Overview, id, err)
		}
		return o.print(cmd.OutOrStdout(), status, func(w io.Writer) { printStatus(w, status, paintFor(w)) })
	}
	return cmd
}

// unansweredStatus adds to the error of a status that no worker gave what is known without one.
func unansweredStatus(
	ctx context.Context, look func(context.Context, onboarding.ID) (starter.Overview, error), id onboarding.ID, err error,
) error {
	var mine *starter.Error
	if !errors.As(err, &mine) || mine.Code != starter.Unavailable || ctx.Err() != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	seen, lookErr := look(asking, id)
	switch {
	case lookErr != nil:
		return err
	case seen.Unfinished:
		return fmt.Errorf("%w\nWithout a worker this is known: the run was in stage %s when it was %s", err, seen.Stage, terminated(seen))
	}
	return fmt.Errorf("%w\nWithout a worker this is known: stage %s%s, attempt %d. See that a worker runs, and ask again",
		err, seen.Stage, prefixed(", outcome ", string(seen.Outcome)), seen.Attempt)
}

// terminated says what it means for an onboarding that its run was terminated.
func terminated(o starter.Overview) string {
	if o.Undelivered() {
		return "terminated in Temporal: nothing was handed off, and nothing follows"
	}
	return "terminated in Temporal: the decision had been handed off before, and changes of it are not looked for any more"
}

func printStatus(w io.Writer, s onboarding.Status, colours paint) {
	if s.Terminated {
		fmt.Fprintln(w, colours.in(red, "TERMINATED")+" in Temporal. What follows is how it stood then.")
		fmt.Fprintln(w)
	}
	next, awaiting := "", s.Awaited
	if s.Next != "" {
		next = s.Next + ", at " + stamp(s.NextAt)
	}
	if awaiting != "" && !s.AwaitedSince.IsZero() && !s.Terminated {
		awaiting += ", since " + stamp(s.AwaitedSince)
	}
	handed := ""
	if s.HandedOff != nil {
		handed = fmt.Sprintf("version %d (%s) at %s", s.HandedOff.Version, s.HandedOff.Outcome, stamp(s.HandedOff.HandedAt))
	}
	table(w, "id", string(s.ID), "reference", string(s.Reference), "setup", s.Setup, "stage", string(s.Stage), "outcome", string(s.Outcome),
		"awaiting", awaiting, "next", next, "attempt", fmt.Sprintf("%d of %d", s.Attempt, s.MaxAttempts),
		"deadline", stamp(s.Deadline), "link", s.Link, "handed off", handed,
		"attention", strings.Join(texts(s.Attention), ", "), "commands", strings.Join(texts(s.Allowed), ", "))
	fmt.Fprintln(w)
	told := ""
	for _, t := range s.Trail {
		why := prefixed(": ", t.Reason)
		if t.Reason == told { // a decision repeats the reason of its command
			why = ""
		}
		told = t.Reason
		hanging(w, stamp(t.At)+"  ", fmt.Sprintf("%s%s  (%s)", t.What, why, t.Actor))
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
