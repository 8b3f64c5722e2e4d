package signedpost

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kyc/onboarding"
)

const (
	defaultTimeout   = 15 * time.Second
	defaultUserAgent = "kyc-onboarding"
	defaultName      = "webhook"
	defaultNetworks  = "AllowedNetworks"

	secretPrefix = "whsec_"
	// The Standard Webhooks specification asks for secrets of 24 to 64 random bytes.
	minSecretBytes = 24
	maxSecretBytes = 64
)

// Config says where messages go and how they are signed.
type Config struct {
	// URL receives the messages. It must be https, unless its host is this machine or AllowInsecure is set.
	URL string
	// Secrets are Standard Webhooks secrets: whsec_ followed by 24 to 64 bytes in base64. Every one of them signs each
	// message, so that the receiver can change from one to another without a gap.
	Secrets []string
	// Timeout bounds one post, reading the answer included; 0 means 15 seconds.
	Timeout time.Duration
	// AllowInsecure admits plain http to any host, for networks that encrypt by other means.
	AllowInsecure bool
	// AllowedNetworks are those private or special networks that the host may be in all the same. A URL that names this
	// machine itself needs none.
	AllowedNetworks []netip.Prefix
	// NetworksSetting is what error texts call AllowedNetworks, such as the variable that they come from.
	NetworksSetting string
	// Name begins the texts of errors, such as handoff; empty means a default.
	Name string
	// UserAgent is sent with every message; empty means a default.
	UserAgent string
	// Transport carries the messages instead of a pooled one of the poster's own; it then decides which addresses are
	// dialled.
	Transport http.RoundTripper
}

// Validate returns onboarding.FieldErrors with everything that is wrong, named by the field of Config and never with
// its value, or nil.
func (c Config) Validate() error {
	var found onboarding.FieldErrors
	add := func(field, problem, remedy string) {
		found = append(found, &onboarding.FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
	if problem, remedy := c.urlProblem(); problem != "" {
		add("URL", problem, remedy)
	}
	found = append(found, onboarding.Fields(validateSecrets(c.Secrets))...)
	if c.Timeout < 0 {
		add("Timeout", "is negative", "give a positive duration, or 0 for 15 seconds")
	}
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		add("UserAgent", "holds characters that a header cannot carry", "use printable ASCII")
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func (c Config) urlProblem() (problem, remedy string) {
	const example = "give an address such as https://backend.example/decisions"
	if c.URL == "" {
		return "is empty", example
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil: // the parser's text quotes the address
		return "is not an address", example
	case u.Scheme != "https" && u.Scheme != "http":
		return "is neither https nor http", example
	case u.Hostname() == "":
		return "has no host", example
	case portOutOfRange(u.Port()):
		return "has a port out of range", "give 1 to 65535"
	case u.User != nil:
		return "holds a user or password", "remove them: the signature tells the receiver who sends"
	case u.Fragment != "" || strings.HasSuffix(c.URL, "#"):
		return "has a fragment, which is never sent", "remove everything from the # on"
	case u.Scheme == "http" && !c.AllowInsecure && !thisMachine(u.Hostname()):
		return "is plain http to another machine, which would show personal data to the network",
			"use https, or allow insecure addresses if the network encrypts by other means"
	}
	// A host that is a name is judged when it is dialled.
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && c.Transport == nil && !c.fence().permits(ip) {
		return "names an address of a private or special network", c.networksRemedy()
	}
	return "", ""
}

func portOutOfRange(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port != "" && (err != nil || n == 0)
}

func (c Config) fence() fence {
	u, err := url.Parse(c.URL)
	return fence{allowed: c.AllowedNetworks, loopback: err == nil && thisMachine(u.Hostname())}
}

func (c Config) networksRemedy() string {
	return "list its network in " + orDefault(c.NetworksSetting, defaultNetworks) + " if messages are meant to go there"
}

func validateSecrets(secrets []string) error {
	var found onboarding.FieldErrors
	add := func(field, problem, remedy string) {
		found = append(found, &onboarding.FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
	if len(secrets) == 0 {
		add("Secrets", "is empty", "give at least one secret: whsec_ followed by 24 to 64 random bytes in base64")
	}
	seen := make(map[string]int, len(secrets))
	for i, secret := range secrets {
		field := fmt.Sprintf("Secrets[%d]", i)
		if problem, remedy := secretProblem(secret); problem != "" {
			add(field, problem, remedy)
		}
		if first, repeated := seen[secret]; repeated {
			add(field, fmt.Sprintf("repeats Secrets[%d]", first), "remove one of them")
			continue
		}
		seen[secret] = i
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func secretProblem(secret string) (problem, remedy string) {
	const shape = "write it as whsec_ followed by 24 to 64 random bytes in base64"
	encoded, prefixed := strings.CutPrefix(secret, secretPrefix)
	if !prefixed {
		return "does not begin with whsec_", shape
	}
	// The decoder skips line breaks; a secret that holds some was pasted wrongly and would fail at the other end.
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return "is not base64 after whsec_", shape
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return fmt.Sprintf("holds %d bytes", len(key)), shape
	}
	return "", ""
}

// String describes the configuration without address and secrets, so that printing one by accident does no harm.
func (c Config) String() string {
	return fmt.Sprintf("signedpost.Config{Secrets:%d Timeout:%s AllowInsecure:%t AllowedNetworks:%d UserAgent:%q}",
		len(c.Secrets), c.Timeout, c.AllowInsecure, len(c.AllowedNetworks), c.UserAgent)
}

// GoString is String: %#v does not print the secrets either.
func (c Config) GoString() string { return c.String() }

// LogValue is String: structured logs do not hold the secrets either.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
