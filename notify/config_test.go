package notify

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestConfig_SMTPURL_IsReadOrRefusedWithARemedy(t *testing.T) {
	good := map[string]mailServer{
		"smtp://mail.example":                               {"mail.example", "587", required, "", ""},
		"smtp://mail.example:25/?starttls=opportunistic":    {"mail.example", "25", opportunistic, "", ""},
		"smtp://mailcatcher:1025?starttls=none":             {"mailcatcher", "1025", unencrypted, "", ""},
		"smtps://u:p%40ss@mail.example":                     {"mail.example", "465", fromTheStart, "u", "p@ss"},
		"smtp://u:p@localhost:25?starttls=none":             {"localhost", "25", unencrypted, "u", "p"},
		"smtp://u%40x.example:p@[::1]:25?starttls=required": {"::1", "25", required, "u@x.example", "p"},
	}
	for address, want := range good {
		got, problems := parseSMTPURL(address)
		require.Empty(t, problems, address)
		require.Equal(t, want, got)
	}
	bad := map[string]string{
		"":                                   "is empty",
		"mail.example:587":                   "begins with neither",
		"http://mail.example":                "begins with neither",
		"smtp://":                            "has no host",
		"smtp://mail.example:0":              "port out of range",
		"smtp://mail.example:70000":          "port out of range",
		"smtp://mail.example:mail":           "is not an address",
		"smtp://u:hu%sh@mail.example":        "is not an address",
		"smtp://mail.example/inbox":          "something behind",
		"smtp://mail.example#x":              "something behind",
		"smtp://mail.example?starttls=maybe": "unknown starttls",
		"smtp://mail.example?starttls=":      "unknown starttls",
		"smtp://mail.example?tls=1":          "unknown or repeated",
		"smtp://mail.example?starttls=none&starttls=required": "unknown or repeated",
		"smtp://mail.example?starttls=%zz":                    "malformed query",
		"smtps://mail.example?starttls=required":              "together with smtps",
		"smtp://u@mail.example":                               "user without password",
		"smtp://:hush@mail.example":                           "user without password",
		"smtp://u:hush%0d@mail.example":                       "control character",
		"smtp://u:hush@mail.example?starttls=none":            "unencrypted",
	}
	for address, problem := range bad {
		err := Config{SMTPURL: address, From: sender}.Validate()
		fields := onboarding.Fields(err)
		require.NotEmpty(t, fields, address)
		require.Equal(t, "SMTPURL", fields[0].Field)
		require.Contains(t, err.Error(), problem, address)
		require.NotEmpty(t, fields[0].Remedy)
		require.NotContains(t, err.Error(), "hush")
	}
}

func TestConfig_From_IsOneAddressWithAName(t *testing.T) {
	for from, problem := range map[string]string{
		"no-reply@bank.example":                    "",
		"Bank <no-reply@bank.example>":             "",
		"Žalias Bankas <a@bank.example>":           "",
		"":                                         "is empty",
		"Bank":                                     "is not an e-mail address",
		"a@b.example, c@d.example":                 "is not an e-mail address",
		"Bank <ž@bank.example>":                    "beyond ASCII",
		"Bank <a@bañk.example>":                    "beyond ASCII",
		`Bank <"a b"@bank.example>`:                "unusual address",
		"=?utf-8?q?Bank=0D=0ABcc:?= <a@b.example>": "is not an e-mail address",
		"=?utf-8?q?Bank=0D=0ABcc?= <a@b.example>":  "control character",
		"Bank\r\nBcc: x@y.example <a@b.example>":   "is not an e-mail address",
	} {
		fields := onboarding.Fields(Config{SMTPURL: "smtp://mail.example", From: from}.Validate())
		if problem == "" {
			require.Empty(t, fields, from)
			continue
		}
		require.Len(t, fields, 1, from)
		require.Equal(t, "From", fields[0].Field)
		require.Contains(t, fields[0].Problem, problem, from)
	}
}

func TestConfig_SenderWithoutName_IsCalledByItsDomain(t *testing.T) {
	require.Equal(t, "bank.example", Config{From: "no-reply@bank.example"}.company())
}

func TestConfig_ManyMistakes_AreListedAtOnce(t *testing.T) {
	_, err := New(Config{SMTPURL: "ftp://u@mail.example:0/x?starttls=maybe", From: "Bank", Timeout: -time.Second})
	var names []string
	for _, f := range onboarding.Fields(err) {
		names = append(names, f.Field)
	}
	require.Equal(t, []string{"SMTPURL", "SMTPURL", "SMTPURL", "SMTPURL", "SMTPURL", "From", "Timeout"}, names)
}

func TestConfig_Printed_ShowsNoPassword(t *testing.T) {
	cfg := Config{SMTPURL: "smtp://mailer:hush@mail.example", From: sender}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cfg", cfg)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), log.String()} {
		require.NotContains(t, text, "hush")
		require.Contains(t, text, "notify.Config{")
	}
}
