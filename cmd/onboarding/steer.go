package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kyc/app"
	"kyc/onboarding"
	"kyc/starter"
)

// output is the -o flag.
type output string

func outputFlag(cmd *cobra.Command) *output {
	o := output("text")
	cmd.Flags().StringVarP((*string)(&o), "output", "o", "text", "text or json")
	return &o
}

// print writes v as JSON, or lets text write it.
func (o output) print(w io.Writer, v any, text func(io.Writer)) error {
	switch o {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "text":
		text(w)
		return nil
	}
	return usageError{fmt.Errorf("--output is neither text nor json")}
}

func (o output) check() error { return o.print(io.Discard, nil, func(io.Writer) {}) }

// steering connects a Starter for one command. SDK logs are of no use to a person at a terminal.
func steering(ctx context.Context, program string) (*starter.Starter, func(), error) {
	cfg, _, err := configured(program)
	if err != nil {
		return nil, nil, err
	}
	temporal, err := app.Connect(ctx, cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, nil, err
	}
	return starter.New(temporal.Client, cfg.Setups, starter.Options{TaskQueue: cfg.TaskQueue, Keys: temporal.Keys()}), temporal.Close, nil
}

// identify reads an onboarding's id, or computes it from a reference.
func identify(arg string) (onboarding.ID, error) {
	if id, err := onboarding.ParseID(strings.ToLower(arg)); err == nil {
		return id, nil
	}
	ref := onboarding.Reference(arg)
	if err := ref.Validate(); err != nil {
		return "", err
	}
	return ref.ID(), nil
}

// onOne connects for a command on one onboarding, given by id or reference.
func (o output) onOne(cmd *cobra.Command, arg string) (onboarding.ID, *starter.Starter, func(), error) {
	if err := o.check(); err != nil {
		return "", nil, nil, err
	}
	id, err := identify(arg)
	if err != nil {
		return "", nil, nil, err
	}
	s, done, err := steering(cmd.Context(), app.ProgramOperator)
	return id, s, done, err
}

func startCommand() *cobra.Command {
	var r onboarding.Request
	var file string
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start an onboarding and print its id and the customer's link (may be repeated)",
		Example: "  onboarding start --reference customer-4711 --setup standard --email ona@example.test --first-name Ona --last-name Pavyzdė\n" +
			"  onboarding start --file request.json -o json",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar((*string)(&r.Reference), "reference", "", "your own opaque id of this onboarding (idempotency key)")
	f.StringVar(&r.Setup, "setup", "", "name of the setup")
	f.StringVar(&r.Language, "language", "", "language of messages, such as en or lt")
	f.StringVar(&r.Applicant.FirstName, "first-name", "", "")
	f.StringVar(&r.Applicant.MiddleName, "middle-name", "", "")
	f.StringVar(&r.Applicant.LastName, "last-name", "", "")
	f.StringVar(&r.Applicant.DateOfBirth, "date-of-birth", "", "YYYY-MM-DD")
	f.StringVar(&r.Applicant.Email, "email", "", "")
	f.StringVar(&r.Applicant.Phone, "phone", "", "in E.164 form, such as +37060000001")
	f.StringVar(&r.Applicant.PersonalCode, "personal-code", "", "national id")
	f.StringVar(&r.Applicant.CountryCode, "country", "", "ISO 3166-1 alpha-2, such as LT")
	f.StringVar(&file, "file", "", "read the request from a JSON file instead (- for standard input)")
	completeSetups(cmd)
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if file != "" {
			if err := readRequest(cmd.InOrStdin(), file, &r); err != nil {
				return usageError{err}
			}
		}
		if err := r.Validate(); err != nil {
			return err
		}
		s, done, err := steering(cmd.Context(), app.ProgramCLI)
		if err != nil {
			return err
		}
		defer done()
		started, err := s.Start(cmd.Context(), r)
		if err != nil {
			return err
		}
		return o.print(cmd.OutOrStdout(), started, func(w io.Writer) {
			table(w, "id", string(started.ID), "how", string(started.How), "stage", string(started.Stage), "outcome", string(started.Outcome),
				"link", started.Link, "why no link", started.Why)
		})
	}
	return cmd
}

func readRequest(stdin io.Reader, file string, into *onboarding.Request) error {
	in := stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("--file: %w", err)
		}
		defer opened.Close()
		in = opened
	}
	d := json.NewDecoder(io.LimitReader(in, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("--file holds no request: %w", err)
	}
	return nil
}

// table prints pairs of label and value, leaving out empty values.
func table(w io.Writer, pairs ...string) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", pairs[i], pairs[i+1])
		}
	}
	_ = t.Flush()
}

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status ID|REFERENCE", Short: "Show everything about one onboarding", Args: cobra.ExactArgs(1),
		Example: "  onboarding status customer-4711",
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
			return err
		}
		return o.print(cmd.OutOrStdout(), status, func(w io.Writer) { printStatus(w, status) })
	}
	return cmd
}

func printStatus(w io.Writer, s onboarding.Status) {
	next := ""
	if s.Next != "" {
		next = s.Next + ", at " + stamp(s.NextAt)
	}
	attention, allowed := make([]string, len(s.Attention)), make([]string, len(s.Allowed))
	for i, a := range s.Attention {
		attention[i] = string(a)
	}
	for i, a := range s.Allowed {
		allowed[i] = string(a)
	}
	handed := ""
	if s.HandedOff != nil {
		handed = fmt.Sprintf("version %d (%s) at %s", s.HandedOff.Version, s.HandedOff.Outcome, stamp(s.HandedOff.HandedAt))
	}
	table(w, "id", string(s.ID), "reference", string(s.Reference), "setup", s.Setup, "stage", string(s.Stage), "outcome", string(s.Outcome),
		"awaiting", s.Awaited+", since "+stamp(s.AwaitedSince), "next", next, "attempt", fmt.Sprintf("%d of %d", s.Attempt, s.MaxAttempts),
		"deadline", stamp(s.Deadline), "link", s.Link, "handed off", handed,
		"attention", strings.Join(attention, ", "), "commands", strings.Join(allowed, ", "))
	fmt.Fprintln(w)
	for _, t := range s.Trail {
		fmt.Fprintf(w, "%s  %s  (%s)\n", stamp(t.At), t.What, t.Actor)
	}
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// commandFor is the command line of an operator's command.
func commandFor(kind onboarding.CommandKind, short, example string) *cobra.Command {
	c := onboarding.Command{Kind: kind}
	var by, outcome string
	cmd := &cobra.Command{Use: string(kind) + " ID|REFERENCE", Short: short, Args: cobra.ExactArgs(1), Example: "  onboarding " + example}
	f := cmd.Flags()
	f.StringVar(&c.Actor, "actor", defaultActor(), "who gives the command")
	f.StringVar(&c.Reason, "reason", "", "why (kept in the audit trail)")
	f.StringVar(&c.ID, "command-id", "", "repeat a command safely: one id acts once")
	switch kind {
	case onboarding.CommandExtend:
		f.StringVar(&by, "by", "", "how far to move the deadline, such as 7d")
	case onboarding.CommandDecide:
		f.StringVar(&outcome, "outcome", "", "Approved or Rejected")
	}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if by != "" {
			if c.By, err = onboarding.ParseDuration(by); err != nil {
				return usageError{fmt.Errorf("--by: %w", err)}
			}
		}
		c.Outcome = onboarding.Outcome(outcome)
		if c.ID == "" {
			c.ID = starter.NewCommandID()
		}
		if err := c.Validate(); err != nil {
			return err
		}
		id, s, done, err := o.onOne(cmd, args[0])
		if err != nil {
			return err
		}
		defer done()
		ctx, cancel := context.WithTimeout(cmd.Context(), 15*time.Second)
		defer cancel()
		receipt, err := s.Obey(ctx, id, c)
		if err != nil {
			return err
		}
		return o.print(cmd.OutOrStdout(), receipt, func(w io.Writer) { table(w, "id", string(id), "stage", string(receipt.Stage)) })
	}
	return cmd
}

// steeringCommands are the command lines of all operators' commands.
func steeringCommands() []*cobra.Command {
	return []*cobra.Command{
		commandFor(onboarding.CommandRemind, "Send the customer a reminder now, unless they have finished", `remind customer-4711 --reason "asked on the phone"`),
		commandFor(onboarding.CommandRefresh, "Ask Ondato now", `refresh customer-4711 --reason "the customer says they are done"`),
		commandFor(onboarding.CommandRenew, "Open a new session and send its link", `renew customer-4711 --reason "lost the document half-way"`),
		commandFor(onboarding.CommandExtend, "Move the deadline", `extend customer-4711 --by 7d --reason "on holiday"`),
		commandFor(onboarding.CommandCancel, "End an onboarding as cancelled, and hand that off", `cancel customer-4711 --reason "the customer has withdrawn"`),
		commandFor(onboarding.CommandDecide, "Decide in Ondato's place", `decide customer-4711 --outcome Approved --reason "checked in the branch"`),
		commandFor(onboarding.CommandRetryHandoff, "Try to hand the decision off now", `retry-handoff customer-4711 --reason "the backend is up again"`),
	}
}

func defaultActor() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "cli:" + u.Username
	}
	return "cli"
}
