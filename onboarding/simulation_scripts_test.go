package onboarding

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// What there is to choose from in simulationOf.
var (
	simScripts  = uint64(len(scripts(rand.New(rand.NewPCG(0, 0)))))
	simConfigs  = configs()
	simTroubles = slices.Sorted(maps.Keys(simConfigs))
)

// simulationOf is the simulation of a seed, of the script and the trouble that the numbers choose.
func simulationOf(seed, script, trouble uint64) *simulation {
	sc := scripts(rand.New(rand.NewPCG(seed, 3)))[script%simScripts]
	name := simTroubles[trouble%uint64(len(simTroubles))]
	s := newSimulation(seed, sc, simConfigs[name])
	s.name = fmt.Sprintf("seed %d, script %d (%s), trouble %d (%s)", seed, script%simScripts, sc.name, trouble%uint64(len(simTroubles)), name)
	return s
}

// scripts returns the situations that the process must see through, with times drawn from the seed.
func scripts(rng *rand.Rand) []script {
	soon := func() time.Duration { return time.Second + time.Duration(rng.Int64N(int64(4*time.Minute))) }
	begin := func() time.Duration { return time.Second + time.Duration(rng.Int64N(int64(6*day))) }
	short := func() time.Duration { return time.Millisecond + time.Duration(rng.Int64N(int64(6*time.Second))) }
	review := func() time.Duration { return 2*time.Second + time.Duration(rng.Int64N(int64(70*time.Hour))) }
	join := func(parts ...[]act) (all []act) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	submit := func() []act {
		return []act{{begin(), "start"}, {soon(), "consent"}, {soon(), "create"}, {soon(), "process"}}
	}
	approve := func() []act { return []act{{1500 * time.Millisecond, "approve"}, {20 * time.Millisecond, "complete"}} }
	reject := func(reason string) []act {
		return []act{{1500 * time.Millisecond, "reject:" + reason}, {20 * time.Millisecond, "complete"}}
	}
	retry := func() []act {
		return []act{{1500 * time.Millisecond, "reject:BlurredPhoto"}, {soon(), "resubmit"}, {soon(), "process"}}
	}
	abort := []act{{begin(), "start"}, {soon(), "abort"}}
	idle := []act{{begin(), "start"}, {soon(), "consent"}}
	nothing := []act{}
	ok := join(submit(), approve())
	return []script{
		{name: "approved", attempts: [][]act{ok}, truth: OutcomeApproved, versions: 1},
		{name: "completed before approved", attempts: [][]act{join(submit(), []act{{soon(), "complete"}, {time.Second, "approve"}})}, truth: OutcomeApproved, versions: 1},
		{name: "approved by hand", attempts: [][]act{join(submit(), []act{{50 * time.Millisecond, "complete"}, {review(), "approve"}})}, truth: OutcomeApproved, versions: 1},
		{name: "rejected by hand, critical", attempts: [][]act{join(submit(), []act{{50 * time.Millisecond, "complete"}, {review(), "reject:Sanctioned"}})}, truth: OutcomeRejected, versions: 1},
		{name: "rejected, critical", attempts: [][]act{join(submit(), reject("PossibleFraudAttempt"))}, truth: OutcomeRejected, versions: 1},
		{name: "rejected, retryable, three times", attempts: [][]act{join(submit(), reject("BlurredPhoto"))}, truth: OutcomeRejected, versions: 1},
		{name: "rejected, then approved in a new session", attempts: [][]act{join(submit(), reject("BlurredPhoto")), ok}, truth: OutcomeApproved, versions: 1},
		{name: "rejected, resubmitted, approved", attempts: [][]act{join(submit(), retry(), approve())}, truth: OutcomeApproved, versions: 1},
		{name: "rejected, resubmitted, rejected, critical", attempts: [][]act{join(submit(), retry(), reject("Sanctioned"))}, truth: OutcomeRejected, versions: 1},
		{name: "rejected and left alone, then approved in a new session", attempts: [][]act{join(submit(), []act{{time.Second, "reject:BlurredPhoto"}}), ok}, truth: OutcomeApproved, versions: 1},
		{name: "aborted, renewed, approved", attempts: [][]act{abort, ok}, truth: OutcomeApproved, versions: 1},
		{name: "aborted three times", attempts: [][]act{abort}, truth: OutcomeAbandoned, versions: 1},
		{name: "never started", attempts: [][]act{nothing}, truth: OutcomeExpired, versions: 1},
		{name: "left idle, renewed, approved", attempts: [][]act{idle, ok}, truth: OutcomeApproved, versions: 1},
		{name: "suspended, resumed, approved", attempts: [][]act{join([]act{{begin(), "start"}, {soon(), "consent"}, {soon(), "suspend"}, {begin(), "resume"}, {soon(), "create"}, {soon(), "process"}}, approve())}, truth: OutcomeApproved, versions: 1},
		{name: "suspended for ever, renewed, approved", attempts: [][]act{{{begin(), "start"}, {soon(), "suspend"}}, ok}, truth: OutcomeApproved, versions: 1},
		{name: "approved, then rejected", attempts: [][]act{join(ok, []act{{time.Hour + begin()/2, "reject:PossibleFraudAttempt"}})}, truth: OutcomeRejected, versions: 2},
		{name: "rejected, then approved", attempts: [][]act{join(submit(), reject("Sanctioned"), []act{{time.Hour + begin()/2, "approve"}})}, truth: OutcomeApproved, versions: 2},
		{name: "approved, and taken back at once", attempts: [][]act{join(submit(), approve(), []act{{short(), "reject:BlurredPhoto"}})}, truth: OutcomeRejected},
		{name: "approved, rejected and approved again", attempts: [][]act{join(ok, []act{{time.Hour + begin()/2, "reject:PossibleFraudAttempt"}, {short(), "approve"}})}, truth: OutcomeApproved},
		{name: "paused, as nobody has heard of, resumed, approved", attempts: [][]act{join([]act{{begin(), "start"}, {soon(), "pause"}, {soon(), "resume"}, {soon(), "create"}, {soon(), "process"}}, approve())}, truth: OutcomeApproved, versions: 1},
		{name: "approved, then edited", attempts: [][]act{join(ok, []act{{time.Hour + begin()/2, "edit"}})}, truth: OutcomeApproved, versions: 2},
	}
}

// statusPaused is a status that we do not know.
const statusPaused SessionStatus = "Paused"

// orphanActs are what becomes of a session whose creation was answered too late for us: mostly nothing, but its link may
// have reached somebody who goes through with it.
func orphanActs(rng *rand.Rand) []act {
	begun := []act{{time.Minute + time.Duration(rng.Int64N(int64(2*day))), "start"}, {time.Minute, "consent"}, {time.Minute, "create"}, {time.Minute, "process"}}
	switch rng.IntN(5) {
	case 0:
		return append(begun, act{2 * time.Second, "approve"}, act{20 * time.Millisecond, "complete"})
	case 1:
		return append(begun, act{2 * time.Second, "reject:Sanctioned"}, act{20 * time.Millisecond, "complete"})
	case 2:
		return begun[:2]
	default:
		return nil
	}
}

// configs returns the ways in which webhooks, steps, machines and clocks may misbehave.
func configs() map[string]simConfig {
	return map[string]simConfig{
		"all is well":             {repeat: 1, delay: 50 * time.Millisecond, prompt: true},
		"five times in any order": {repeat: 5, delay: 3 * time.Hour},
		"half is lost":            {lose: 0.5, repeat: 3, delay: 20 * time.Hour},
		"everything is lost":      {lose: 1},
		"steps fail":              {lose: 0.1, repeat: 2, delay: time.Minute, stepFails: 0.3, orphans: 0.5},
		"answers are lost":        {repeat: 2, delay: time.Second, stepFails: 0.1, orphans: 0.7, deaf: 0.6},
		"outages":                 {lose: 0.2, repeat: 2, delay: time.Minute, stepFails: 0.05, orphans: 0.2, outages: 6, outageFor: 10 * time.Hour},
		"outages of days":         {lose: 0.2, repeat: 2, delay: time.Hour, outages: 5, outageFor: 9 * day, deadline: 300 * day},
		"our clock leaps":         {lose: 0.2, repeat: 2, delay: time.Hour, leaps: 4, leapBy: 20 * time.Hour, deadline: 90 * day},
		"Ondato's clock is wrong": {lose: 0.2, repeat: 3, delay: time.Hour, skew: 3 * day},
		"dates are far off":       {lose: 0.1, repeat: 3, delay: time.Hour, misdated: 0.4},
		"strays":                  {lose: 0.1, repeat: 2, delay: time.Minute, stepFails: 0.1, orphans: 0.3, strays: 0.6},
		"targets differ":          {lose: 0.2, repeat: 2, delay: time.Hour, stepFails: 0.05, partly: 0.7},
	}
}
