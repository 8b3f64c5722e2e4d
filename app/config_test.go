package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/onboarding"
	"kyc/sandbox"
)

const (
	someUUID   = "0B8e9f0a-6f1c-4d57-9f5e-3c2f6f1f7a01"
	someSecret = "correct-horse-battery-staple"
	someWhsec  = "whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA=="
	otherWhsec = "whsec_aW52ZW50ZWQtaW52ZW50ZWQtaW52ZW50ZWQtaW52ZW50ZWQ="
)

// env is an environment to load from.
type env map[string]string

func (e env) get(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

func (e env) environ() []string {
	var all []string
	for name, value := range e {
		all = append(all, name+"="+value)
	}
	return all
}

// with returns a copy with changes; an empty value removes the variable.
func (e env) with(pairs ...string) env {
	out := env{}
	for name, value := range e {
		out[name] = value
	}
	for i := 0; i < len(pairs); i += 2 {
		delete(out, pairs[i])
		if pairs[i+1] != "" {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}

func load(t *testing.T, program string, e env) (*app.Config, error) {
	t.Helper()
	// The SDK looks for a profile in the user's own directory.
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	return app.Load(program, e.get, e.environ())
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func mailingSetups(t *testing.T) string {
	return file(t, "setups.yaml", "setups:\n  standard:\n    ondatoSetupId: "+someUUID+"\n    notify: [email]\n")
}

// complete has every variable that the program reads, valid, and the secrets given directly.
func complete(t *testing.T, program string) env {
	t.Helper()
	valid := map[string]string{
		"ONBOARDING_TASK_QUEUE": "kyc", "ONBOARDING_SETUPS": mailingSetups(t),
		"ONBOARDING_DEPLOYMENT_NAME": "kyc-worker", "ONBOARDING_BUILD_ID": "v1.4.2-g0b8e9f0",
		"ONDATO_CLIENT_ID": "app.ondato.example", "ONDATO_CLIENT_SECRET": someSecret, "ONDATO_APPLICATION_ID": someUUID,
		"ONDATO_TOKEN_URL": "https://id.example/connect/token", "ONDATO_IDV_URL": "https://idv.example",
		"ONDATO_KYC_URL": "https://kyc.example", "ONDATO_LINK_URL": "https://link.example",
		"WEBHOOK_LISTEN": "127.0.0.1:8080", "WEBHOOK_BASIC_CREDENTIALS": "ondato:" + someSecret,
		"WEBHOOK_HMAC_SECRETS": someSecret, "WEBHOOK_OAUTH_CLIENTS": "ondato:" + someSecret,
		"WEBHOOK_ALLOWED_SOURCES": "192.0.2.0/24", "WEBHOOK_TRUSTED_PROXIES": "10.0.0.1",
		"NOTIFY_SMTP_URL": "smtps://kyc:" + someSecret + "@mail.example", "NOTIFY_FROM": "Example <kyc@example.com>",
		"NOTIFY_WEBHOOK_URL": "https://messages.example/onboarding", "NOTIFY_WEBHOOK_SECRET": someWhsec,
		"NOTIFY_WEBHOOK_ALLOW_INSECURE": "true", "NOTIFY_WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/8", "NOTIFY_TEMPLATES": t.TempDir(),
		"HANDOFF_URL": "https://backend.example/decisions", "HANDOFF_SECRETS": someWhsec, "HANDOFF_ALLOW_INSECURE": "true",
		"HANDOFF_TARGETS": "", "HANDOFF_ALLOWED_NETWORKS": "10.1.0.0/16", // several targets: config_targets_test.go
		"PRIVACY_PLAINTEXT": "false", "PRIVACY_KEYSET": "keyset.json", "PRIVACY_KEYS_URL": "postgres://kyc:" + someSecret + "@db.example/keys",
		"API_LISTEN": ":8081", "API_TOKENS": "backend:" + someSecret + "-of-backend",
		"CODEC_LISTEN": ":8083", "CODEC_ORIGINS": "https://temporal.example, http://localhost:8233", "CODEC_TOKENS": "anna:" + someSecret + "-of-anna",
		"METRICS_LISTEN": ":9090", "LOG_LEVEL": "debug", "LOG_FORMAT": "json",
		"SANDBOX_LISTEN": ":8090", "SANDBOX_DB": "sandbox.db", "SANDBOX_WEBHOOK_URL": "http://bridge.example/webhooks/ondato",
		"SANDBOX_WEBHOOK_BASIC": "ondato:" + someSecret, "SANDBOX_TIME_SCALE": "60",
		"SANDBOX_PUBLIC_URL": "http://sandbox.example", "SANDBOX_AUTO_DECISION": "reject:BlurredPhoto",
	}
	e := env{}
	for _, v := range app.Variables() {
		require.Contains(t, valid, v.Name, "give the new variable a valid value here")
		if slices.Contains(v.Programs, program) {
			e[v.Name] = valid[v.Name]
		}
	}
	return e
}

// malformed is a wrong value for each variable that can have one.
var malformed = map[string][]string{
	"ONBOARDING_TASK_QUEUE":           {"two words", strings.Repeat("q", 256), `kyc\queue`},
	"ONBOARDING_SETUPS":               {"/nowhere/setups.yaml"},
	"ONBOARDING_DEPLOYMENT_NAME":      {"kyc.worker", "kyc:worker", "kyc worker", "__kyc", strings.Repeat("n", 256)},
	"ONBOARDING_BUILD_ID":             {"build 7", "__unversioned__", strings.Repeat("b", 256), "bandė"},
	"ONDATO_CLIENT_ID":                {" padded", "line\nbreak"},
	"ONDATO_CLIENT_SECRET":            {"padded ", "line\nbreak"},
	"ONDATO_APPLICATION_ID":           {"42", "urn:uuid:0b8e9f0a-6f1c-4d57-9f5e-3c2f6f1f7a01"},
	"ONDATO_TOKEN_URL":                {"id.example", "https://user:pass@id.example"},
	"ONDATO_IDV_URL":                  {"ftp://idv.example"},
	"ONDATO_KYC_URL":                  {"https://"},
	"ONDATO_LINK_URL":                 {"https://link.example/?id=1"},
	"WEBHOOK_LISTEN":                  {"8080", ":http-alt", ":65536", ":-1", "a b:80"},
	"WEBHOOK_BASIC_CREDENTIALS":       {someSecret, ":" + someSecret, "ondato:", "a:b,,c:d", "a:b,", "a:\x00b"},
	"WEBHOOK_HMAC_SECRETS":            {"a,,b", "line\nbreak"},
	"WEBHOOK_OAUTH_CLIENTS":           {someSecret, "an-id-of-theirs:"},
	"WEBHOOK_ALLOWED_SOURCES":         {"ondato.example", "192.0.2.0/33", "192.0.2.1,", "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/8"},
	"WEBHOOK_TRUSTED_PROXIES":         {"10.0.0.0.0", "fe80::1%eth0"},
	"NOTIFY_SMTP_URL":                 {"mx.internal:587", "https://mx.internal", "smtp:///mx.internal", "smtp://u:p w@mail.example", "smtp://u:%zz@mail.example", "smtp://mx.internal?starttls=maybe"},
	"NOTIFY_FROM":                     {"kyc", "kyc@example.com\r\nBcc: other@example.com"},
	"NOTIFY_WEBHOOK_URL":              {"messages.example", "https://u:p@messages.example", "https://192.168.1.1/"},
	"NOTIFY_WEBHOOK_SECRET":           {someSecret, "whsec_c2hvcnQ=", someWhsec + ",", someWhsec + "," + someWhsec},
	"NOTIFY_WEBHOOK_ALLOW_INSECURE":   {"perhaps"},
	"NOTIFY_WEBHOOK_ALLOWED_NETWORKS": {"intranet", "10.0.0.0/33"},
	"NOTIFY_TEMPLATES":                {"/nowhere/templates"},
	"HANDOFF_URL":                     {"backend.example", "https://u:p@backend.example", "https://backend.example/#x", "mailto:a@example.com"},
	"HANDOFF_SECRETS":                 {someSecret, "whsec_!!!", "whsec_c2hvcnQ=", someWhsec + ",whsec_", someWhsec + "," + someWhsec, someWhsec + ","},
	"HANDOFF_ALLOW_INSECURE":          {"perhaps"},
	"HANDOFF_ALLOWED_NETWORKS":        {"private", "10.0.0.0/99", "10.0.0.0/8,"},
	"HANDOFF_TARGETS":                 {"CRM", "crm,crm", "a-b,a_b", "default", "crm,", "my crm"},
	"PRIVACY_PLAINTEXT":               {"perhaps"},
	"PRIVACY_KEYS_URL":                {"keys.db", "mysql://kyc@db.example/keys", someSecret},
	"API_LISTEN":                      {"8081", ":none"},
	"API_TOKENS":                      {someSecret, "backend:" + someSecret, "back end:" + someSecret + "-of-backend", "ondato:" + someSecret + "-of-backend", "a:" + someSecret + "-same,b:" + someSecret + "-same", "a:" + someSecret + "-öäü-of-a"},
	"CODEC_LISTEN":                    {"8083"},
	"CODEC_ORIGINS":                   {"*", "temporal.example", "https://temporal.example/", "https://temporal.example,", "https://temporal.example:443"},
	"CODEC_TOKENS":                    {someSecret, "anna:" + someSecret, "anna b:" + someSecret + "-of-anna", "a:" + someSecret + "-same,b:" + someSecret + "-same", "a:" + someSecret + "-öäü-of-anna"},
	"METRICS_LISTEN":                  {"9090", ":070"},
	"LOG_LEVEL":                       {"verbose", "2"},
	"LOG_FORMAT":                      {"xml"},
	"SANDBOX_LISTEN":                  {"here"},
	"SANDBOX_WEBHOOK_URL":             {"bridge"},
	"SANDBOX_WEBHOOK_BASIC":           {someSecret, "our-bridge:"},
	"SANDBOX_TIME_SCALE":              {"0", "-1", "NaN", "fast", "1e6"},
	"SANDBOX_PUBLIC_URL":              {"localhost"},
	"SANDBOX_AUTO_DECISION":           {"maybe", "reject:", "reject:Nothing"},
}

// takesAnything has no wrong value: every text names a file that could be made.
var takesAnything = []string{"SANDBOX_DB", "PRIVACY_KEYSET"}

func problemsOf(t *testing.T, err error) []app.Problem {
	t.Helper()
	var config *app.ConfigError
	require.ErrorAs(t, err, &config)
	return config.Problems
}

func variablesOf(t *testing.T, err error) []string {
	var names []string
	for _, p := range problemsOf(t, err) {
		names = append(names, p.Variable)
		require.NotEmpty(t, p.Problem)
		require.NotEmpty(t, p.Remedy, p.Variable)
	}
	return names
}

func TestLoad_EverythingGiven_IsAccepted(t *testing.T) {
	for _, program := range app.Programs() {
		t.Run(program, func(t *testing.T) {
			c, err := load(t, program, complete(t, program))
			require.NoError(t, err)
			require.Equal(t, program, c.Program)
		})
	}
}

func TestLoad_OnlyWhatIsRequired_IsAccepted(t *testing.T) {
	for _, program := range app.Programs() {
		t.Run(program, func(t *testing.T) {
			e := complete(t, program)
			for _, v := range app.Variables() {
				if !slices.Contains(v.Required, program) {
					delete(e, v.Name)
				}
			}
			_, err := load(t, program, e)
			require.NoError(t, err)
		})
	}
}

func TestLoad_RequiredVariableMissing_IsNamedWithRemedy(t *testing.T) {
	for _, v := range app.Variables() {
		for _, program := range v.Required {
			t.Run(v.Name+"/"+program, func(t *testing.T) {
				e := complete(t, program)
				if v.AnyOf != "" {
					for _, o := range app.Variables() {
						if o.AnyOf == v.AnyOf {
							delete(e, o.Name)
						}
					}
				}
				delete(e, v.Name)
				_, err := load(t, program, e)
				problems := problemsOf(t, err)
				require.Len(t, problems, 1)
				require.Contains(t, problems[0].String(), v.Name)
				require.Contains(t, problems[0].Problem, "missing")
				if v.Secret {
					require.Contains(t, problems[0].String(), v.Name+"_FILE")
				}
			})
		}
	}
}

func TestLoad_MalformedValue_IsRefusedWithoutShowingIt(t *testing.T) {
	for _, v := range app.Variables() {
		if slices.Contains(takesAnything, v.Name) {
			require.Empty(t, malformed[v.Name])
			continue
		}
		require.NotEmpty(t, malformed[v.Name], "give %s a wrong value in this test", v.Name)
		for i, value := range malformed[v.Name] {
			for _, program := range v.Programs {
				if program == app.ProgramSandbox && strings.HasPrefix(v.Name, "ONDATO_CLIENT") {
					continue // whatever is given is what the sandbox accepts
				}
				t.Run(fmt.Sprintf("%s/%s/%d", v.Name, program, i), func(t *testing.T) {
					_, err := load(t, program, complete(t, program).with(v.Name, value))
					require.NotEmpty(t, variablesOf(t, err))
					require.Equal(t, []string{v.Name}, slices.Compact(variablesOf(t, err)), err)
					if v.Secret {
						require.NotContains(t, err.Error(), value)
						require.NotContains(t, err.Error(), someSecret)
					}
				})
			}
		}
	}
}

func TestLoad_BlankValue_IsRefused(t *testing.T) {
	for _, v := range app.Variables() {
		program := v.Programs[0]
		_, err := load(t, program, complete(t, program).with(v.Name, " \t"))
		require.Equal(t, []string{v.Name}, variablesOf(t, err), "%v", err)
	}
}

func TestLoad_EmptyValue_CountsAsAbsent(t *testing.T) {
	e := complete(t, app.ProgramWorker)
	e["METRICS_LISTEN"], e["NOTIFY_SMTP_URL_FILE"], e["TEMPORAL_TLS_CLIENT_CERT_PATH"] = "", "", ""
	c, err := load(t, app.ProgramWorker, e)
	require.NoError(t, err)
	require.Equal(t, ":9090", c.MetricsListen)
}

func TestLoad_SecretInFile_IsTheSameAsDirect(t *testing.T) {
	for _, v := range app.Variables() {
		for _, ending := range []string{"", "\n", "\r\n"} {
			if !v.Secret {
				continue
			}
			program := v.Programs[0]
			e := complete(t, program)
			direct, err := load(t, program, e)
			require.NoError(t, err)
			path := file(t, "secret", e[v.Name]+ending)
			fromFile, err := load(t, program, e.with(v.Name, "", v.Name+"_FILE", path))
			require.NoError(t, err)
			require.Equal(t, direct.Ondato, fromFile.Ondato)
			require.Equal(t, direct.Webhook, fromFile.Webhook)
			require.Equal(t, direct.Notify, fromFile.Notify)
			require.Equal(t, direct.HandOff, fromFile.HandOff)
			require.Equal(t, direct.Sandbox, fromFile.Sandbox)
		}
	}
}

func TestLoad_SecretFileThatCannotServe_IsNamedByItsVariable(t *testing.T) {
	for _, v := range app.Variables() {
		if !v.Secret {
			continue
		}
		program := v.Programs[0]
		if program == app.ProgramSandbox && v.Name != "SANDBOX_WEBHOOK_BASIC" {
			continue
		}
		e := complete(t, program).with(v.Name, "")
		t.Run(v.Name, func(t *testing.T) {
			for situation, path := range map[string]string{
				"a secret instead of a path": someSecret,
				"a directory":                t.TempDir(),
				"empty":                      file(t, "empty", "\n"),
				"huge":                       file(t, "huge", strings.Repeat("x", 70_000)),
				"malformed":                  file(t, "malformed", "\x01"+someSecret),
			} {
				_, err := load(t, program, e.with(v.Name+"_FILE", path))
				require.Equal(t, []string{v.Name + "_FILE"}, variablesOf(t, err), "%s: %v", situation, err)
				require.NotContains(t, err.Error(), someSecret)
			}
		})
	}
}

func TestLoad_SecretGivenTwice_IsRefused(t *testing.T) {
	for _, v := range app.Variables() {
		if !v.Secret {
			continue
		}
		program := v.Programs[0]
		e := complete(t, program)
		_, err := load(t, program, e.with(v.Name+"_FILE", file(t, "secret", e[v.Name])))
		require.Equal(t, []string{v.Name}, variablesOf(t, err))
		require.Contains(t, err.Error(), "given twice")
		require.NotContains(t, err.Error(), someSecret)
	}
}

func TestLoad_NothingGiven_ListsAllThatIsNeeded(t *testing.T) {
	for program, want := range map[string][]string{
		// Without setups nobody knows yet whether e-mail is sent.
		app.ProgramWorker: {"ONBOARDING_SETUPS", "ONDATO_CLIENT_ID", "ONDATO_CLIENT_SECRET", "HANDOFF_URL", "HANDOFF_SECRETS", "PRIVACY_KEYSET", "PRIVACY_KEYS_URL"},
		app.ProgramBridge: {"ONBOARDING_SETUPS", "ONDATO_CLIENT_ID", "ONDATO_CLIENT_SECRET", "ONDATO_APPLICATION_ID", "WEBHOOK_BASIC_CREDENTIALS", "PRIVACY_KEYSET"},
		app.ProgramAPI:    {"ONBOARDING_SETUPS", "API_TOKENS", "PRIVACY_KEYSET", "PRIVACY_KEYS_URL"},
		app.ProgramCLI:    {"ONBOARDING_SETUPS", "PRIVACY_KEYSET", "PRIVACY_KEYS_URL"},
		// Temporal's variables have defaults.
		app.ProgramOperator:       {"PRIVACY_KEYSET", "PRIVACY_KEYS_URL"},
		app.ProgramKeys:           {"PRIVACY_KEYSET", "PRIVACY_KEYS_URL"},
		app.ProgramCodecServer:    {"PRIVACY_KEYSET", "PRIVACY_KEYS_URL", "CODEC_TOKENS"},
		app.ProgramSetupNamespace: nil,
		app.ProgramSandbox:        {"ONDATO_CLIENT_ID", "ONDATO_CLIENT_SECRET"},
	} {
		_, err := load(t, program, env{})
		if want == nil {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, want, variablesOf(t, err))
	}
}

func TestLoad_PlaintextOnPurpose_NeedsNoKeys(t *testing.T) {
	for _, program := range []string{app.ProgramWorker, app.ProgramBridge, app.ProgramAPI, app.ProgramCLI, app.ProgramOperator} {
		e := complete(t, program).with("PRIVACY_KEYSET", "", "PRIVACY_KEYS_URL", "")
		c, err := load(t, program, e.with("PRIVACY_PLAINTEXT", "1"))
		require.NoError(t, err)
		require.True(t, c.Privacy.Plaintext)
		_, err = load(t, program, e.with("PRIVACY_PLAINTEXT", "0"))
		require.ErrorContains(t, err, "PRIVACY_KEYSET is missing, and payloads are not to be stored in plain")
	}
}

func TestLoad_ManyProblems_ComeAtOnceInTableOrder(t *testing.T) {
	e := complete(t, app.ProgramWorker).with(
		"LOG_LEVEL", "loud", "ONDATO_CLIENT_ID", "", "HANDOFF_SECRETS", "plain,whsec_x", "ONDATO_IDV_URL", "nowhere",
		"ONBOARDING_SETUPS", file(t, "setups.yaml", "setups:\n  good:\n    ondatoSetupId: "+someUUID+"\n    operationsEmail: ops@example.com\n  bad: {}\n"),
		"NOTIFY_FROM", "", "ONDATO_CLIENT_SECRT", someSecret, "TEMPORAL_ADDRESS", "nowhere")
	_, err := load(t, app.ProgramWorker, e)
	require.Equal(t, []string{"ONBOARDING_SETUPS", "ONDATO_CLIENT_ID", "ONDATO_IDV_URL", "NOTIFY_FROM",
		"HANDOFF_SECRETS", "HANDOFF_SECRETS", "LOG_LEVEL", "TEMPORAL_ADDRESS", "ONDATO_CLIENT_SECRT"}, variablesOf(t, err))
	require.Contains(t, err.Error(), "9 problems")
	require.Contains(t, err.Error(), "setup good sends e-mail")
	require.Contains(t, err.Error(), "did you mean ONDATO_CLIENT_SECRET?")
	require.NotContains(t, err.Error(), someSecret)
}

func TestLoad_SimilarName_IsReportedAsSlip(t *testing.T) {
	base := complete(t, app.ProgramOperator)
	for name, meant := range map[string]string{
		"ONBOARDING_SETUP":               "ONBOARDING_SETUPS",
		"ONDATO_CLIENT_SERCET":           "ONDATO_CLIENT_SECRET",
		"ONDATO_CLIENT_SECRETS_FILE":     "ONDATO_CLIENT_SECRET_FILE",
		"HANDOFF_SECRET":                 "HANDOFF_SECRETS",
		"WEBHOOK_BASIC_CREDENTIAL":       "WEBHOOK_BASIC_CREDENTIALS",
		"WEBHOOK_HMAC_SECRET":            "WEBHOOK_HMAC_SECRETS",
		"NOTIFY_SMPT_URL":                "NOTIFY_SMTP_URL",
		"SANDBOX_TIMESCALE":              "SANDBOX_TIME_SCALE",
		"ONDATO_APPLICATION_ID_FILE":     "set ONDATO_APPLICATION_ID itself",
		"WEBHOOK_ALLOWED_SOURCE":         "WEBHOOK_ALLOWED_SOURCES",
		"WEBHOOK_BASIC_CREDENTIALS_FIEL": "WEBHOOK_BASIC_CREDENTIALS_FILE",
	} {
		_, err := load(t, app.ProgramOperator, base.with(name, someSecret))
		require.Equal(t, []string{name}, variablesOf(t, err))
		require.Contains(t, err.Error(), meant)
		require.NotContains(t, err.Error(), someSecret)
	}
}

func TestLoad_OtherPeoplesVariables_AreLeftAlone(t *testing.T) {
	_, err := load(t, app.ProgramOperator, complete(t, app.ProgramOperator).with("NOTIFY_SOCKET", "/run/systemd/notify",
		"SANDBOX_PORT", "tcp://10.0.0.1:8090", "SANDBOX_SERVICE_HOST", "10.0.0.1", "WEBHOOK_TIMEOUT", "5", "HANDOFF_PORT", "1",
		"PATH", "/bin", "LOG_LEVELS", "x"))
	require.NoError(t, err)
}

func TestLoad_VariablesOfOtherPrograms_AreIgnored(t *testing.T) {
	_, err := load(t, app.ProgramOperator, env{
		"PRIVACY_PLAINTEXT": "1", "WEBHOOK_LISTEN": "nonsense", "HANDOFF_SECRETS": "nonsense", "ONDATO_IDV_URL": "nonsense",
	})
	require.NoError(t, err)
}

func TestLoad_CodecServer_ReadsHoldersAndOrigins(t *testing.T) {
	e := complete(t, app.ProgramCodecServer)
	c, err := load(t, app.ProgramCodecServer, e)
	require.NoError(t, err)
	require.Equal(t, []string{"https://temporal.example", "http://localhost:8233"}, c.CodecServer.Origins)
	require.Equal(t, []app.Credential{{Name: "anna", Secret: someSecret + "-of-anna"}}, c.CodecServer.Tokens)

	_, err = load(t, app.ProgramCodecServer, e.with("CODEC_ORIGINS", ""))
	require.NoError(t, err, "programs need no origin")
	_, err = load(t, app.ProgramCodecServer, e.with("PRIVACY_KEYSET", "").with("PRIVACY_PLAINTEXT", "1"))
	require.Equal(t, []string{"PRIVACY_KEYSET"}, variablesOf(t, err), "without keys it has nothing to do")
	_, err = load(t, app.ProgramCodecServer, e.with("LOG_LEVEL", "warn"))
	require.ErrorContains(t, err, "LOG_LEVEL hides the lines that tell who has seen what")
}

func TestLoad_UnknownProgram_IsRefused(t *testing.T) {
	_, err := load(t, "wroker", env{})
	require.ErrorContains(t, err, app.ProgramWorker)
	var config *app.ConfigError
	require.False(t, errors.As(err, &config))
}

func TestLoad_Worker_HasDefaultsAndValues(t *testing.T) {
	c, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with(
		"ONBOARDING_TASK_QUEUE", "", "ONDATO_IDV_URL", "", "LOG_LEVEL", "WARN", "HANDOFF_SECRETS", someWhsec+", "+otherWhsec))
	require.NoError(t, err)
	require.Equal(t, onboarding.DefaultTaskQueue, c.TaskQueue)
	require.Equal(t, "https://idvapi.ondato.com", c.Ondato.IDVURL)
	require.Equal(t, "https://kyc.example", c.Ondato.KYCURL)
	require.Equal(t, someSecret, c.Ondato.ClientSecret)
	require.Equal(t, slog.LevelWarn, c.Log.Level)
	require.Equal(t, []string{someWhsec, otherWhsec}, c.HandOff.Targets[onboarding.DefaultTarget].Secrets)
	require.NoError(t, c.HandOff.Validate())
	require.Equal(t, strings.ToLower(someUUID), c.Setups["standard"].OndatoSetupID)
	require.NoError(t, c.Ondato.Validate())
}

func TestLoad_Bridge_ReadsListsAndLowersIDs(t *testing.T) {
	c, err := load(t, app.ProgramBridge, complete(t, app.ProgramBridge).with(
		"WEBHOOK_BASIC_CREDENTIALS", "ondato:a:b, ondato:c", "WEBHOOK_ALLOWED_SOURCES", "192.0.2.7, 2001:db8::/32,::ffff:198.51.100.1,::ffff:10.1.2.3/104"))
	require.NoError(t, err)
	require.Equal(t, []app.Credential{{Name: "ondato", Secret: "a:b"}, {Name: "ondato", Secret: "c"}}, c.Webhook.Credentials.Basic)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("10.0.0.0/8")}, c.Webhook.AllowedSources)
	require.Equal(t, strings.ToLower(someUUID), c.ApplicationID)
}

func TestLoad_Sandbox_GivesAConfigurationTheSandboxAccepts(t *testing.T) {
	c, err := load(t, app.ProgramSandbox, complete(t, app.ProgramSandbox))
	require.NoError(t, err)
	require.NoError(t, c.Sandbox.Validate())
	require.Equal(t, sandbox.WebhookAuth{Scheme: sandbox.SchemeBasic, Username: "ondato", Password: someSecret}, c.Sandbox.WebhookAuth)
	require.EqualValues(t, 60, c.Sandbox.TimeScale)

	c, err = load(t, app.ProgramSandbox, env{"ONDATO_CLIENT_ID": "id", "ONDATO_CLIENT_SECRET": someSecret})
	require.NoError(t, err)
	require.NoError(t, c.Sandbox.Validate())
	require.Equal(t, ":8090", c.SandboxListen)
	require.Zero(t, c.Sandbox.TimeScale, "a kept file's scale must not be overridden by the default")
}

func TestLoad_WorkerWhoseSetupsSendNoMail_NeedsNoMailServer(t *testing.T) {
	quiet := file(t, "setups.yaml", "setups: {quiet: {ondatoSetupId: "+someUUID+"}}")
	_, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with("ONBOARDING_SETUPS", quiet, "NOTIFY_SMTP_URL", "", "NOTIFY_FROM", "",
		"NOTIFY_WEBHOOK_URL", "", "NOTIFY_WEBHOOK_SECRET", ""))
	require.NoError(t, err)
}

func TestLoad_WorkerWhoseSetupsUseTheWebhookAlone_NeedsNoMailServer(t *testing.T) {
	byWebhook := file(t, "setups.yaml", "setups: {sms: {ondatoSetupId: "+someUUID+", notify: [webhook]}}")
	e := complete(t, app.ProgramWorker).with("ONBOARDING_SETUPS", byWebhook, "NOTIFY_SMTP_URL", "")
	c, err := load(t, app.ProgramWorker, e)
	require.NoError(t, err)
	require.True(t, c.Notify.Sends())
	require.NoError(t, c.Notify.Room().Validate())

	_, err = load(t, app.ProgramWorker, e.with("NOTIFY_WEBHOOK_URL", "", "NOTIFY_WEBHOOK_SECRET", "", "NOTIFY_FROM", ""))
	require.Equal(t, []string{"NOTIFY_FROM", "NOTIFY_WEBHOOK_URL", "NOTIFY_WEBHOOK_SECRET"}, variablesOf(t, err))
	require.ErrorContains(t, err, "NOTIFY_WEBHOOK_URL is missing, and setup sms notifies by webhook: set it to an https address")
	require.ErrorContains(t, err, "NOTIFY_WEBHOOK_SECRET_FILE")
}

func TestLoad_SetupWithMailWhereOnlyTheWebhookIsGiven_IsRefused(t *testing.T) {
	_, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with("NOTIFY_SMTP_URL", ""))
	require.Equal(t, []string{"NOTIFY_SMTP_URL"}, variablesOf(t, err))
	require.ErrorContains(t, err, "setup standard sends e-mail")
}

func TestLoad_TemplateWithAMistake_IsNamed(t *testing.T) {
	templates := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(templates, "en"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(templates, "en", "invitation.tmpl"), []byte(`{{define "subject"}}{{.Name}}{{end}}`), 0o600))
	_, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with("NOTIFY_TEMPLATES", templates))
	require.Equal(t, []string{"NOTIFY_TEMPLATES"}, variablesOf(t, err))
	require.ErrorContains(t, err, "NOTIFY_TEMPLATES has a problem in en/invitation.tmpl: there is no field .Name: use .Company")
}

func TestLoad_TemplatesWhereNothingSends_AreCheckedAllTheSame(t *testing.T) {
	quiet := file(t, "setups.yaml", "setups: {quiet: {ondatoSetupId: "+someUUID+"}}")
	e := complete(t, app.ProgramWorker).with("ONBOARDING_SETUPS", quiet, "NOTIFY_SMTP_URL", "", "NOTIFY_FROM", "",
		"NOTIFY_WEBHOOK_URL", "", "NOTIFY_WEBHOOK_SECRET", "")
	_, err := load(t, app.ProgramWorker, e.with("NOTIFY_TEMPLATES", "/nowhere/templates"))
	require.Equal(t, []string{"NOTIFY_TEMPLATES"}, variablesOf(t, err))
	require.ErrorContains(t, err, "is not a folder that can be read")
	_, err = load(t, app.ProgramWorker, e.with("NOTIFY_TEMPLATES", t.TempDir()))
	require.NoError(t, err)
}

func TestReloadNotifySecrets_FileChanged_GivesTheNewOnes(t *testing.T) {
	path := file(t, "secret", someWhsec)
	c, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with("NOTIFY_WEBHOOK_SECRET", "", "NOTIFY_WEBHOOK_SECRET_FILE", path))
	require.NoError(t, err)
	require.Equal(t, []string{path}, c.NotifySecretFiles())
	require.NoError(t, os.WriteFile(path, []byte(otherWhsec+","+someWhsec+"\n"), 0o600))
	fresh, err := c.ReloadNotifySecrets()
	require.NoError(t, err)
	require.Equal(t, []string{otherWhsec, someWhsec}, fresh)

	require.NoError(t, os.WriteFile(path, []byte("half a sec"), 0o600))
	_, err = c.ReloadNotifySecrets()
	require.Equal(t, []string{"NOTIFY_WEBHOOK_SECRET_FILE"}, variablesOf(t, err))
	require.NoError(t, os.Remove(path))
	_, err = c.ReloadNotifySecrets()
	require.Equal(t, []string{"NOTIFY_WEBHOOK_SECRET_FILE"}, variablesOf(t, err))

	c, err = load(t, app.ProgramWorker, complete(t, app.ProgramWorker))
	require.NoError(t, err)
	require.Empty(t, c.NotifySecretFiles())
}

func TestLoad_WebhookByPlainHTTP_NeedsToBeAdmitted(t *testing.T) {
	e := complete(t, app.ProgramWorker).with("NOTIFY_WEBHOOK_URL", "http://messages.example/", "NOTIFY_WEBHOOK_ALLOW_INSECURE", "")
	_, err := load(t, app.ProgramWorker, e)
	require.Equal(t, []string{"NOTIFY_WEBHOOK_URL"}, variablesOf(t, err))
	require.ErrorContains(t, err, "NOTIFY_WEBHOOK_ALLOW_INSECURE")
	_, err = load(t, app.ProgramWorker, e.with("NOTIFY_WEBHOOK_ALLOW_INSECURE", "1"))
	require.NoError(t, err)
}

func TestLoad_PlainHTTPToAnotherMachine_NeedsToBeAdmitted(t *testing.T) {
	e := complete(t, app.ProgramWorker).with("HANDOFF_URL", "http://backend.example/decisions", "HANDOFF_ALLOW_INSECURE", "")
	_, err := load(t, app.ProgramWorker, e)
	require.Equal(t, []string{"HANDOFF_URL"}, variablesOf(t, err))
	require.ErrorContains(t, err, "HANDOFF_ALLOW_INSECURE")
	_, err = load(t, app.ProgramWorker, e.with("HANDOFF_ALLOW_INSECURE", "1"))
	require.NoError(t, err)
}

func TestConfig_PrintedOrLogged_ShowsNoSecret(t *testing.T) {
	for _, program := range app.Programs() {
		c, err := load(t, program, complete(t, program))
		require.NoError(t, err)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pointer", c, "value", *c, "webhook", c.Webhook, "notify", c.Notify, "handoff", c.HandOff)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pointer", c, "value", *c, "webhook", c.Webhook, "notify", c.Notify, "handoff", c.HandOff)
		fmt.Fprintf(&log, "%v %+v %#v %s %q", c, *c, *c, c.Webhook, c.HandOff)
		fmt.Fprintf(&log, "%+v %#v %+v %#v", c.Webhook, c.Webhook, c.Notify, c.HandOff)
		require.NotContains(t, log.String(), someSecret)
		require.NotContains(t, log.String(), someWhsec)
	}
}

func TestReloadWebhookCredentials_FileChanged_GivesTheNewOnesAndKeepsTheRest(t *testing.T) {
	path := file(t, "basic", "ondato:old")
	c, err := load(t, app.ProgramBridge, complete(t, app.ProgramBridge).with("WEBHOOK_BASIC_CREDENTIALS", "", "WEBHOOK_BASIC_CREDENTIALS_FILE", path))
	require.NoError(t, err)
	require.Equal(t, []string{path}, c.WebhookCredentialFiles())

	require.NoError(t, os.WriteFile(path, []byte("ondato:old,ondato:new\n"), 0o600))
	fresh, err := c.ReloadWebhookCredentials()
	require.NoError(t, err)
	require.Equal(t, []app.Credential{{Name: "ondato", Secret: "old"}, {Name: "ondato", Secret: "new"}}, fresh.Basic)
	require.Equal(t, c.Webhook.Credentials.HMACSecrets, fresh.HMACSecrets)

	require.NoError(t, os.WriteFile(path, []byte(someSecret), 0o600))
	_, err = c.ReloadWebhookCredentials()
	require.Equal(t, []string{"WEBHOOK_BASIC_CREDENTIALS_FILE"}, variablesOf(t, err))
	require.NotContains(t, err.Error(), someSecret)
	require.Len(t, c.Webhook.Credentials.Basic, 1, "what is at hand stays")
}

func TestVariables_ChangedByACaller_LeaveTheTableAlone(t *testing.T) {
	app.Variables()[0].Name = "OTHER"
	require.NotEqual(t, "OTHER", app.Variables()[0].Name)
}

func TestVariables_AreConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range app.Variables() {
		require.False(t, seen[v.Name], v.Name)
		seen[v.Name] = true
		require.NotEmpty(t, v.Meaning, v.Name)
		require.NotEmpty(t, v.Form, v.Name)
		require.NotEmpty(t, v.Programs, v.Name)
		require.Subset(t, app.Programs(), v.Programs, v.Name)
		require.Subset(t, v.Programs, v.Required, v.Name)
		require.False(t, v.Default != "" && len(v.Required) > 0, "%s has a default and is required", v.Name)
	}
}
