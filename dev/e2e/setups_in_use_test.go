package e2e

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// TestRun_SetupVanishedWhileInUse_IsRefused puts the query before a real visibility store; the quote in the task
// queue's name tests how names are written into it.
func TestRun_SetupVanishedWhileInUse_IsRefused(t *testing.T) {
	const queue = "kyc's-queue"
	r := ownRig(t, stack.Config{Variables: map[string]string{"ONBOARDING_TASK_QUEUE": queue}})
	r.start(t, "single", "a@customer.example")
	r.start(t, "watched", "b@customer.example")
	second, _ := r.start(t, "watched", "c@customer.example")
	over, _ := r.start(t, "hasty", "d@customer.example")
	r.play(t, stack.SessionOf(over.Link), "start", "consent", "submit", "approve")
	r.ended(t, over.ID)
	elsewhere(t, r)

	with := func(names ...string) map[string]string {
		return map[string]string{"ONBOARDING_SETUPS": setupsFile(t, names...)}
	}
	check := func(program string, variables map[string]string) error {
		cfg, err := r.Config(program, variables)
		require.NoError(t, err)
		return app.CheckSetupsInUse(timed(t), cfg, r.Client, slog.New(slog.DiscardHandler))
	}
	// The lists lag behind.
	var err error
	require.Eventually(t, func() bool {
		err = check(app.ProgramWorker, with("standard"))
		return err != nil && strings.Contains(err.Error(), "2 open") && strings.Contains(err.Error(), "1 open") && !strings.Contains(err.Error(), "hasty")
	}, patience, tick, "the lists are up to date")
	require.EqualError(t, err, `ONBOARDING_SETUPS lacks setups that open onboardings use:
  watched: 2 open onboardings
  single: 1 open onboarding
put them back until those onboardings have ended; one that is cancelled ends after its watch window. To list them:
  temporal workflow list --namespace default --query "ExecutionStatus = 'Running' AND WorkflowType = 'Onboarding' AND TaskQueue = 'kyc\'s-queue' AND OnboardingSetup IS NOT NULL AND OnboardingSetup NOT IN ('standard')"`)

	for program, run := range map[string]func(*app.Config) error{
		app.ProgramWorker: func(cfg *app.Config) error { return app.RunWorker(timed(t), cfg, slog.New(slog.DiscardHandler)) },
		app.ProgramBridge: func(cfg *app.Config) error { return app.RunBridge(timed(t), cfg, slog.New(slog.DiscardHandler)) },
	} {
		cfg, err := r.Config(program, with("watched"))
		require.NoError(t, err)
		err = run(cfg)
		require.ErrorContains(t, err, "single: 1 open onboarding", program)
		require.NotContains(t, err.Error(), "watched:")
	}
	require.NoError(t, check(app.ProgramWorker, with("watched", "single")), "what has ended, and what is another installation's, does not count")
	require.NotEmpty(t, r.status(t, second.ID).Link, "nothing was harmed")
}

// elsewhere starts an onboarding of another installation in the same namespace, on a setup that ours does not have.
func elsewhere(t *testing.T, r rig) {
	t.Helper()
	cfg, err := r.Config(app.ProgramCLI, map[string]string{"ONBOARDING_TASK_QUEUE": "another", "ONBOARDING_SETUPS": setupsFile(t, "theirs")})
	require.NoError(t, err)
	q := request(t, "theirs")
	s := starter.New(r.Client, cfg.Setups, starter.Options{TaskQueue: cfg.TaskQueue, Keys: r.Keys})
	_, err = s.Start(quietly(t), q)
	require.Error(t, err, "no worker polls there")
	o, err := s.Overview(timed(t), q.Reference.ID())
	require.NoError(t, err)
	require.Equal(t, onboarding.StageAwaitingStart, o.Stage)
}

func setupsFile(t *testing.T, names ...string) string {
	text := "setups:\n"
	for _, name := range names {
		text += "  " + name + ": {ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11}\n"
	}
	path := filepath.Join(t.TempDir(), "setups.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
