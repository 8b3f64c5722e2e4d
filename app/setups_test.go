package app_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"kyc/app"
	"kyc/onboarding"
)

const exampleSetups = "../deploy/setups.example.yaml"

func TestLoadSetups_Example_ShowsEveryFieldWithItsDefault(t *testing.T) {
	setups, err := app.LoadSetups(exampleSetups)
	require.NoError(t, err)
	standard := setups["standard"]
	require.Equal(t, onboarding.DefaultPolicy(), standard.Policy)
	require.Empty(t, standard.Notify)
	minimal, err := app.ParseSetups([]byte("setups: {standard: {ondatoSetupId: " + standard.OndatoSetupID + "}}"))
	require.NoError(t, err)
	standard.Notify = nil // written as an empty list
	require.Equal(t, minimal["standard"], standard)

	data, err := os.ReadFile(exampleSetups)
	require.NoError(t, err)
	var raw struct{ Setups map[string]map[string]any }
	require.NoError(t, yaml.Unmarshal(data, &raw))
	requireFields(t, reflect.TypeFor[onboarding.Setup](), raw.Setups["standard"])
	requireFields(t, reflect.TypeFor[onboarding.Policy](), raw.Setups["standard"]["policy"].(map[string]any))
}

func requireFields(t *testing.T, of reflect.Type, given map[string]any) {
	for i := range of.NumField() {
		if tag := of.Field(i).Tag.Get("yaml"); tag != "-" {
			require.Contains(t, given, tag)
		}
	}
}

func TestParseSetups_ValuesGiven_ReplaceTheDefaults(t *testing.T) {
	setups, err := app.ParseSetups([]byte(`
setups:
  lt-fast:
    ondatoSetupId: "7D1F6F0A-8F53-4A7E-9A55-0B6F1F7C2F11"
    language: no          # a boolean to YAML, Norwegian to us
    notify: [email, webhook]
    notifyBy: each
    confirm: true
    timeZone: Europe/Vilnius
    quietHours: {from: 21:00, to: "08:00"}
    events: decisive
    policy: {maxAttempts: 5, deadline: 1d12h, idleReminders: [], asks: [1m, 2m]}
  lt-slow: {ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11}
`))
	require.NoError(t, err)
	require.Len(t, setups, 2)
	want := onboarding.DefaultPolicy()
	want.MaxAttempts, want.Deadline, want.IdleReminders = 5, onboarding.Duration(36*time.Hour), []onboarding.Duration{}
	want.Asks = []onboarding.Duration{onboarding.Duration(time.Minute), onboarding.Duration(2 * time.Minute)}
	require.Equal(t, onboarding.Setup{Name: "lt-fast", OndatoSetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11", Language: "no",
		Notify: []onboarding.Channel{onboarding.ChannelEmail, onboarding.ChannelWebhook}, NotifyBy: onboarding.NotifyEach, Confirm: true,
		TimeZone: "Europe/Vilnius", QuietHours: onboarding.QuietHours{From: "21:00", To: "08:00"},
		HandOff: []string{onboarding.DefaultTarget}, Events: onboarding.DeliverDecisive, Policy: want}, setups["lt-fast"])
	require.Equal(t, setups["lt-fast"].OndatoSetupID, setups["lt-slow"].OndatoSetupID, "two setups may share Ondato's")
}

func TestParseSetups_AliasToAValue_IsFollowed(t *testing.T) {
	setups, err := app.ParseSetups([]byte("setups:\n  a: {ondatoSetupId: &id 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11, policy: &p {deadline: 1h}}\n  b: {ondatoSetupId: *id, policy: *p}\n"))
	require.NoError(t, err)
	require.Equal(t, setups["a"].Policy, setups["b"].Policy)
}

func TestParseSetups_ManyProblems_ComeAtOnceWithSetupFieldAndLine(t *testing.T) {
	_, err := app.ParseSetups([]byte(`setups:
  good:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
  Bad Name:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
  bad:
    ondatoSetupID: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
    language: {a: b}
    notify: email
    events: some
    policy:
      deadline: soon
      maxAttempts: 99
      watchFor:
      asks: [1m, 30s, later]
      rechecks: [1m, 30s]
      idleLife: 0s
      nonsense: 1
      askEvery: 1h
      askEvery: 2h
  good:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f12
  empty:
  text: hello
`))
	var setups *app.SetupsError
	require.ErrorAs(t, err, &setups)
	var lines []string
	for _, p := range setups.Problems {
		require.NotEmpty(t, p.Remedy, p)
		text, _, _ := strings.Cut(p.String(), " (")
		lines = append(lines, text)
	}
	for i, want := range []string{
		"line 4: setup Bad Name: name is not a setup's name",
		"line 6: setup bad: ondatoSetupId is missing",
		"line 7: setup bad: ondatoSetupID is not a known field: did you mean ondatoSetupId?",
		"line 8: setup bad: language is not a text",
		"line 9: setup bad: notify is not a list",
		"line 10: setup bad: events is neither all nor decisive",
		"line 12: setup bad: policy.deadline is not a duration: write it as 7d",
		"line 13: setup bad: policy.maxAttempts is out of range: give 1 to 20",
		"line 14: setup bad: policy.watchFor has no value",
		"line 15: setup bad: policy.asks[2] is not a duration",
		"line 16: setup bad: policy.rechecks[1] is less than the one before it",
		"line 17: setup bad: policy.idleLife is out of range",
		"line 18: setup bad: policy.nonsense is not a known field: use maxAttempts",
		"line 20: setup bad: policy.askEvery is given twice",
		"line 21: setup good: has the name of another setup: rename it or the one in line 2",
		"line 23: setup empty: is empty",
		"line 24: setup text: is empty",
	} {
		require.Greater(t, len(lines), i, err)
		require.Contains(t, lines[i], want)
	}
	require.Len(t, lines, 17, err)
}

func TestParseSetups_WrongKindOfValue_IsRefused(t *testing.T) {
	for given, want := range map[string]string{
		"policy: [1]":                                 "policy is not a group of fields",
		"policy: {maxAttempts: a}":                    "policy.maxAttempts is not a whole number",
		"policy: {maxAttempts: 1.5}":                  "policy.maxAttempts is not a whole number",
		"policy: {maxAttempts: 99999999999999999999}": "policy.maxAttempts is not a whole number",
		"policy: {deadline: [1d]}":                    "policy.deadline is not a duration",
		"policy: {deadline: 30}":                      "policy.deadline is not a duration",
		"policy: {asks: []}":                          "policy.asks has the wrong number of values",
		"policy: {asks: [~]}":                         "policy.asks[0] has no value",
		"notify: [sms]":                               "notify[0] is not a known channel",
		"notify: &n [*n]":                             "notify[0] is not a text",
		"<<: {language: en}":                          "<< is not supported",
		"operationsEmail: nobody":                     "operationsEmail is not an e-mail address",
	} {
		_, err := app.ParseSetups([]byte("setups:\n  one:\n    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11\n    " + given + "\n"))
		require.ErrorContains(t, err, "line 4: setup one: "+want, given)
	}
}

func TestParseSetups_FileThatIsNone_IsRefused(t *testing.T) {
	for given, want := range map[string]string{
		"":                   "the file is empty",
		"# nothing\n":        "the file",
		"setups:":            "has no setups",
		"setups: {}":         "has no setups",
		"setups: [a]":        "not a list of named setups",
		"- a":                "not a list of settings",
		"setup: {}":          "did you mean setups?",
		"setups: {a: ":       "not YAML",
		"setups: {}\n---\na": "more than one document",
		"\x00":               "not YAML",
	} {
		_, err := app.ParseSetups([]byte(given))
		require.ErrorContains(t, err, want, "%q", given)
	}
}

func TestLoadSetups_FileThatCannotBeRead_IsNamed(t *testing.T) {
	_, err := app.LoadSetups("/nowhere/setups.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = app.LoadSetups(t.TempDir())
	require.ErrorContains(t, err, "cannot be read")
	_, err = app.LoadSetups(file(t, "huge", strings.Repeat("#\n", 3<<20)))
	require.ErrorContains(t, err, "larger than")
}

func FuzzParseSetups(f *testing.F) {
	example, err := os.ReadFile(exampleSetups)
	require.NoError(f, err)
	f.Add(example)
	f.Add([]byte("setups: {a: &a {policy: {asks: [*a]}}}"))
	f.Add([]byte("setups: {? [a] : {b: c}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		setups, err := app.ParseSetups(data)
		if err != nil {
			return
		}
		for name, s := range setups {
			require.Equal(t, name, s.Name)
			require.NoError(t, s.Validate())
		}
	})
}
