package webhookbridge

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"kyc/onboarding"
	"kyc/ondato"
)

const (
	defaultMaxInFlight   = 256
	defaultSessionsKnown = 100_000
)

// Config says what a Bridge works with.
type Config struct {
	// Temporal is the client of the whole process; the bridge does not close it.
	Temporal client.Client
	// Namespace is that of the client; empty means "default". A client does not tell its own.
	Namespace string
	// Identity names this process in workflow histories; empty means one made of the host's name.
	Identity string
	// DataConverter is that of the client; nil means the SDK's default. A client does not show its own.
	DataConverter converter.DataConverter
	// IsErased tells whether an encoding failed because the onboarding's key has been erased: its events are then
	// answered 200. Nil means that none ever is.
	IsErased func(error) bool

	// Ondato is asked for sessions that an event does not show the address of.
	Ondato Sessions
	// ApplicationID is our application at Ondato, a UUID; events of another are foreign.
	ApplicationID string
	// Setups are our IDV setups by Ondato's setup id, with what is delivered of each; see SetupEvents.
	Setups map[string]onboarding.Deliver

	// Credentials are what Ondato authenticates with; at least one is needed.
	Credentials Credentials
	// AllowedSources are where requests may come from; empty means anywhere.
	AllowedSources []netip.Prefix
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix

	// MaxInFlight bounds the requests being worked on; 0 means 256.
	MaxInFlight int
	// SessionsKnown bounds the cache of sessions; 0 means 100,000.
	SessionsKnown int
	// Log receives one line per request; nil discards them.
	Log *slog.Logger
	// Registry receives the metrics and is what /metrics shows; nil means one of the bridge's own.
	Registry *prometheus.Registry
}

// SetupEvents makes Config.Setups of the configured setups. Where two share an Ondato setup, the one that wants more wins.
func SetupEvents(setups ...onboarding.Setup) map[string]onboarding.Deliver {
	events := make(map[string]onboarding.Deliver, len(setups))
	for _, s := range setups {
		id := strings.ToLower(s.OndatoSetupID)
		if events[id] != onboarding.DeliverAll {
			events[id] = s.Events
		}
	}
	return events
}

// Validate returns every problem at once, joined, each an *ondato.FieldError that names the field and never a secret.
func (c Config) Validate() error {
	var problems []error
	add := func(field, problem string) {
		problems = append(problems, &ondato.FieldError{Field: field, Problem: problem})
	}
	if c.Temporal == nil {
		add("Temporal", "is missing; give the process's Temporal client")
	}
	if c.Ondato == nil {
		add("Ondato", "is missing; give an Ondato client")
	}
	if !isUUID(c.ApplicationID) {
		add("ApplicationID", "is not a UUID; copy the id of our application from Ondato")
	}
	if len(c.Setups) == 0 {
		add("Setups", "are empty; without one every event is foreign")
	}
	for _, id := range slices.Sorted(maps.Keys(c.Setups)) {
		if !isUUID(id) {
			add(fmt.Sprintf("Setups[%q]", id), "has an id that is not a UUID; copy the IDV setup's id from Ondato")
		}
		if d := c.Setups[id]; d != onboarding.DeliverAll && d != onboarding.DeliverDecisive {
			add(fmt.Sprintf("Setups[%q]", id), "delivers neither all nor decisive; choose one of them")
		}
	}
	if _, err := newAuthentication(c.Credentials); err != nil {
		problems = append(problems, err)
	}
	ranges := func(name string, prefixes []netip.Prefix) {
		for i, p := range prefixes {
			if !p.IsValid() {
				add(fmt.Sprintf("%s[%d]", name, i), "is not a range of addresses; write it as 192.0.2.0/24")
			}
		}
	}
	ranges("AllowedSources", c.AllowedSources)
	ranges("TrustedProxies", c.TrustedProxies)
	if c.MaxInFlight < 0 || c.MaxInFlight > 100_000 {
		add("MaxInFlight", "is out of range; give 1 to 100000, or 0 for 256")
	}
	if c.SessionsKnown < 0 || c.SessionsKnown > 100_000_000 {
		add("SessionsKnown", "is out of range; give 1 to 100000000, or 0 for 100000")
	}
	return errors.Join(problems...)
}

func isUUID(s string) bool {
	_, err := uuid.Parse(s)
	return err == nil && len(s) == 36
}
