package main

import (
	"context"
	"fmt"
	"io"
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
		Example: "  onboarding start --reference customer-4711 --setup standard \\\n    --email ona@example.test\n" +
			"  onboarding watch customer-4711\n" +
			"  onboarding list --attention any",
		SilenceErrors: true, SilenceUsage: true,
		Version: version,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())}
	})
	// Arguments are ids and references, which no shell can know; commands that take files say so.
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	addGroup(root, "Onboardings:", startCommand(), batchCommand(), statusCommand(), watchCommand(), listCommand(), funnelCommand())
	addGroup(root, "Operators' commands on one onboarding:", append(steeringCommands(), eraseCommand())...)
	addGroup(root, "Programs:",
		workerCommand(),
		program(app.ProgramBridge, "Turn Ondato's webhooks into signals", app.RunBridge),
		program(app.ProgramAPI, "Serve the HTTP API to start and steer onboardings", app.RunAPI),
		program(app.ProgramCodecServer, "Show sealed payloads in Temporal UI and CLI, to token holders", app.RunCodecServer),
		program(app.ProgramSandbox, "Play Ondato on this machine: APIs, hosted page, webhooks", app.RunSandbox),
	)
	addGroup(root, "Setting up:",
		program(app.ProgramSetupNamespace, "Register the search attributes in the namespace (repeatable)", app.SetupNamespace), keysCommand())
	root.AddCommand(versionCommand(), healthCommand())
	addCobrasCommands(root)
	fitHelp(root)
	markWrongArguments(root)
	return root
}

// addGroup adds commands that the help shows under one title.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

// addCobrasCommands adds help and completion, which cobra would add later, and gives them examples as all others have. What
// is mistyped is wrong use: cobra's own would print some help and pass for done.
func addCobrasCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  onboarding help start"
			c.Args = oneCommand
		case "completion":
			c.Example = "  onboarding completion bash"
			c.Args = noArgs
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range c.Commands() {
				shell.Example = map[string]string{
					"bash": "  source <(onboarding completion bash)", "zsh": "  source <(onboarding completion zsh)",
					"fish": "  onboarding completion fish | source", "powershell": "  onboarding completion powershell | Out-String | Invoke-Expression",
				}[shell.Name()]
			}
		}
	}
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
		Use: name, Short: short, Args: noArgs,
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
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs, Example: "  onboarding version -o json"}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer := struct {
			Version string `json:"version"`
		}{version}
		return o.print(cmd.OutOrStdout(), answer, func(w io.Writer) { fmt.Fprintln(w, version) })
	}
	return cmd
}

func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck URL", Short: "Exit 0 if a health address answers 200 (for containers)", Hidden: true, Args: one("the address of a health check"),
		Example: "  onboarding healthcheck http://127.0.0.1:9090/readyz",
		RunE:    func(cmd *cobra.Command, args []string) error { return app.CheckHealth(cmd.Context(), args[0]) },
	}
}
