package chaos

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kept runs a shell script as a program until it is let go.
func kept(t *testing.T, name, script string) *program {
	t.Helper()
	p := newProgram(name, t.TempDir(), os.Environ(), nil, "sh", "-c", script)
	ctx, cancel := context.WithCancel(t.Context())
	go p.keep(ctx)
	t.Cleanup(func() { cancel(); <-p.ended })
	return p
}

func TestProgram_Killed_IsStartedAgainAndNobodyIsToBlame(t *testing.T) {
	p := kept(t, programBridge, "echo up; exec sleep 60")
	ups := func(n int) {
		require.Eventually(t, func() bool {
			text, _ := os.ReadFile(p.log)
			return string(text) == strings.Repeat("up\n", n)
		}, 10*time.Second, 10*time.Millisecond)
	}
	ups(1)
	p.haunt(t.Context(), time.Now(), []kill{{}})
	ups(2)
	p.haunt(t.Context(), time.Now(), []kill{{}})
	ups(3)
	require.Equal(t, 2, p.killed())
	require.Empty(t, p.faultsOf(time.Now(), nil))
}

func TestProgram_WhatCannotBeExcused_IsFound(t *testing.T) {
	for name, c := range map[string]struct {
		program, script, says string
		quiet                 time.Time
	}{
		"a crash":                              {programWorker, "exit 2", "worker ended by itself with code 2", time.Now().Add(time.Hour)},
		"an end of the sandbox":                {programSandbox, "exit 1", "sandbox ended by itself with code 1", time.Now().Add(time.Hour)},
		"an end after the trouble":             {programBridge, "exit 1", "after the trouble had ended", time.Now().Add(-time.Hour)},
		"a panic that did not end the program": {programWorker, "echo panic: oh; exec sleep 60", `the log of worker says "panic:"`, time.Now()},
		"a secret in the log":                  {programWorker, "echo to customer-1@chaos.example; exec sleep 60", "what is a customer's", time.Now()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := kept(t, c.program, c.script)
			require.Eventually(t, func() bool {
				return slices.ContainsFunc(p.faultsOf(c.quiet, []string{"@chaos.example"}), func(found string) bool {
					return strings.Contains(found, c.says)
				})
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}

func TestProgram_ThatDoesNotEndWell_IsFound(t *testing.T) {
	p := kept(t, programWorker, "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(p.log)
		return len(text) > 0
	}, 10*time.Second, 10*time.Millisecond)
	p.end()
	require.Contains(t, p.faultsOf(time.Now(), nil), "worker was asked to end and ended with code 3")
}
