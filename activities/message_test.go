package activities_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"kyc/activities"
	"kyc/internal/signedpost"
	"kyc/notify"
	"kyc/onboarding"
)

// service is a messaging service that answers with the next status of its list, and with 204 after the last.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	got      int
}

func newService(t *testing.T, statuses ...int) *service {
	s := &service{statuses: statuses}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got++
		status := http.StatusNoContent
		if len(s.statuses) > 0 {
			status, s.statuses = s.statuses[0], s.statuses[1:]
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// messages sends by a mail server where nobody listens, and by the service.
func messages(t *testing.T, to *service) *activities.Messages {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nobody.Close())
	sender, err := notify.New(notify.Config{
		SMTPURL: "smtp://" + nobody.Addr().String() + "?starttls=none", From: "a@bank.example", Timeout: 5 * time.Second,
		Webhook: signedpost.Config{URL: to.URL, Secrets: []string{"whsec_bWFkZS11cC1tYWRlLXVwLW1hZGUtdXAtbWFkZS11cA=="}},
	})
	require.NoError(t, err)
	return &activities.Messages{Sender: sender}
}

func invitation(channels ...onboarding.Channel) onboarding.Message {
	id := onboarding.Reference("order-4711").ID()
	return onboarding.Message{ID: id, Kind: onboarding.MessageInvitation, Setup: "retail", Language: "en", Channels: channels,
		By: onboarding.NotifyEach, To: "jonas@customer.example", Link: "https://idv.example/?id=1", Attempt: 1, MessageID: string(id) + ".1.invitation"}
}

// try runs the activity as a worker does, with what an earlier try has remembered. It returns what this one remembers.
func try(t *testing.T, m *activities.Messages, in onboarding.Message, remembered []onboarding.Channel) (sent onboarding.SentMessage, heartbeats [][]string, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(m.SendMessage, activity.RegisterOptions{Name: onboarding.ActivitySendMessage})
	if remembered != nil {
		env.SetHeartbeatDetails(remembered)
	}
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var names []string
		require.NoError(t, details.Get(&names))
		heartbeats = append(heartbeats, names)
	})
	value, err := env.ExecuteActivity(onboarding.ActivitySendMessage, in)
	if err == nil {
		require.NoError(t, value.Get(&sent))
	}
	return sent, heartbeats, err
}

func takenOf(t *testing.T, err error) (taken []string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	if app.HasDetails() {
		require.NoError(t, app.Details(&taken))
	}
	return taken
}

func TestSendMessage_OneChannelOfTwoFails_NextTryResumesFromHeartbeat(t *testing.T) {
	to := newService(t)
	m := messages(t, to)
	in := invitation(onboarding.ChannelWebhook, onboarding.ChannelEmail)
	_, heartbeats, err := try(t, m, in, nil)
	requireFailure(t, err, "smtp-unavailable", false, 0)
	require.Equal(t, []string{"webhook"}, takenOf(t, err))
	require.Equal(t, [][]string{{"webhook"}}, heartbeats)
	require.Equal(t, 1, to.count())

	_, heartbeats, err = try(t, m, in, []onboarding.Channel{onboarding.ChannelWebhook})
	require.Equal(t, []string{"webhook"}, takenOf(t, err), "still known after a try that added nothing")
	require.Empty(t, heartbeats, "nothing new to remember")
	require.Equal(t, 1, to.count(), "not sent twice where it has arrived")
}

func TestSendMessage_Retried_SendsOnceOnTheChannelThatWorks(t *testing.T) {
	to := newService(t)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivityWithOptions(messages(t, to).SendMessage, activity.RegisterOptions{Name: onboarding.ActivitySendMessage})
	tries, beats := 0, 0
	env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) { tries++ })
	env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) { beats++ })
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3},
		})
		in := invitation(onboarding.ChannelWebhook, onboarding.ChannelEmail)
		return workflow.ExecuteActivity(ctx, onboarding.ActivitySendMessage, in).Get(ctx, nil)
	})
	require.Equal(t, []string{"webhook"}, takenOf(t, env.GetWorkflowError()))
	require.Equal(t, 3, tries)
	require.Equal(t, 1, to.count())
	require.Equal(t, 1, beats)
}

func TestSendMessage_TheOtherChannelRecovers_ResultNamesBoth(t *testing.T) {
	to := newService(t, http.StatusServiceUnavailable)
	m := messages(t, to)
	in := invitation(onboarding.ChannelWebhook)
	_, heartbeats, err := try(t, m, in, nil)
	requireFailure(t, err, "webhook-unavailable", false, 0)
	require.Empty(t, takenOf(t, err))
	require.Empty(t, heartbeats)

	in.Channels = []onboarding.Channel{onboarding.ChannelEmail, onboarding.ChannelWebhook}
	sent, heartbeats, err := try(t, m, in, []onboarding.Channel{onboarding.ChannelEmail})
	require.NoError(t, err)
	require.Equal(t, []onboarding.Channel{onboarding.ChannelEmail, onboarding.ChannelWebhook}, sent.Channels)
	require.Empty(t, heartbeats)
}

func TestSendMessage_TakenInAnEarlierStep_IsNotSentAgain(t *testing.T) {
	to := newService(t)
	in := invitation(onboarding.ChannelWebhook, onboarding.ChannelEmail)
	in.Taken = []onboarding.Channel{onboarding.ChannelWebhook}
	_, heartbeats, err := try(t, messages(t, to), in, nil)
	requireFailure(t, err, "smtp-unavailable", false, 0)
	require.Empty(t, takenOf(t, err), "the process knows it already")
	require.Empty(t, heartbeats)
	require.Zero(t, to.count())
}

func TestSendMessage_RefusedForGood_TellsWhoHasTakenItWithoutAHeartbeat(t *testing.T) {
	to := newService(t)
	in := invitation(onboarding.ChannelWebhook, onboarding.ChannelEmail)
	in.To = ""
	_, heartbeats, err := try(t, messages(t, to), in, nil)
	requireFailure(t, err, "recipient-refused", true, 0)
	require.Equal(t, []string{"webhook"}, takenOf(t, err))
	require.Empty(t, heartbeats)
}

func TestSendMessage_OrdinaryCases_HaveNoHeartbeat(t *testing.T) {
	to := newService(t)
	for name, change := range map[string]func(*onboarding.Message){
		"one channel": func(*onboarding.Message) {},
		"the second of both": func(m *onboarding.Message) {
			m.By, m.Channels = onboarding.NotifyFirst, []onboarding.Channel{"email", "webhook"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := invitation(onboarding.ChannelWebhook)
			change(&in)
			sent, heartbeats, err := try(t, messages(t, to), in, nil)
			require.NoError(t, err)
			require.Equal(t, []onboarding.Channel{onboarding.ChannelWebhook}, sent.Channels)
			require.Empty(t, heartbeats)
		})
	}
}

// held answers as a Sender in quiet hours does.
type held struct{ until time.Time }

func (h held) Send(context.Context, onboarding.Message) (onboarding.SentMessage, error) {
	return onboarding.SentMessage{HeldUntil: h.until}, nil
}

func TestSendMessage_QuietHours_AreToldToTheProcess(t *testing.T) {
	until := time.Date(2026, 3, 9, 6, 0, 0, 0, time.UTC)
	sent, _, err := try(t, &activities.Messages{Sender: held{until}}, invitation(onboarding.ChannelEmail), nil)
	require.NoError(t, err)
	require.True(t, until.Equal(sent.HeldUntil))
	require.Empty(t, sent.Channels)
}
