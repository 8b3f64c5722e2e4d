package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// DefaultApplicationID is the tenant of a sandbox that was not told another one (made up).
const DefaultApplicationID = "5a1e0c52-7b1d-4a0e-8a26-33c1c6a0d9aa"

// Schemes by which the sandbox authenticates its webhooks (contract 5.3); SchemeNone is for play only.
const (
	SchemeBasic  = "basic"
	SchemeOAuth2 = "oauth2"
	SchemeHMAC   = "hmac"
	SchemeNone   = "none"
)

// Values of Config.AutoDecision; a third form is "reject:<Reason>" with a reason of contract 3.3.
const (
	DecideApprove = "approve"
	DecideManual  = "manual"

	decideRejectPrefix = "reject:"
)

// Config says how a sandbox behaves. Zero values mean the defaults named at each field.
type Config struct {
	// ClientID and ClientSecret are the API credentials that POST /connect/token accepts; both are required.
	ClientID, ClientSecret string
	// ApplicationID is the tenant in every body, a UUID; default DefaultApplicationID.
	ApplicationID string
	// Setups are the known IDV setups, UUIDs; none means that any UUID is accepted.
	Setups []string
	// Live is what a setup's isLive tells; default false.
	Live bool

	// WebhookURL receives the webhooks; empty means none are sent (they still appear in the history).
	WebhookURL string
	// WebhookAuth is required with WebhookURL.
	WebhookAuth WebhookAuth
	// DeliveryTimeout is how long an answer is waited for, in real time; default 30 s (contract 5.5).
	DeliveryTimeout time.Duration
	// RetryClientErrors switches off Event Grid's rule that 400, 401, 403, 404 and 413 are never retried.
	RetryClientErrors bool
	// MaxInFlight bounds concurrent webhook requests; default 32.
	MaxInFlight int
	// MaxDeliveries bounds the delivery log; default 20000. Finished deliveries leave first, the oldest before others.
	MaxDeliveries int
	// MaxSessions bounds the sessions kept; default 50000. Finished sessions leave first; with none, creating fails.
	MaxSessions int

	// DB is a file that keeps sessions, webhooks, clock and delivery log over restarts; empty means memory only. It
	// survives the end of the process at any moment, but not a power cut.
	DB string
	// TimeScale is virtual seconds per real second, above 0 and at most 100000; default 1, or what DB holds.
	TimeScale float64
	// TokenLifetime is expires_in, whole seconds of real time; default 24 h.
	TokenLifetime time.Duration
	// ReferenceLimit is the longest externalReferenceId in characters; default 48 (contract 2.1).
	ReferenceLimit int
	// ReferenceInIdentifications puts externalReferenceId into identifications too (contract 3.1); default off.
	ReferenceInIdentifications bool

	// AutoDecision decides on what was submitted through the hosted page: DecideApprove (default), DecideManual or
	// "reject:<Reason>".
	AutoDecision string
	// DecisionDelay is the virtual time from the page's submission to the automatic decision; default 2 s.
	DecisionDelay time.Duration
	// StepDelay is the virtual time between two steps of a script; default 300 ms.
	StepDelay time.Duration
	// Retries is how often a customer may try again after a retryable rejection; default 2, negative means never.
	Retries int
	// CompleteBeforeDecision makes a session Completed on submission, before the decision (contract 5.2: either order).
	CompleteBeforeDecision bool

	// Seed makes faults and retry jitter repeatable; default is a random seed.
	Seed uint64
	// PublicURL is where customers reach the sandbox, told in setups; default is the address of the request.
	PublicURL string
	// Logger gets event types, ids of webhooks and outcomes, never personal data or session ids; default discards.
	Logger *slog.Logger
}

// WebhookAuth is how the sandbox authenticates to the webhook receiver (contract 5.3).
type WebhookAuth struct {
	// Scheme is SchemeBasic, SchemeOAuth2, SchemeHMAC or SchemeNone.
	Scheme string
	// Username and Password are for SchemeBasic.
	Username, Password string
	// ClientID, ClientSecret and TokenURL are for SchemeOAuth2.
	ClientID, ClientSecret, TokenURL string
	// Secret is the shared secret of SchemeHMAC, used as UTF-8 text.
	Secret string
}

// Validate returns every problem of the configuration at once, each naming field and remedy, or nil.
func (c Config) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.ClientID == "" {
		bad("ClientID is missing: give the client id that POST /connect/token shall accept")
	}
	if c.ClientSecret == "" {
		bad("ClientSecret is missing: give the client secret that POST /connect/token shall accept")
	}
	if c.ApplicationID != "" && !isUUID(c.ApplicationID) {
		bad("ApplicationID %q is not a UUID: leave it out or give one like %s", c.ApplicationID, DefaultApplicationID)
	}
	for i, id := range c.Setups {
		if !isUUID(id) {
			bad("Setups[%d] %q is not a UUID", i, id)
		}
	}
	problems = append(problems, c.webhookProblems()...)
	if c.TimeScale != 0 && !(c.TimeScale > 0 && c.TimeScale <= maxScale) {
		bad("TimeScale %v is out of range: give a number above 0 and at most %d", c.TimeScale, maxScale)
	}
	if c.TokenLifetime < 0 || c.TokenLifetime%time.Second != 0 {
		bad("TokenLifetime %v must be a positive number of whole seconds", c.TokenLifetime)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"DecisionDelay", c.DecisionDelay}, {"StepDelay", c.StepDelay}, {"DeliveryTimeout", c.DeliveryTimeout}} {
		if d.value < 0 || d.value > 24*time.Hour {
			bad("%s %v is out of range: give 0 (the default) up to 24h", d.name, d.value)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"ReferenceLimit", c.ReferenceLimit}, {"MaxInFlight", c.MaxInFlight}, {"MaxDeliveries", c.MaxDeliveries}, {"MaxSessions", c.MaxSessions}} {
		if n.value < 0 {
			bad("%s %d is negative: give a positive number or 0 for the default", n.name, n.value)
		}
	}
	if _, err := parseDecision(c.AutoDecision); err != nil {
		bad("AutoDecision: %w", err)
	}
	if c.PublicURL != "" {
		if err := checkURL(c.PublicURL); err != nil {
			bad("PublicURL %w", err)
		}
	}
	return errors.Join(problems...)
}

func (c Config) webhookProblems() []error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.WebhookURL != "" {
		if err := checkURL(c.WebhookURL); err != nil {
			bad("WebhookURL %w", err)
		}
	}
	a := c.WebhookAuth
	missing := func(name, value string) {
		if value == "" {
			bad("WebhookAuth.%s is missing: scheme %q needs it", name, a.Scheme)
		}
	}
	switch a.Scheme {
	case "":
		if c.WebhookURL != "" {
			bad("WebhookAuth.Scheme is missing: use basic, oauth2, hmac or none")
		}
	case SchemeNone:
	case SchemeBasic:
		missing("Username", a.Username)
		missing("Password", a.Password)
		if strings.Contains(a.Username, ":") {
			bad("WebhookAuth.Username must not hold a colon: Basic authentication cannot carry it")
		}
	case SchemeOAuth2:
		missing("ClientID", a.ClientID)
		missing("ClientSecret", a.ClientSecret)
		missing("TokenURL", a.TokenURL)
		if a.TokenURL != "" {
			if err := checkURL(a.TokenURL); err != nil {
				bad("WebhookAuth.TokenURL %w", err)
			}
		}
	case SchemeHMAC:
		missing("Secret", a.Secret)
	default:
		bad("WebhookAuth.Scheme %q is unknown: use basic, oauth2, hmac or none", a.Scheme)
	}
	return problems
}

// withDefaults fills in what Validate lets stand empty.
func (c Config) withDefaults() Config {
	setDefault(&c.ApplicationID, DefaultApplicationID)
	c.ApplicationID = strings.ToLower(c.ApplicationID)
	setDefault(&c.DeliveryTimeout, 30*time.Second)
	setDefault(&c.MaxInFlight, 32)
	setDefault(&c.MaxDeliveries, 20_000)
	setDefault(&c.MaxSessions, 50_000)
	setDefault(&c.TokenLifetime, 24*time.Hour)
	setDefault(&c.ReferenceLimit, 48)
	setDefault(&c.AutoDecision, DecideApprove)
	setDefault(&c.DecisionDelay, 2*time.Second)
	setDefault(&c.StepDelay, 300*time.Millisecond)
	setDefault(&c.Retries, 2)
	c.Retries = max(c.Retries, 0)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// parseDecision reads "approve", "manual" or "reject:<Reason>"; nil means that nobody decides by itself.
func parseDecision(text string) (*action, error) {
	switch {
	case text == "" || text == DecideManual:
		return nil, nil
	case text == DecideApprove:
		return &action{Kind: actApprove}, nil
	case strings.HasPrefix(text, decideRejectPrefix):
		reason := strings.TrimPrefix(text, decideRejectPrefix)
		if _, ok := findReason(reason); !ok {
			return nil, fmt.Errorf("unknown reason %q: use one of GET /_sandbox/reasons", reason)
		}
		return &action{Kind: actReject, Reason: reason}, nil
	}
	return nil, fmt.Errorf("%q is no decision: use approve, manual or reject:<Reason>", text)
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("is not an absolute http or https URL")
	}
	return nil
}

// isUUID accepts the 36-character form only, in any case.
func isUUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }
