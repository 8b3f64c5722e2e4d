package chaos

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"kyc/onboarding"
)

// plan is everything that is drawn from the seed before the run.
type plan struct {
	seed      uint64
	customers []*customer
	kills     map[string][]kill
	faults    string
}

// kill ends a process so long after the beginning; after the pause it is started again.
type kill struct{ at, pause time.Duration }

// random is a source of its own for each purpose, so that one does not shift another.
func random(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// between draws a duration.
func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

func makePlan(cfg Config) *plan {
	p := &plan{seed: cfg.Seed, kills: map[string][]kill{}, faults: fmt.Sprintf(faults, cfg.Seed)}
	p.invite(cfg)
	for _, k := range []struct {
		program string
		every   time.Duration
	}{{programWorker, 14 * time.Second}, {programBridge, 12 * time.Second}, {programTemporal, 28 * time.Second}} {
		p.kills[k.program] = drawKills(random(cfg.Seed, "kill "+k.program), cfg.Trouble, k.every)
	}
	return p
}

// drawKills spreads kills over the time of trouble, one in each stretch, at least one; the last stretch ends well before
// the trouble does.
func drawKills(rng *rand.Rand, trouble, every time.Duration) []kill {
	n := max(1, int(trouble/every))
	stretch := trouble * 8 / 10 / time.Duration(n)
	kills := make([]kill, n)
	for i := range kills {
		kills[i] = kill{
			at:    trouble/10 + time.Duration(i)*stretch + between(rng, 0, stretch),
			pause: between(rng, 100*time.Millisecond, 2500*time.Millisecond),
		}
	}
	return kills
}

// invite draws the customers: each kind as often as its weight says, in random order.
func (p *plan) invite(cfg Config) {
	rng := random(cfg.Seed, "customers")
	var cast []kind
	for _, k := range kinds {
		for range k.weight {
			cast = append(cast, k)
		}
	}
	order := []kind{}
	for len(order) < cfg.N {
		rng.Shuffle(len(cast), func(i, j int) { cast[i], cast[j] = cast[j], cast[i] })
		order = append(order, cast...)
	}
	for i, k := range order[:cfg.N] {
		name := fmt.Sprintf("%04d-%s", i+1, k.name)
		c := &customer{
			number: i + 1, name: name, kind: k,
			comes: cfg.Starting*time.Duration(i)/time.Duration(cfg.N) + between(rng, 0, cfg.Starting/time.Duration(cfg.N)),
			twice: rng.IntN(5) == 0,
			rng:   random(cfg.Seed, "customer "+name),
		}
		c.request = onboarding.Request{
			Reference: onboarding.Reference(fmt.Sprintf("chaos-%d-%s", cfg.Seed, name)), Setup: k.setup,
			Applicant: onboarding.Applicant{
				FirstName: "Ona", LastName: lastName(k), DateOfBirth: "1991-04-17", Email: address(c.number), CountryCode: "LT",
			},
		}
		c.id = c.request.Reference.ID()
		p.customers = append(p.customers, c)
	}
}

// lastName is the script that the sandbox plays, or one that plays nothing.
func lastName(k kind) string {
	if k.script != "" {
		return k.script
	}
	return "Pavyzdė"
}

// address of a customer; by it the mail server tells whose mail it is.
func address(number int) string { return fmt.Sprintf("customer-%d@chaos.example", number) }

func numberOf(address string) (number int, ok bool) {
	_, err := fmt.Sscanf(strings.Trim(address, "<> "), "customer-%d@chaos.example", &number)
	return number, err == nil
}

// faults of the sandbox while there is trouble.
const faults = `{
  "seed": %d,
  "webhooks": {
    "drop":       {"probability": 0.15},
    "duplicate":  {"probability": 0.15, "copies": 2},
    "delay":      {"probability": 0.10, "by": "3s"},
    "reorder":    {"probability": 0.10},
    "newId":      {"probability": 0.08},
    "pascalCase": {"probability": 0.03},
    "oldNames":   {"probability": 0.03}
  },
  "api": {
    "tooManyRequests":    {"probability": 0.03, "retryAfter": "1s"},
    "internalError":      {"probability": 0.03},
    "unavailable":        {"probability": 0.03, "retryAfter": "1s"},
    "slow":               {"probability": 0.02, "by": "6s"},
    "timeoutAfterCreate": {"probability": 0.10, "by": "1s"}
  }
}`

// setups of the run: Ondato's hours are seconds here. The deadline is far away but for brief, whose customers are late.
func setups() string {
	text := "setups:\n"
	for _, s := range []struct {
		name     string
		attempts int
		events   onboarding.Deliver
		deadline string
	}{
		{setupMain, 3, onboarding.DeliverAll, "1h"},
		{setupTwo, 2, onboarding.DeliverDecisive, "1h"},
		{setupBrief, 3, onboarding.DeliverAll, "12s"},
	} {
		text += fmt.Sprintf(`  %s:
    ondatoSetupId: %s
    language: en
    notify: [email]
    operationsEmail: operations@chaos.example
    events: %s
    policy:
      maxAttempts: %d
      pendingLife: 6s
      idleLife: 6s
      suspendedLife: 6s
      expiryGrace: 1s
      notStartedReminders: [4s]
      idleReminders: [4s]
      suspendedReminders: [2s]
      rechecks: [1s, 2s]
      asks: [2s, 4s]
      askEvery: 4s
      decisionSLA: 8s
      stepPatience: 6s
      retryDelays: [1s, 2s, 4s]
      deadline: %s
      watchFor: 4s
`, s.name, uuid.NewSHA1(uuid.NameSpaceURL, []byte(s.name)), s.events, s.attempts, s.deadline)
	}
	return text
}

// Names of the setups.
const (
	setupMain  = "main"
	setupTwo   = "two-attempts"
	setupBrief = "brief"
)
