package chaos

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binaries builds both programs, without what a debugger needs, which saves seconds.
func binaries(t *testing.T) (product, dev string) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "kyc/cmd/onboarding", "kyc/dev/cmd/onboarding-dev").CombinedOutput()
	require.NoError(t, err, string(out))
	return filepath.Join(dir, "onboarding"), filepath.Join(dir, "onboarding-dev")
}

// short is a run that fits into the tests.
func short(t *testing.T) *Result {
	t.Helper()
	var told strings.Builder
	cfg := Config{N: 50, Starting: 4 * time.Second, Trouble: 9 * time.Second, Within: 2 * time.Minute, Dir: t.TempDir(), Out: &told}
	cfg.Product, cfg.Dev = binaries(t)
	result, err := Run(t.Context(), cfg)
	t.Log(told.String())
	if err != nil || len(result.Differences) > 0 {
		for _, name := range programNames {
			if text, err := os.ReadFile(filepath.Join(cfg.Dir, name+".log")); err == nil {
				t.Logf("the end of the log of %s:\n%s", name, text[max(0, len(text)-4000):])
			}
		}
	}
	require.NoError(t, err)
	return result
}

func TestRun_FiftyOnboardings_EveryDecisionIsWhatTheSandboxSays(t *testing.T) {
	result := short(t)
	require.Empty(t, result.Differences)
	for _, name := range []string{programWorker, programBridge, programTemporal} {
		require.Positive(t, result.kills[name], "kills of %s", name)
	}
	require.Positive(t, result.webhooks.Lost)
	t.Run("falsified", func(t *testing.T) { requireBites(t, result.evidence) })
}
