package notify

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

// requireFailure holds an error against what is expected, and that it says nothing of the customer or the server.
func requireFailure(t *testing.T, err error, code string, permanent bool) *Error {
	t.Helper()
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, code, failed.Code, err.Error())
	require.Equal(t, permanent, failed.Permanent)
	for _, secret := range []string{"private", "jonas", "customer.example", "bank.example", "idv.example", "127.0.0.1", "hush", "mailer"} {
		require.NotContains(t, err.Error(), secret)
	}
	return failed
}

func invite(t *testing.T, cfg Config) error {
	t.Helper()
	_, err := newSender(t, cfg).Send(t.Context(), message(onboarding.MessageInvitation, "en"))
	return err
}

func reply(code int, enhanced ...int) error {
	e := &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "private words about <jonas@customer.example>"}
	if len(enhanced) == 3 {
		e.EnhancedCode = smtp.EnhancedCode(enhanced)
	}
	return e
}

func TestSend_ServerRefuses_IsJudgedByCommandAndCode(t *testing.T) {
	const permanent, temporary = true, false
	table := map[string]struct {
		box       *mailbox
		code      string
		permanent bool
		reply     int
		wait      time.Duration
		text      string
	}{
		"unknown mailbox at RCPT":       {&mailbox{rcptErr: reply(550, 5, 1, 1)}, CodeRecipient, permanent, 550, 0, "SMTP 550 5.1.1"},
		"plain 550 at RCPT":             {&mailbox{rcptErr: reply(550)}, CodeRecipient, permanent, 550, 0, "notify: recipient-refused, SMTP 550"},
		"bad mailbox name at RCPT":      {&mailbox{rcptErr: reply(553, 5, 1, 3)}, CodeRecipient, permanent, 553, 0, "553"},
		"mailbox full at RCPT":          {&mailbox{rcptErr: reply(552, 5, 2, 2)}, CodeRecipient, permanent, 552, 0, "552"},
		"relaying denied at RCPT":       {&mailbox{rcptErr: reply(554, 5, 7, 1)}, CodeRecipient, permanent, 554, 0, "554 5.7.1"},
		"authentication wanted at RCPT": {&mailbox{rcptErr: reply(530, 5, 7, 0)}, CodeAuth, temporary, 530, 0, "530"},
		"bad sequence at RCPT":          {&mailbox{rcptErr: reply(503)}, CodeUnavailable, temporary, 503, 0, "503"},
		"greylisting at RCPT":           {&mailbox{rcptErr: reply(451, 4, 7, 1)}, CodeUnavailable, temporary, 451, time.Minute, "451 4.7.1"},
		"busy mailbox at RCPT":          {&mailbox{rcptErr: reply(450)}, CodeUnavailable, temporary, 450, time.Minute, "450"},
		"refusal at DATA":               {&mailbox{dataErr: reply(554)}, CodeContent, permanent, 554, 0, "554"},
		"bad content at DATA":           {&mailbox{dataErr: reply(554, 5, 6, 0)}, CodeContent, permanent, 554, 0, "554"},
		"unknown mailbox at DATA":       {&mailbox{dataErr: reply(550, 5, 1, 1)}, CodeRecipient, permanent, 550, 0, "550"},
		"mailbox full at DATA":          {&mailbox{dataErr: reply(554, 5, 2, 2)}, CodeRecipient, permanent, 554, 0, "554"},
		"SPF failed at DATA":            {&mailbox{dataErr: reply(550, 5, 7, 26)}, CodePolicy, temporary, 550, 0, "550 5.7.26"},
		"local error at DATA":           {&mailbox{dataErr: reply(451, 4, 3, 0)}, CodeUnavailable, temporary, 451, time.Minute, "451"},
		"sender unknown":                {&mailbox{mailErr: reply(550, 5, 1, 8)}, CodeSender, temporary, 550, 0, "550"},
		"sender unwelcome":              {&mailbox{mailErr: reply(550, 5, 7, 1)}, CodePolicy, temporary, 550, 0, "550"},
		"busy at MAIL":                  {&mailbox{mailErr: reply(421, 4, 3, 2)}, CodeUnavailable, temporary, 421, 0, "421"},
		"authentication wanted at MAIL": {&mailbox{user: "mailer", password: "hush"}, CodeAuth, temporary, 530, 0, "530"},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.box.start(t)
			failed := requireFailure(t, invite(t, Config{SMTPURL: "smtp://" + row.box.address + "?starttls=none"}), row.code, row.permanent)
			require.Equal(t, row.reply, failed.Reply)
			require.Equal(t, row.wait, failed.RetryAfter)
			require.Contains(t, failed.Error(), row.text)
			require.Empty(t, row.box.mails())
		})
	}
}

func TestSend_Encryption_IsWhatTheConfigurationSays(t *testing.T) {
	offered, roots := certificate(t)
	table := map[string]struct {
		scheme, query string
		box           *mailbox
		code          string // of the failure; empty for success
		untrusted     bool
		encrypted     bool
	}{
		"required, offered":                  {"smtp://", "?starttls=required", &mailbox{tls: offered}, "", false, true},
		"required by default, offered":       {"smtp://", "", &mailbox{tls: offered}, "", false, true},
		"required by default, missing":       {"smtp://", "", &mailbox{}, CodeTLS, false, false},
		"required, missing":                  {"smtp://", "?starttls=required", &mailbox{}, CodeTLS, false, false},
		"required, certificate unknown":      {"smtp://", "?starttls=required", &mailbox{tls: offered}, CodeTLS, true, false},
		"opportunistic, offered":             {"smtp://", "?starttls=opportunistic", &mailbox{tls: offered}, "", false, true},
		"opportunistic, missing":             {"smtp://", "?starttls=opportunistic", &mailbox{}, "", false, false},
		"none, offered":                      {"smtp://", "?starttls=none", &mailbox{tls: offered}, "", false, false},
		"smtps":                              {"smtps://", "", &mailbox{tls: offered, implicitTLS: true}, "", false, true},
		"smtps, certificate unknown":         {"smtps://", "", &mailbox{tls: offered, implicitTLS: true}, CodeTLS, true, false},
		"smtps against a plain port":         {"smtps://", "", &mailbox{tls: offered}, CodeTLS, false, false},
		"opportunistic, certificate unknown": {"smtp://", "?starttls=opportunistic", &mailbox{tls: offered}, CodeTLS, true, false},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.box.start(t)
			cfg := Config{SMTPURL: row.scheme + row.box.address + row.query, RootCAs: roots}
			if row.untrusted {
				cfg.RootCAs = nil
			}
			err := invite(t, cfg)
			if row.code != "" {
				requireFailure(t, err, row.code, false)
				require.Empty(t, row.box.mails())
				return
			}
			require.NoError(t, err)
			require.Len(t, row.box.mails(), 1)
			require.Equal(t, row.encrypted, row.box.mails()[0].encrypted)
		})
	}
}

func TestSend_Authentication_IsAcceptedOrRefused(t *testing.T) {
	offered, roots := certificate(t)
	box := (&mailbox{tls: offered, user: "mailer", password: "hu:sh/@ž"}).start(t)
	accepted := Config{SMTPURL: "smtp://mailer:hu%3Ash%2F%40%C5%BE@" + box.address, RootCAs: roots}
	require.NoError(t, invite(t, accepted))
	require.Len(t, box.mails(), 1)

	wrong := Config{SMTPURL: "smtp://mailer:hush@" + box.address, RootCAs: roots}
	failed := requireFailure(t, invite(t, wrong), CodeAuth, false)
	require.Equal(t, 535, failed.Reply)

	unasked := (&mailbox{tls: offered}).start(t)
	unknown := Config{SMTPURL: "smtp://mailer:hush@" + unasked.address, RootCAs: roots}
	requireFailure(t, invite(t, unknown), CodeAuth, false)
	require.Empty(t, unasked.mails())
}

func TestSend_OtherMechanisms_AreUsedWhereTheServerKnowsNoPlain(t *testing.T) {
	var heard []string
	address := conversation(t, func(say func(string), hear func() string) {
		say("220 mail.test")
		hear()
		say("250-mail.test\r\n250 AUTH LOGIN XOAUTH2")
		heard = append(heard, hear())
		say("334 VXNlcm5hbWU6")
		heard = append(heard, hear())
		say("334 UGFzc3dvcmQ6")
		heard = append(heard, hear())
		say("454 4.7.0 private words")
		for line := hear(); line != "EOF" && line != ""; line = hear() {
			say("250 ok")
		}
	})
	failed := requireFailure(t, invite(t, Config{SMTPURL: "smtp://mailer:hush@" + address + "?starttls=none"}), CodeUnavailable, false)
	require.Equal(t, 454, failed.Reply)
	require.Equal(t, []string{"AUTH LOGIN", "bWFpbGVy", "aHVzaA=="}, heard)
}

// A server elsewhere is played by a local one that is spoken to under another name.
func TestSend_PasswordOverAnUnencryptedLine_IsNeverSent(t *testing.T) {
	box := (&mailbox{user: "mailer", password: "hush"}).start(t)
	elsewhere, problems := parseSMTPURL("smtp://mailer:hush@example.com?starttls=opportunistic")
	require.Empty(t, problems)
	conn, err := net.Dial("tcp", box.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	err = newSMTPServer(elsewhere, time.Second, nil).converse(t.Context(), conn, "a@bank.example", customer, []byte("x"))
	requireFailure(t, err, CodeTLS, false)
}

func TestSend_SlowServer_TimesOut(t *testing.T) {
	t.Run("no greeting", func(t *testing.T) {
		t.Parallel()
		address := conversation(t, func(_ func(string), hear func() string) { hear() })
		err := invite(t, Config{SMTPURL: "smtp://" + address, Timeout: 50 * time.Millisecond})
		requireFailure(t, err, CodeTimeout, false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("no answer to the mail", func(t *testing.T) {
		t.Parallel()
		address := conversation(t, func(say func(string), hear func() string) {
			takeMail(say, hear)
			hear()
		})
		err := invite(t, Config{SMTPURL: "smtp://" + address + "?starttls=none", Timeout: 200 * time.Millisecond})
		requireFailure(t, err, CodeTimeout, false)
	})
	t.Run("no TLS handshake", func(t *testing.T) {
		t.Parallel()
		address := conversation(t, func(_ func(string), hear func() string) {
			for hear() != "EOF" { // a ClientHello can hold any number of line ends
			}
		})
		err := invite(t, Config{SMTPURL: "smtps://" + address, Timeout: 50 * time.Millisecond})
		requireFailure(t, err, CodeTimeout, false)
	})
}

// takeMail leads a conversation up to and including the mail's last line.
func takeMail(say func(string), hear func() string) {
	say("220 mail.test")
	for line := hear(); line != "EOF"; line = hear() {
		switch {
		case strings.HasPrefix(line, "DATA"):
			say("354 go on")
			for line := hear(); line != "." && line != "EOF"; line = hear() {
			}
			return
		default:
			say("250 ok")
		}
	}
}

func TestSend_CallerGivesUp_IsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := conversation(t, func(_ func(string), hear func() string) { cancel(); hear() })
	_, err := newSender(t, Config{SMTPURL: "smtp://" + address}).Send(ctx, message(onboarding.MessageInvitation, "en"))
	requireFailure(t, err, CodeCancelled, false)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSend_ConnectionTrouble_IsTemporary(t *testing.T) {
	t.Run("dropped at once", func(t *testing.T) {
		address := conversation(t, func(func(string), func() string) {})
		requireFailure(t, invite(t, Config{SMTPURL: "smtp://" + address}), CodeUnavailable, false)
	})
	t.Run("dropped before the mail is accepted", func(t *testing.T) {
		address := conversation(t, func(say func(string), hear func() string) { takeMail(say, hear) })
		requireFailure(t, invite(t, Config{SMTPURL: "smtp://" + address + "?starttls=none"}), CodeUnavailable, false)
	})
	t.Run("nobody listens", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		err = invite(t, Config{SMTPURL: "smtp://" + listener.Addr().String()})
		requireFailure(t, err, CodeUnavailable, false)
		require.Contains(t, err.Error(), "connection refused")
	})
	t.Run("not a mail server", func(t *testing.T) {
		address := conversation(t, func(say func(string), _ func() string) { say("private words of something else") })
		requireFailure(t, invite(t, Config{SMTPURL: "smtp://" + address}), CodeUnavailable, false)
	})
	t.Run("unwelcome", func(t *testing.T) {
		address := conversation(t, func(say func(string), _ func() string) { say("554 5.7.1 private words") })
		requireFailure(t, invite(t, Config{SMTPURL: "smtp://" + address}), CodeUnavailable, false)
	})
	t.Run("too busy", func(t *testing.T) {
		address := conversation(t, func(say func(string), _ func() string) { say("421 private words") })
		requireFailure(t, invite(t, Config{SMTPURL: "smtp://" + address}), CodeUnavailable, false)
	})
}

func TestSend_TroubleAfterAcceptance_IsStillSuccess(t *testing.T) {
	dropped := conversation(t, func(say func(string), hear func() string) { takeMail(say, hear); say("250 accepted") })
	require.NoError(t, invite(t, Config{SMTPURL: "smtp://" + dropped + "?starttls=none"}))
	silent := conversation(t, func(say func(string), hear func() string) {
		takeMail(say, hear)
		say("250 accepted")
		hear() // QUIT
		hear() // until the other side hangs up
	})
	require.NoError(t, invite(t, Config{SMTPURL: "smtp://" + silent + "?starttls=none"}))
}

func TestSend_AddressBeyondASCII_NeedsAServerThatCan(t *testing.T) {
	m := message(onboarding.MessageInvitation, "lt")
	m.To = "žilvinas@customer.example"
	able, unable := (&mailbox{utf8: true}).start(t), (&mailbox{}).start(t)

	_, err := newSender(t, Config{SMTPURL: "smtp://" + able.address + "?starttls=none"}).Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, m.To, able.mails()[0].to)
	require.True(t, able.mails()[0].utf8)

	_, err = newSender(t, Config{SMTPURL: "smtp://" + unable.address + "?starttls=none"}).Send(t.Context(), m)
	requireFailure(t, err, CodeRecipient, true)
	require.Empty(t, unable.mails())

	require.NoError(t, invite(t, Config{SMTPURL: "smtp://" + able.address + "?starttls=none"}))
	require.False(t, able.mails()[1].utf8, "not asked for where it is not needed")
}

func TestSend_MalformedAddress_IsRefusedForGood(t *testing.T) {
	box := (&mailbox{}).start(t)
	s := newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none"})
	for _, to := range []string{"", "jonas", "jonas@", "@customer.example", "Jonas <jonas@customer.example>", "<jonas@customer.example>",
		"jonas@customer.example\r\nRCPT TO:<evil@x.example>", "jonas@customer.example, evil@x.example", "jo nas@customer.example",
		`"jo nas"@customer.example`, "jonas@customer.example ", strings.Repeat("j", 250) + "@x.example", "jonas@customer.example>"} {
		m := message(onboarding.MessageInvitation, "en")
		m.To = to
		_, err := s.Send(t.Context(), m)
		failed := requireFailure(t, err, CodeRecipient, true)
		require.Equal(t, "to", onboarding.Fields(failed)[0].Field, "%q", to)
	}
	require.Empty(t, box.mails())
}

func TestSend_ImpossibleMessage_IsRefusedByField(t *testing.T) {
	box := (&mailbox{}).start(t)
	s := newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none"})
	table := map[string]struct {
		change func(*onboarding.Message)
		field  string
	}{
		"kind":           {func(m *onboarding.Message) { m.Kind = "private" }, "kind"},
		"kind as a path": {func(m *onboarding.Message) { m.Kind = "../en/invitation" }, "kind"},
		"id":             {func(m *onboarding.Message) { m.ID = "private" }, "id"},
		"message id":     {func(m *onboarding.Message) { m.MessageID = "" }, "messageId"},
		"channels":       {func(m *onboarding.Message) { m.Channels = nil }, "channels"},
		"no link":        {func(m *onboarding.Message) { m.Link = "" }, "link"},
		"script link":    {func(m *onboarding.Message) { m.Link = "javascript:private()" }, "link"},
		"broken link":    {func(m *onboarding.Message) { m.Link = "https://private.example/\r\nx" }, "link"},
		"spaced link":    {func(m *onboarding.Message) { m.Link = "https://private.example/ x" }, "link"},
		"hostless link":  {func(m *onboarding.Message) { m.Link = "https:///private" }, "link"},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			m := message(onboarding.MessageInvitation, "en")
			row.change(&m)
			_, err := s.Send(t.Context(), m)
			failed := requireFailure(t, err, CodeInvalid, true)
			fields := onboarding.Fields(failed)
			require.Len(t, fields, 1)
			require.Equal(t, row.field, fields[0].Field)
			require.NotEmpty(t, fields[0].Remedy)
		})
	}
	_, err := s.Send(t.Context(), onboarding.Message{Kind: onboarding.MessageReminder})
	require.Len(t, onboarding.Fields(err), 4)
	require.Empty(t, box.mails())
}

func TestSend_ChannelNotConfigured_IsLeftToOperations(t *testing.T) {
	box := (&mailbox{}).start(t)
	s := newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none"})
	m := message(onboarding.MessageInvitation, "en")
	m.Channels = []onboarding.Channel{"pigeon"}
	_, err := s.Send(t.Context(), m)
	requireFailure(t, err, CodeChannel, false)

	m.Channels = []onboarding.Channel{"pigeon", onboarding.ChannelEmail}
	sent, err := s.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, []onboarding.Channel{onboarding.ChannelEmail}, sent.Channels)
}

func TestSend_ManyAtOnce_AllArrive(t *testing.T) {
	box := (&mailbox{}).start(t)
	s := newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none"})
	failures := make(chan error)
	const many = 20
	for range many {
		go func() {
			_, err := s.Send(t.Context(), message(onboarding.MessageReminder, "lt"))
			failures <- err
		}()
	}
	var all []error
	for range many {
		all = append(all, <-failures)
	}
	require.NoError(t, errors.Join(all...))
	require.Len(t, box.mails(), many)
}
