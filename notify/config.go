package notify

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kyc/internal/signedpost"
	"kyc/onboarding"
)

const defaultTimeout = 30 * time.Second

// Config says how customers and operations are reached: by e-mail, by webhook, or both.
type Config struct {
	// SMTPURL is the mail server: smtp://user:password@host:port?starttls=required (the default), opportunistic or
	// none, or smtps://user:password@host:port for TLS from the first byte. The port defaults to 587 or 465. User and password
	// are optional and are never sent unencrypted, except to this machine. It may be empty where there is a Webhook.
	SMTPURL string
	// From is the sender, with the name that customers know: Example Bank <no-reply@bank.example>. The name stands in all
	// messages, however they are sent.
	From string
	// Webhook is the service that reaches customers its own way, by SMS or push for example. The zero value means none.
	Webhook WebhookConfig
	// Templates is a folder with words of one's own, as docs/messages.md describes; empty means the built-in ones alone.
	Templates string
	// Timeout bounds the sending of one mail from dialling to the server's acceptance; 0 means 30 seconds.
	Timeout time.Duration
	// RootCAs vouch for the mail server's certificate; nil means the system's.
	RootCAs *x509.CertPool
}

// WebhookConfig says where messages are posted and how they are signed (Standard Webhooks).
type WebhookConfig = signedpost.Config

// Validate returns onboarding.FieldErrors with everything that is wrong, named by the field of Config and never with
// its value, or nil. It reads the templates, and renders every message with made-up data.
func (c Config) Validate() error {
	_, err := c.examine()
	return err
}

func (c Config) mails() bool { return c.SMTPURL != "" }

func (c Config) posts() bool { return c.Webhook.URL != "" || len(c.Webhook.Secrets) > 0 }

// examine is Validate; what it has read comes along.
func (c Config) examine() (*phrasebook, error) {
	var found onboarding.FieldErrors
	if c.mails() || !c.posts() {
		_, problems := parseSMTPURL(c.SMTPURL)
		for _, p := range problems {
			found = append(found, &onboarding.FieldError{Field: "SMTPURL", Problem: p.what, Remedy: p.remedy})
		}
	}
	if _, p := parseFrom(c.From); p.what != "" {
		found = append(found, &onboarding.FieldError{Field: "From", Problem: p.what, Remedy: p.remedy})
	}
	if c.Timeout < 0 {
		found = append(found, &onboarding.FieldError{Field: "Timeout", Problem: "is negative", Remedy: "give a positive duration, or 0 for 30 seconds"})
	}
	if c.posts() {
		for _, f := range onboarding.Fields(c.Webhook.Validate()) {
			found = append(found, &onboarding.FieldError{Field: "Webhook." + f.Field, Problem: f.Problem, Remedy: f.Remedy})
		}
	}
	book, wrong := readPhrasebook(c.Templates, c.company())
	found = append(found, wrong...)
	if len(found) == 0 {
		return book, nil
	}
	return nil, found
}

// company is whom messages say they come from: the name in From, or its domain.
func (c Config) company() string {
	from, p := parseFrom(c.From)
	if p.what != "" {
		return "Example"
	}
	if name := oneLine(from.Name); name != "" {
		return name
	}
	return domainOf(from.Address)
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// String describes the configuration without credentials, so that printing one by accident does no harm.
func (c Config) String() string {
	return fmt.Sprintf("notify.Config{From:%q Timeout:%s Templates:%q Webhook:%t}", c.From, c.Timeout, c.Templates, c.posts())
}

// GoString is String: %#v does not print the credentials either.
func (c Config) GoString() string { return c.String() }

// LogValue is String: structured logs do not hold the credentials either.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

type problem struct{ what, remedy string }

// encryption is when TLS begins.
type encryption string

const (
	fromTheStart  encryption = "smtps"
	required      encryption = "required"
	opportunistic encryption = "opportunistic"
	unencrypted   encryption = "none"
)

// mailServer is a parsed Config.SMTPURL.
type mailServer struct {
	host, port     string
	encryption     encryption
	user, password string
}

func parseSMTPURL(address string) (mailServer, []problem) {
	const example = "write it as smtp://user:password@mail.example:587 or smtps://user:password@mail.example:465"
	if address == "" {
		return mailServer{}, []problem{{"is empty", example}}
	}
	u, err := url.Parse(address)
	if err != nil { // the parser's text quotes the address, password included
		return mailServer{}, []problem{{"is not an address", example + ", with special characters of the password %-encoded"}}
	}
	var problems []problem
	add := func(what, remedy string) { problems = append(problems, problem{what, remedy}) }

	s := mailServer{host: u.Hostname(), port: u.Port(), encryption: required}
	switch u.Scheme {
	case "smtp":
		s.port = orDefault(s.port, "587")
	case "smtps":
		s.encryption = fromTheStart
		s.port = orDefault(s.port, "465")
	default:
		add("begins with neither smtp:// nor smtps://", example)
	}
	if s.host == "" {
		add("has no host", example)
	}
	if n, err := strconv.Atoi(s.port); s.port != "" && (err != nil || n < 1 || n > 65535) {
		add("has a port out of range", "give 1 to 65535")
	}
	if strings.Trim(u.Path, "/") != "" || u.Opaque != "" || u.Fragment != "" {
		add("has something behind the host and port", "only ?starttls= may follow them")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		add("has a malformed query", "only ?starttls=required, opportunistic or none may follow the port")
	}
	for name, values := range query {
		switch {
		case name != "starttls" || len(values) != 1:
			add("has an unknown or repeated query parameter", "only one starttls=required, opportunistic or none may follow the port")
		case s.encryption == fromTheStart:
			add("has starttls together with smtps, which begins with TLS", "remove starttls")
		case encryption(values[0]) != required && encryption(values[0]) != opportunistic && encryption(values[0]) != unencrypted:
			add("has an unknown starttls", "use required, opportunistic or none")
		default:
			s.encryption = encryption(values[0])
		}
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
		switch {
		case s.user == "" || s.password == "":
			add("has a user without password or a password without user", "give both, or neither")
		case strings.ContainsFunc(s.user+s.password, unicode.IsControl):
			add("has a control character in user or password", "remove it")
		}
		if s.encryption == unencrypted && !loopback(s.host) {
			add("would send user and password unencrypted", "use starttls=required, or remove them")
		}
	}
	return s, problems
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

func parseFrom(from string) (*mail.Address, problem) {
	const example = "write it as Example Bank <no-reply@bank.example>"
	if from == "" {
		return nil, problem{"is empty", example}
	}
	parsed, err := mail.ParseAddress(from)
	switch {
	case err != nil:
		return nil, problem{"is not an e-mail address", example}
	case !ascii(parsed.Address):
		return nil, problem{"has an address beyond ASCII", "use an ASCII address, and the xn-- form of the domain; the name may be anything"}
	case !plainAddress(parsed.Address):
		return nil, problem{"has an unusual address", example}
	case strings.ContainsFunc(parsed.Name, unicode.IsControl): // encoded words can carry line breaks
		return nil, problem{"has a control character in the name", "remove it"}
	}
	return parsed, problem{}
}

// plainAddress tells whether an address can stand in an SMTP command as it is.
func plainAddress(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && parsed.Name == "" && len(address) <= 254 &&
		!strings.ContainsAny(address, "<> \t\r\n\"") && !strings.ContainsFunc(address, unicode.IsControl)
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
