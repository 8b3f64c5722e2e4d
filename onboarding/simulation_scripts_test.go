package onboarding

import (
	"math/rand/v2"
	"time"
)

// scripts returns the situations that the process must see through, with times drawn from the seed.
func scripts(rng *rand.Rand) []script {
	soon := func() time.Duration { return time.Second + time.Duration(rng.Int64N(int64(4*time.Minute))) }
	begin := func() time.Duration { return time.Second + time.Duration(rng.Int64N(int64(6*day))) }
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
		{name: "approved, then edited", attempts: [][]act{join(ok, []act{{time.Hour + begin()/2, "edit"}})}, truth: OutcomeApproved, versions: 2},
	}
}

// configs returns the ways in which webhooks, steps and machines may misbehave.
func configs() map[string]simConfig {
	watch := 7 * day
	return map[string]simConfig{
		"all is well":             {repeat: 1, delay: 50 * time.Millisecond, watchFor: watch, prompt: true},
		"five times in any order": {repeat: 5, delay: 3 * time.Hour, watchFor: watch},
		"half is lost":            {lose: 0.5, repeat: 3, delay: 20 * time.Hour, watchFor: watch},
		"everything is lost":      {lose: 1, watchFor: watch},
		"steps fail":              {lose: 0.1, repeat: 2, delay: time.Minute, stepFails: 0.3, orphans: 0.5, watchFor: watch},
		"outages":                 {lose: 0.2, repeat: 2, delay: time.Minute, stepFails: 0.05, orphans: 0.2, outages: 6, watchFor: watch},
	}
}
