package browser

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/privacy"
)

const (
	firstName  = "Oniškevičiūtė"
	updateSays = `{"actor": "jonas", "reason": "Oniškevičiūtė called us"}`
)

// TestTemporalUI_WithTheCodecServer_ShowsPayloadsToThoseWhoSignIn is an operator's day: nothing can be read without
// signing in, everything with it, a command is sent from the UI, and an erased onboarding stays closed.
func TestTemporalUI_WithTheCodecServer_ShowsPayloadsToThoseWhoSignIn(t *testing.T) {
	ctx := open(t)
	var log lines
	config := stack.Config{Dir: t.TempDir(), Setups: setups, Log: &log}
	s, err := stack.Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	started, err := s.Starter.Start(t.Context(), onboarding.Request{
		Reference: "ui-2", Setup: "standard", Applicant: onboarding.Applicant{FirstName: firstName, Email: "ona@customer.example"},
	})
	require.NoError(t, err)
	session := stack.SessionOf(started.Link)
	for _, action := range []string{"start", "consent", "submit", "approve"} {
		require.NoError(t, s.Act(t.Context(), session, action, nil))
	}
	for _, err := range s.Starter.Watch(t.Context(), started.ID, false) {
		require.NoError(t, err)
	}
	overview, err := s.Starter.Overview(t.Context(), started.ID)
	require.NoError(t, err)
	run := s.UIURL(started.ID.WorkflowID(), overview.RunID)

	// A stranger sees that there is something to sign in for, and where.
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1600, 2600), chromedp.Navigate(run+"/history")))
	waitFor(t, ctx, shows("Workflow Execution Started"), "the events")
	waitFor(t, ctx, shows("Sign in to the codec server"), "what to do")
	waitFor(t, ctx, `document.querySelector('a[href="`+s.CodecURL+`/login"]')`, "the link")
	shoot(t, ctx, "codec-stranger")
	hidden(t, ctx, firstName, "next look")

	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(s.CodecURL+"/login")))
	waitFor(t, ctx, `document.activeElement.name === "token"`, "the field")
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys("#token", "wrong\r"), chromedp.WaitVisible(`[role="alert"]`)))
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys("#token", s.CodecToken()+"\r"), chromedp.WaitVisible(`form[action="logout"]`)))
	waitFor(t, ctx, shows("Signed in as "+stack.CodecReader), "the sign-in")
	shoot(t, ctx, "codec-signed-in")

	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/user-metadata")))
	for _, text := range []string{"Customer onboarding · setup standard", "refresh: asks Ondato now", "handed off version 1 (Approved)"} {
		waitFor(t, ctx, shows(text), text)
	}
	shoot(t, ctx, "codec-metadata")
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/history")))
	for _, text := range []string{firstName, "next look", "hand off version 1: Approved", "ask Ondato"} {
		waitFor(t, ctx, shows(text), text)
	}
	hidden(t, ctx, "Sign in to the codec server")
	shoot(t, ctx, "codec-history")
	require.Contains(t, log.with(`outcome=decoded by=`+stack.CodecReader+` via=cookie namespace=default`), "onboardings=[default/"+started.ID.WorkflowID()+"]")

	// A command typed into the UI is sealed before Temporal sees it.
	sendUpdate(t, ctx, string(onboarding.CommandRefresh), updateSays)
	require.Eventually(t, func() bool {
		status, err := s.Starter.Status(t.Context(), started.ID)
		return err == nil && slices.ContainsFunc(status.Trail, func(e onboarding.TrailEntry) bool { return e.Actor == "jonas" })
	}, 15*time.Second, 50*time.Millisecond)
	require.Contains(t, log.with("outcome=encoded by="+stack.CodecReader), "sealed=1")

	// The key goes; what the codec server remembers goes with its process. The sign-in stays.
	erase(t, s, started.ID)
	require.NoError(t, s.Stop())
	config.Ports = s.Ports()
	s, err = stack.Start(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/history")))
	waitFor(t, ctx, shows("[erased]"), "what an erased payload shows as")
	hidden(t, ctx, firstName, "next look", "Sign in to the codec server")
	shoot(t, ctx, "codec-erased")

	require.NotContains(t, log.with("codec-server"), firstName)
	require.NotContains(t, log.with("codec-server"), s.CodecToken())
}

// erase drops the onboarding's key and leaves the rest, so that there is something that cannot be read.
func erase(t *testing.T, s *stack.Stack, id onboarding.ID) {
	t.Helper()
	cfg, err := s.Config(app.ProgramCodecServer, nil)
	require.NoError(t, err)
	sealing, err := app.OpenSealing(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, sealing.Keys.Erase(t.Context(), privacy.Name("default", id.WorkflowID())))
	require.NoError(t, sealing.Close())
}

// sendUpdate does what a person does in the UI to send a command.
func sendUpdate(t *testing.T, ctx context.Context, name, says string) {
	t.Helper()
	clickText(t, ctx, "button", "More Actions")
	clickText(t, ctx, `[role="menuitem"]`, "Send an Update")
	const dialog = "dialog[open] " // there is a closed one, too
	clickText(t, ctx, dialog+`[data-testid="update-select-button"]`, "")
	clickText(t, ctx, dialog+`[role="option"]`, name)
	waitFor(t, ctx, `document.querySelector(`+quote(dialog+"[type=submit]:enabled")+`)`, "the chosen name")
	require.NoError(t, chromedp.Do(ctx, chromedp.Focus(dialog+".cm-content"), chromedp.KeyEvent(says)))
	waitFor(t, ctx, `document.querySelector(`+quote(dialog+".cm-content")+`).innerText.includes("jonas")`, "what was typed")
	shoot(t, ctx, "codec-update")
	clickText(t, ctx, dialog+"button", "Submit")
}

func clickText(t *testing.T, ctx context.Context, selector, text string) {
	t.Helper()
	found := `[...document.querySelectorAll(` + quote(selector) + `)].find(e => e.offsetParent && !e.disabled && e.innerText.includes(` + quote(text) + `))`
	waitFor(t, ctx, found+" !== undefined", text)
	require.NoError(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](found+".click()")))
}

func hidden(t *testing.T, ctx context.Context, texts ...string) {
	t.Helper()
	for _, text := range texts {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[bool](shows(text)))
		require.NoError(t, err)
		require.False(t, shown, "the page shows %q", text)
	}
}

// lines are the logs of all programs.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the lines that hold a text.
func (l *lines) with(part string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out strings.Builder
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, part) {
			out.WriteString(line)
		}
	}
	return out.String()
}
