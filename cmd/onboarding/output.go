package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// output is the -o flag.
type output string

func outputFlag(cmd *cobra.Command) *output {
	o := output("text")
	cmd.Flags().StringVarP((*string)(&o), "output", "o", "text", "text or json")
	complete(cmd, "output", []string{"text", "json"})
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
	return usageError{errors.New("--output is neither text nor json: give one of them")}
}

// line writes v as JSON on one line, as streams are read, or lets text write it.
func (o output) line(w io.Writer, v any, text func(io.Writer)) error {
	if o == "json" {
		return json.NewEncoder(w).Encode(v)
	}
	return o.print(w, v, text)
}

func (o output) check() error { return o.print(io.Discard, nil, func(io.Writer) {}) }

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// noArgs is for commands that take flags alone.
func noArgs(cmd *cobra.Command, given []string) error {
	switch {
	case len(given) == 0:
		return nil
	case cmd.HasSubCommands():
		return usageError{fmt.Errorf("%q is no command of %s: see %s --help", given[0], cmd.CommandPath(), cmd.CommandPath())}
	}
	return usageError{fmt.Errorf("%s takes no argument: give flags, see %s --help", cmd.CommandPath(), cmd.CommandPath())}
}

// one is for commands that take one argument, which is not quoted: it may be a customer's.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if len(given) == 1 {
			return nil
		}
		return usageError{fmt.Errorf("%d arguments are given: give one, %s, as in: %s", len(given), what, cmd.UseLine())}
	}
}

// oneCommand is for the names of a command, none for the program itself.
func oneCommand(cmd *cobra.Command, given []string) error {
	if _, left, err := cmd.Root().Find(given); err == nil && len(left) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%q is no command: see %s --help", strings.Join(given, " "), cmd.Root().CommandPath())}
}

// oneOnboarding is for commands on one onboarding.
var oneOnboarding = one("the id or the reference of an onboarding")
