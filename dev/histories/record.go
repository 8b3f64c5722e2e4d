// Package histories records what the replay test of package workflows replays: the whole history of one onboarding for
// each situation, from the product as it is, on a real Temporal Server. Each is short in time, since its setup counts in
// seconds; the order of its commands is that of any other.
package histories

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"golang.org/x/sync/errgroup"

	"kyc/dev/relay"
	"kyc/dev/stack"
	"kyc/onboarding"
)

// Generation is the folder of the kept histories that the code of today made. A change of the order of commands, which
// takes a version marker, raises it: the histories of earlier generations stay, because onboardings begun under them
// are still running.
const Generation = "1"

// madeUpSecret signs what goes to the second handoff target, which does not look.
const madeUpSecret = "whsec_bWFkZS11cC1zZWNyZXQtb2YtYS1zZWNvbmQtdGFyZ2V0"

// patience bounds each situation.
const patience = time.Minute

// Config of a recording.
type Config struct {
	// Dir receives a file NAME.json for each situation.
	Dir string
	// Replace overwrites files that exist. Without it they are kept: histories are evidence of what released code did,
	// and code that changes must go on replaying them.
	Replace bool
	// Log receives the logs of all programs.
	Log io.Writer
	// Progress is told of each file that was written or kept.
	Progress func(name string, events int, kept bool)
}

// Record plays every situation and writes its history. What has been written stays when another situation fails.
func Record(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, bool) {}
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, group := range groups() {
		if err := record(ctx, cfg, group); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// group is a stack and the situations that are played on it.
type group struct {
	dynamicConfig map[string]any
	// alone: each situation is played by itself, because it breaks something for all.
	alone      bool
	situations []situation
}

// situation is an onboarding and what happens to it.
type situation struct {
	name  string
	setup string
	play  func(*play) error
	// ends is the outcome; empty for one whose history is kept while it runs.
	ends onboarding.Outcome
}

func record(ctx context.Context, cfg Config, g group) (err error) {
	dir, err := os.MkdirTemp("", "onboarding-histories-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var s *stack.Stack
	backend, err := relay.Start(func() string { return s.BackendURL })
	if err != nil {
		return err
	}
	var answer atomic.Int32
	answer.Store(http.StatusNoContent)
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(answer.Load())) }))
	defer second.Close()
	s, err = stack.Start(ctx, stack.Config{
		Dir: dir, Setups: setups, NoUI: true, Log: cfg.Log, DynamicConfig: g.dynamicConfig,
		// In plain, so that a person can read what is kept; the replay under a codec seals them first.
		Variables: map[string]string{
			"HANDOFF_URL": backend.URL + "/decisions", "PRIVACY_PLAINTEXT": "1",
			"HANDOFF_TARGETS": "ledger", "HANDOFF_LEDGER_URL": second.URL, "HANDOFF_LEDGER_SECRETS": madeUpSecret,
		},
	})
	if err != nil {
		return errors.Join(err, backend.Close())
	}
	defer func() { err = errors.Join(err, s.Stop(), backend.Close()) }()

	playing, ctx := errgroup.WithContext(ctx)
	if g.alone {
		playing.SetLimit(1)
	}
	for _, sit := range g.situations {
		playing.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			p := &play{ctx: ctx, stack: s, backend: backend, ledger: &answer}
			if err := p.through(cfg, sit); err != nil {
				return fmt.Errorf("situation %s: %w", sit.name, err)
			}
			return nil
		})
	}
	return playing.Wait()
}

// through plays a situation, makes sure that it came out as its name says, and writes its runs.
func (p *play) through(cfg Config, sit situation) error {
	started, err := p.stack.Starter.Start(p.ctx, request(sit))
	if err != nil {
		return err
	}
	p.id, p.session = started.ID, stack.SessionOf(started.Link)
	if err := sit.play(p); err != nil {
		return err
	}
	if sit.ends != "" {
		if err := p.done(sit.ends); err != nil {
			return err
		}
	} else if err := p.stack.Settle(p.ctx, p.id); err != nil {
		return err
	}
	runs, err := p.runs()
	if err != nil {
		return err
	}
	for i, events := range runs {
		name := sit.name
		if len(runs) > 1 {
			name = fmt.Sprintf("%s-run-%d", sit.name, i+1)
		}
		kept, err := write(filepath.Join(cfg.Dir, name+".json"), events, cfg.Replace)
		if err != nil {
			return err
		}
		cfg.Progress(name, len(events), kept)
	}
	return nil
}

func request(sit situation) onboarding.Request {
	return onboarding.Request{
		Reference: onboarding.Reference("history-" + sit.name), Setup: sit.setup,
		Applicant: onboarding.Applicant{FirstName: "Ona", LastName: "Pavyzdė", DateOfBirth: "1991-04-17", Email: "ona@customer.example"},
	}
}

// runs reads the histories of all runs of the onboarding, the first one first.
func (p *play) runs() ([][]*historypb.HistoryEvent, error) {
	var runs [][]*historypb.HistoryEvent
	for run := ""; ; {
		events, err := p.stack.History(p.ctx, p.id, run)
		if err != nil {
			return nil, err
		}
		runs = append([][]*historypb.HistoryEvent{events}, runs...)
		if run = events[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(); run == "" {
			return runs, nil
		}
	}
}
