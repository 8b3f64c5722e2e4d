package onboarding

import (
	"fmt"
	"time"
)

// Policy is the timing of an onboarding. It is resolved when the onboarding starts and carried in its workflow input,
// so that a running onboarding keeps the rules it began with. DefaultPolicy documents the ordinary values; every range
// admits seconds, so that tests and drills can run a whole life in a minute.
type Policy struct {
	// MaxAttempts is how many sessions an onboarding may open on its own account; an operator's renew may go beyond.
	MaxAttempts int `json:"maxAttempts" yaml:"maxAttempts"`

	// PendingLife, IdleLife and SuspendedLife are Ondato's own clocks (contract 2.5): how long a session lives unopened,
	// in progress without action, and suspended. ExpiryGrace is waited beyond them before Ondato is asked.
	PendingLife   Duration `json:"pendingLife" yaml:"pendingLife"`
	IdleLife      Duration `json:"idleLife" yaml:"idleLife"`
	SuspendedLife Duration `json:"suspendedLife" yaml:"suspendedLife"`
	ExpiryGrace   Duration `json:"expiryGrace" yaml:"expiryGrace"`

	// NotStartedReminders are counted from the invitation, IdleReminders from the customer's last sign while the
	// session is in progress, SuspendedReminders from the suspension.
	NotStartedReminders []Duration `json:"notStartedReminders" yaml:"notStartedReminders"`
	IdleReminders       []Duration `json:"idleReminders" yaml:"idleReminders"`
	SuspendedReminders  []Duration `json:"suspendedReminders" yaml:"suspendedReminders"`

	// Rechecks follow a decision event that the API does not show yet, counted from the event.
	Rechecks []Duration `json:"rechecks" yaml:"rechecks"`
	// Asks are counted from the submission, while no decision comes; after the last of them Ondato is asked every
	// AskEvery. DecisionSLA, from the submission, is when a missing decision is escalated.
	Asks        []Duration `json:"asks" yaml:"asks"`
	AskEvery    Duration   `json:"askEvery" yaml:"askEvery"`
	DecisionSLA Duration   `json:"decisionSLA" yaml:"decisionSLA"`

	// RetryDelays are the growing pauses after a step has failed for good in its own retries: the first failure waits
	// the first, and so on; the last one repeats.
	RetryDelays []Duration `json:"retryDelays" yaml:"retryDelays"`
	// StepPatience is how long one step retries by itself before the process takes over with RetryDelays.
	StepPatience Duration `json:"stepPatience" yaml:"stepPatience"`

	// Deadline ends the onboarding as expired, counted from its start.
	Deadline Duration `json:"deadline" yaml:"deadline"`
	// WatchFor is how long a decision is watched for changes after it was handed off; 0 ends the onboarding at once.
	WatchFor Duration `json:"watchFor" yaml:"watchFor"`
}

func hours(h ...int) []Duration {
	out := make([]Duration, len(h))
	for i, n := range h {
		out[i] = Duration(time.Duration(n) * time.Hour)
	}
	return out
}

// DefaultPolicy is the ordinary timing. Each call returns a value of its own.
func DefaultPolicy() Policy {
	return Policy{
		MaxAttempts:         3,
		PendingLife:         Duration(7 * day),
		IdleLife:            Duration(2 * time.Hour),
		SuspendedLife:       Duration(7 * day),
		ExpiryGrace:         Duration(15 * time.Minute),
		NotStartedReminders: hours(24, 3*24, 6*24),
		IdleReminders:       []Duration{Duration(45 * time.Minute)},
		SuspendedReminders:  hours(24, 3*24),
		Rechecks:            []Duration{Duration(5 * time.Second), Duration(30 * time.Second), Duration(2 * time.Minute)},
		Asks:                []Duration{Duration(10 * time.Minute), Duration(time.Hour), Duration(6 * time.Hour)},
		AskEvery:            Duration(12 * time.Hour),
		DecisionSLA:         Duration(48 * time.Hour),
		RetryDelays: []Duration{Duration(5 * time.Minute), Duration(15 * time.Minute), Duration(30 * time.Minute),
			Duration(time.Hour), Duration(2 * time.Hour), Duration(4 * time.Hour), Duration(6 * time.Hour)},
		StepPatience: Duration(15 * time.Minute),
		Deadline:     Duration(30 * day),
		WatchFor:     Duration(7 * day),
	}
}

// maxPeriod bounds every duration of a policy: far beyond any use, well inside what Temporal's timers take.
const maxPeriod = 366 * day

// Validate returns FieldErrors naming each value out of range with the range, or nil.
func (p Policy) Validate() error {
	var found FieldErrors
	if p.MaxAttempts < 1 || p.MaxAttempts > 20 {
		found.add("maxAttempts", "is out of range", "give 1 to 20")
	}
	period := func(name string, d Duration, least time.Duration) {
		if d.Std() < least || d.Std() > maxPeriod {
			found.add(name, "is out of range", fmt.Sprintf("give %s to %s", Duration(least), Duration(maxPeriod)))
		}
	}
	period("pendingLife", p.PendingLife, time.Second)
	period("idleLife", p.IdleLife, time.Second)
	period("suspendedLife", p.SuspendedLife, time.Second)
	period("expiryGrace", p.ExpiryGrace, 0)
	period("askEvery", p.AskEvery, time.Second)
	period("decisionSLA", p.DecisionSLA, time.Second)
	period("stepPatience", p.StepPatience, time.Second)
	period("deadline", p.Deadline, time.Second)
	period("watchFor", p.WatchFor, 0)

	series := func(name string, ds []Duration, least int) {
		if len(ds) < least || len(ds) > 50 {
			found.add(name, "has the wrong number of values", fmt.Sprintf("give %d to 50", least))
			return
		}
		before := Duration(0)
		for i, d := range ds {
			period(fmt.Sprintf("%s[%d]", name, i), d, time.Second)
			if d < before {
				found.add(fmt.Sprintf("%s[%d]", name, i), "is less than the one before it", "list the values in rising order")
			}
			before = d
		}
	}
	series("notStartedReminders", p.NotStartedReminders, 0)
	series("idleReminders", p.IdleReminders, 0)
	series("suspendedReminders", p.SuspendedReminders, 0)
	series("rechecks", p.Rechecks, 0)
	series("asks", p.Asks, 1)
	series("retryDelays", p.RetryDelays, 1)
	return found.orNil()
}
