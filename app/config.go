package app

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"kyc/handoff"
	"kyc/onboarding"
	"kyc/ondato"
	"kyc/sandbox"
	"kyc/worker"
)

// Config is a program's configuration. Only what the program reads (see Variables) is filled in; what is filled in is
// valid. Printing or logging it shows nothing of it.
type Config struct {
	// Program is the program that the configuration was loaded for.
	Program   string
	TaskQueue string
	// Setups by name.
	Setups map[string]onboarding.Setup
	// Ondato is ready for ondato.New, in the worker and the bridge.
	Ondato ondato.Config
	// ApplicationID is a UUID in lower case.
	ApplicationID string
	Webhook       Webhook
	Notify        Notify
	// HandOff is ready for the deliverer of package handoff, in the worker.
	HandOff handoff.Config
	// Privacy says with which keys payloads are sealed.
	Privacy Privacy
	// API is what the HTTP API is configured with.
	API API
	// CodecServer is what the codec server is configured with.
	CodecServer CodecServer
	// Version of the worker; off unless worker versioning is configured.
	Version       worker.Version
	MetricsListen string
	Log           Log
	SandboxListen string
	// Sandbox is ready for the sandbox but for its logger.
	Sandbox sandbox.Config

	makeCurrent bool
	// targets are the handoff targets beside the default one.
	targets  []string
	temporal client.Options
	// files holds, for each secret that came from a file, the file's path.
	files map[string]string
}

// Webhook is the bridge's configuration.
type Webhook struct {
	Listen      string
	Credentials WebhookCredentials
	// AllowedSources are the only addresses that webhooks are accepted from; none means any.
	AllowedSources []netip.Prefix
	// TrustedProxies are believed in what they say about the sender.
	TrustedProxies []netip.Prefix
}

// WebhookCredentials are what Ondato may authenticate with; there is at least one.
type WebhookCredentials struct {
	Basic        []Credential
	HMACSecrets  []Secret
	OAuthClients []Credential
}

// Names for the table of variables, where a generic parameter wants one.
type (
	netipPrefix = netip.Prefix
	slogLevel   = slog.Level
)

// String does not show the configuration.
func (c Config) String() string { return "configuration of " + c.Program }

// GoString does not show the configuration.
func (c Config) GoString() string { return c.String() }

// LogValue does not show the configuration.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Load reads the configuration of a program. getenv is os.LookupEnv and environ os.Environ(), or what stands in for
// them. What is wrong comes back all at once, as a *ConfigError.
func Load(program string, getenv func(string) (string, bool), environ []string) (*Config, error) {
	if !slices.Contains(Programs(), program) {
		return nil, fmt.Errorf("%q is no program: use one of %s", program, strings.Join(Programs(), ", "))
	}
	c := &Config{Program: program, Ondato: ondato.Production(), files: map[string]string{}}
	var found problems

	given := map[string]bool{}
	take := func(v Variable) {
		if !v.usedBy(program) {
			return
		}
		value, ok, faults := v.lookUp(getenv, c.files)
		given[v.Name] = ok
		switch source := c.given(v.Name); {
		case len(faults) > 0:
			found.add(source, faults...)
		case ok:
			found.add(source, v.read(c, value)...)
		case v.Default != "":
			found.add(v.Name, v.read(c, v.Default)...)
		}
	}
	for _, v := range table {
		take(v)
	}
	for _, target := range c.targets {
		for _, v := range targetVariables(target) {
			take(v)
		}
	}
	c.demand(given, &found)
	demandVersion(given, &found)
	c.checkOndato(&found)
	c.checkNotify(&found)
	c.checkTargets(&found)
	c.checkHandOff(&found)
	c.checkAPI(&found)
	c.checkCodecServer(&found)
	c.finishSandbox()
	c.loadTemporal(getenv, environ, &found)
	findTypos(environ, &found)

	if len(found) > 0 {
		return nil, &ConfigError{Program: program, Problems: found.inTableOrder(c.variables())}
	}
	return c, nil
}

// variables is the table with the variables of the configured targets.
func (c *Config) variables() []Variable { return withTargets(c.targets) }

func (v Variable) usedBy(program string) bool { return slices.Contains(v.Programs, program) }

// lookUp finds the value; an empty variable counts as absent, because container files cannot leave one out.
func (v Variable) lookUp(getenv func(string) (string, bool), files map[string]string) (value string, given bool, faults []fault) {
	value, _ = getenv(v.Name)
	path := ""
	if v.Secret {
		path, _ = getenv(v.fileName())
	}
	switch {
	case value != "" && path != "":
		return "", true, faultf("is given twice, directly and by "+v.fileName(), "remove one of them")
	case path != "":
		files[v.Name] = path
		value, faults = readSecretFile(path)
		return value, true, faults
	case value == "":
		return "", false, nil
	case strings.TrimSpace(value) == "":
		return "", true, faultf("is blank", "set it to %s, or remove it", v.Form)
	}
	return value, true, nil
}

// demand reports what is missing.
func (c *Config) demand(given map[string]bool, found *problems) {
	for _, v := range c.variables() {
		if !slices.Contains(v.Required, c.Program) || given[v.Name] {
			continue
		}
		why, anyOf := "is missing", ""
		switch v.When {
		case whenMail, whenWebhook, whenMessages:
			setup, sends := c.sendingSetup(v.When)
			switch {
			case setup != "":
				why = "is missing, and setup " + setup + " " + sends
			case v.When == whenWebhook && (given["NOTIFY_WEBHOOK_URL"] || given["NOTIFY_WEBHOOK_SECRET"]):
				why = "is missing, and its counterpart is given"
			default:
				continue
			}
		case whenDefault:
			reason, needed := c.demandDefault(given)
			if !needed {
				continue
			}
			why = reason
		case whenPush:
			if !given["SANDBOX_WEBHOOK_URL"] {
				continue
			}
			why = "is missing, and SANDBOX_WEBHOOK_URL is given"
		case whenSealed:
			if c.Privacy.Plaintext {
				continue
			}
			if slices.Contains(mayBePlain, c.Program) {
				why = "is missing, and payloads are not to be stored in plain (PRIVACY_PLAINTEXT=1)"
			}
		}
		if v.AnyOf != "" {
			group := inGroup(v.AnyOf)
			if group[0] != v.Name || slices.ContainsFunc(group, func(n string) bool { return given[n] }) {
				continue
			}
			for _, other := range group[1:] {
				anyOf += ", or set " + other + " or " + other + fileSuffix
			}
			why = "is missing, and so are its alternatives"
		}
		remedy := "set it to " + v.Form
		if v.Secret {
			remedy += ", or " + v.fileName() + " to the path of a file that holds it"
		}
		found.add(v.Name, fault{why, remedy + anyOf})
	}
}

// demandVersion reports half a version.
func demandVersion(given map[string]bool, found *problems) {
	missing, other := "ONBOARDING_DEPLOYMENT_NAME", "ONBOARDING_BUILD_ID"
	if given[missing] == given[other] {
		return
	}
	if given[missing] {
		missing, other = other, missing
	}
	found.add(missing, fault{"is missing, and " + other + " is given", "set both for worker versioning, or neither"})
}

func inGroup(group string) []string {
	var names []string
	for _, v := range table {
		if v.AnyOf == group {
			names = append(names, v.Name)
		}
	}
	return names
}

// sendingSetup names the first setup, by name, that sends messages as a circumstance has it, and says how it sends.
func (c *Config) sendingSetup(when string) (setup, sends string) {
	for _, name := range slices.Sorted(maps.Keys(c.Setups)) {
		s := c.Setups[name]
		mails := slices.Contains(s.Notify, onboarding.ChannelEmail) || s.OperationsEmail != ""
		posts := slices.Contains(s.Notify, onboarding.ChannelWebhook)
		switch {
		case mails && when != whenWebhook:
			return name, "sends e-mail"
		case posts && when != whenMail:
			return name, "notifies by webhook"
		}
	}
	return "", ""
}

// ReloadWebhookCredentials reads the credentials that came from files anew, for rotation without a restart, and keeps
// those that came from the environment. On an error, a *ConfigError, go on with the ones at hand.
func (c *Config) ReloadWebhookCredentials() (WebhookCredentials, error) {
	fresh := Config{Program: c.Program, Webhook: c.Webhook}
	var found problems
	for _, v := range table {
		path := c.files[v.Name]
		if v.AnyOf != anyWebhookCredentials || path == "" {
			continue
		}
		value, faults := readSecretFile(path)
		if len(faults) == 0 {
			faults = v.read(&fresh, value)
		}
		found.add(v.fileName(), faults...)
	}
	if len(found) > 0 {
		return WebhookCredentials{}, &ConfigError{Program: c.Program, Problems: found.inTableOrder(table)}
	}
	return fresh.Webhook.Credentials, nil
}

// WebhookCredentialFiles returns the paths of the files that ReloadWebhookCredentials reads, for watching them.
func (c *Config) WebhookCredentialFiles() []string {
	var paths []string
	for _, name := range inGroup(anyWebhookCredentials) {
		if path := c.files[name]; path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

func parseBasic(value string) ([]Credential, []fault) {
	return parseCredentials(value, "user:password")
}

func parseOAuthClients(value string) ([]Credential, []fault) {
	return parseCredentials(value, "id:secret")
}

func readSetups(c *Config, path string) []fault {
	setups, err := LoadSetups(path)
	if err == nil {
		c.Setups = setups
		return nil
	}
	var many *SetupsError
	if !errors.As(err, &many) {
		return []fault{{"cannot be used", err.Error()}}
	}
	c.Setups = many.usable
	var faults []fault
	for _, p := range many.Problems {
		faults = append(faults, fault{"has a problem", p.String()})
	}
	return faults
}
