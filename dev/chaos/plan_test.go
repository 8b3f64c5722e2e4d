package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/app"
)

func TestPlan_SameSeed_IsTheSamePlan(t *testing.T) {
	cfg := Config{N: 50, Seed: 4711}.withDefaults()
	one, other := makePlan(cfg), makePlan(cfg)
	require.Equal(t, one.kills, other.kills)
	require.Equal(t, one.faults, other.faults)
	for i := range one.customers {
		require.Equal(t, one.customers[i].request, other.customers[i].request)
		require.Equal(t, one.customers[i].comes, other.customers[i].comes)
		require.Equal(t, one.customers[i].twice, other.customers[i].twice)
	}
	cfg.Seed++
	require.NotEqual(t, one.kills, makePlan(cfg).kills)
}

func TestPlan_Fifty_HasEveryKindAndKillsEveryProgramWhileThereIsTrouble(t *testing.T) {
	cfg := Config{N: 50, Seed: 1, Starting: 4 * time.Second, Trouble: 9 * time.Second}.withDefaults()
	p := makePlan(cfg)
	seen := map[string]bool{}
	for _, c := range p.customers {
		seen[c.kind.name] = true
		require.NoError(t, c.request.Validate())
		number, ok := numberOf(address(c.number))
		require.True(t, ok)
		require.Equal(t, c.number, number)
	}
	require.Len(t, seen, len(kinds))
	for _, name := range []string{programWorker, programBridge, programTemporal} {
		require.NotEmpty(t, p.kills[name])
		for _, k := range p.kills[name] {
			require.Less(t, k.at, cfg.Trouble)
		}
	}
}

func TestSetups_OfTheRun_AreWhatTheProductTakes(t *testing.T) {
	parsed, err := app.ParseSetups([]byte(setups()))
	require.NoError(t, err)
	for _, k := range kinds {
		require.Contains(t, parsed, k.setup)
	}
}

func TestConfig_OutOfRange_NamesTheField(t *testing.T) {
	good := Config{Product: "onboarding", Dev: "onboarding-dev", Dir: "."}
	require.NoError(t, good.Validate())
	for field, spoil := range map[string]func(*Config){
		"N ":       func(c *Config) { c.N = -1 },
		"Product ": func(c *Config) { c.Product = "" },
		"Trouble ": func(c *Config) { c.Trouble = -time.Second },
		"Within ":  func(c *Config) { c.Within = time.Second },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, bad.Validate(), field)
	}
}
