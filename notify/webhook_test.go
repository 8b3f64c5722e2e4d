package notify

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/internal/signedpost"
	"kyc/onboarding"
)

const (
	oneSecret   = "whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA=="
	otherSecret = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="
)

// service is a messaging service: a real HTTP receiver that verifies with the official library of Standard Webhooks. It
// answers with the next of its statuses, and with 204 after the last.
type service struct {
	*httptest.Server
	t          *testing.T
	secret     string
	retryAfter string

	mu       sync.Mutex
	statuses []int
	posts    []post
}

type post struct {
	id      string
	body    string
	status  int
	content map[string]any
}

func newService(t *testing.T, statuses ...int) *service {
	t.Helper()
	s := &service{t: t, secret: oneSecret, statuses: statuses}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	return s
}

func (s *service) config() WebhookConfig {
	return WebhookConfig{URL: s.URL + "/messages", Secrets: []string{oneSecret}}
}

func (s *service) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	verifier, err := standardwebhooks.NewWebhook(s.secret)
	if err != nil || verifier.Verify(body, r.Header) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status := http.StatusNoContent
	if len(s.statuses) > 0 {
		status, s.statuses = s.statuses[0], s.statuses[1:]
	}
	got := post{id: r.Header.Get("Webhook-Id"), body: string(body), status: status}
	_ = json.Unmarshal(body, &got.content)
	s.posts = append(s.posts, got)
	if s.retryAfter != "" {
		w.Header().Set("Retry-After", s.retryAfter)
	}
	if status >= 300 && status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "private words")
}

// accepted are the posts that were answered with success.
func (s *service) accepted() (posts []post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.posts {
		if p.status < 300 {
			posts = append(posts, p)
		}
	}
	return posts
}

func posted1(t *testing.T, m onboarding.Message) post {
	t.Helper()
	to := newService(t)
	sent, err := newSender(t, Config{Webhook: to.config()}).Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, []onboarding.Channel{byWebhook}, sent.Channels)
	require.Len(t, to.accepted(), 1)
	return to.accepted()[0]
}

func byService(kind onboarding.MessageKind, spoken string) onboarding.Message {
	m := message(kind, spoken)
	m.Channels, m.Reference, m.Phone, m.TimeZone = []onboarding.Channel{byWebhook}, reference, "+37061234567", "Europe/Vilnius"
	return m
}

func TestWebhook_Reminder_HoldsAllThatAServiceNeeds(t *testing.T) {
	m := byService(onboarding.MessageReminder, "lt-LT")
	m.Started = true
	got := posted1(t, m)
	require.Equal(t, m.MessageID, got.id)
	require.Equal(t, "message.reminder", got.content["type"])
	data := got.content["data"].(map[string]any)
	words := data["words"].(map[string]any)
	delete(data, "words")
	require.Equal(t, map[string]any{
		"id": string(reference.ID()), "reference": "order-4711", "setup": "retail", "kind": "reminder", "attempt": 2.0,
		"language": "lt-LT", "to": map[string]any{"email": customer, "phone": "+37061234567", "firstName": "Ona-Marija O’Neil"},
		"link": link, "linkUntil": "2026-03-09T14:05:59Z", "timeZone": "Europe/Vilnius",
		"started": true, "number": 2.0, "total": 3.0,
	}, data)
	require.Equal(t, "lt", words["language"])
	require.Equal(t, "Žalias Bankas: prašome užbaigti tapatybės patvirtinimą", words["subject"])
	require.Equal(t, "Žalias Bankas laukia, kol užbaigsite tapatybės patvirtinimą: "+link, words["short"])
	require.Contains(t, words["text"], "\n"+link+"\n")
	require.Contains(t, words["text"], "Nuoroda galioja iki 2026 m. kovo 9 d. 16:05 val. (Lietuvos laiku).")
	require.Contains(t, words["text"], "Priminimas 2 iš 3.")
	require.Contains(t, got.body, "&lang=lt", "links are not escaped as for HTML")
}

func TestWebhook_SameMessageAgain_RepeatsIDAndBody(t *testing.T) {
	m := byService(onboarding.MessageInvitation, "en")
	first, again := posted1(t, m), posted1(t, m)
	require.Equal(t, first.id, again.id)
	require.Equal(t, first.body, again.body)
}

func TestWebhook_Confirmation_HasNoLink(t *testing.T) {
	m := byService(onboarding.MessageConfirmation, "en")
	require.NotContains(t, posted1(t, m).body, "idv.example")
	require.Contains(t, posted1(t, m).body, `"short":"Žalias Bankas: your identity is confirmed. Thank you."`)
}

func TestWebhook_Reasons_OnlyThoseThatCustomersMayBeTold(t *testing.T) {
	m := byService(onboarding.MessageNewLink, "en")
	plain := posted1(t, m)
	require.NotContains(t, plain.body, `"reason"`)
	for _, reason := range untellable {
		m.RetryReason = reason
		require.Equal(t, plain.body, posted1(t, m).body, reason)
	}
	m.RetryReason = "BlurredPhoto"
	require.Equal(t, "BlurredPhoto", posted1(t, m).content["data"].(map[string]any)["reason"])
	m.Kind = onboarding.MessageReminder
	require.NotContains(t, posted1(t, m).body, "BlurredPhoto")
}

func TestWebhook_CustomerWithoutMail_IsReachedByPhone(t *testing.T) {
	m := byService(onboarding.MessageInvitation, "en")
	m.To = ""
	require.Equal(t, map[string]any{"phone": "+37061234567", "firstName": "Ona-Marija O’Neil"}, posted1(t, m).content["data"].(map[string]any)["to"])
}

func TestWebhook_NameThatMayBeALink_IsLeftOut(t *testing.T) {
	m := byService(onboarding.MessageInvitation, "en")
	m.FirstName = "win.example/prize"
	require.NotContains(t, posted1(t, m).body, "win.example")
}

func TestWebhook_MessagesForOperations_AreNotPosted(t *testing.T) {
	to := newService(t)
	_, err := newSender(t, Config{Webhook: to.config()}).Send(t.Context(), byService(onboarding.MessageEscalation, "en"))
	requireFailure(t, err, CodeInvalid, true)
	require.Equal(t, "channels", onboarding.Fields(err)[0].Field)
}

func TestWebhook_Answers_AreToldApart(t *testing.T) {
	for status, want := range map[int]struct {
		code      string
		permanent bool
	}{
		301: {CodeWebhookEndpoint, false}, 307: {CodeWebhookEndpoint, false},
		400: {CodeWebhookEndpoint, false}, 402: {CodeWebhookEndpoint, false}, 406: {CodeWebhookEndpoint, false},
		415: {CodeWebhookEndpoint, false}, 431: {CodeWebhookEndpoint, false}, 451: {CodeWebhookEndpoint, false}, 413: {CodeWebhookRefused, true}, 422: {CodeWebhookRefused, true},
		401: {CodeWebhookEndpoint, false}, 403: {CodeWebhookEndpoint, false}, 404: {CodeWebhookEndpoint, false},
		405: {CodeWebhookEndpoint, false}, 410: {CodeWebhookEndpoint, false},
		408: {CodeWebhookUnavailable, false}, 409: {CodeWebhookUnavailable, false}, 429: {CodeWebhookUnavailable, false},
		500: {CodeWebhookUnavailable, false}, 503: {CodeWebhookUnavailable, false},
	} {
		to := newService(t, status)
		to.retryAfter = "30"
		_, err := newSender(t, Config{Webhook: to.config()}).Send(t.Context(), byService(onboarding.MessageInvitation, "en"))
		failed := requireFailure(t, err, want.code, want.permanent)
		require.Equal(t, status, failed.Status)
		if want.code == CodeWebhookUnavailable {
			require.Equal(t, 30*time.Second, failed.RetryAfter)
		}
	}
}

func TestWebhook_Trouble_IsTemporary(t *testing.T) {
	send := func(cfg WebhookConfig) error {
		_, err := newSender(t, Config{Webhook: cfg}).Send(t.Context(), byService(onboarding.MessageInvitation, "en"))
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	requireFailure(t, send(WebhookConfig{URL: "http://" + listener.Addr().String(), Secrets: []string{oneSecret}}), CodeWebhookUnavailable, false)

	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(slow.Close)
	requireFailure(t, send(WebhookConfig{URL: slow.URL, Secrets: []string{oneSecret}, Timeout: 50 * time.Millisecond}), CodeTimeout, false)

	unknown := httptest.NewUnstartedServer(http.NotFoundHandler())
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0)
	unknown.StartTLS()
	t.Cleanup(unknown.Close)
	requireFailure(t, send(WebhookConfig{URL: unknown.URL, Secrets: []string{oneSecret}}), CodeWebhookEndpoint, false)
}

func TestWebhook_SecretsDuringRotation_AllSign(t *testing.T) {
	for _, theirs := range []string{oneSecret, otherSecret} {
		to := newService(t)
		to.secret = theirs
		cfg := to.config()
		cfg.Secrets = []string{otherSecret, oneSecret}
		_, err := newSender(t, Config{Webhook: cfg}).Send(t.Context(), byService(onboarding.MessageInvitation, "en"))
		require.NoError(t, err)
	}
	to := newService(t)
	to.secret = otherSecret
	s := newSender(t, Config{Webhook: to.config()})
	_, err := s.Send(t.Context(), byService(onboarding.MessageInvitation, "en"))
	requireFailure(t, err, CodeWebhookEndpoint, false)

	require.Error(t, s.SetWebhookSecrets([]string{"hush"}))
	require.NoError(t, s.SetWebhookSecrets([]string{otherSecret}))
	_, err = s.Send(t.Context(), byService(onboarding.MessageInvitation, "en"))
	require.NoError(t, err)
	require.NoError(t, newSender(t, Config{SMTPURL: "smtp://mail.example"}).SetWebhookSecrets([]string{otherSecret}))
}

func TestConfig_Webhook_IsJudgedByField(t *testing.T) {
	for name, row := range map[string]struct {
		cfg    Config
		fields []string
	}{
		"webhook alone":          {Config{From: sender, Webhook: WebhookConfig{URL: "https://messages.example", Secrets: []string{oneSecret}}}, nil},
		"both":                   {Config{SMTPURL: "smtp://mail.example", From: sender, Webhook: WebhookConfig{URL: "https://messages.example", Secrets: []string{oneSecret}}}, nil},
		"no secret":              {Config{From: sender, Webhook: WebhookConfig{URL: "https://messages.example"}}, []string{"Webhook.Secrets"}},
		"no URL":                 {Config{From: sender, Webhook: WebhookConfig{Secrets: []string{oneSecret}}}, []string{"Webhook.URL"}},
		"plain http":             {Config{From: sender, Webhook: WebhookConfig{URL: "http://messages.example", Secrets: []string{oneSecret}}}, []string{"Webhook.URL"}},
		"private address":        {Config{From: sender, Webhook: WebhookConfig{URL: "https://10.1.2.3", Secrets: []string{oneSecret}}}, []string{"Webhook.URL"}},
		"private, allowed":       {Config{From: sender, Webhook: WebhookConfig{URL: "https://10.1.2.3", Secrets: []string{oneSecret}, AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}, nil},
		"bad secret, no sender":  {Config{Webhook: WebhookConfig{URL: "https://messages.example", Secrets: []string{"hush"}}}, []string{"From", "Webhook.Secrets[0]"}},
		"nothing to send with":   {Config{From: sender}, []string{"SMTPURL"}},
		"nothing whatever given": {Config{}, []string{"SMTPURL", "From"}},
	} {
		var names []string
		for _, f := range onboarding.Fields(row.cfg.Validate()) {
			names = append(names, f.Field)
			require.NotEmpty(t, f.Remedy)
		}
		require.Equal(t, row.fields, names, name)
	}
	printed := Config{From: sender, Webhook: signedpost.Config{URL: "https://messages.example/hush", Secrets: []string{oneSecret}}}.String()
	require.False(t, strings.Contains(printed, "hush") || strings.Contains(printed, oneSecret))
}
