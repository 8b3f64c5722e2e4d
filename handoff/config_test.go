package handoff

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestConfig_MistakesOfSeveralTargets_AreListedAtOnceByTargetAndField(t *testing.T) {
	_, err := New(Config{
		Targets: map[string]Target{
			"default": {URL: "https://b.example/hush", Secrets: []string{secretOf('a')}},
			"ledger":  {URL: "http://10.0.0.1/hush", Secrets: []string{secretOf('a'), "bad"}},
			"crm":     {URL: "nonsense"},
		},
		Timeout: -time.Second, UserAgent: "a\r\nX: y",
	})
	var names []string
	for _, f := range onboarding.Fields(err) {
		names = append(names, f.Field)
		require.NotEmpty(t, f.Problem)
		require.NotEmpty(t, f.Remedy)
	}
	require.Equal(t, []string{"Targets[crm].URL", "Targets[crm].Secrets", "Targets[ledger].URL", "Targets[ledger].Secrets[1]",
		"Timeout", "UserAgent"}, names)
	require.NotContains(t, err.Error(), "hush")

	_, err = New(Config{})
	require.Len(t, onboarding.Fields(err), 1)
}

func TestConfig_PrivateNetwork_IsAllowedByItsVariable(t *testing.T) {
	cfg := Config{Targets: map[string]Target{"default": {URL: "https://10.0.0.1", Secrets: []string{secretOf('a')}}}}
	require.Contains(t, onboarding.Fields(cfg.Validate())[0].Remedy, "HANDOFF_ALLOWED_NETWORKS")
}

func TestConfig_Printed_ShowsNoSecret(t *testing.T) {
	cfg := Config{Targets: map[string]Target{"default": {URL: "https://b.example/hush", Secrets: []string{secretOf('a')}}}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cfg", cfg, "target", cfg.Targets["default"])
	target := cfg.Targets["default"]
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), log.String(),
		fmt.Sprint(target), fmt.Sprintf("%#v", target), fmt.Sprintf("%+v", cfg.Targets)} {
		require.NotContains(t, text, "whsec_")
		require.NotContains(t, text, "hush")
		require.Contains(t, text, "handoff.")
	}
}
