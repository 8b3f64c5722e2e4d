package httpapi

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kyc/onboarding"
	"kyc/starter"
)

// Onboardings is what the API stands on; *starter.Starter is the one.
type Onboardings interface {
	Start(context.Context, onboarding.Request) (starter.Started, error)
	Begin(context.Context, onboarding.Request) (starter.Started, error)
	Status(context.Context, onboarding.ID) (onboarding.Status, error)
	List(context.Context, starter.Filter) (starter.Page, error)
	Watch(ctx context.Context, id onboarding.ID, toTheEnd bool) iter.Seq2[starter.Overview, error]
	Obey(context.Context, onboarding.ID, onboarding.Command) (onboarding.CommandReceipt, error)
	Erase(context.Context, onboarding.Erasure) (starter.Erasing, error)
}

// Config says what an API works with.
type Config struct {
	// Onboardings are started and steered; they are needed.
	Onboardings Onboardings
	// Tokens are who may ask; at least one is needed. Several tokens may have one name, so that one can replace another.
	Tokens []Token
	// Ready tells whether the work can be done, Temporal reached; nil means that it always can.
	Ready func(context.Context) error

	// Rate is how many requests a second each name may make, Burst how many at once before the rate counts; 0 means 50
	// and 200. What is above is refused (429).
	Rate  float64
	Burst int
	// MaxInFlight bounds the requests being worked on, MaxStreams those that follow events; 0 means 256 each.
	MaxInFlight, MaxStreams int
	// Heartbeat is how often a quiet stream of events shows that it lives; 0 means 15 seconds.
	Heartbeat time.Duration

	// Log receives one line per request; nil discards them.
	Log *slog.Logger
	// Registry receives the metrics and is what /metrics shows; nil means one of the API's own.
	Registry *prometheus.Registry
}

// Token is what a caller presents, and the name that stands for it in audit trails and logs.
type Token struct {
	// Name is one of a team or a program, of letters, digits and ._@-.
	Name string
	// Secret has 32 characters or more, as RFC 6750 has them for bearer tokens.
	Secret string
}

const (
	defaultRate      = 50
	defaultBurst     = 200
	defaultInFlight  = 256
	defaultHeartbeat = 15 * time.Second

	// MaxBody is the greatest size of a request's body in bytes; a complete request has about one thousand.
	MaxBody = 64 << 10

	minSecret = 32
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)
)

// Problem says what is wrong with the token and how to mend it, or nothing. It never shows the secret.
func (t Token) Problem() (problem, remedy string) {
	switch {
	case !nameForm.MatchString(t.Name):
		return "has a name that the audit trail cannot show", "use 1 to 64 letters, digits and ._@-"
	case onboarding.ReservedActor(t.Name):
		return "has a name that stands for something else in the audit trail", "use another than " + t.Name
	case len(t.Secret) < minSecret:
		return fmt.Sprintf("has a token of less than %d characters", minSecret), "make one with: openssl rand -hex 32"
	case !secretForm.MatchString(t.Secret):
		return "has a token with characters that a bearer token cannot have", "make one with: openssl rand -hex 32"
	}
	return "", ""
}

// Validate returns every problem at once, as onboarding.FieldErrors, or nil.
func (c Config) Validate() error {
	var found onboarding.FieldErrors
	add := func(field, problem, remedy string) {
		found = append(found, &onboarding.FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
	if c.Onboardings == nil {
		add("Onboardings", "are missing", "give a Starter")
	}
	if len(c.Tokens) == 0 {
		add("Tokens", "are empty, so nobody could ask", "give one for each caller")
	}
	owner := map[string]string{}
	for i, t := range c.Tokens {
		field := fmt.Sprintf("Tokens[%d]", i)
		if problem, remedy := t.Problem(); problem != "" {
			add(field, problem, remedy)
		}
		if other, twice := owner[t.Secret]; twice {
			add(field, "is the same as another, of "+other, "give each caller its own")
		}
		owner[t.Secret] = t.Name
	}
	for _, n := range []struct {
		field string
		value float64
	}{{"Rate", c.Rate}, {"Burst", float64(c.Burst)}, {"MaxInFlight", float64(c.MaxInFlight)}, {"MaxStreams", float64(c.MaxStreams)}, {"Heartbeat", float64(c.Heartbeat)}} {
		if n.value < 0 {
			add(n.field, "is negative", "give a positive number, or 0 for the default")
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func (c Config) withDefaults() Config {
	orDefault := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	orDefault(&c.Burst, defaultBurst)
	orDefault(&c.MaxInFlight, defaultInFlight)
	orDefault(&c.MaxStreams, defaultInFlight)
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	return c
}
