package receiving

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/handoff"
	"kyc/internal/postgrestest"
	"kyc/onboarding"
)

// sent is the body of a decision as it leaves the product.
func sent(t *testing.T, h onboarding.HandOff, record string) (webhookID, body string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		all, err := io.ReadAll(r.Body)
		if err == nil {
			body = string(all)
		}
	}))
	defer server.Close()
	d, err := handoff.New(handoff.Config{Targets: map[string]handoff.Target{"default": {URL: server.URL, Secrets: []string{secret}}}})
	require.NoError(t, err)
	webhookID, err = d.Deliver(t.Context(), "default", h, json.RawMessage(record))
	require.NoError(t, err)
	return webhookID, body
}

func TestMessage_InThePage_IsWhatIsSent(t *testing.T) {
	shown := only(t, "json", "")
	var m struct {
		Data struct{ Identification json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(shown), &m))
	_, body := sent(t, decided(), string(m.Data.Identification))
	require.JSONEq(t, shown, body)

	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, outcome := range onboarding.Outcomes() {
		require.Contains(t, string(text), "`"+string(outcome)+"`")
	}
}

func TestSQL_RepeatsAndOrder_LeaveTheNewest(t *testing.T) {
	ctx := t.Context()
	db, err := pgx.Connect(ctx, postgrestest.Start(t).Database(t))
	require.NoError(t, err)
	defer db.Close(ctx)
	_, err = db.Exec(ctx, only(t, "sql", "create table"))
	require.NoError(t, err)

	take := func(h onboarding.HandOff, stands onboarding.Outcome, kept int) {
		t.Helper()
		id, body := sent(t, h, `{"document":{"lastName":"Pavyzdė"}}`)
		_, err := db.Exec(ctx, only(t, "sql", "with message"), id, body)
		require.NoError(t, err)
		var outcome string
		require.NoError(t, db.QueryRow(ctx, "select outcome from onboarding_decision where id = $1", string(h.ID)).Scan(&outcome))
		require.EqualValues(t, stands, outcome)
		var n int
		require.NoError(t, db.QueryRow(ctx, "select count(*) from onboarding_message").Scan(&n))
		require.Equal(t, kept, n)
		var same string
		require.NoError(t, db.QueryRow(ctx, "select body from onboarding_message where webhook_id = $1", id).Scan(&same))
		require.Equal(t, body, same)
	}
	take(decided(), onboarding.OutcomeApproved, 1)
	take(decided(), onboarding.OutcomeApproved, 1)
	take(later(3, 2*time.Hour), onboarding.OutcomeRejected, 2)
	older := later(2, time.Hour)
	older.Decision.Outcome = onboarding.OutcomeCancelled
	take(older, onboarding.OutcomeRejected, 3)
	reset := decided()
	reset.Decision.At, reset.Decision.Reason = reset.Decision.At.Add(3*time.Hour), "ManuallyIdentified"
	take(reset, onboarding.OutcomeApproved, 4)

	// A type that it does not know is no decision.
	_, err = db.Exec(ctx, only(t, "sql", "with message"), "other.1", `{"type":"onboarding.reminded","timestamp":"2030-01-01T00:00:00Z"}`)
	require.NoError(t, err)
	take(reset, onboarding.OutcomeApproved, 5)
}

// exports are the variables that a block sets.
func exports(t *testing.T, text string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", text+"env")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	require.NoError(t, err)
	set := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(name, "HANDOFF_") {
			set[name] = value
		}
	}
	return set
}

func TestSeveralBackends_AsConfiguredInThePage_AreTargets(t *testing.T) {
	dir := t.TempDir()
	env := stack.Environment(dir, stack.Ports{Backend: 1, SMTP: 1}, stack.NewSecrets())
	require.NoError(t, os.WriteFile(filepath.Join(dir, stack.SetupsFile), []byte(only(t, "yaml", "handOff")), 0o600))
	set := exports(t, only(t, "sh", "HANDOFF_TARGETS"))
	require.Equal(t, "/run/secrets/ledger", set["HANDOFF_LEDGER_SECRETS_FILE"])
	require.Equal(t, "whsec_…", set["HANDOFF_CRM_SECRETS"])
	set["HANDOFF_LEDGER_SECRETS_FILE"], set["HANDOFF_CRM_SECRETS"] = filepath.Join(dir, "ledger"), otherSecret
	require.NoError(t, os.WriteFile(set["HANDOFF_LEDGER_SECRETS_FILE"], []byte(secret+"\n"), 0o600))
	maps.Copy(env, set)

	cfg, err := app.Load(app.ProgramWorker, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil)
	require.NoError(t, err)
	require.Equal(t, handoff.Target{URL: "https://crm.example/decisions", Secrets: []string{otherSecret}}, cfg.HandOff.Targets["crm"])
	require.Equal(t, handoff.Target{URL: "https://ledger.example/decisions", Secrets: []string{secret}}, cfg.HandOff.Targets["ledger"])
	for _, setup := range cfg.Setups {
		require.Equal(t, slices.Sorted(maps.Keys(cfg.HandOff.Targets)), slices.Sorted(slices.Values(setup.Targets())))
	}
}

// The commands are understood: what fails is that nobody answers where they ask.
func TestCommands_InThePage_AreUnderstood(t *testing.T) {
	dir := t.TempDir()
	run(t, ".", "go", "build", "-o", filepath.Join(dir, "bin", "onboarding"), "kyc/cmd/onboarding")
	for line := range strings.Lines(only(t, "sh", "bin/onboarding")) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TEMPORAL_ADDRESS=127.0.0.1:1", "PRIVACY_PLAINTEXT=1"}
		out, err := cmd.CombinedOutput()
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended)
		require.Equal(t, 1, ended.ExitCode(), "2 is for wrong usage: %s", out)
	}
}

// What the demo does with these is tested in dev/demo.
func TestDemo_VariablesOfThePage_AreThoseOfTheMakefile(t *testing.T) {
	for _, name := range []string{"BACKEND", "BACKEND_SECRET"} {
		require.Contains(t, only(t, "sh", "make demo"), " "+name+"=")
	}
	// What make would run, without building first.
	shown := exec.CommandContext(t.Context(), "make", "-C", "../..", "--no-print-directory", "-n", "demo")
	out, err := shown.Output()
	require.NoError(t, err)
	recipe := strings.TrimSpace(string(out))
	_, arguments, found := strings.Cut(recipe[strings.LastIndex(recipe, "\n")+1:], "bin/onboarding-dev demo")
	require.True(t, found, recipe)
	for given, passed := range map[string][]string{
		"SECRET=of-something-else":      nil,
		"BACKEND_SECRET=s":              nil,
		"BACKEND=http://b d e=f":        {"--backend", "http://b d e=f", "--backend-secret", ""},
		"BACKEND=b\nBACKEND_SECRET=s s": {"--backend", "b", "--backend-secret", "s s"},
	} {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", `for a in `+arguments+`; do echo "<$a>"; done`)
		// make exports its variables, empty where they are not given.
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "BACKEND=", "BACKEND_SECRET="}, strings.Split(given, "\n")...)
		out, err := cmd.Output()
		require.NoError(t, err)
		var want strings.Builder
		for _, argument := range passed {
			want.WriteString("<" + argument + ">\n")
		}
		require.Equal(t, want.String(), string(out), given)
	}
	require.Equal(t, "listening on port 9000\nonboarding.decided: Approved, version 1 of demo-…\n", only(t, "text", "listening"))
}

func TestLibraries_OfThePage_AreThoseOfTheTests(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	gomod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	const library = "github.com/standard-webhooks/standard-webhooks/libraries"
	_, version, found := strings.Cut(string(gomod), library+" ")
	require.True(t, found)
	version, _, _ = strings.Cut(version, "\n")
	require.Contains(t, string(text), "`go get "+library+"@"+version+"`")
}
