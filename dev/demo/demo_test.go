package demo_test

import (
	"bufio"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/dev/backend"
)

// binary builds the demo as a newcomer runs it.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "onboarding-dev")
	out, err := exec.Command("go", "build", "-o", path, "kyc/dev/cmd/onboarding-dev").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

var started = regexp.MustCompile(`Onboarding ([0-9a-f-]{36}): (.*)`)

// begin starts the demo and returns its lines.
func begin(t *testing.T, path, dir string, more ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, append([]string{"demo", "--dir", dir, "--ports", "free"}, more...)...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return cmd, lines
}

// readUntil reads lines up to one that holds text.
func readUntil(t *testing.T, lines <-chan string, text string) (all []string) {
	t.Helper()
	for line := range lines {
		all = append(all, line)
		if strings.Contains(line, text) {
			return all
		}
	}
	require.Failf(t, "the demo ended early", "without %q:\n%s", text, strings.Join(all, "\n"))
	return nil
}

func id(t *testing.T, lines []string) string {
	t.Helper()
	found := started.FindStringSubmatch(strings.Join(lines, "\n"))
	require.NotNil(t, found)
	return found[1]
}

func TestDemo_KilledInTheMiddle_FinishesTheSameOnboardingWhenStartedAgain(t *testing.T) {
	path, dir := binary(t), t.TempDir()
	first, lines := begin(t, path, dir, "--once", "--pause", "1s")
	before := id(t, readUntil(t, lines, "the customer consents"))
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()

	second, lines := begin(t, path, dir, "--once", "--pause", "100ms")
	out := readUntil(t, lines, "Stopped.")
	require.NoError(t, second.Wait(), "exit code")
	text := strings.Join(out, "\n")
	require.Equal(t, before, id(t, out))
	require.Contains(t, text, "going on with the same onboarding")
	require.Contains(t, text, "Approved, version 1 · signature verified ✓")
}

func TestDemo_Interrupted_EndsCleanlyWithinFiveSeconds(t *testing.T) {
	path := binary(t)
	cmd, lines := begin(t, path, t.TempDir(), "--pause", "50ms")
	readUntil(t, lines, "Ctrl-C ends everything")
	asked := time.Now()
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	readUntil(t, lines, "Stopped.")
	require.NoError(t, cmd.Wait())
	require.Less(t, time.Since(asked), 5*time.Second)
}

func TestDemo_BackendOfTheVisitors_GetsTheDecisionToo(t *testing.T) {
	const secret = "whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA=="
	yours, err := backend.New(secret, "")
	require.NoError(t, err)
	server := httptest.NewServer(yours)
	defer server.Close()
	cmd, lines := begin(t, binary(t), t.TempDir(), "--once", "--pause", "50ms", "--backend", server.URL+"/decisions", "--backend-secret", secret)
	out := readUntil(t, lines, "Stopped.")
	require.NoError(t, cmd.Wait())
	require.Contains(t, strings.Join(out, "\n"), "Your backend has taken it as well")
	got, _ := yours.Of(id(t, out))
	require.Len(t, got, 1)
	require.Equal(t, "Approved", got[0].Outcome)
}

func TestDemo_BackendThatIsNotThere_IsSaidAtOnce(t *testing.T) {
	path, dir := binary(t), t.TempDir()
	for args, says := range map[string]string{
		"--backend http://127.0.0.1:1/decisions --backend-secret x": "your backend does not answer, start it first",
		"--backend http://127.0.0.1:1/decisions":                    "--backend and --backend-secret go together",
	} {
		out, err := exec.Command(path, append([]string{"demo", "--dir", dir, "--ports", "free"}, strings.Fields(args)...)...).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), says)
	}
}
