package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kyc/app"
	"kyc/starter"
	"kyc/starter/batch"
)

func batchCommand() *cobra.Command {
	var c batch.Config
	cmd := &cobra.Command{
		Use: "batch FILE.csv|FILE.jsonl", Short: "Start the onboardings of a file (interruptible, repeatable)", Args: one("a file that ends with .csv or .jsonl"),
		Long: "Checks the whole file, and starts nothing unless every line is right. What came of each line is written to the result\n" +
			"file as it comes: reference, id, result (started, existing, refused, unanswered), link, reason. Interrupted and run again,\n" +
			"it goes on: nothing starts twice, and lines that are started or existing are not sent again.\n\n" +
			"The result file holds the links that open the customers' pages: it is made readable for its owner alone, so keep it so.\n\n" +
			"CSV has a header with these columns, of which reference and setup must be there:\n  " + strings.Join(batch.Columns(), ", ") + "\n" +
			"JSONL has one request a line, as the HTTP API and start --file take it.\n\n" +
			"Exit code: 0 all started or existing, 1 some refused or unanswered, 2 the file is wrong and nothing was started.",
		Example: "  onboarding batch customers.csv\n" +
			"  onboarding batch customers.jsonl --rate 20 --results out.csv -o json",
	}
	f := cmd.Flags()
	f.StringVar(&c.Results, "results", "", "the result file (default FILE.results.csv)")
	f.IntVar(&c.Concurrency, "concurrency", batch.DefaultConcurrency, "starts under way at most")
	f.Float64Var(&c.Rate, "rate", 50, "starts a second at most; 0 for no limit")
	f.BoolVar(&c.Again, "again", false, "send lines that are done with again: one that has changed since is refused")
	cmd.ValidArgsFunction = func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return []string{"csv", "jsonl"}, cobra.ShellCompDirectiveFilterFileExt
	}
	_ = cmd.MarkFlagFilename("results", "csv")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		var err error
		if c.Format, err = batch.FormatOf(args[0]); err != nil {
			return err
		}
		if c.Results == "" {
			c.Results = args[0] + ".results.csv"
		}
		told := cmd.ErrOrStderr()
		c.Open = func() (io.ReadCloser, error) { return os.Open(args[0]) }
		c.Problem = func(p batch.Problem) { fmt.Fprintln(told, p) }
		tally, err := runBatch(cmd.Context(), c, told)
		if err != nil {
			return err
		}
		if err := o.print(cmd.OutOrStdout(), tally, func(w io.Writer) { printTally(w, tally, c.Results) }); err != nil {
			return err
		}
		if left := tally.Refused + tally.Unanswered; left > 0 {
			return fmt.Errorf("%d of %d lines were refused or not answered: see the reasons in %s; run the batch again to send them again", left, tally.Total, c.Results)
		}
		return nil
	}
	return cmd
}

// runBatch checks the file before it connects, so that what is wrong with it shows whether Temporal runs or not.
func runBatch(ctx context.Context, c batch.Config, told io.Writer) (batch.Tally, error) {
	cfg, _, err := configured(app.ProgramCLI)
	if err != nil {
		return batch.Tally{}, err
	}
	_, err = batch.Check(ctx, starter.New(nil, cfg.Setups, starter.Options{}), c)
	var wrong *batch.InvalidError
	var unreadable *fs.PathError
	switch {
	case errors.As(err, &unreadable):
		return batch.Tally{}, usageError{fmt.Errorf("the file cannot be read: %w", err)}
	case errors.As(err, &wrong):
		return batch.Tally{}, usageError{err}
	}
	if err != nil {
		return batch.Tally{}, err
	}
	s, done, err := steering(ctx, app.ProgramCLI)
	if err != nil {
		return batch.Tally{}, err
	}
	defer done()
	p := &progress{w: told, live: movesCursor(told), colours: paintFor(told), began: time.Now()}
	c.Progress = p.show
	tally, err := batch.Run(ctx, s, c)
	if tally.Total > 0 {
		p.draw(tally, time.Now())
	}
	return tally, err
}

func printTally(w io.Writer, t batch.Tally, results string) {
	table(w, "lines", strconv.Itoa(t.Total), "started", strconv.Itoa(t.Started), "existing", strconv.Itoa(t.Existing), "refused", strconv.Itoa(t.Refused),
		"unanswered", strconv.Itoa(t.Unanswered), "done by earlier runs", strconv.Itoa(t.Earlier), "results", results+" (holds links to customers' pages)")
}

// progress draws a bar on a terminal, and prints a line now and then elsewhere.
type progress struct {
	w       io.Writer
	live    bool
	colours paint
	began   time.Time
	shown   time.Time
	screen  *screen
}

// widestBar is how long the bar is at most.
const widestBar = 100

// How often progress is shown.
const (
	liveEvery  = 200 * time.Millisecond
	plainEvery = 5 * time.Second
)

func (p *progress) show(t batch.Tally) {
	every := plainEvery
	if p.live {
		every = liveEvery
	}
	if now := time.Now(); now.Sub(p.shown) >= every {
		p.draw(t, now)
	}
}

func (p *progress) draw(t batch.Tally, now time.Time) {
	p.shown = now
	if !p.live {
		fmt.Fprintln(p.w, progressLine(t, p.began, now))
		return
	}
	if p.screen == nil {
		p.screen = &screen{w: p.w}
	}
	wide := max(sizeOf(p.w).wide-1, 1)
	colour := green
	if t.Refused+t.Unanswered > 0 {
		colour = yellow
	}
	p.screen.draw(p.colours.in(colour, bar(int64(t.Done()), int64(t.Total), min(wide, widestBar))), shortened(progressLine(t, p.began, now), wide))
}

// progressLine tells how far a batch is, its rate and the time that remains at that rate.
func progressLine(t batch.Tally, began, now time.Time) string {
	text := fmt.Sprintf("%d of %d", t.Done(), t.Total)
	for _, part := range []struct {
		n    int
		what string
	}{{t.Existing, "existing"}, {t.Refused, "refused"}, {t.Unanswered, "unanswered"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	sent, took := t.Done()-t.Earlier, now.Sub(began)
	if sent <= 0 || took <= 0 {
		return text
	}
	each := took / time.Duration(sent)
	text += fmt.Sprintf(", %.1f a second", float64(sent)/took.Seconds())
	if left := t.Total - t.Done(); left > 0 {
		text += ", " + (time.Duration(left) * each).Round(time.Second).String() + " left"
	}
	return text
}
