package ondato

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	defaultTimeout   = 10 * time.Second
	defaultUserAgent = "kyc-ondato-client"
	// tokenPath is appended to a TokenURL that has no path, so that a bare host works as for the other addresses.
	tokenPath = "/connect/token"
)

// Config says where Ondato is and who we are there; start from [Production] and fill in the credentials.
type Config struct {
	// ClientID and ClientSecret are the API credentials (contract 1).
	ClientID     string
	ClientSecret string
	// TokenURL is the token endpoint; an address without a path gets /connect/token (contract 1).
	TokenURL string
	// IDVURL and KYCURL are the base addresses of the two APIs, without /v1 (contract 1).
	IDVURL string
	KYCURL string
	// LinkURL is the base address of the page that customers open, possibly white-labelled (contract 4).
	LinkURL string
	// Scopes are asked for with the token; none means every scope that the client has (contract 1).
	Scopes []string
	// Timeout bounds each HTTP exchange, reading the answer included; 0 means 10 seconds.
	Timeout time.Duration
	// UserAgent is sent with every request; empty means a default.
	UserAgent string
	// Transport carries the requests; nil means a pooled one of the client's own.
	Transport http.RoundTripper
}

// Production returns Ondato's production addresses and no credentials (contract 1 and 4).
func Production() Config {
	return Config{
		TokenURL:  "https://id.ondato.com" + tokenPath,
		IDVURL:    "https://idvapi.ondato.com",
		KYCURL:    "https://kycid.ondato.com",
		LinkURL:   "https://idv.ondato.com",
		Timeout:   defaultTimeout,
		UserAgent: defaultUserAgent,
	}
}

// Validate returns all problems at once, joined, each a [*FieldError] that names the field of Config and never its value.
func (c Config) Validate() error {
	var problems []error
	add := func(field, problem string) {
		if problem != "" {
			problems = append(problems, &FieldError{Field: field, Problem: problem})
		}
	}
	add("ClientID", credentialProblem(c.ClientID))
	add("ClientSecret", credentialProblem(c.ClientSecret))
	add("TokenURL", addressProblem(c.TokenURL))
	add("IDVURL", addressProblem(c.IDVURL))
	add("KYCURL", addressProblem(c.KYCURL))
	add("LinkURL", addressProblem(c.LinkURL))
	for i, scope := range c.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' }) {
			add(fmt.Sprintf("Scopes[%d]", i), "must be one scope name in printable ASCII; give several as several elements")
		}
	}
	if c.Timeout < 0 {
		add("Timeout", "must not be negative; 0 means 10 seconds")
	}
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		add("UserAgent", "must be printable ASCII")
	}
	return errors.Join(problems...)
}

func credentialProblem(value string) string {
	switch {
	case value == "":
		return "is empty; set the credential that Ondato issued"
	case strings.TrimSpace(value) != value:
		return "begins or ends with white space; remove it"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "contains a control character; remove it"
	}
	return ""
}

func addressProblem(address string) string {
	if address == "" {
		return "is empty; set an address such as https://host.example"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil: // the parser's text quotes the address
		return "is not an address; set one such as https://host.example"
	case u.Scheme != "https" && u.Scheme != "http":
		return "must begin with https:// (or http:// for a sandbox)"
	case u.Hostname() == "":
		return "has no host; set an address such as https://host.example"
	case u.User != nil:
		return "must not hold a user or password; use ClientID and ClientSecret"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(address, "#"):
		return "must have neither query nor fragment"
	}
	return ""
}

// String describes the configuration without the secret, so that printing one by accident does no harm.
func (c Config) String() string {
	return fmt.Sprintf("ondato.Config{ClientID:%q TokenURL:%q IDVURL:%q KYCURL:%q LinkURL:%q Scopes:%q Timeout:%s}",
		c.ClientID, c.TokenURL, c.IDVURL, c.KYCURL, c.LinkURL, c.Scopes, c.Timeout)
}

// GoString is String: %#v does not print the secret either.
func (c Config) GoString() string { return c.String() }

// LogValue is String: structured logs do not hold the secret either.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
