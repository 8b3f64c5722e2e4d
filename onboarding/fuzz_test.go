package onboarding

import (
	"testing"
)

// FuzzProcess_WhateverHappens_EndsWithTheTruth plays simulations beyond those of the property test: of any seed, with each
// state held to what must be true of it.
func FuzzProcess_WhateverHappens_EndsWithTheTruth(f *testing.F) {
	for script := range simScripts {
		for trouble := range simTroubles {
			f.Add(script*31+uint64(trouble), script, uint64(trouble))
		}
	}
	f.Fuzz(func(t *testing.T, seed, script, trouble uint64) {
		sim := simulationOf(seed, script, trouble)
		sim.strict = true
		if problems := sim.run(); len(problems) > 0 {
			t.Fatalf("%s: %v", sim.name, problems)
		}
	})
}

// FuzzProcess_AnyOccurrencesInAnyOrder_LeadOnAndMayEnd plays moves of the exploration in any order: each byte chooses one
// of those that the state allows.
func FuzzProcess_AnyOccurrencesInAnyOrder_LeadOnAndMayEnd(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 255, 254, 3, 127, 254, 80, 254, 200, 254, 90, 254})
	f.Add([]byte("each byte of a text is a move as well, and a long text is a long life"))
	setups := explored()
	f.Fuzz(func(t *testing.T, choices []byte) {
		const longest = 100
		setup := setups[len(choices)%len(setups)]
		v := visited{played: nothingPlayed()}
		n := &node{p: Begin(setup.in, simStart), now: simStart}
		for _, b := range choices[:min(len(choices), longest)] {
			all := moves(n)
			m := all[int(b)*len(all)/256]
			then := &node{p: clone(n.p), now: n.now.Add(m.after), from: n, by: m, deep: n.deep + 1}
			v.play(n, then)
			n = then
		}
		v.carriedOn(n)
		v.allGoesWell(n)
		if len(v.faults) > 0 {
			t.Fatal(v.faults[0])
		}
	})
}
