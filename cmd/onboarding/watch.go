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
		Use: "watch ID|REFERENCE", Short: "Follow the stages until the decision has been handed off", Args: oneOnboarding,
		Long: "On a terminal it draws the stages, how long each lasted and what is awaited; elsewhere, and with -o json, it prints a line\n" +
			"for each change: with -o json an object on a line of its own.\n\n" +
			"Exit code: 0 the decision has been handed off (with --to-the-end: the onboarding is over), 1 it was terminated in Temporal\n" +
			"before, the watch was interrupted or Temporal does not answer.",
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
		changes := untilTerminated(s.Watch(cmd.Context(), id, toTheEnd), toTheEnd)
		out := cmd.OutOrStdout()
		if *o == "text" && movesCursor(out) {
			return watchLive(cmd.Context(), out, id, changes, s.Status)
		}
		return watchPlainly(changes, func(seen starter.Overview) error {
			return o.line(out, seen, func(w io.Writer) { fmt.Fprintln(w, plainStage(seen, time.Now())) })
		})
	}
	return cmd
}

// errTerminated says that what was waited for cannot come any more.
var errTerminated = errors.New("the run was terminated in Temporal")

// untilTerminated ends a watch with an error after a run that was terminated before what is waited for: the handoff, or
// the end.
func untilTerminated(changes iter.Seq2[starter.Overview, error], toTheEnd bool) iter.Seq2[starter.Overview, error] {
	return func(yield func(starter.Overview, error) bool) {
		for seen, err := range changes {
			if !yield(seen, err) {
				return
			}
			switch {
			case err != nil:
				return
			case seen.Undelivered():
				yield(seen, fmt.Errorf("%w and nothing was handed off: reset it there, or start another onboarding under a reference of its own", errTerminated))
				return
			case seen.Unfinished && toTheEnd:
				yield(seen, fmt.Errorf("%w while it was under watch; its decision had been handed off before", errTerminated))
				return
			}
		}
	}
}

func watchPlainly(changes iter.Seq2[starter.Overview, error], show func(starter.Overview) error) error {
	for seen, err := range changes {
		if err != nil {
			return err
		}
		if err := show(seen); err != nil {
			return err
		}
	}
	return nil
}

func plainStage(o starter.Overview, now time.Time) string {
	text := fmt.Sprintf("%8s  %-16s %s %s", elapsed(o.StartedAt, now), o.Stage, o.Outcome, strings.Join(o.Attention, ","))
	if o.Unfinished {
		text = strings.TrimRight(text, " ") + "  " + terminated(o)
	}
	return strings.TrimRight(text, " ")
}

// passed is a stage that was seen, and when.
type passed struct {
	starter.Overview
	at time.Time
}

// asked is how a worker says the onboarding stands.
type asked struct {
	onboarding.Status
	at  time.Time
	err error
}

// How often what is awaited is asked for anew while nothing changes. Each asking is a query, which Temporal Cloud bills.
const askEvery = 15 * time.Second

// watchLive draws the stages until the changes end, anew every second for the time that passes.
func watchLive(
	ctx context.Context, w io.Writer, id onboarding.ID, changes iter.Seq2[starter.Overview, error],
	status func(context.Context, onboarding.ID) (onboarding.Status, error),
) error {
	type change struct {
		starter.Overview
		err error
	}
	// Not ended by the context: why a watch has ended, also that it was interrupted, is the last of its changes.
	seen, over := make(chan change), make(chan struct{})
	defer close(over)
	go func() {
		defer close(seen)
		for o, err := range changes {
			select {
			case seen <- change{o, err}:
			case <-over:
				return
			}
		}
	}()
	answers := make(chan asked, 1)
	asking := false
	ask := func() {
		if asking {
			return
		}
		asking = true
		go func() { answers <- awaited(ctx, id, status) }()
	}
	on, colours := &screen{w: w}, paintFor(w)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var past []passed
	var now asked
	for {
		select {
		case c, ok := <-seen:
			switch {
			case !ok:
				return nil
			case c.err != nil:
				return c.err
			}
			past, now = append(past, passed{c.Overview, time.Now()}), asked{}
			if !c.Closed {
				ask()
			}
		case now = <-answers:
			asking = false
		case <-second.C:
			if n := len(past); n > 0 && !past[n-1].Closed && time.Since(now.at) > askEvery {
				ask()
			}
		}
		if len(past) > 0 {
			on.draw(drawing(id, past, now, time.Now(), sizeOf(w), colours)...)
		}
	}
}

// awaited asks the worker what is awaited; without one that answers soon there is nothing to say.
func awaited(ctx context.Context, id onboarding.ID, status func(context.Context, onboarding.ID) (onboarding.Status, error)) asked {
	asking, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := status(asking, id)
	return asked{s, time.Now(), err}
}

// around is how many lines of a drawing are no stage, with the one that the cursor is on.
const around = 6

// drawing shows what has passed in lines that are shorter than the terminal is wide, and fewer than it is high.
func drawing(id onboarding.ID, past []passed, now asked, at time.Time, on size, colours paint) []string {
	if on == (size{}) {
		on = usualSize
	}
	wide := max(on.wide-1, 1)
	fit := func(lead, colour, text string) string {
		return lead + colours.in(colour, shortened(text, wide-len([]rune(lead))))
	}
	last := past[len(past)-1]
	lines := []string{fit("", "", string(id)+"  "+last.Setup)}
	from := max(0, len(past)-max(on.high-around, 1))
	if from > 0 {
		lines = append(lines, fit("  ", grey, fmt.Sprintf("… %d earlier", from)))
	}
	for i := from; i < len(past); i++ {
		p, sign, colour, until := past[i], "●", green, at
		switch {
		case i+1 < len(past):
			until = past[i+1].at
		case p.Unfinished:
			sign, colour, until = "✗", red, p.at
		case p.Closed:
			until = p.at
		default:
			sign, colour = "◌", yellow
		}
		text := fmt.Sprintf("%-16s %9s  attempt %d  %s", p.Stage, elapsed(p.at, until), p.Attempt, p.Outcome)
		if len(p.Attention) > 0 {
			text += "  ! " + strings.Join(p.Attention, ", ")
		}
		lines = append(lines, "  "+colours.in(colour, sign)+" "+strings.TrimRight(shortened(text, wide-4), " "))
	}
	switch {
	case last.Unfinished:
		lines = append(lines, fit("  ", red, terminated(last.Overview)))
	case last.Closed:
	case now.err != nil:
		lines = append(lines, fit("  ", yellow, "no worker answers at present: what is awaited is not known"))
	case now.Awaited != "":
		text := "awaiting " + now.Awaited
		if !now.AwaitedSince.IsZero() {
			since := " · " + elapsed(now.AwaitedSince, at)
			text = shortened(text, wide-2-len([]rune(since))) + since
		}
		lines = append(lines, fit("  ", "", text))
		if now.Next != "" {
			lines = append(lines, fit("  ", grey, "at "+stamp(now.NextAt)+": "+now.Next))
		}
	}
	return append(lines, fit("  ", grey, "elapsed "+elapsed(last.StartedAt, at)))
}
