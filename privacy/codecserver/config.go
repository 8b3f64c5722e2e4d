package codecserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kyc/privacy"
)

// Config says what a Server works with.
type Config struct {
	// Codec opens and seals; it is not bound to a workflow.
	Codec *privacy.Codec
	// Tokens are whom payloads are shown to; at least one is needed. Several tokens may have one name, so that one can
	// replace another.
	Tokens []Token
	// Origins are the addresses of the Temporal UIs whose pages may ask, such as https://temporal.example; none means that
	// no page may, only programs.
	Origins []string
	// Ready tells whether the keys can be reached; nil means that they always can.
	Ready func(context.Context) error

	// Rate is how many payloads a second a holder may have, Burst how many at once before the rate counts; 0 means 100
	// and 5,000. Requests above it wait for two seconds, and are refused after that.
	Rate  float64
	Burst int

	// Log receives a line for each request at level info or above. It is needed, with that level switched on: without the
	// lines nobody could say who has seen what.
	Log *slog.Logger
	// Registry receives the metrics and is what /metrics shows; nil means one of the server's own.
	Registry *prometheus.Registry

	// now and patience are the clock's and two seconds but in tests.
	now      func() time.Time
	patience time.Duration
}

// Token is what a holder presents, and the name that the log shows for it.
type Token struct {
	// Name is one of a person or a program, of letters, digits and ._@-.
	Name string
	// Secret has 32 characters or more, as RFC 6750 has them for bearer tokens.
	Secret string
}

// FieldError is one thing that is wrong with a Config. It never shows a token.
type FieldError struct {
	// Field is the name of the field, with its index in a list.
	Field string
	// Problem reads after the field, Remedy says what to do.
	Problem, Remedy string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem + "; " + e.Remedy }

const (
	// MaxPayloads is how many payloads a request may have; the Temporal UI and CLI ask for those of one event at a time.
	MaxPayloads = 1_000
	// MaxBody is the greatest size of a request in bytes: what fits into one message to Temporal (4 MiB), as base64.
	MaxBody = 8 << 20

	defaultRate     = 100
	defaultBurst    = 5_000
	defaultPatience = 2 * time.Second
	minSecret       = 32
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)
)

// Validate returns every problem at once, joined, each a *FieldError.
func (c Config) Validate() error {
	var problems []error
	add := func(field, problem, remedy string) { problems = append(problems, &FieldError{field, problem, remedy}) }
	if c.Codec == nil {
		add("Codec", "is missing", "give the codec that the workers seal with")
	}
	c.checkTokens(add)
	for i, origin := range c.Origins {
		if problem, remedy := originProblem(origin); problem != "" {
			add(fmt.Sprintf("Origins[%d]", i), problem, remedy)
		}
	}
	if c.Rate < 0 {
		add("Rate", "is negative", "give payloads a second, or 0 for 100")
	}
	if c.Burst != 0 && c.Burst < MaxPayloads {
		add("Burst", "is less than one request may hold", fmt.Sprintf("give %d or more, or 0 for 5000", MaxPayloads))
	}
	switch {
	case c.Log == nil:
		add("Log", "is missing", "give one, so that it is known who has seen what")
	case !c.Log.Enabled(context.Background(), slog.LevelInfo):
		add("Log", "does not show level info, which tells who has seen what", "switch info on")
	}
	return errors.Join(problems...)
}

func (c Config) checkTokens(add func(field, problem, remedy string)) {
	if len(c.Tokens) == 0 {
		add("Tokens", "are empty, so nobody could see anything", "give one for each person and program")
	}
	holder := map[string]string{}
	for i, t := range c.Tokens {
		field := fmt.Sprintf("Tokens[%d]", i)
		if !nameForm.MatchString(t.Name) {
			add(field, "has a name that the log cannot show", "use 1 to 64 letters, digits and ._@-")
		}
		switch {
		case len(t.Secret) < minSecret:
			add(field, fmt.Sprintf("is shorter than %d characters", minSecret), "make one with: openssl rand -hex 32")
		case !secretForm.MatchString(t.Secret):
			add(field, "holds characters that a bearer token cannot have", "make one with: openssl rand -hex 32")
		}
		if other, twice := holder[t.Secret]; twice && t.Secret != "" {
			add(field, "is the same as another, of "+other, "give each its own, or nobody can tell them apart")
		}
		holder[t.Secret] = t.Name
	}
}

// originProblem tells what keeps a value from being what browsers send as Origin.
func originProblem(value string) (problem, remedy string) {
	const form = "write it as https://temporal.example or http://localhost:8233"
	u, err := url.Parse(value)
	switch {
	case value == "*":
		return "admits every page there is", "name the Temporal UI's own address: " + form
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "is not the address of a web page's origin", form
	case !strings.EqualFold(value, u.Scheme+"://"+u.Host):
		return "holds more than scheme, host and port", form
	case strings.HasSuffix(u.Host, ":") || u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443":
		return "holds the port that browsers leave out", "leave it out, too"
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r > '~' || r == '*' }):
		return "holds a host that browsers send in another form", "write it in ASCII (xn--…), without a wildcard"
	}
	return "", ""
}

func (c Config) withDefaults() Config {
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.Burst == 0 {
		c.Burst = defaultBurst
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.patience == 0 {
		c.patience = defaultPatience
	}
	origins := make([]string, len(c.Origins))
	for i, origin := range c.Origins {
		origins[i] = strings.ToLower(origin) // as browsers send it
	}
	c.Origins = origins
	return c
}
