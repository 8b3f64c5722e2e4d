package chaos

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Config of a run.
type Config struct {
	// Product and Dev are the paths of the binaries: onboarding and onboarding-dev.
	Product, Dev string
	// N onboardings are started, evenly spread over Starting; everything is against them for Trouble, counted from the
	// first. Zero values mean 500, a fifth of a second for each, and 40 seconds more than Starting.
	N                 int
	Starting, Trouble time.Duration
	// Within bounds the run: what is not over by then counts as stuck; 0 means Trouble and three minutes more.
	Within time.Duration
	// Seed draws the plan: who does what when, what fails, what is killed when. 0 draws a seed.
	Seed uint64
	// Dir keeps databases and logs.
	Dir string
	// Out is told how it goes, nothing of a customer.
	Out io.Writer
}

// Validate returns what is wrong, by field, or nil.
func (c Config) Validate() error {
	var problems []error
	for name, path := range map[string]string{"Product": c.Product, "Dev": c.Dev, "Dir": c.Dir} {
		if path == "" {
			problems = append(problems, fmt.Errorf("%s is missing: give a path", name))
		}
	}
	if c.N < 0 || c.N > 5000 {
		problems = append(problems, fmt.Errorf("%s %d is out of range: give 1 to 5000, or 0 for 500", "N", c.N))
	}
	for name, d := range map[string]time.Duration{"Starting": c.Starting, "Trouble": c.Trouble, "Within": c.Within} {
		if d < 0 || d > 6*time.Hour {
			problems = append(problems, fmt.Errorf("%s %s is out of range: give 1s to 6h, or 0 for the default", name, d))
		}
	}
	if full := c.withDefaults(); full.Within <= full.Trouble {
		problems = append(problems, fmt.Errorf("%s %s is not longer than the trouble, %s: give more time", "Within", full.Within, full.Trouble))
	}
	return errors.Join(problems...)
}

func (c Config) withDefaults() Config {
	if c.N == 0 {
		c.N = 500
	}
	if c.Starting == 0 {
		c.Starting = time.Duration(c.N) * time.Second / 5
	}
	if c.Trouble == 0 {
		c.Trouble = c.Starting + 40*time.Second
	}
	if c.Within == 0 {
		c.Within = c.Trouble + 3*time.Minute
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	return c
}
