// Command onboarding-dev is for developers: an embedded Temporal Server with its UI, and the demo.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
	_ "time/tzdata" // the demo's setup names a time zone

	"github.com/spf13/cobra"

	"kyc/dev/bench"
	"kyc/dev/chaos"
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
	root.AddCommand(temporalCommand(), demoCommand(), historiesCommand(), benchCommand(), chaosCommand())
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
			if (cfg.Backend == "") != (cfg.BackendSecret == "") {
				return usage{errors.New("--backend and --backend-secret go together: make a secret with echo whsec_$(openssl rand -base64 32)")}
			}
			return demo.Run(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Dir, "dir", ".demo", "folder for databases, secrets and logs")
	f.BoolVar(&cfg.Once, "once", false, "end after the decision has been handed off")
	f.StringVar(&ports, "ports", "fixed", "fixed, or free to pick free ports")
	f.DurationVar(&cfg.Pause, "pause", 800*time.Millisecond, "pause between the customer's actions")
	f.StringVar(&cfg.Backend, "backend", "", "address of a backend of yours that gets every decision as well (docs/receiving.md)")
	f.StringVar(&cfg.BackendSecret, "backend-secret", "", "what decisions for it are signed with: whsec_ and base64")
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

func benchCommand() *cobra.Command {
	cfg := bench.Config{Effort: bench.Full()}
	var quick, asJSON bool
	var onboarding string
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the bridge and whole onboardings, each against something else in the same run", Args: cobra.NoArgs,
		Example: "  onboarding-dev bench --quick",
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if onboarding == "" {
				onboarding = filepath.Join(filepath.Dir(self), "onboarding")
			}
			if _, err := os.Stat(onboarding); err != nil {
				return usage{fmt.Errorf("the product's program cannot be found: %w; build it with make build, or name it with --onboarding", err)}
			}
			if quick {
				cfg.Effort = bench.Quick()
			}
			cfg.Temporal, cfg.Bridge = []string{self, "temporal"}, []string{onboarding, "webhookbridge"}
			cfg.Progress = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), "bench:", what) }
			report, err := bench.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			}
			return report.Write(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&quick, "quick", false, "measure for half a minute instead of four or five, and tell less")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.StringVar(&onboarding, "onboarding", "", "the product's program (default: onboarding beside this one)")
	f.StringVar(&cfg.Dir, "dir", "", "folder for the database and the programs' logs, kept afterwards (default: one that is removed)")
	return cmd
}

func chaosCommand() *cobra.Command {
	cfg := chaos.Config{}
	cmd := &cobra.Command{
		Use: "chaos", Short: "Take many onboardings through kills and faults, then compare each with the sandbox's truth", Args: cobra.NoArgs,
		Long: "Runs Temporal Server, worker, bridge and sandbox as processes of their own, kills all but the sandbox with SIGKILL at random\n" +
			"times, loses, doubles, delays and reorders webhooks, and lets Ondato's API and the backend fail. Afterwards every onboarding\n" +
			"is compared with the sandbox and with what the backend was handed. Each difference is listed, and the exit code is 1 then.",
		Example: "  onboarding-dev chaos --n 50 --seed 4711",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Dev, err = os.Executable(); err != nil {
				return err
			}
			if cfg.Product == "" {
				cfg.Product = filepath.Join(filepath.Dir(cfg.Dev), "onboarding")
			}
			if cfg.Dir == "" {
				if cfg.Dir, err = os.MkdirTemp("", "onboarding-chaos-"); err != nil {
					return err
				}
				defer func() {
					if err == nil { // what went wrong can be read there
						err = os.RemoveAll(cfg.Dir)
					}
				}()
			}
			cfg.Out = cmd.OutOrStdout()
			if err := cfg.Validate(); err != nil {
				return usage{err}
			}
			result, err := chaos.Run(cmd.Context(), cfg)
			if err == nil && len(result.Differences) > 0 {
				err = fmt.Errorf("%d differences", len(result.Differences))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.N, "n", 500, "how many onboardings")
	f.Uint64Var(&cfg.Seed, "seed", 0, "draws who does what when, what fails and what is killed when (0: a random one, which is printed)")
	f.DurationVar(&cfg.Within, "for", 0, "what is not over after this time counts as stuck (default: three minutes after the trouble)")
	f.DurationVar(&cfg.Trouble, "trouble", 0, "how long everything fails and is killed (default: 40s after the last onboarding has begun)")
	f.StringVar(&cfg.Product, "onboarding", "", "the product's program (default: onboarding beside this one)")
	f.StringVar(&cfg.Dir, "dir", "", "folder for databases and logs, kept afterwards (default: one that is removed when all is well)")
	return cmd
}
