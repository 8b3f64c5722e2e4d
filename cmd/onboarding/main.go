package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // setups name time zones, and images without a distribution know none

	"kyc/onboarding"
	"kyc/starter"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// version is set at build time.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(os.Stderr, "onboarding: "+describe(err))
	if wrongUse(err) {
		return exitUsage
	}
	return exitFailed
}

// describe lists field errors one a line.
func describe(err error) string {
	fields := onboarding.Fields(err)
	if len(fields) < 2 {
		return err.Error()
	}
	text := "the input is wrong:"
	for _, f := range fields {
		text += "\n  - " + f.Error()
	}
	return text
}

// usageError is wrong use of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func wrongUse(err error) bool {
	var usage usageError
	var refused *starter.Error
	return errors.As(err, &usage) || onboarding.Fields(err) != nil || strings.HasPrefix(err.Error(), "unknown command") ||
		errors.As(err, &refused) && refused.Code == starter.Invalid
}
