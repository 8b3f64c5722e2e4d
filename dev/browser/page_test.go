// Package browser tries the pages that people see in a real headless Chromium.
package browser

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"kyc/ondato"
	"kyc/sandbox"
)

// open starts a Chromium, or skips where none is installed.
func open(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no browser is installed: scripts/install-test-packages.sh installs Debian's chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// sandboxSession starts a sandbox and a session in it, made through the API.
func sandboxSession(t *testing.T, decision string) (link string, session func() string) {
	t.Helper()
	play, err := sandbox.New(sandbox.Config{ClientID: "client", ClientSecret: "secret", AutoDecision: decision, DecisionDelay: 200 * time.Millisecond})
	require.NoError(t, err)
	server := httptest.NewServer(play.Handler())
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, play.Close(context.Background()))
	})
	cfg := ondato.Production()
	cfg.ClientID, cfg.ClientSecret = "client", "secret"
	cfg.TokenURL, cfg.IDVURL, cfg.KYCURL, cfg.LinkURL = server.URL+"/connect/token", server.URL, server.URL, server.URL
	api, err := ondato.New(cfg)
	require.NoError(t, err)
	id, err := api.CreateIdentityVerification(t.Context(), ondato.CreateRequest{SetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11"})
	require.NoError(t, err)
	return api.Link(id), func() string {
		session, err := api.IdentityVerification(t.Context(), id)
		require.NoError(t, err)
		return string(session.Status)
	}
}

// shoot keeps a picture of the page where SCREENSHOTS names a folder.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
	}
}

// press presses the page's visible button with the given text by keyboard alone: Tab to it, then Enter.
func press(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	waitFor(t, ctx, `[...document.querySelectorAll("button,a")].some(b => b.offsetParent && !b.disabled && b.innerText.includes(`+quote(text)+`))`, text)
	for range 60 {
		require.NoError(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)))
		focused, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement && document.activeElement.matches("button,a") ? document.activeElement.innerText : ""`))
		require.NoError(t, err)
		if strings.Contains(focused, text) {
			require.NoError(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter)))
			return
		}
	}
	require.Fail(t, "not reachable by keyboard", text)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "\\'") + "'" }

func waitFor(t *testing.T, ctx context.Context, condition, what string) {
	t.Helper()
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingTimeout(15*time.Second)))
	if err != nil {
		text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
		require.NoError(t, err, "%s; the page says: %s", what, text)
	}
}

// noOverflow: nothing sticks out at a phone's width.
func noOverflow(t *testing.T, ctx context.Context) {
	t.Helper()
	width, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	require.NoError(t, err)
	require.LessOrEqual(t, width, 360)
}

func photographDocumentAndFace(t *testing.T, ctx context.Context) {
	t.Helper()
	press(t, ctx, "Continue")
	for _, title := range []string{"page with your photo", "selfie"} {
		waitFor(t, ctx, `document.body.innerText.includes(`+quote(title)+`)`, title)
		press(t, ctx, "Take photo")
		press(t, ctx, "Use this photo")
	}
	press(t, ctx, "Send")
}

// choosePassport picks the document with one page.
func choosePassport(t *testing.T, ctx context.Context) {
	t.Helper()
	waitFor(t, ctx, `document.querySelector('input[value="Passport"]')`, "the choice of documents")
	require.NoError(t, chromedp.Do(ctx, chromedp.Click(`input[value="Passport"]`)))
}

func TestHostedPage_OnAPhoneByKeyboard_LeadsToApproval(t *testing.T) {
	ctx := open(t)
	link, status := sandboxSession(t, "approve")
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile), chromedp.Navigate(link)))
	waitFor(t, ctx, `document.body.innerText.includes("I agree")`, "consent")
	noOverflow(t, ctx)
	shoot(t, ctx, "page-1-consent")
	press(t, ctx, "I agree")
	choosePassport(t, ctx)
	shoot(t, ctx, "page-2-document")
	noOverflow(t, ctx)
	photographDocumentAndFace(t, ctx)
	shoot(t, ctx, "page-3-processing")
	waitFor(t, ctx, `document.body.innerText.includes("You are verified")`, "the result")
	noOverflow(t, ctx)
	shoot(t, ctx, "page-4-result")
	require.Equal(t, "Completed", status())
}

func TestHostedPage_RejectedForABlurredPhoto_OffersAnotherTry(t *testing.T) {
	ctx := open(t)
	link, status := sandboxSession(t, "reject:BlurredPhoto")
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(link)))
	press(t, ctx, "I agree")
	choosePassport(t, ctx)
	photographDocumentAndFace(t, ctx)
	waitFor(t, ctx, `document.body.innerText.includes("Please try again")`, "the offer")
	shoot(t, ctx, "page-5-try-again")
	require.Equal(t, "InProgress", status())
	press(t, ctx, "Try again")
	choosePassport(t, ctx)
}

func TestHostedPage_ConsentDeclined_EndsTheSession(t *testing.T) {
	ctx := open(t)
	link, status := sandboxSession(t, "approve")
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(link)))
	press(t, ctx, "I do not agree")
	waitFor(t, ctx, `document.body.innerText.includes("You did not agree")`, "the end")
	require.Equal(t, "Aborted", status())
}
