// Command onboarding-dev is for developers: an embedded Temporal Server with its UI, and the demo.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kyc/dev/demo"
	"kyc/dev/histories"
	"kyc/dev/stack"
	"kyc/dev/temporalserver"
)

// version is set at build time.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	root := &cobra.Command{Use: "onboarding-dev", Short: "Tools for developing and trying the onboarding service", Version: version, SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.AddCommand(temporalCommand(), demoCommand(), historiesCommand())
	err := root.ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "onboarding-dev:", err)
	var wrong usage
	if errors.As(err, &wrong) {
		os.Exit(2)
	}
	os.Exit(1)
}

type usage struct{ error }

func temporalCommand() *cobra.Command {
	cfg := temporalserver.Config{}
	cmd := &cobra.Command{
		Use: "temporal", Short: "Run a Temporal Server with its UI alone", Args: cobra.NoArgs,
		Example: "  onboarding-dev temporal --port 7233 --ui-port 8233 --db temporal.db",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := temporalserver.Start(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Temporal Server  %s\nTemporal UI      %s\nCtrl-C ends it.\n", server.FrontendAddr(), server.UIURL())
			<-cmd.Context().Done()
			return server.Stop()
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.FrontendPort, "port", 7233, "port of the frontend (0: a free one)")
	f.IntVar(&cfg.UIPort, "ui-port", 8233, "port of the Temporal UI (0: a free one, -1: none)")
	f.StringVar(&cfg.DB, "db", "", "SQLite file; nothing is kept without one")
	f.StringVar(&cfg.Namespace, "namespace", "default", "namespace to create")
	f.DurationVar(&cfg.Retention, "retention", 0, "how long closed workflows are kept (default 168h)")
	f.StringVar(&cfg.CodecEndpoint, "codec-endpoint", "", "codec server for the UI")
	return cmd
}

func demoCommand() *cobra.Command {
	cfg := demo.Config{Ports: stack.DemoPorts(), Out: os.Stdout}
	var ports string
	cmd := &cobra.Command{
		Use: "demo", Short: "Everything on one machine: a customer goes from start to handoff", Args: cobra.NoArgs,
		Example: "  onboarding-dev demo --once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch ports {
			case "fixed":
			case "free":
				cfg.Ports = stack.Ports{}
			default:
				return usage{fmt.Errorf("--ports is neither fixed nor free")}
			}
			return demo.Run(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Dir, "dir", ".demo", "folder for databases, secrets and logs")
	f.BoolVar(&cfg.Once, "once", false, "end after the decision has been handed off")
	f.StringVar(&ports, "ports", "fixed", "fixed, or free to pick free ports")
	f.DurationVar(&cfg.Pause, "pause", 800*time.Millisecond, "pause between the customer's actions")
	return cmd
}

func historiesCommand() *cobra.Command {
	var cfg histories.Config
	cmd := &cobra.Command{
		Use: "histories DIR", Short: "Record the histories that the replay test replays, one for each situation", Args: cobra.ExactArgs(1),
		Long: "Plays every situation on a real Temporal Server and writes the history of each to DIR/" + histories.Generation +
			".\nHistories that are there are kept: they show what released code did.",
		Example: "  onboarding-dev histories workflows/testdata/histories",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.Dir = filepath.Join(args[0], histories.Generation)
			cfg.Progress = func(name string, events int, kept bool) {
				did := "recorded"
				if kept {
					did = "kept"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "  %-9s %-40s %3d events\n", did, name, events)
			}
			return histories.Record(cmd.Context(), cfg)
		},
	}
	cmd.Flags().BoolVar(&cfg.Replace, "replace", false, "write histories anew that are there (never those of released code)")
	return cmd
}
