package handoff

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"kyc/internal/signedpost"
	"kyc/onboarding"
)

const (
	name             = "handoff"
	defaultUserAgent = "kyc-onboarding-handoff"
	networksSetting  = "HANDOFF_ALLOWED_NETWORKS"
)

// Config says where decisions go and how they are signed.
type Config struct {
	// Targets are the backends by the names that setups give them; onboarding.DefaultTarget is that of setups that give
	// none.
	Targets map[string]Target
	// Timeout bounds one delivery, reading the answer included; 0 means 15 seconds.
	Timeout time.Duration
	// AllowInsecure admits plain http to any host, for networks that encrypt by other means.
	AllowInsecure bool
	// AllowedNetworks are those private or special networks that backends may be in. A URL that names this machine itself
	// needs none.
	AllowedNetworks []netip.Prefix
	// UserAgent is sent with every message; empty means a default.
	UserAgent string
	// Transport carries the messages; nil means a pooled one for each target, which dials permitted addresses only.
	Transport http.RoundTripper
}

// Target is one backend.
type Target struct {
	// URL receives the messages. It must be https, unless its host is this machine or AllowInsecure is set.
	URL string
	// Secrets are Standard Webhooks secrets: whsec_ followed by 24 to 64 bytes in base64. Every one of them signs each
	// message, so that the backend can change from one to another without a gap.
	Secrets []string
}

func (c Config) post(target Target) signedpost.Config {
	post := signedpost.Config{
		URL: target.URL, Secrets: target.Secrets, Timeout: c.Timeout, AllowInsecure: c.AllowInsecure,
		AllowedNetworks: c.AllowedNetworks, NetworksSetting: networksSetting, Name: name, UserAgent: c.UserAgent, Transport: c.Transport,
	}
	if post.UserAgent == "" {
		post.UserAgent = defaultUserAgent
	}
	return post
}

// Validate returns onboarding.FieldErrors with everything that is wrong, named by the field of Config, such as
// Targets[crm].Secrets[0], and never with its value, or nil.
func (c Config) Validate() error {
	var found onboarding.FieldErrors
	if len(c.Targets) == 0 {
		found = append(found, &onboarding.FieldError{
			Field: "Targets", Problem: "is empty", Remedy: "give at least the target " + onboarding.DefaultTarget})
	}
	for _, target := range slices.Sorted(maps.Keys(c.Targets)) {
		for _, f := range onboarding.Fields(c.post(c.Targets[target]).Validate()) {
			if f.Field == "URL" || isSecret(f.Field) {
				found = append(found, ofTarget(target, f))
			}
		}
	}
	// What all targets share is told once.
	for _, f := range onboarding.Fields(c.post(Target{}).Validate()) {
		if f.Field != "URL" && !isSecret(f.Field) {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func isSecret(field string) bool { return strings.HasPrefix(field, "Secrets") }

func ofTarget(target string, f *onboarding.FieldError) *onboarding.FieldError {
	named := *f
	named.Field = "Targets[" + target + "]." + f.Field
	return &named
}

// String describes the configuration without addresses and secrets, so that printing one by accident does no harm.
func (c Config) String() string {
	return fmt.Sprintf("handoff.Config{Targets:%q Timeout:%s AllowInsecure:%t AllowedNetworks:%d UserAgent:%q}",
		slices.Sorted(maps.Keys(c.Targets)), c.Timeout, c.AllowInsecure, len(c.AllowedNetworks), c.UserAgent)
}

// GoString is String: %#v does not print the secrets either.
func (c Config) GoString() string { return c.String() }

// LogValue is String: structured logs do not hold the secrets either.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String describes the target without address and secrets.
func (t Target) String() string { return fmt.Sprintf("handoff.Target{Secrets:%d}", len(t.Secrets)) }

// GoString is String: %#v does not print the secrets either.
func (t Target) GoString() string { return t.String() }

// LogValue is String: structured logs do not hold the secrets either.
func (t Target) LogValue() slog.Value { return slog.StringValue(t.String()) }
