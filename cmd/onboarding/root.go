package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"kyc/app"
)

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "onboarding",
		Short: "Durable customer onboarding (KYC) with Ondato on Temporal",
		Long: "Every onboarding is one Temporal workflow. Run worker and webhookbridge, then start onboardings.\n" +
			"Configuration is by environment variables: see docs/configuration.md.",
		SilenceErrors: true, SilenceUsage: true,
		Version: version,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		workerCommand(),
		program(app.ProgramBridge, "Turn Ondato's webhooks into signals", app.RunBridge),
		program(app.ProgramAPI, "Serve the HTTP API to start and steer onboardings", app.RunAPI),
		program(app.ProgramCodecServer, "Show sealed payloads to the Temporal UI and CLI, to those who have a token", app.RunCodecServer),
		program(app.ProgramSandbox, "Play Ondato on this machine: APIs, hosted page, webhooks", app.RunSandbox),
		program(app.ProgramSetupNamespace, "Register the search attributes in the Temporal namespace (may be repeated)", app.SetupNamespace),
		startCommand(), batchCommand(), statusCommand(), watchCommand(), listCommand(), funnelCommand(), versionCommand(), healthCommand(),
	)
	root.AddCommand(steeringCommands()...)
	root.AddCommand(eraseCommand(), keysCommand())
	markWrongArguments(root)
	return root
}

// markWrongArguments makes wrong arguments wrong use, for every command below.
func markWrongArguments(parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if args := c.Args; args != nil {
			c.Args = func(cmd *cobra.Command, given []string) error {
				if err := args(cmd, given); err != nil {
					return usageError{err}
				}
				return nil
			}
		}
		markWrongArguments(c)
	}
}

// program is a command that runs until it is stopped.
func program(name, short string, run func(context.Context, *app.Config, *slog.Logger) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Example: "  onboarding " + name,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, logger, err := configured(name)
			if err != nil {
				return err
			}
			return run(cmd.Context(), cfg, logger)
		},
	}
}

func workerCommand() *cobra.Command {
	var makeCurrent bool
	cmd := program(app.ProgramWorker, "Run onboardings", func(ctx context.Context, cfg *app.Config, logger *slog.Logger) error {
		if makeCurrent {
			if err := cfg.MakeCurrent(); err != nil {
				return usageError{err}
			}
		}
		return app.RunWorker(ctx, cfg, logger)
	})
	cmd.Flags().BoolVar(&makeCurrent, "make-current", false,
		"once this worker polls, make its version the one that onboardings go on with (worker versioning; see docs/operations.md)")
	cmd.Example += "\n  ONBOARDING_DEPLOYMENT_NAME=onboarding-worker ONBOARDING_BUILD_ID=v2 onboarding worker --make-current"
	return cmd
}

// configured loads a program's configuration from the environment; what is wrong with it is wrong use.
func configured(name string) (*app.Config, *slog.Logger, error) {
	cfg, err := app.Load(name, os.LookupEnv, os.Environ())
	if err != nil {
		return nil, nil, usageError{err}
	}
	return cfg, app.NewLogger(cfg.Log, os.Stderr).With("program", name), nil
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		fmt.Fprintln(cmd.OutOrStdout(), version)
	}}
}

func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck URL", Short: "Exit 0 if a health address answers 200 (the probe of containers)", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return app.CheckHealth(cmd.Context(), args[0]) },
	}
}
