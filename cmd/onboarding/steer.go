package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kyc/app"
	"kyc/onboarding"
	"kyc/starter"
)

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

// commandFor is the command line of an operator's command.
func commandFor(kind onboarding.CommandKind, short, example string) *cobra.Command {
	c := onboarding.Command{Kind: kind}
	var by, outcome string
	cmd := &cobra.Command{Use: string(kind) + " ID|REFERENCE", Short: short, Args: oneOnboarding, Example: "  onboarding " + example}
	f := cmd.Flags()
	f.StringVar(&c.Actor, "actor", defaultActor(), "who gives the command")
	f.StringVar(&c.Reason, "reason", "", "why (kept in the audit trail)")
	f.StringVar(&c.ID, "command-id", "", "repeat a command safely: one id acts once")
	switch kind {
	case onboarding.CommandExtend:
		f.StringVar(&by, "by", "", "how far to move the deadline, such as 7d or 12h")
	case onboarding.CommandDecide:
		f.StringVar(&outcome, "outcome", "", "Approved or Rejected")
		complete(cmd, "outcome", []string{string(onboarding.OutcomeApproved), string(onboarding.OutcomeRejected)})
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
