package receiving

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/dev/temporalserver"
	"kyc/handoff"
	"kyc/onboarding"
)

const (
	secret      = "whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA=="
	otherSecret = "whsec_aW52ZW50ZWQtaW52ZW50ZWQtaW52ZW50ZWQtaW52ZW50ZWQ="

	patience = 30 * time.Second
	tick     = 30 * time.Millisecond
)

// examples prepare the page's backends: each returns a command that runs one, and may be run again.
var examples = map[string]func(t *testing.T, dir string) func() *exec.Cmd{
	"node": func(t *testing.T, dir string) func() *exec.Cmd {
		for _, name := range []string{"node", "npm"} {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(name + " is not installed: scripts/install-test-packages.sh installs Debian's nodejs and npm")
			}
		}
		var wanted struct{ Dependencies map[string]string }
		for _, name := range []string{"package.json", "package-lock.json"} {
			content, err := os.ReadFile(filepath.Join("node", name))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(content, &wanted))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		only(t, "sh", "npm install standardwebhooks@"+wanted.Dependencies["standardwebhooks"]+"\n")
		run(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "receiver.mjs"), []byte(only(t, "js", "")), 0o600))
		return func() *exec.Cmd {
			return exec.Command("sh", "-c", "exec "+strings.TrimSpace(only(t, "sh", "node receiver.mjs")))
		}
	},
	"go": func(t *testing.T, dir string) func() *exec.Cmd {
		program := filepath.Join(dir, "receiver")
		require.NoError(t, os.WriteFile(program+".go", []byte(only(t, "go", "")), 0o600))
		run(t, ".", "go", "build", "-o", program, program+".go")
		run(t, ".", "go", "vet", program+".go")
		return func() *exec.Cmd { return exec.Command(program) }
	},
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

// receiver is one of the page's backends, running.
type receiver struct {
	command func() *exec.Cmd
	dir     string
	port    int
	process *exec.Cmd
	said    *said
}

// said is what a process has written.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (r *receiver) url() string { return "http://localhost:" + strconv.Itoa(r.port) + "/decisions" }

// begin starts the receiver and waits until it listens.
func (r *receiver) begin(t *testing.T) {
	t.Helper()
	r.process, r.said = r.command(), &said{}
	r.process.Dir = r.dir
	r.process.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "PORT="+strconv.Itoa(r.port))
	r.process.Stdout, r.process.Stderr = r.said, r.said
	require.NoError(t, r.process.Start())
	t.Cleanup(r.kill)
	require.Eventually(t, func() bool {
		answer, err := http.Get(r.url())
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil
	}, patience, tick, "the receiver does not listen")
}

func (r *receiver) kill() {
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}

// eventuallySays waits for a line.
func (r *receiver) eventuallySays(t *testing.T, line string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(r.said.String(), line+"\n") }, patience, tick, "%s\nin:\n%s", line, r.said)
}

// standing is what the receiver says stands.
func (r *receiver) standing(t *testing.T, id onboarding.ID) (body []byte) {
	t.Helper()
	answer, err := http.Get(r.url() + "/" + string(id))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	body, err = io.ReadAll(answer.Body)
	require.NoError(t, err)
	return body
}

// kept counts the messages on the receiver's disk.
func (r *receiver) kept(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(r.dir, "decisions", "*"))
	require.NoError(t, err)
	return len(all)
}

func (r *receiver) deliver(t *testing.T, h onboarding.HandOff, record string, secrets ...string) error {
	t.Helper()
	d, err := handoff.New(handoff.Config{Targets: map[string]handoff.Target{"default": {URL: r.url(), Secrets: secrets}}})
	require.NoError(t, err)
	_, err = d.Deliver(t.Context(), "default", h, json.RawMessage(record))
	return err
}

// decided is the decision that the page shows.
func decided() onboarding.HandOff {
	reference := onboarding.Reference("order-4711")
	return onboarding.HandOff{
		ID: reference.ID(), Reference: reference, Setup: "retail",
		Decision: onboarding.Decision{
			Outcome: onboarding.OutcomeApproved, Reason: "AutomaticallyIdentified", By: onboarding.DecidedByOndato,
			At: time.Date(2026, 3, 2, 10, 15, 0, 123e6, time.UTC), Attempt: 2,
			SessionID: "0f8fad5b-d9cb-469f-a165-70867728950e", IdentificationID: "7c9e6679-7425-40de-944b-e07fc1f90ae7", Version: 1,
		},
	}
}

// later is another decision about the same onboarding.
func later(version int, after time.Duration) onboarding.HandOff {
	h := decided()
	h.Amendment = true
	h.Decision.Outcome, h.Decision.Version, h.Decision.At = onboarding.OutcomeRejected, version, h.Decision.At.Add(after)
	return h
}

func eachReceiver(t *testing.T, test func(t *testing.T, r *receiver)) {
	for name, prepare := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			port, err := temporalserver.FreePort()
			require.NoError(t, err)
			r := &receiver{command: prepare(t, dir), dir: dir, port: port}
			r.begin(t)
			test(t, r)
		})
	}
}

func TestReceiver_RepeatsAmendmentsAndDeath_LeaveTheNewestOfEachOnce(t *testing.T) {
	eachReceiver(t, func(t *testing.T, r *receiver) {
		const record = `{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","document":{"lastName":"Pavyzdė \u0105 <&>"}}`
		require.NoError(t, r.deliver(t, decided(), record, secret))
		r.eventuallySays(t, "onboarding.decided: Approved, version 1 of order-4711")
		var got struct {
			Data struct{ Identification json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(r.standing(t, decided().ID), &got))
		require.JSONEq(t, record, string(got.Data.Identification))

		require.NoError(t, r.deliver(t, decided(), record, secret))
		r.eventuallySays(t, "onboarding.decided: Approved, version 1 of order-4711 (a repeat, dropped)")
		require.Equal(t, 1, r.kept(t))

		r.kill()
		require.Error(t, r.deliver(t, decided(), record, secret))
		r.begin(t)
		require.NoError(t, r.deliver(t, decided(), record, secret))
		r.eventuallySays(t, "onboarding.decided: Approved, version 1 of order-4711 (a repeat, dropped)")

		outcome := func() (says string) {
			var m struct {
				Data struct{ Outcome string }
			}
			require.NoError(t, json.Unmarshal(r.standing(t, decided().ID), &m))
			return m.Data.Outcome
		}
		require.NoError(t, r.deliver(t, later(3, 2*time.Hour), record, secret))
		require.Equal(t, "Rejected", outcome())
		older := later(2, time.Hour)
		older.Decision.Outcome = onboarding.OutcomeCancelled
		require.NoError(t, r.deliver(t, older, "", secret))
		require.Equal(t, "Rejected", outcome(), "one that came late stands")
		reset := decided()
		reset.Decision.At, reset.Decision.Reason = reset.Decision.At.Add(3*time.Hour), "ManuallyIdentified"
		require.NoError(t, r.deliver(t, reset, record, secret))
		require.Equal(t, "Approved", outcome(), "after a reset versions are counted anew")
		require.Equal(t, 4, r.kept(t))
	})
}

func TestReceiver_Signature_IsCheckedAndSecretsRotate(t *testing.T) {
	eachReceiver(t, func(t *testing.T, r *receiver) {
		var refused *handoff.Error
		require.ErrorAs(t, r.deliver(t, decided(), "", otherSecret), &refused)
		require.Equal(t, http.StatusUnauthorized, refused.Status)
		require.Zero(t, r.kept(t))
		require.NoError(t, r.deliver(t, decided(), "", otherSecret, secret))
		require.Equal(t, 1, r.kept(t))

		answer, err := http.Post(r.url(), "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
		answer, err = http.Get(r.url() + "/../../etc/passwd")
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
	})
}

func TestReceiver_TypesItDoesNotKnow_AreAcceptedAndChangeNothing(t *testing.T) {
	signer, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	eachReceiver(t, func(t *testing.T, r *receiver) {
		require.NoError(t, r.deliver(t, decided(), "", secret))
		before := r.standing(t, decided().ID)
		id := string(decided().ID) + ".9.00000000"
		for _, body := range []string{
			`{"type":"onboarding.reminded"}`,
			`{"type":"onboarding.reminded","timestamp":"2030-01-01T00:00:00Z","data":{"id":"x"}}`,
			`{"data":"words","timestamp":7,"type":"something.else"}`,
		} {
			for range 2 {
				at := time.Now()
				signature, err := signer.Sign(id, at, []byte(body))
				require.NoError(t, err)
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url(), strings.NewReader(body))
				require.NoError(t, err)
				request.Header.Set(standardwebhooks.HeaderWebhookID, id)
				request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
				request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
				answer, err := http.DefaultClient.Do(request)
				require.NoError(t, err)
				require.NoError(t, answer.Body.Close())
				require.Equal(t, http.StatusNoContent, answer.StatusCode, "%s\n%s", body, r.said)
			}
		}
		require.Equal(t, before, r.standing(t, decided().ID))
		require.Equal(t, 1, r.kept(t))
	})
}

func TestReceiver_PostedByHand_TakesWhatThePageSigns(t *testing.T) {
	for _, name := range []string{"openssl", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed")
		}
	}
	eachReceiver(t, func(t *testing.T, r *receiver) {
		post := func(secret string) string {
			cmd := exec.CommandContext(t.Context(), "sh", "-ec", only(t, "sh", "openssl dgst"))
			cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "URL="+r.url())
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			return strings.TrimSpace(string(out))
		}
		require.Equal(t, "401", post(otherSecret))
		require.Equal(t, "204", post(secret))
		require.Equal(t, "204", post(secret))
		require.Equal(t, 1, r.kept(t))
		r.eventuallySays(t, "onboarding.decided: Cancelled, version 1 of by-hand (a repeat, dropped)")

		made := exec.CommandContext(t.Context(), "sh", "-ec", only(t, "sh", "export WEBHOOK_SECRET=")+"printf %s $WEBHOOK_SECRET")
		out, err := made.Output()
		require.NoError(t, err)
		require.NoError(t, handoff.Config{Targets: map[string]handoff.Target{"default": {URL: r.url(), Secrets: []string{string(out)}}}}.Validate())
	})
}
