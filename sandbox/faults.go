package sandbox

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Faults of webhooks.
const (
	faultDrop       = "drop"       // never sent
	faultDuplicate  = "duplicate"  // sent again under the same id
	faultDelay      = "delay"      // first sent later, out of order
	faultReorder    = "reorder"    // sent after the session's next event
	faultNewID      = "newId"      // the same state once more under a new id
	faultPascalCase = "pascalCase" // envelope members in PascalCase
	faultOldNames   = "oldNames"   // Idv.* instead of IdentityVerification.*
)

// Faults of the API.
const (
	fault429                = "tooManyRequests"
	fault500                = "internalError"
	fault503                = "unavailable"
	faultSlow               = "slow"
	faultTimeoutAfterCreate = "timeoutAfterCreate" // the session exists, the answer never comes
)

var (
	webhookFaults = []string{faultDrop, faultDuplicate, faultDelay, faultReorder, faultNewID, faultPascalCase, faultOldNames}
	apiFaults     = []string{fault429, fault500, fault503, faultSlow, faultTimeoutAfterCreate}
)

// Operations of the API, as "only" of an API fault names them.
const (
	opToken               = "token"
	opCreate              = "create"
	opGet                 = "get"
	opSetup               = "setup"
	opLocalise            = "localise"
	opWebhooks            = "webhooks"
	opRedact              = "redact"
	opIdentification      = "identification"
	opIdentificationSetup = "identificationSetup"
)

var operations = []string{opToken, opCreate, opGet, opSetup, opLocalise, opWebhooks, opRedact, opIdentification, opIdentificationSetup}

// faultRule strikes either the next Count times or with Probability, if Only is empty or names the event type
// (webhooks) or operation (API).
type faultRule struct {
	Count       int      `json:"count,omitempty"`
	Probability float64  `json:"probability,omitempty"`
	Only        []string `json:"only,omitempty"`
	By          string   `json:"by,omitempty"`         // delay: virtual time; slow, timeoutAfterCreate: real time
	Copies      int      `json:"copies,omitempty"`     // duplicate
	RetryAfter  string   `json:"retryAfter,omitempty"` // 429, 503: real time
	Fired       int      `json:"fired"`                // how often it struck; told, not taken

	by, retryAfter time.Duration
	rng            *rand.Rand
}

type faultSet struct {
	Seed     uint64                `json:"seed"`
	Webhooks map[string]*faultRule `json:"webhooks"`
	API      map[string]*faultRule `json:"api"`
}

func noFaults(seed uint64) *faultSet {
	return &faultSet{Seed: seed, Webhooks: map[string]*faultRule{}, API: map[string]*faultRule{}}
}

// prepare checks a set that came from outside and seeds each rule by its own name, so that one rule's strikes do not
// depend on another's.
func (f *faultSet) prepare() error {
	var problems []error
	if f.Webhooks == nil {
		f.Webhooks = map[string]*faultRule{}
	}
	if f.API == nil {
		f.API = map[string]*faultRule{}
	}
	prepare := func(group string, rules map[string]*faultRule, known, subjects []string) {
		for _, name := range slices.Sorted(maps.Keys(rules)) {
			rule := rules[name]
			switch {
			case !slices.Contains(known, name):
				problems = append(problems, fmt.Errorf("%s.%s is no fault: use one of %v", group, name, known))
			case rule == nil:
				delete(rules, name)
			default:
				if err := rule.prepare(name, subjects); err != nil {
					problems = append(problems, fmt.Errorf("%s.%s: %w", group, name, err))
				}
				h := fnv.New64a()
				_, _ = h.Write([]byte(group + name))
				rule.rng = rand.New(rand.NewPCG(f.Seed, h.Sum64()))
			}
		}
	}
	prepare("webhooks", f.Webhooks, webhookFaults, eventTypes)
	prepare("api", f.API, apiFaults, operations)
	return errors.Join(problems...)
}

func (r *faultRule) prepare(name string, subjects []string) error {
	r.Fired = 0
	if r.Count < 0 {
		return fmt.Errorf("count %d is negative: give how many of the next are struck", r.Count)
	}
	if !(r.Probability >= 0 && r.Probability <= 1) {
		return fmt.Errorf("probability %v is out of range: give 0 to 1", r.Probability)
	}
	if r.Count > 0 && r.Probability > 0 {
		return errors.New("give either count or probability, not both")
	}
	for _, o := range r.Only {
		if !slices.Contains(subjects, o) {
			return fmt.Errorf("only: %q is unknown, use some of %v", o, subjects)
		}
	}
	if r.Copies < 0 || r.Copies > 10 {
		return fmt.Errorf("copies %d is out of range: give 1 to 10 further ones", r.Copies)
	}
	if r.Copies == 0 {
		r.Copies = 1
	}
	var err error
	fallback := map[string]time.Duration{faultDelay: 30 * time.Second, faultSlow: 5 * time.Second}[name]
	limit := 5 * time.Minute
	if name == faultDelay {
		limit = maxAdvance
	}
	if r.by, err = parseSpan(r.By, fallback, limit); err != nil {
		return fmt.Errorf("by: %w", err)
	}
	if r.retryAfter, err = parseSpan(r.RetryAfter, time.Second, time.Hour); err != nil {
		return fmt.Errorf("retryAfter: %w", err)
	}
	return nil
}

// parseSpan reads a Go duration between 0 and limit.
func parseSpan(text string, fallback, limit time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > limit {
		return 0, fmt.Errorf("%q is no duration between 0s and %v: write it like 1m30s", text, limit)
	}
	return d, nil
}

// strike tells whether the rule hits this subject and uses it up; the rule is returned for its parameters.
func (f *faultSet) strike(rules map[string]*faultRule, name, subject string) (*faultRule, bool) {
	r := rules[name]
	if r == nil || (len(r.Only) > 0 && !slices.Contains(r.Only, subject)) {
		return nil, false
	}
	switch {
	case r.Count > 0:
		r.Count--
	case r.Probability > 0 && r.rng.Float64() < r.Probability:
	default:
		return nil, false
	}
	r.Fired++
	return r, true
}
