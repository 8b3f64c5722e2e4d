package onboarding

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

var simRuns = flag.Int("sim.runs", defaultSimRuns, "simulated onboardings in the property test")
var simSeed = flag.Uint64("sim.seed", 1, "first seed of the property test")

// TestProcess_WhateverHappens_EndsWithTheTruth plays every script under every kind of trouble.
func TestProcess_WhateverHappens_EndsWithTheTruth(t *testing.T) {
	var next atomic.Int64
	var mu sync.Mutex
	seen := map[[2]Stage]bool{}
	var failures []string
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			local := map[[2]Stage]bool{}
			for {
				n := next.Add(1) - 1
				if n >= int64(*simRuns) {
					break
				}
				sim := simulationOf(*simSeed+uint64(n), uint64(n), uint64(n)/simScripts)
				sim.observe = func(a, b Stage) { local[[2]Stage{a, b}] = true }
				if problems := sim.run(); len(problems) > 0 {
					mu.Lock()
					failures = append(failures, fmt.Sprintf("%s: %v", sim.name, problems))
					stop := len(failures) > 20
					mu.Unlock()
					if stop {
						break
					}
				}
			}
			mu.Lock()
			for k := range local {
				seen[k] = true
			}
			mu.Unlock()
		})
	}
	wg.Wait()
	require.Empty(t, failures)
	t.Logf("%d simulated onboardings, %d transitions seen", *simRuns, len(seen))

	listed := map[[2]Stage]bool{}
	for _, tr := range Transitions() {
		listed[[2]Stage{tr.From, tr.To}] = true
	}
	for k := range seen {
		require.True(t, listed[k], "%s -> %s is not in Transitions", k[0], k[1])
	}
}
