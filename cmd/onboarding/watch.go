package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kyc/onboarding"
	"kyc/starter"
)

func watchCommand() *cobra.Command {
	var toTheEnd bool
	cmd := &cobra.Command{
		Use: "watch ID|REFERENCE", Short: "Follow the stages until the decision has been handed off", Args: cobra.ExactArgs(1),
		Long: "On a terminal it draws the stages, how long each lasted and what is awaited; elsewhere it prints a line for each change.",
		Example: "  onboarding watch customer-4711\n" +
			"  onboarding watch customer-4711 --to-the-end -o json",
	}
	cmd.Flags().BoolVar(&toTheEnd, "to-the-end", false, "follow until the onboarding is over")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, s, done, err := o.onOne(cmd, args[0])
		if err != nil {
			return err
		}
		defer done()
		changes := s.Watch(cmd.Context(), id, toTheEnd)
		out := cmd.OutOrStdout()
		if *o == "text" && onTerminal(out) {
			return watchLive(cmd.Context(), out, id, changes, s.Status)
		}
		return watchPlainly(changes, func(seen starter.Overview) error {
			return o.print(out, seen, func(w io.Writer) { fmt.Fprintln(w, plainStage(seen, time.Now())) })
		})
	}
	return cmd
}

var errTerminated = errors.New("the run was terminated; nothing was handed off at its end")

func watchPlainly(changes iter.Seq2[starter.Overview, error], show func(starter.Overview) error) error {
	for seen, err := range changes {
		if err != nil {
			return err
		}
		if err := show(seen); err != nil {
			return err
		}
		if seen.Unfinished {
			return errTerminated
		}
	}
	return nil
}

func plainStage(o starter.Overview, now time.Time) string {
	return strings.TrimRight(fmt.Sprintf("%8s  %-16s %s %s", elapsed(o.StartedAt, now), o.Stage, o.Outcome, strings.Join(o.Attention, ",")), " ")
}

// passed is a stage that was seen, and when.
type passed struct {
	starter.Overview
	at time.Time
}

// watchLive draws the stages until the changes end, anew every second for the time that passes.
func watchLive(
	ctx context.Context, w io.Writer, id onboarding.ID, changes iter.Seq2[starter.Overview, error],
	status func(context.Context, onboarding.ID) (onboarding.Status, error),
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type change struct {
		starter.Overview
		err error
	}
	seen := make(chan change)
	go func() {
		defer close(seen)
		for o, err := range changes {
			select {
			case seen <- change{o, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	on, colours := &screen{w: w}, paintFor(w)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var past []passed
	for {
		select {
		case c, ok := <-seen:
			switch {
			case !ok:
				return nil
			case c.err != nil:
				return c.err
			}
			past = append(past, passed{c.Overview, time.Now()})
			on.draw(drawing(id, past, awaited(ctx, id, status), time.Now(), colours)...)
			if c.Unfinished {
				return errTerminated
			}
		case <-second.C:
			if len(past) > 0 {
				on.draw(drawing(id, past, awaited(ctx, id, status), time.Now(), colours)...)
			}
		}
	}
}

// awaited asks the worker what is awaited; without one that answers soon there is nothing to say.
func awaited(ctx context.Context, id onboarding.ID, status func(context.Context, onboarding.ID) (onboarding.Status, error)) onboarding.Status {
	asking, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s, err := status(asking, id)
	if err != nil {
		return onboarding.Status{Awaited: "(no worker answers at present)"}
	}
	return s
}

// widest is how long a drawn line may be.
const widest = 78

func drawing(id onboarding.ID, past []passed, s onboarding.Status, now time.Time, colours paint) []string {
	last := past[len(past)-1]
	lines := []string{string(id) + "  " + shortened(last.Setup, widest-len(id)-2)}
	for i, p := range past {
		sign, colour, until := "●", green, now
		if i+1 < len(past) {
			until = past[i+1].at
		} else if !p.Closed {
			sign, colour = "◌", yellow
		}
		text := fmt.Sprintf("%-16s %9s  attempt %d  %s %s", p.Stage, elapsed(p.at, until), p.Attempt, p.Outcome, strings.Join(p.Attention, ","))
		lines = append(lines, "  "+colours.in(colour, sign)+" "+strings.TrimRight(shortened(text, widest-4), " "))
	}
	if !last.Closed {
		lines = append(lines, "  "+shortened("awaiting "+s.Awaited, widest-2))
		if s.Next != "" {
			lines = append(lines, "  "+colours.in(grey, shortened("next: "+s.Next+", at "+stamp(s.NextAt), widest-2)))
		}
	}
	return append(lines, "  "+colours.in(grey, "elapsed "+elapsed(last.StartedAt, now)))
}
