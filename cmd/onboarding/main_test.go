package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/starter"
)

// invoke runs the command line and returns its exit code and standard error.
func invoke(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	old := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = old }()
	read := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, r)
		read <- b.String()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	code = run(ctx, args)
	w.Close()
	return code, <-read
}

func withSetups(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "setups.yaml")
	require.NoError(t, os.WriteFile(file, []byte("setups:\n  standard: {ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11, language: en, notify: [email], events: all}\n"), 0o600))
	t.Setenv("ONBOARDING_SETUPS", file)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("PRIVACY_PLAINTEXT", "1")
}

func TestCommand_BadInput_Exits2AndNamesTheField(t *testing.T) {
	withSetups(t)
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"reference missing":          {[]string{"start", "--setup", "standard"}, []string{"reference is missing"}},
		"reference an address":       {[]string{"start", "--setup", "standard", "--reference", "ona@customer.example"}, []string{"reference looks like an e-mail address"}},
		"several fields":             {[]string{"start", "--reference", "r", "--date-of-birth", "17.4.1991", "--phone", "860000001"}, []string{"setup is missing", "applicant.dateOfBirth is not a date", "applicant.phone is not an E.164 number"}},
		"unknown flag":               {[]string{"start", "--refernce", "r"}, []string{"unknown flag: --refernce"}},
		"unknown output":             {[]string{"status", "r", "-o", "xml"}, []string{"--output is neither text nor json"}},
		"no argument":                {[]string{"status"}, []string{"0 arguments are given: give one, the id or the reference of an onboarding"}},
		"cancel without a reason":    {[]string{"cancel", "r"}, []string{"reason is missing"}},
		"extend without a duration":  {[]string{"extend", "r", "--reason", "x"}, []string{"by is out of range"}},
		"decide without an outcome":  {[]string{"decide", "r", "--reason", "x"}, []string{"outcome is neither Approved nor Rejected"}},
		"request file with a typo":   {[]string{"start", "--file", requestFile(t, `{"refrence":"r"}`)}, []string{"--file holds no request", "refrence"}},
		"no request in the file":     {[]string{"start", "--file", requestFile(t, "")}, []string{"(use batch for many): the text is missing: give one JSON object"}},
		"a member of unknown name":   {[]string{"start", "--file", requestFile(t, `{"Slaptoji 3800":"x"}`)}, []string{"the text has a member of a name that is not known"}},
		"file and flag":              {[]string{"start", "--file", "-", "--country", "LT"}, []string{"--file and --country exclude each other"}},
		"help on no command":         {[]string{"help", "strat"}, []string{`"strat" is no command: see onboarding --help`}},
		"help on no command of keys": {[]string{"help", "keys", "rotat"}, []string{`"keys rotat" is no command`}},
		"help on an argument":        {[]string{"help", "start", "now"}, []string{`"start now" is no command`}},
		"unknown shell":              {[]string{"completion", "bsh"}, []string{`"bsh" is no command of onboarding completion: see onboarding completion --help`}},
		"unknown command":            {[]string{"strat"}, []string{`unknown command "strat"`}},
		"configuration, all at once": {[]string{"worker"}, []string{"ONDATO_CLIENT_ID", "ONDATO_CLIENT_SECRET", "HANDOFF_URL", "NOTIFY_SMTP_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := answers(t, c.args...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.NotContains(t, stderr, "Slaptoji")
			for _, text := range c.says {
				require.Contains(t, stderr, text)
			}
		})
	}
}

func requestFile(t *testing.T, text string) string {
	file := filepath.Join(t.TempDir(), "request.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestWorker_MakeCurrentWithoutVersioning_Exits2WithTheRemedy(t *testing.T) {
	withSetups(t)
	for name, value := range map[string]string{
		"ONDATO_CLIENT_ID": "id", "ONDATO_CLIENT_SECRET": "made-up", "HANDOFF_URL": "https://backend.example/decisions",
		"HANDOFF_SECRETS": "whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA==", "NOTIFY_SMTP_URL": "smtp://mx.example", "NOTIFY_FROM": "kyc@bank.example",
	} {
		t.Setenv(name, value)
	}
	code, stderr := invoke(t, "worker", "--make-current")
	require.Equal(t, exitUsage, code, stderr)
	require.Contains(t, stderr, "ONBOARDING_DEPLOYMENT_NAME is missing, and --make-current is given: set it and ONBOARDING_BUILD_ID, or leave --make-current out")

	t.Setenv("ONBOARDING_BUILD_ID", "v2")
	code, stderr = invoke(t, "worker", "--make-current")
	require.Equal(t, exitUsage, code, stderr)
	require.Contains(t, stderr, "ONBOARDING_DEPLOYMENT_NAME is missing, and ONBOARDING_BUILD_ID is given")

	t.Setenv("ONBOARDING_DEPLOYMENT_NAME", "onboarding-worker")
	code, stderr = invoke(t, "worker", "--make-current")
	require.Equal(t, exitFailed, code, stderr)
	require.Contains(t, stderr, "cannot reach Temporal")
}

func TestLeftOpen_AnswersThatScriptsMustNotTakeForDone_AreErrors(t *testing.T) {
	for how, want := range map[starter.How]string{
		starter.HowStarted: "", starter.HowAlreadyRunning: "", starter.HowAlreadyDecided: "",
		starter.HowUnanswered: "the onboarding is unanswered: why", starter.HowTerminated: "the onboarding is terminated: why",
	} {
		err := leftOpen(starter.Started{How: how, Why: "why"})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
		require.False(t, wrongUse(err))
	}
}

func TestCommand_TemporalOutOfReach_Exits1WithTheRemedyWithin10Seconds(t *testing.T) {
	withSetups(t)
	began := time.Now()
	code, stderr := invoke(t, "start", "--reference", "r", "--setup", "standard", "--email", "ona@customer.example")
	require.Equal(t, exitFailed, code, stderr)
	require.Contains(t, stderr, "cannot reach Temporal at 127.0.0.1:1")
	require.Contains(t, stderr, "TEMPORAL_ADDRESS")
	require.Less(t, time.Since(began), 10*time.Second)
}
