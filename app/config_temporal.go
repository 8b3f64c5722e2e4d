package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"go.temporal.io/sdk/contrib/envconfig"
)

// loadTemporal leaves everything about the connection to the SDK's envconfig (TEMPORAL_* variables and TOML profiles)
// and adds only what it passes over in silence: a file that is not there, a switch that is neither on nor off.
func (c *Config) loadTemporal(getenv func(string) (string, bool), environ []string, found *problems) {
	if !slices.Contains(withTemporal, c.Program) {
		return
	}
	env := environment{getenv, environ}
	if path, ok := env.LookupEnv("TEMPORAL_CONFIG_FILE"); ok {
		if _, err := os.Stat(path); err != nil {
			found.add("TEMPORAL_CONFIG_FILE", unreadable(err)...)
			return
		}
	}
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		if value, ok := env.LookupEnv(name); ok {
			_, faults := parseChoice("true", "false", "1", "0")(value)
			found.add(name, faults...)
		}
	}
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{EnvLookup: env, ConfigFileStrict: true})
	if err != nil {
		found.add("TEMPORAL_CONFIG_FILE", profileFault(err))
		return
	}
	if profile.Address != "" && !strings.Contains(profile.Address, "://") {
		if _, _, err := net.SplitHostPort(profile.Address); err != nil {
			found.add("TEMPORAL_ADDRESS", fault{"is not an address", "write it as host:port, such as temporal.example:7233"})
		}
	}
	// The error may name files and say why they do not serve; it does not quote them.
	if c.temporal, err = profile.ToClientOptions(envconfig.ToClientOptionsRequest{}); err != nil {
		found.add("TEMPORAL_TLS_*", fault{"cannot be used", err.Error()})
	}
}

// profileFault keeps the lines of the file out of the text: one of them may be the API key.
func profileFault(err error) fault {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fault{fmt.Sprintf("names a file with a mistake in line %d", syntax.Position.Line), "write it as the Temporal documentation on environment configuration says"}
	}
	return fault{"cannot be used", err.Error()}
}

// environment is envconfig's view of our environment. An empty variable counts as absent, as for our own variables: an
// empty TEMPORAL_TLS_CLIENT_CERT_PATH in a container file would otherwise switch TLS on.
type environment struct {
	getenv  func(string) (string, bool)
	environ []string
}

func (e environment) LookupEnv(name string) (string, bool) {
	value, _ := e.getenv(name)
	return value, value != ""
}

func (e environment) Environ() []string {
	var entries []string
	for _, entry := range e.environ {
		if _, value, ok := strings.Cut(entry, "="); ok && value != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
