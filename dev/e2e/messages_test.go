package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
	"kyc/onboarding"
)

const messagingSecret = "whsec_bWVzc2FnaW5nLW1lc3NhZ2luZy1tZXNzYWdpbmc="

// messaging is a service that sends SMS: it verifies, keeps what it has taken, and may refuse.
type messaging struct {
	*httptest.Server
	mu      sync.Mutex
	refuse  map[string][]int // statuses of the next posts, by reference
	posts   []postedMessage  // all that were verified
	unknown int              // posts that were not
}

type postedMessage struct {
	id     string
	status int
	Type   string `json:"type"`
	Data   struct {
		Reference string
		To        struct{ Email, Phone, FirstName string }
		Link      string
		Words     struct{ Subject, Text, Short string }
	} `json:"data"`
}

func newMessaging(t *testing.T) *messaging {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(messagingSecret)
	require.NoError(t, err)
	m := &messaging{refuse: map[string][]int{}}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := postedMessage{id: r.Header.Get(standardwebhooks.HeaderWebhookID), status: http.StatusNoContent}
		m.mu.Lock()
		defer m.mu.Unlock()
		if verifier.Verify(body, r.Header) != nil || json.Unmarshal(body, &got) != nil {
			m.unknown++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if next := m.refuse[got.Data.Reference]; len(next) > 0 {
			got.status, m.refuse[got.Data.Reference] = next[0], next[1:]
		}
		m.posts = append(m.posts, got)
		w.WriteHeader(got.status)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *messaging) refusing(reference onboarding.Reference, statuses ...int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse[string(reference)] = statuses
}

// of are the posts about an onboarding, whatever became of them.
func (m *messaging) of(reference onboarding.Reference) (posts []postedMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.posts {
		if p.Data.Reference == string(reference) {
			posts = append(posts, p)
		}
	}
	return posts
}

func (m *messaging) waitFor(t *testing.T, reference onboarding.Reference, n int) []postedMessage {
	t.Helper()
	require.Eventually(t, func() bool { return len(m.of(reference)) >= n }, patience, tick, "%d posts", n)
	return m.of(reference)
}

// moodyServer is a mail server that is too busy for the first mails to an address.
type moodyServer struct {
	address string
	mu      sync.Mutex
	busy    map[string]int
	tried   map[string]int
	taken   map[string]int
}

func newMoodyServer(t *testing.T) *moodyServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	m := &moodyServer{address: listener.Addr().String(), busy: map[string]int{}, tried: map[string]int{}, taken: map[string]int{}}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &moodySession{m: m}, nil }))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = listener.Close() })
	return m
}

func (m *moodyServer) counts(address string) (tried, taken int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tried[address], m.taken[address]
}

type moodySession struct {
	m  *moodyServer
	to string
}

func (s *moodySession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *moodySession) Reset()                               {}
func (s *moodySession) Logout() error                        { return nil }

func (s *moodySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *moodySession) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.tried[s.to]++
	if s.m.busy[s.to] > 0 {
		s.m.busy[s.to]--
		return &smtp.SMTPError{Code: 503, EnhancedCode: smtp.NoEnhancedCode, Message: "busy"} // unlike 4xx, without a wait
	}
	s.m.taken[s.to]++
	return nil
}

func TestMessages_OnEveryChannel_ReachTheCustomer(t *testing.T) {
	t.Parallel()
	to, mails := newMessaging(t), newMoodyServer(t)
	now := time.Now().UTC()
	r := ownRig(t, stack.Config{
		Setups: fmt.Sprintf(`setups:
  each:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f31
    notify: [webhook, email]
    notifyBy: each
    policy: {retryDelays: [1s], watchFor: 0s}
  first:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f32
    notify: [email, webhook]
    confirm: true
    timeZone: Europe/Vilnius
    policy: {watchFor: 0s}
  quiet:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f33
    notify: [webhook]
    quietHours: {from: %s, to: %s}
    policy: {notStartedReminders: [2s], watchFor: 0s}
`, now.Add(-2*time.Hour).Format("15:04"), now.Add(2*time.Hour).Format("15:04")),
		Variables: map[string]string{
			"NOTIFY_SMTP_URL":    "smtp://" + mails.address + "?starttls=none",
			"NOTIFY_WEBHOOK_URL": to.URL + "/messages", "NOTIFY_WEBHOOK_SECRET": messagingSecret,
		},
	})
	begin := func(t *testing.T, setup, email string) onboarding.Request {
		q := request(t, setup)
		q.Reference = onboarding.Reference(strings.ReplaceAll(string(q.Reference), "/", "-"))
		q.Applicant.Email, q.Applicant.Phone = email, "+37060000001"
		return q
	}

	t.Run("each gets it once, though both fail now and then", func(t *testing.T) {
		t.Parallel()
		const address = "each@customer.example"
		q := begin(t, "each", address)
		// The first step is one try, at which neither takes it. In the next, the service takes it at once, and the mail
		// server at the third try of the activity.
		to.refusing(q.Reference, http.StatusServiceUnavailable)
		mails.mu.Lock()
		mails.busy[address] = 3
		mails.mu.Unlock()
		started, err := r.Starter.Start(timed(t), q)
		require.NoError(t, err)
		require.Eventually(t, func() bool { _, taken := mails.counts(address); return taken == 1 }, patience, tick)
		r.until(t, started.ID, "no more trouble", func(s onboarding.Status) bool { return len(s.Attention) == 0 })

		tried, taken := mails.counts(address)
		require.Equal(t, 4, tried)
		require.Equal(t, 1, taken)
		posts := to.of(q.Reference)
		require.Len(t, posts, 2, "not posted again after it was taken")
		require.Equal(t, []int{503, 204}, []int{posts[0].status, posts[1].status})
		require.Equal(t, posts[0].id, posts[1].id)
	})
	t.Run("who has no mail gets SMS, and a confirmation in the end", func(t *testing.T) {
		t.Parallel()
		q := begin(t, "first", "")
		started, err := r.Starter.Start(timed(t), q)
		require.NoError(t, err)
		posts := to.waitFor(t, q.Reference, 1)
		require.Equal(t, "message.invitation", posts[0].Type)
		require.Equal(t, "+37060000001", posts[0].Data.To.Phone)
		require.Equal(t, started.Link, posts[0].Data.Link)
		require.Equal(t, "Example Bank: please confirm your identity: "+started.Link, posts[0].Data.Words.Short)
		require.Regexp(t, `The link works until .* \(EES?T\)\.`, posts[0].Data.Words.Text)

		r.play(t, stack.SessionOf(started.Link), "start", "consent", "submit", "approve")
		posts = to.waitFor(t, q.Reference, 2)
		require.Equal(t, "message.confirmation", posts[1].Type)
		require.Empty(t, posts[1].Data.Link)
		r.received(t, started.ID, 1)
		r.ended(t, started.ID)
		require.Len(t, to.of(q.Reference), 2)
	})
	t.Run("a reminder waits for the end of quiet hours", func(t *testing.T) {
		t.Parallel()
		q := begin(t, "quiet", "")
		started, err := r.Starter.Start(timed(t), q)
		require.NoError(t, err)
		to.waitFor(t, q.Reference, 1) // what the customer asked for does not wait
		require.Eventually(t, func() bool {
			return count(r.history(t, started.ID, ""), isActivity(onboarding.ActivitySendMessage)) == 2
		}, patience, tick, "the reminder is due")
		require.NoError(t, r.Settle(timed(t), started.ID))
		require.Len(t, to.of(q.Reference), 1)
		require.Empty(t, r.status(t, started.ID).Attention, "nothing is amiss")
	})
	t.Cleanup(func() { require.Zero(t, to.unknown, "posts that could not be verified") })
}
