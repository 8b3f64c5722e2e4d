package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Config of a benchmark.
type Config struct {
	// Dir keeps the database and the programs' logs while the benchmark runs; empty means a folder that is removed
	// afterwards.
	Dir string
	// Temporal is the command that runs a Temporal Server; --port, --ui-port and --db are added.
	Temporal []string
	// Bridge is the command that runs the bridge, configured by variables.
	Bridge []string
	// Effort says how long to measure.
	Effort Effort
	// Progress is told what is being measured.
	Progress func(what string)
}

// Effort is how much is measured. Rounds take turns: each measures everything once.
type Effort struct {
	// Segment is how long each way of sending is measured in a round.
	Segment time.Duration
	// Targets is how many workflows the events of a segment go to in turn: more than callers, or two callers would wait for
	// one workflow's lock.
	Targets int
	// Callers are the numbers of callers at a time, each with its number of rounds.
	Callers []Load
	// Compared is the number of callers at which the more ways are measured: it must be one of Callers.
	Compared int
	// Onboardings is how many of each shape a round runs at each pace, AtOnce of them at a time.
	Onboardings, AtOnce, OnboardingRounds int
	// Watch is the watch window of all shapes. It is long enough for the last event to come within, as it does in life;
	// the server's timers are a second late, so that less would not be shorter.
	Watch time.Duration
	// Handled is how many webhooks the handler by itself takes.
	Handled int
}

// Load is a number of callers and how often each way is measured with them.
type Load struct{ Callers, Rounds int }

// Full takes less than five minutes on two cores.
func Full() Effort {
	return Effort{
		Segment: time.Second, Targets: 192, Callers: []Load{{1, 3}, {32, 7}, {128, 3}}, Compared: 32,
		Onboardings: 64, AtOnce: 32, OnboardingRounds: 4, Watch: time.Second, Handled: 20_000,
	}
}

// Quick takes about half a minute, and tells less.
func Quick() Effort {
	return Effort{
		Segment: 400 * time.Millisecond, Targets: 64, Callers: []Load{{1, 1}, {32, 1}}, Compared: 32,
		Onboardings: 32, AtOnce: 32, OnboardingRounds: 1, Watch: time.Second, Handled: 5_000,
	}
}

// Run measures everything. It needs the machine for itself: what else runs on it slows the parts unevenly.
func Run(ctx context.Context, cfg Config) (_ *Report, err error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	if cfg.Dir == "" {
		if cfg.Dir, err = os.MkdirTemp("", "onboarding-bench-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(cfg.Dir)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	report := &Report{Machine: thisMachine(), Targets: cfg.Effort.Targets, Watch: cfg.Effort.Watch.String(), Compared: cfg.Effort.Compared}
	cfg.Progress("starting a Temporal Server and the bridge")
	r, err := startRig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	cfg.Progress("the bridge's handler by itself")
	if report.Allocations, err = r.allocations(cfg.Effort.Handled); err != nil {
		return nil, fmt.Errorf("the bridge's handler: %w", err)
	}
	if report.Signals, err = r.signals(ctx, cfg); err != nil {
		return nil, fmt.Errorf("signals: %w", err)
	}
	if report.Onboardings, err = r.onboardings(ctx, cfg); err != nil {
		return nil, fmt.Errorf("onboardings: %w", err)
	}
	return report, nil
}
