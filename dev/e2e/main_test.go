// Package e2e takes onboardings through the whole product: a real Temporal Server, the worker, the bridge and the
// sandbox over HTTP, a mail server and a backend that verifies signatures.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/dev/backend"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// setups of the tests: brief has a watch of seconds, single has one attempt only.
const setups = `setups:
  standard:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
    language: en
    notify: [email]
    events: all
    policy: {watchFor: 3s}
  decisive:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f12
    language: en
    notify: [email]
    events: decisive
    policy: {watchFor: 3s}
  watched:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f13
    language: lt
    notify: [email]
    events: all
  single:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f14
    language: en
    events: all
    policy: {maxAttempts: 1, watchFor: 0s}
  hasty:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f15
    language: en
    notify: [email]
    events: all
    policy: {notStartedReminders: [2s, 4s], asks: [2s], askEvery: 2s, watchFor: 0s}
`

var shared *stack.Stack

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "onboarding-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	log, err := os.Create(filepath.Join(dir, "programs.log"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if shared, err = stack.Start(context.Background(), stack.Config{Dir: dir, Setups: setups, Log: log}); err != nil {
		fmt.Fprintln(os.Stderr, "starting the stack:", err)
		return 1
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the stack:", err)
		code = 1
	}
	if code != 0 {
		if text, err := os.ReadFile(log.Name()); err == nil {
			fmt.Fprintf(os.Stderr, "the end of the programs' logs:\n%s\n", text[max(0, len(text)-8000):])
		}
	}
	return code
}

// patience bounds every wait, tick is how often a condition is looked at.
const (
	patience = 45 * time.Second
	tick     = 30 * time.Millisecond
)

func timed(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func request(t *testing.T, setup string) onboarding.Request {
	return onboarding.Request{
		Reference: onboarding.Reference(fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())), Setup: setup,
		Applicant: onboarding.Applicant{FirstName: "Ona", LastName: "Pavyzdė", DateOfBirth: "1991-04-17", Email: "ona@customer.example"},
	}
}

func start(t *testing.T, setup string) starter.Started {
	t.Helper()
	started, err := shared.Starter.Start(timed(t), request(t, setup))
	require.NoError(t, err)
	require.Equal(t, starter.HowStarted, started.How)
	require.NotEmpty(t, started.Link)
	return started
}

// act plays the customer and Ondato at the present session.
func act(t *testing.T, id onboarding.ID, actions ...string) {
	t.Helper()
	status, err := shared.Starter.Status(timed(t), id)
	require.NoError(t, err)
	require.NotEmpty(t, status.Link, "no session is open in stage %s", status.Stage)
	actAt(t, stack.SessionOf(status.Link), actions...)
}

func actAt(t *testing.T, session string, actions ...string) {
	t.Helper()
	for _, a := range actions {
		var body any
		if len(a) > 7 && a[:7] == "reject:" {
			a, body = "reject", map[string]any{"reason": a[7:], "final": true}
		}
		require.NoError(t, shared.Act(timed(t), session, a, body), a)
	}
}

// until waits for a status.
func until(t *testing.T, id onboarding.ID, what string, ok func(onboarding.Status) bool) (s onboarding.Status) {
	t.Helper()
	ctx := timed(t)
	require.Eventually(t, func() bool {
		var err error
		s, err = shared.Starter.Status(ctx, id)
		return err == nil && ok(s)
	}, patience, tick, what)
	return s
}

// handedOff waits until the backend holds n decisions of the onboarding, and returns the last one.
func handedOff(t *testing.T, id onboarding.ID, n int) backend.Received {
	t.Helper()
	ctx := timed(t)
	for {
		got, more := shared.Backend.Of(string(id))
		if len(got) >= n {
			return got[len(got)-1]
		}
		select {
		case <-more:
		case <-ctx.Done():
			status, err := shared.Starter.Status(context.WithoutCancel(t.Context()), id)
			require.Failf(t, "not handed off", "%d of %d; status %+v %v", len(got), n, status, err)
		}
	}
}
