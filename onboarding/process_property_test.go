package onboarding

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

var simRuns = flag.Int("sim.runs", defaultSimRuns, "simulated onboardings in the property test")
var simSeed = flag.Uint64("sim.seed", 1, "first seed of the property test")

// TestProcess_WhateverHappens_EndsWithTheTruth plays every script under every kind of trouble.
func TestProcess_WhateverHappens_EndsWithTheTruth(t *testing.T) {
	kinds := configs()
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)

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
				seed := *simSeed + uint64(n)
				all := scripts(rand.New(rand.NewPCG(seed, 3)))
				sc := all[int(n)%len(all)]
				name := names[int(n)/len(all)%len(names)]
				sim := newSimulation(seed, sc, kinds[name])
				sim.observe = func(a, b Stage) { local[[2]Stage{a, b}] = true }
				if problems := sim.run(); len(problems) > 0 {
					mu.Lock()
					failures = append(failures, fmt.Sprintf("seed %d, %s, %s: %v", seed, sc.name, name, problems))
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
