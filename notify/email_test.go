package notify

import (
	"html"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

const (
	customer  = "jonas@customer.example"
	sender    = "Žalias Bankas <no-reply@bank.example>"
	reference = onboarding.Reference("order-4711")
	link      = "https://idv.example/?id=0f8fad5b-d9cb-469f-a165-70867728950e&lang=lt"
)

func message(kind onboarding.MessageKind, spoken string) onboarding.Message {
	m := onboarding.Message{
		ID: reference.ID(), Kind: kind, Setup: "retail", Language: spoken, Channels: []onboarding.Channel{onboarding.ChannelEmail},
		Attempt: 2, MessageID: string(reference.ID()) + ".4." + string(kind),
	}
	if !forCustomer[kind] {
		m.To = "ops@bank.example"
		return m
	}
	m.To, m.FirstName, m.Link = customer, "Ona-Marija O’Neil", link
	m.LinkUntil = time.Date(2026, 3, 9, 16, 5, 59, 0, time.FixedZone("EET", 2*3600))
	if kind == onboarding.MessageReminder {
		m.Number, m.Total = 2, 3
	}
	return m
}

func newSender(t *testing.T, cfg Config) *Sender {
	t.Helper()
	if cfg.From == "" {
		cfg.From = sender
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	s, err := New(cfg)
	require.NoError(t, err)
	return s
}

// opened is a mail as a mail program reads it.
type opened struct {
	header     mail.Header
	subject    string
	text, html string
}

func open(t *testing.T, content string) opened {
	t.Helper()
	parsed, err := mail.ReadMessage(strings.NewReader(content))
	require.NoError(t, err)
	var o opened
	o.header = parsed.Header
	o.subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	require.NoError(t, err)
	kind, parameters, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	parts := multipart.NewReader(parsed.Body, parameters["boundary"])
	for _, want := range []struct {
		kind string
		into *string
	}{{"text/plain", &o.text}, {"text/html", &o.html}} { // the last is what mail programs prefer
		part, err := parts.NextPart()
		require.NoError(t, err)
		kind, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, want.kind, kind)
		require.Equal(t, "utf-8", strings.ToLower(parameters["charset"]))
		body, err := io.ReadAll(part)
		require.NoError(t, err)
		*want.into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	_, err = parts.NextPart()
	require.ErrorIs(t, err, io.EOF)
	return o
}

// builtIn are the built-in templates.
func builtIn(t *testing.T) *phrasebook {
	t.Helper()
	book, wrong := loadPhrasebook(nil)
	require.Empty(t, wrong)
	return book
}

// builtInLanguages are those that have built-in templates.
var builtInLanguages = []language{"en", "lt"}

// composed is what would be sent.
func composed(t *testing.T, m onboarding.Message) opened {
	t.Helper()
	content, err := newEmail(Config{SMTPURL: "smtp://mail.example", From: sender}, builtIn(t)).compose(m)
	require.NoError(t, err)
	return open(t, string(content))
}

func TestSend_Invitation_ArrivesAsACustomerReadsIt(t *testing.T) {
	box := (&mailbox{}).start(t)
	sent, err := newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none"}).
		Send(t.Context(), message(onboarding.MessageInvitation, "lt-LT"))
	require.NoError(t, err)
	require.Equal(t, onboarding.SentMessage{Channels: []onboarding.Channel{onboarding.ChannelEmail}}, sent)

	require.Len(t, box.mails(), 1)
	got := box.mails()[0]
	require.Equal(t, "no-reply@bank.example", got.from)
	require.Equal(t, customer, got.to)
	require.NotRegexp(t, `[^\x00-\x7f]`, got.content, "readable for servers without 8BITMIME")

	m := open(t, got.content)
	require.Equal(t, "Žalias Bankas: prašome patvirtinti savo tapatybę", m.subject)
	from, err := m.header.AddressList("From")
	require.NoError(t, err)
	require.Equal(t, []*mail.Address{{Name: "Žalias Bankas", Address: "no-reply@bank.example"}}, from)
	require.Equal(t, "<"+customer+">", m.header.Get("To"))
	require.Equal(t, "auto-generated", m.header.Get("Auto-Submitted"))
	require.Equal(t, "lt", m.header.Get("Content-Language"))
	require.Equal(t, "<"+string(reference.ID())+".4.invitation@bank.example>", m.header.Get("Message-ID"))
	at, err := m.header.Date()
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.ElementsMatch(t, []string{"From", "To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type",
		"Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress"}, slices.Collect(maps.Keys(m.header)))
	require.Contains(t, strings.Split(m.text, "\n"), link)
	require.Contains(t, m.text, "Nuoroda galioja iki 2026 m. kovo 9 d. 14:05 val. (UTC).")
	require.Equal(t, 2, strings.Count(html.UnescapeString(m.html), `href="`+link+`"`), "a button and the bare link")
}

func TestSend_SameMessageAgain_HasTheSameMessageID(t *testing.T) {
	first, again := composed(t, message(onboarding.MessageReminder, "en")), composed(t, message(onboarding.MessageReminder, "en"))
	require.Equal(t, first.header.Get("Message-ID"), again.header.Get("Message-ID"))
	other := message(onboarding.MessageReminder, "en")
	other.MessageID += "x"
	require.NotEqual(t, first.header.Get("Message-ID"), composed(t, other).header.Get("Message-ID"))
	for _, odd := range []string{"a b", "a\r\nBcc: x@y.example", "žž", ".", "a@b", strings.Repeat("a", 500)} {
		other.MessageID = odd
		require.Regexp(t, `^<[0-9a-f]{32}@bank\.example>$`, composed(t, other).header.Get("Message-ID"), "%q", odd)
	}
}

var outsideResource = regexp.MustCompile(`(?i)(src|background|srcset|data)\s*=|url\(|@import|<link|<script|<img|<form|javascript:`)

func TestCompose_EveryKindAndLanguage_IsComplete(t *testing.T) {
	lithuanian := regexp.MustCompile(`[ąčęėįšųūžĄČĘĖĮŠŲŪŽ]`)
	for kind := range forCustomer {
		for _, spoken := range builtInLanguages {
			for _, started := range []bool{false, true} {
				t.Run(string(kind)+"/"+string(spoken), func(t *testing.T) {
					sent := message(kind, string(spoken))
					sent.Started = started
					m := composed(t, sent)
					require.NotEmpty(t, m.subject)
					for _, text := range []string{m.subject, m.text, m.html} {
						require.NotContains(t, text, "{{")
						require.NotContains(t, text, "<no value>")
						require.NotContains(t, text, "ZgotmplZ")
						require.NotContains(t, text, "%!")
					}
					require.NotContains(t, m.text, "\n\n\n")
					require.Contains(t, m.html, `<html lang="`+string(spoken)+`">`)
					require.NotRegexp(t, outsideResource, m.html)
					require.Equal(t, spoken == "lt", lithuanian.MatchString(strings.ReplaceAll(m.text, "Žalias", "")))

					addresses := regexp.MustCompile(`https?://[^\s"<]+`).FindAllString(html.UnescapeString(m.text+m.html), -1)
					if forCustomer[kind] {
						require.Contains(t, m.text, "Žalias Bankas")
						require.NotContains(t, m.text+m.html, string(reference.ID()))
					}
					if needsLink(kind) {
						require.Contains(t, m.text, "\n"+link+"\n")
						require.Equal(t, []string{link}, slices.Compact(addresses), "no other address than the link")
						return
					}
					require.Empty(t, addresses)
					if forCustomer[kind] {
						return
					}
					for _, command := range []string{string(reference.ID()), "retail", "onboarding status " + string(reference.ID())} {
						require.Contains(t, m.text, command)
						require.Contains(t, m.html, command)
					}
					require.Contains(t, m.subject, string(reference.ID()))
				})
			}
		}
	}
}

func TestCompose_OperationsMail_HoldsNothingOfTheCustomer(t *testing.T) {
	for _, kind := range []onboarding.MessageKind{onboarding.MessageEscalation, onboarding.MessageHandOffFailing} {
		m := message(kind, "en")
		m.FirstName, m.Link, m.RetryReason = "Ona", link, "BlurredPhoto"
		got := composed(t, m)
		for _, text := range []string{got.subject, got.text, got.html} {
			require.NotContains(t, text, "Ona ")
			require.NotContains(t, text, "idv.example")
			require.NotContains(t, text, "0f8fad5b")
			require.NotContains(t, strings.ToLower(text), "blurred")
		}
	}
}

func TestCompose_Reminder_SaysWhatIsLeftToDo(t *testing.T) {
	m := message(onboarding.MessageReminder, "en")
	require.Contains(t, composed(t, m).text, "you have not begun yet")
	require.Contains(t, composed(t, m).text, "This is reminder 2 of 3.")
	require.Contains(t, composed(t, m).text, "The link works until 9 March 2026, 14:05 (UTC).")
	m.Started = true
	require.Contains(t, composed(t, m).text, "go on where you stopped")
	require.NotContains(t, composed(t, m).text, "not begun")
	require.Contains(t, composed(t, m).subject, "finish")
	for _, unnumbered := range [][2]int{{0, 0}, {1, 1}, {0, 3}, {4, 3}, {-1, 3}} {
		m.Number, m.Total = unnumbered[0], unnumbered[1]
		require.NotContains(t, composed(t, m).text, "This is reminder")
	}
	m.LinkUntil = time.Time{}
	require.NotContains(t, composed(t, m).text, "works until")
}

func TestCompose_UnknownLanguage_IsEnglish(t *testing.T) {
	for tag, spoken := range map[string]string{
		"en": "en", "en-GB": "en", "lt": "lt", "lt-LT": "lt", "LT": "lt", "lt_LT": "lt",
		"de": "en", "": "en", "ltg": "en", "x-lt": "en", "en\r\nX-Evil: 1": "en", "../lt": "en",
	} {
		m := composed(t, message(onboarding.MessageInvitation, tag))
		require.Equal(t, spoken, m.header.Get("Content-Language"), "%q", tag)
		require.Equal(t, spoken == "lt", strings.HasPrefix(m.text, "Laba diena,"), "%q", tag)
	}
}

func TestCompose_Names_CannotBringInLinksOrHeaders(t *testing.T) {
	for name, greeting := range map[string]string{
		"Jonas":                        "Hello Jonas,",
		"Ona-Marija O’Neil":            "Hello Ona-Marija O’Neil,",
		"  Łucja ":                     "Hello Łucja,",
		"J. R.":                        "Hello J. R.,",
		"李小龍":                          "Hello 李小龍,",
		"":                             "Hello,",
		"Jonas\r\nBcc: evil@x.example": "Hello,",
		"Jonas\nJonas":                 "Hello,",
		"evil.example":                 "Hello,",
		"https://evil.example":         "Hello,",
		"<b>Jonas</b>":                 "Hello,",
		"{{.Link}}":                    "Hello,",
		"a@evil":                       "Hello,",
		"Call 0900 123":                "Hello,",
		"Jon\u202eas":                  "Hello,",
		"Jon\u2028as":                  "Hello,",
		"\xff\xfe":                     "Hello,",
		strings.Repeat("a", 61):        "Hello,",
	} {
		m := message(onboarding.MessageInvitation, "en")
		m.FirstName = name
		got := composed(t, m)
		require.Equal(t, greeting, strings.SplitN(got.text, "\n", 2)[0], "%q", name)
		require.Contains(t, html.UnescapeString(got.html), ">"+greeting+"<", "%q", name)
	}
}

func TestCompose_LineBreaksInEveryField_AddNoHeader(t *testing.T) {
	const evil = "x\r\nBcc: evil@x.example\r\n\r\nevil"
	for kind := range forCustomer {
		expected := slices.Sorted(maps.Keys(composed(t, message(kind, "en")).header))
		m := message(kind, evil)
		m.FirstName, m.Setup, m.MessageID, m.RetryReason = evil, evil, evil, evil
		got := composed(t, m)
		require.Equal(t, expected, slices.Sorted(maps.Keys(got.header)))
		require.NotContains(t, got.subject, "\n")
	}
}
