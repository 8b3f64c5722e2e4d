package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/dev/temporalserver"
	"kyc/onboarding"
	"kyc/privacy"
)

const (
	annasToken = "anna-0123456789abcdef0123456789abcdef"
	firstName  = "Oniškevičiūtė"
	reason     = "the customer Oniškevičiūtė called us"
)

// TestTemporalUI_WithTheCodecServer_ShowsPayloadsToThoseWhoSignIn is an operator's day: nothing can be read without
// signing in, everything with it, a command is sent from the UI, and an erased onboarding stays closed.
func TestTemporalUI_WithTheCodecServer_ShowsPayloadsToThoseWhoSignIn(t *testing.T) {
	ctx := open(t)
	s, err := stack.Start(t.Context(), stack.Config{Dir: t.TempDir(), Setups: setups, NoUI: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	codec := startCodecServer(t, s)

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
	run := codec.ui + "/namespaces/default/workflows/" + started.ID.WorkflowID() + "/" + overview.RunID

	// A stranger sees that there is something to sign in for, and where.
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1600, 2600), chromedp.Navigate(run+"/history")))
	waitFor(t, ctx, shows("Workflow Execution Started"), "the events")
	waitFor(t, ctx, shows("Sign in to the codec server"), "what to do")
	waitFor(t, ctx, `document.querySelector('a[href="`+codec.url+`/login"]')`, "the link")
	shoot(t, ctx, "codec-stranger")
	hidden(t, ctx, firstName, "next look")

	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(codec.url+"/login")))
	waitFor(t, ctx, `document.activeElement.name === "token"`, "the field")
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys("#token", "wrong\r"), chromedp.WaitVisible(`[role="alert"]`)))
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys("#token", annasToken+"\r"), chromedp.WaitVisible(`form[action="logout"]`)))
	waitFor(t, ctx, shows("Signed in as anna"), "the sign-in")
	shoot(t, ctx, "codec-signed-in")

	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/history")))
	for _, text := range []string{firstName, "next look", "hand off version 1: Approved", "ask Ondato"} {
		waitFor(t, ctx, shows(text), text)
	}
	hidden(t, ctx, "Sign in to the codec server")
	shoot(t, ctx, "codec-history")
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/user-metadata")))
	for _, text := range []string{"Customer onboarding · setup standard", "refresh: asks Ondato now", "handed off version 1 (Approved)"} {
		waitFor(t, ctx, shows(text), text)
	}
	shoot(t, ctx, "codec-metadata")

	line := codec.log.accessOf(t, started.ID.WorkflowID())
	require.Equal(t, "anna", line["by"])
	require.Equal(t, "cookie", line["via"])
	require.Equal(t, "default", line["namespace"])

	// The key goes; the codec server's memory goes with its process.
	sealing, err := app.OpenSealing(t.Context(), codec.cfg)
	require.NoError(t, err)
	require.NoError(t, sealing.Keys.Erase(t.Context(), privacy.Name("default", started.ID.WorkflowID())))
	require.NoError(t, sealing.Close())
	codec.restart(t)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/history")))
	waitFor(t, ctx, shows("[erased]"), "what an erased payload shows as")
	hidden(t, ctx, firstName)
	shoot(t, ctx, "codec-erased")

	require.NotContains(t, codec.log.String(), firstName)
	require.NotContains(t, codec.log.String(), annasToken)
}

func hidden(t *testing.T, ctx context.Context, texts ...string) {
	t.Helper()
	for _, text := range texts {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[bool](shows(text)))
		require.NoError(t, err)
		require.False(t, shown, "the page shows %q", text)
	}
}

// codecServer is the product's own program, with a Temporal UI that asks it.
type codecServer struct {
	url, ui string
	log     *accesses
	cfg     *app.Config
	stop    func()
}

func startCodecServer(t *testing.T, s *stack.Stack) *codecServer {
	t.Helper()
	listen, uiPort := freeAddress(t), 0
	ui := freeAddress(t)
	_, port, err := net.SplitHostPort(ui)
	require.NoError(t, err)
	uiPort, err = strconv.Atoi(port)
	require.NoError(t, err)
	c := &codecServer{url: "http://" + listen, ui: "http://" + ui, log: &accesses{}}
	c.cfg, err = s.Config(app.ProgramCodecServer, map[string]string{
		"CODEC_LISTEN": listen, "CODEC_ORIGINS": c.ui, "CODEC_TOKENS": "anna:" + annasToken,
	})
	require.NoError(t, err)
	c.start(t)
	t.Cleanup(func() { c.stop() })

	server := uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		Host: "127.0.0.1", Port: uiPort, TemporalGRPCAddress: s.Temporal.FrontendAddr(), EnableUI: true, DefaultNamespace: "default",
		Codec: uiconfig.Codec{
			Endpoint: c.url, IncludeCredentials: true,
			DefaultErrorMessage: "Sign in to the codec server, then load this page again:", DefaultErrorLink: c.url + "/login",
		},
		CORS: uiconfig.CORS{CookieInsecure: true}, DisableNewsFetch: true, HideLogs: true,
	}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Start()
	}()
	t.Cleanup(func() { server.Stop(); <-ended })
	answers(t, c.ui+"/healthz")
	return c
}

func (c *codecServer) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	logger := slog.New(slog.NewJSONHandler(c.log, nil))
	go func() { ended <- app.RunCodecServer(ctx, c.cfg, logger) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	answers(t, c.url+"/readyz")
}

func (c *codecServer) restart(t *testing.T) {
	t.Helper()
	c.stop()
	c.start(t)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := temporalserver.FreePort()
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

func answers(t *testing.T, url string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, 20*time.Second, 20*time.Millisecond, url)
}

// accesses are the log of the codec server.
type accesses struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (a *accesses) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.Write(p)
}

func (a *accesses) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.String()
}

// accessOf finds a line that says that payloads of that workflow were shown.
func (a *accesses) accessOf(t *testing.T, workflowID string) map[string]any {
	t.Helper()
	for text := range strings.Lines(a.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		if line["outcome"] == "decoded" && strings.Contains(text, `"onboardings":["default/`+workflowID+`"]`) {
			return line
		}
	}
	require.Fail(t, "no line tells who has seen it", a.String())
	return nil
}
