package signedpost

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestConfig_Address_MustBeSafe(t *testing.T) {
	table := []struct {
		url      string
		insecure bool
		problem  string
	}{
		{url: "https://backend.example/decisions?x=1"},
		{url: "http://localhost:8080/x"},
		{url: "http://127.0.0.2"},
		{url: "http://[::1]:8080/x"},
		{url: "http://[::ffff:127.0.0.1]:8080/x"},
		{url: "http://backend:8080/x", insecure: true},
		{url: "", problem: "is empty"},
		{url: "http://backend.example", problem: "plain http"},
		{url: "http://localhost.evil.example", problem: "plain http"},
		{url: "http://10.0.0.1", problem: "plain http"},
		{url: "http://10.0.0.1", insecure: true, problem: "private or special network"},
		{url: "https://10.0.0.1", problem: "private or special network"},
		{url: "https://169.254.169.254/latest", problem: "private or special network"},
		{url: "https://[fd00:ec2::254]", problem: "private or special network"},
		{url: "https://8.8.8.8"},
		{url: "ftp://backend.example", insecure: true, problem: "neither https nor http"},
		{url: "backend.example/decisions", problem: "neither https nor http"},
		{url: "https://", problem: "no host"},
		{url: "https://:8080/x", problem: "no host"},
		{url: "https://user:hush@backend.example", problem: "user or password"},
		{url: "https://backend.example/#part", problem: "fragment"},
		{url: "https://backend.example/#", problem: "fragment"},
		{url: "https://backend.example/%zz", problem: "not an address"},
		{url: "https://backend.example:65535"},
		{url: "https://backend.example:0", problem: "port out of range"},
		{url: "https://backend.example:65536", problem: "port out of range"},
		{url: "https://backend.example:99999999999999999999", problem: "port out of range"},
	}
	for _, row := range table {
		err := Config{URL: row.url, AllowInsecure: row.insecure, Secrets: []string{secretOf('a')}}.Validate()
		if row.problem == "" {
			require.NoError(t, err, row.url)
			continue
		}
		fields := onboarding.Fields(err)
		require.Len(t, fields, 1, row.url)
		require.Equal(t, "URL", fields[0].Field)
		require.Contains(t, fields[0].Problem, row.problem, row.url)
		require.NotEmpty(t, fields[0].Remedy)
		require.NotContains(t, err.Error(), "hush")
	}
}

func TestConfig_PrivateAddressInTheURL_IsAllowedByItsNetworkAndTheRemedyNamesTheSetting(t *testing.T) {
	cfg := Config{URL: "https://10.1.2.3", Secrets: []string{secretOf('a')}, NetworksSetting: "X_ALLOWED_NETWORKS"}
	require.Contains(t, onboarding.Fields(cfg.Validate())[0].Remedy, "X_ALLOWED_NETWORKS")
	cfg.AllowedNetworks = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	require.NoError(t, cfg.Validate())
	cfg.AllowedNetworks = nil
	cfg.Transport = http.DefaultTransport
	require.NoError(t, cfg.Validate(), "a transport of the caller's decides itself")
}

func TestConfig_Secrets_MustBeStandardWebhooksSecrets(t *testing.T) {
	of := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
	}
	table := map[string]string{
		of(24): "", of(64): "",
		"":                     "does not begin with whsec_",
		of(24)[6:]:             "does not begin with whsec_",
		" " + of(24):           "does not begin with whsec_",
		"whsec_":               "holds 0 bytes",
		of(23):                 "holds 23 bytes",
		of(65):                 "holds 65 bytes",
		"whsec_***":            "is not base64",
		of(24) + "\n":          "is not base64",
		of(25)[:len(of(25))-2]: "is not base64",
	}
	for secret, problem := range table {
		err := Config{URL: "https://b.example", Secrets: []string{secret}}.Validate()
		if problem == "" {
			require.NoError(t, err)
			continue
		}
		fields := onboarding.Fields(err)
		require.Len(t, fields, 1, "%q", secret)
		require.Equal(t, "Secrets[0]", fields[0].Field)
		require.Contains(t, fields[0].Problem, problem)
		if len(secret) > 10 {
			require.NotContains(t, err.Error(), secret[6:])
		}
	}
}

func TestConfig_ManyMistakes_AreListedAtOnce(t *testing.T) {
	_, err := New(Config{URL: "nonsense", Secrets: []string{secretOf('a'), "bad", secretOf('a')}, Timeout: -time.Second, UserAgent: "a\r\nX: y"})
	var names []string
	for _, f := range onboarding.Fields(err) {
		names = append(names, f.Field)
	}
	require.Equal(t, []string{"URL", "Secrets[1]", "Secrets[2]", "Timeout", "UserAgent"}, names)

	_, err = New(Config{})
	require.Len(t, onboarding.Fields(err), 2)
}

func TestConfig_Printed_ShowsNoSecret(t *testing.T) {
	cfg := Config{URL: "https://b.example/hush", Secrets: []string{secretOf('a')}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cfg", cfg)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), log.String()} {
		require.NotContains(t, text, "whsec_")
		require.NotContains(t, text, "hush")
		require.Contains(t, text, "signedpost.Config{")
	}
}
