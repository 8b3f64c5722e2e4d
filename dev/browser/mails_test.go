package browser

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"kyc/dev/mailbox"
	"kyc/notify"
	"kyc/onboarding"
)

// sentMail is a mail as it arrived over SMTP, and what is known of it.
type sentMail struct {
	name string
	link bool
	html string
}

const customersLink = "https://idv.ondato.example/?id=0f8fad5b-d9cb-469f-a165-70867728950e"

// mailsOf sends every kind of message in a language, and returns what arrives.
func mailsOf(t *testing.T, language string) []sentMail {
	t.Helper()
	box := mailbox.New()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = box.SMTP().Serve(listener) }()
	t.Cleanup(func() { _ = box.SMTP().Close(); _ = listener.Close() })
	sender, err := notify.New(notify.Config{SMTPURL: "smtp://" + listener.Addr().String() + "?starttls=none", From: "Pavyzdžio bankas <no-reply@bank.example>"})
	require.NoError(t, err)

	id := onboarding.Reference("order-4711").ID()
	message := func(kind onboarding.MessageKind) onboarding.Message {
		return onboarding.Message{
			ID: id, Kind: kind, Setup: "retail", Language: language, Channels: []onboarding.Channel{onboarding.ChannelEmail},
			To: "ona@customer.example", FirstName: "Ona", Link: customersLink, LinkUntil: time.Date(2026, 11, 9, 14, 5, 0, 0, time.UTC),
			TimeZone: "Europe/Vilnius", Attempt: 1, MessageID: string(id) + "." + string(kind),
		}
	}
	started, again, rejected := message(onboarding.MessageReminder), message(onboarding.MessageReminder), message(onboarding.MessageNewLink)
	started.Started, started.Number, started.Total = true, 1, 1
	again.Number, again.Total = 2, 3
	rejected.RetryReason = "DocumentWithNonLatinCharacters"
	var mails []sentMail
	for _, m := range []struct {
		name string
		link bool
		onboarding.Message
	}{
		{"invitation", true, message(onboarding.MessageInvitation)},
		{"reminder", true, again},
		{"reminder-started", true, started},
		{"new-link", true, message(onboarding.MessageNewLink)},
		{"new-link-reason", true, rejected},
		{"confirmation", false, message(onboarding.MessageConfirmation)},
		{"escalation", false, message(onboarding.MessageEscalation)},
		{"handoff-failing", false, message(onboarding.MessageHandOffFailing)},
	} {
		_, err := sender.Send(t.Context(), m.Message)
		require.NoError(t, err)
		arrived := box.Mails()
		mails = append(mails, sentMail{"mail-" + language + "-" + m.name, m.link, arrived[len(arrived)-1].HTML})
	}
	return mails
}

// shown is what a browser measures of a mail.
type shown struct {
	Width, Height int
	// Button and Bare are the two links: their targets, and whether they can be seen whole.
	Button, Bare         string
	ButtonSeen, BareSeen bool
	// Outside counts what would be fetched, or run.
	Outside int
	// Faint counts texts that stand out too little from what is behind them.
	Faint int
}

const measure = `(() => {
  const seen = e => { if (!e) return false; const b = e.getBoundingClientRect(); return b.width > 20 && b.height > 10 && b.left >= 0 && b.right <= innerWidth };
  const light = c => { const v = c.match(/[\d.]+/g).slice(0, 3).map(x => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 }); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$|transparent/.test(c)) return c } return "rgb(255, 255, 255)" };
  let faint = 0;
  for (const e of document.body.querySelectorAll("p,a,pre")) {
    if (!e.innerText.trim()) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint++;
  }
  const links = [...document.querySelectorAll("a")];
  return {
    Width: document.documentElement.scrollWidth, Height: document.documentElement.scrollHeight,
    Button: links[0] ? links[0].href : "", Bare: links[1] ? links[1].innerText : "", ButtonSeen: seen(links[0]), BareSeen: seen(links[1]),
    Outside: document.querySelectorAll("script,img,link,iframe,object,form").length, Faint: faint,
  };
})()`

func TestMails_EveryKindAndLanguage_ReadWellOnPhoneAndDesktop(t *testing.T) {
	ctx := open(t)
	pages := http.NewServeMux()
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	for _, language := range []string{"en", "lt"} {
		for _, m := range mailsOf(t, language) {
			pages.HandleFunc("/"+m.name, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = io.WriteString(w, m.html)
			})
			for _, screen := range []struct {
				name          string
				width, height int64
				options       []chromedp.EmulateViewportOption
			}{{"phone", 360, 740, []chromedp.EmulateViewportOption{chromedp.EmulateMobile}}, {"desktop", 1024, 768, nil}} {
				name := m.name + "-" + screen.name
				require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(screen.width, screen.height, screen.options...), chromedp.Navigate(server.URL+"/"+m.name)))
				got, err := chromedp.Run(ctx, chromedp.Evaluate[shown](measure))
				require.NoError(t, err, name)
				require.LessOrEqual(t, got.Width, int(screen.width), "%s scrolls sideways", name)
				require.Zero(t, got.Outside, name)
				require.Zero(t, got.Faint, "%s has texts that are hard to read", name)
				if m.link {
					require.Equal(t, customersLink, got.Button, name)
					require.Equal(t, customersLink, got.Bare, name)
					require.True(t, got.ButtonSeen && got.BareSeen, "%s hides its link", name)
				} else {
					require.Empty(t, got.Button, name)
				}
				keep(t, ctx, name)
			}
		}
	}
}

// keep writes a picture where SCREENSHOTS names a folder; without, none is taken.
func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if os.Getenv("SCREENSHOTS") != "" {
		shoot(t, ctx, name)
	}
}
