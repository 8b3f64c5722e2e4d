package webhookbridge

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/ondato"
)

func TestNew_NothingConfigured_NamesEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	for _, field := range []string{"Temporal ", "Ondato ", "ApplicationID ", "Setups ", "Credentials "} {
		require.ErrorContains(t, err, field)
	}
}

func TestNew_BadConfiguration_NamesTheFieldAndNoSecret(t *testing.T) {
	t.Parallel()
	good := start(t).config
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no credentials", func(c *Config) { c.Credentials = Credentials{} }, "Credentials are empty"},
		{"empty password", func(c *Config) { c.Credentials.Basic = []ondato.Credential{{Username: "u"}} }, "Credentials.Basic[0]"},
		{"padded secret", func(c *Config) { c.Credentials.HMACSecrets = []string{hmacSecret, " topsecret-value "} }, "Credentials.HMACSecrets[1]"},
		{"short client secret", func(c *Config) { c.Credentials.OAuthClients = []ondato.OAuth2Client{{ID: "a", Secret: "topsecret"}} }, "Credentials.OAuthClients[0]"},
		{"application", func(c *Config) { c.ApplicationID = "ours" }, "ApplicationID"},
		{"setup id", func(c *Config) { c.Setups = map[string]onboarding.Deliver{"x": onboarding.DeliverAll} }, `Setups["x"]`},
		{"setup events", func(c *Config) { c.Setups = map[string]onboarding.Deliver{allSetup: "some"} }, "delivers neither all nor decisive"},
		{"source", func(c *Config) { c.AllowedSources = []netip.Prefix{{}} }, "AllowedSources[0]"},
		{"proxy", func(c *Config) { c.TrustedProxies = []netip.Prefix{{}} }, "TrustedProxies[0]"},
		{"in flight", func(c *Config) { c.MaxInFlight = -1 }, "MaxInFlight"},
		{"sessions", func(c *Config) { c.SessionsKnown = -1 }, "SessionsKnown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			c.change(&cfg)
			_, err := New(cfg)
			require.ErrorContains(t, err, c.want)
			require.False(t, strings.Contains(err.Error(), "topsecret"))
		})
	}
}

func TestNew_RegistryUsedTwice_IsAnError(t *testing.T) {
	t.Parallel()
	f := start(t)
	cfg := f.config
	cfg.Registry = f.bridge.registry
	_, err := New(cfg)
	require.ErrorContains(t, err, "metrics")
}

func TestSetupEvents_SharedOndatoSetup_DeliversMore(t *testing.T) {
	t.Parallel()
	decisive := onboarding.Setup{OndatoSetupID: strings.ToUpper(allSetup), Events: onboarding.DeliverDecisive}
	all := onboarding.Setup{OndatoSetupID: allSetup, Events: onboarding.DeliverAll}
	require.Equal(t, map[string]onboarding.Deliver{allSetup: onboarding.DeliverAll}, SetupEvents(all, decisive))
	require.Equal(t, map[string]onboarding.Deliver{allSetup: onboarding.DeliverAll}, SetupEvents(decisive, all))
	require.Equal(t, map[string]onboarding.Deliver{allSetup: onboarding.DeliverDecisive}, SetupEvents(decisive))
}
