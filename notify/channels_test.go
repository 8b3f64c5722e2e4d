package notify

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

const (
	byMail    = onboarding.ChannelEmail
	byWebhook = onboarding.ChannelWebhook
)

// both sends by the mail server and by the service.
func both(t *testing.T, box *mailbox, to *service) *Sender {
	t.Helper()
	return newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none", Webhook: to.config()})
}

func onChannels(by onboarding.NotifyBy, channels ...onboarding.Channel) onboarding.Message {
	m := message(onboarding.MessageInvitation, "en")
	m.By, m.Channels = by, channels
	return m
}

func TestSend_FirstOfSeveral_FallsBackInOrder(t *testing.T) {
	const permanent, temporary = true, false
	type outcome struct {
		taken     []onboarding.Channel
		code      string
		permanent bool
	}
	table := map[string]struct {
		box      *mailbox
		statuses []int
		channels []onboarding.Channel
		to       string
		outcome
	}{
		"the first takes it":         {&mailbox{}, nil, []onboarding.Channel{byMail, byWebhook}, customer, outcome{taken: []onboarding.Channel{byMail}}},
		"the order counts":           {&mailbox{}, nil, []onboarding.Channel{byWebhook, byMail}, customer, outcome{taken: []onboarding.Channel{byWebhook}}},
		"the first is out of order":  {&mailbox{rcptErr: reply(451)}, nil, []onboarding.Channel{byMail, byWebhook}, customer, outcome{taken: []onboarding.Channel{byWebhook}}},
		"the first refuses for good": {&mailbox{rcptErr: reply(550)}, nil, []onboarding.Channel{byMail, byWebhook}, customer, outcome{taken: []onboarding.Channel{byWebhook}}},
		"there is no address":        {&mailbox{}, nil, []onboarding.Channel{byMail, byWebhook}, "", outcome{taken: []onboarding.Channel{byWebhook}}},
		"the service refuses":        {&mailbox{}, []int{422}, []onboarding.Channel{byWebhook, byMail}, customer, outcome{taken: []onboarding.Channel{byMail}}},
		"the service is down":        {&mailbox{}, []int{503}, []onboarding.Channel{byWebhook, byMail}, customer, outcome{taken: []onboarding.Channel{byMail}}},
		"one is not configured":      {&mailbox{}, nil, []onboarding.Channel{"pigeon", byMail}, customer, outcome{taken: []onboarding.Channel{byMail}}},
		"all refuse for good":        {&mailbox{rcptErr: reply(550)}, []int{422}, []onboarding.Channel{byMail, byWebhook}, customer, outcome{code: CodeRecipient, permanent: permanent}},
		"one may still take it":      {&mailbox{rcptErr: reply(550)}, []int{503}, []onboarding.Channel{byMail, byWebhook}, customer, outcome{code: CodeWebhookUnavailable, permanent: temporary}},
		"both may still take it":     {&mailbox{rcptErr: reply(451)}, []int{503}, []onboarding.Channel{byMail, byWebhook}, customer, outcome{code: CodeUnavailable, permanent: temporary}},
		"nothing is configured":      {&mailbox{}, nil, []onboarding.Channel{"pigeon", "drum"}, customer, outcome{code: CodeChannel, permanent: temporary}},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, by := range []onboarding.NotifyBy{"", onboarding.NotifyFirst} {
				to := newService(t, row.statuses...)
				box := &mailbox{rcptErr: row.box.rcptErr}
				m := onChannels(by, row.channels...)
				m.To = row.to
				sent, err := both(t, box.start(t), to).Send(t.Context(), m)
				require.Equal(t, row.taken, sent.Channels)
				require.Equal(t, len(row.taken), len(box.mails())+len(to.accepted()), "sent more than once")
				if row.code == "" {
					require.NoError(t, err)
					continue
				}
				requireFailure(t, err, row.code, row.permanent)
			}
		})
	}
}

func TestSend_SeveralFail_ErrorTellsOfEachAndWaitsForTheLongest(t *testing.T) {
	box := (&mailbox{rcptErr: reply(451, 4, 7, 1)}).start(t)
	to := newService(t, http.StatusTooManyRequests)
	to.retryAfter = "120"
	_, err := both(t, box, to).Send(t.Context(), onChannels(onboarding.NotifyFirst, byMail, byWebhook))
	failed := requireFailure(t, err, CodeUnavailable, false)
	require.Equal(t, 2*time.Minute, failed.RetryAfter)
	require.Equal(t, "notify: smtp-unavailable: email smtp-unavailable, SMTP 451 4.7.1; webhook webhook-unavailable, status 429", failed.Error())
}

func TestSend_Each_ReachesAllThatAreLeft(t *testing.T) {
	table := map[string]struct {
		box       *mailbox
		statuses  []int
		taken     []onboarding.Channel // before
		want      []onboarding.Channel // now
		code      string
		permanent bool
	}{
		"all":                             {&mailbox{}, nil, nil, []onboarding.Channel{byMail, byWebhook}, "", false},
		"one has it already":              {&mailbox{}, nil, []onboarding.Channel{byMail}, []onboarding.Channel{byWebhook}, "", false},
		"all have it already":             {&mailbox{}, nil, []onboarding.Channel{byWebhook, byMail}, nil, "", false},
		"the first is down":               {&mailbox{rcptErr: reply(451)}, nil, nil, []onboarding.Channel{byWebhook}, CodeUnavailable, false},
		"the second is down":              {&mailbox{}, []int{500}, nil, []onboarding.Channel{byMail}, CodeWebhookUnavailable, false},
		"the first refuses for good":      {&mailbox{rcptErr: reply(550)}, nil, nil, []onboarding.Channel{byWebhook}, CodeRecipient, true},
		"one refuses, one is down":        {&mailbox{rcptErr: reply(550)}, []int{500}, nil, nil, CodeWebhookUnavailable, false},
		"the one that is left is refused": {&mailbox{rcptErr: reply(550)}, nil, []onboarding.Channel{byWebhook}, nil, CodeRecipient, true},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := newService(t, row.statuses...)
			m := onChannels(onboarding.NotifyEach, byMail, byWebhook)
			m.Taken = row.taken
			sent, err := both(t, row.box.start(t), to).Send(t.Context(), m)
			require.Equal(t, row.want, sent.Channels)
			require.Equal(t, len(row.want), len(row.box.mails())+len(to.accepted()))
			if row.code == "" {
				require.NoError(t, err)
				return
			}
			requireFailure(t, err, row.code, row.permanent)
		})
	}
}

func TestSend_FirstChannelHangs_LeavesTimeForTheNext(t *testing.T) {
	address := conversation(t, func(_ func(string), hear func() string) { hear() })
	to := newService(t)
	s := newSender(t, Config{SMTPURL: "smtp://" + address, Webhook: to.config()})
	for _, by := range []onboarding.NotifyBy{onboarding.NotifyFirst, onboarding.NotifyEach} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		sent, err := s.Send(ctx, onChannels(by, byMail, byWebhook))
		require.NoError(t, ctx.Err(), "time is left to tell how it went")
		cancel()
		require.Equal(t, []onboarding.Channel{byWebhook}, sent.Channels)
		if by == onboarding.NotifyEach {
			requireFailure(t, err, CodeTimeout, false)
			continue
		}
		require.NoError(t, err)
	}
}

func TestSend_FirstOfSeveral_TakenBefore_IsDone(t *testing.T) {
	box, to := (&mailbox{}).start(t), newService(t)
	m := onChannels(onboarding.NotifyFirst, byMail, byWebhook)
	m.Taken = []onboarding.Channel{byMail}
	sent, err := both(t, box, to).Send(t.Context(), m)
	require.NoError(t, err)
	require.Empty(t, sent.Channels)
	require.Empty(t, box.mails())
	require.Empty(t, to.accepted())
}

func TestShare_SeveralWays_SplitTheTimeAndLeaveAMoment(t *testing.T) {
	const slack = 500 * time.Millisecond
	for _, row := range []struct {
		left time.Duration
		ways int
		want time.Duration
	}{{20 * time.Second, 1, 19 * time.Second}, {20 * time.Second, 2, 9500 * time.Millisecond}, {5 * time.Second, 1, 4500 * time.Millisecond}} {
		ctx, cancel := context.WithTimeout(t.Context(), row.left)
		shared, end := share(ctx, row.ways)
		deadline, bounded := shared.Deadline()
		require.True(t, bounded)
		require.InDelta(t, row.want, time.Until(deadline), float64(slack)/2)
		end()
		cancel()
	}
	shared, end := share(t.Context(), 2)
	defer end()
	_, bounded := shared.Deadline()
	require.False(t, bounded)
}

// timed is a channel that takes nothing and keeps how much time it was given.
type timed struct{ given *[]time.Duration }

func (c timed) send(ctx context.Context, _ onboarding.Message) error {
	deadline, _ := ctx.Deadline()
	*c.given = append(*c.given, time.Until(deadline))
	return &Error{Code: CodeUnavailable}
}

func TestSend_SeveralChannels_EachGetsItsShareOfTheTime(t *testing.T) {
	for _, by := range []onboarding.NotifyBy{onboarding.NotifyFirst, onboarding.NotifyEach} {
		var given []time.Duration
		s := &Sender{channels: map[onboarding.Channel]channel{byMail: timed{&given}, byWebhook: timed{&given}}, now: time.Now}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := s.Send(ctx, onChannels(by, byMail, byWebhook))
		cancel()
		requireFailure(t, err, CodeUnavailable, false)
		require.Len(t, given, 2)
		require.InDelta(t, 9500*time.Millisecond, given[0], float64(time.Second))
		require.InDelta(t, 19*time.Second, given[1], float64(time.Second))
	}
}

func TestSend_CallerGivesUp_TriesNoOtherChannel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	box, to := (&mailbox{}).start(t), newService(t)
	_, err := both(t, box, to).Send(ctx, onChannels(onboarding.NotifyFirst, byMail, byWebhook))
	requireFailure(t, err, CodeCancelled, false)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, to.accepted())
}

func TestSend_QuietHours_HoldWhatCanWait(t *testing.T) {
	night := onboarding.QuietHours{From: "21:00", To: "08:00"}
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return when
	}
	table := map[string]struct {
		quiet onboarding.QuietHours
		zone  string
		now   string
		until string // empty: sent
		kind  onboarding.MessageKind
	}{
		"in the night":                     {night, "Europe/Vilnius", "2026-03-09T23:30:00+02:00", "2026-03-10T06:00:00Z", onboarding.MessageReminder},
		"after midnight":                   {night, "Europe/Vilnius", "2026-03-10T05:00:00+02:00", "2026-03-10T06:00:00Z", onboarding.MessageReminder},
		"on the night clocks go forward":   {night, "Europe/Vilnius", "2026-03-29T01:00:00+02:00", "2026-03-29T05:00:00Z", onboarding.MessageReminder},
		"by day":                           {night, "Europe/Vilnius", "2026-03-10T12:00:00+02:00", "", onboarding.MessageReminder},
		"the first minute of the day":      {night, "Europe/Vilnius", "2026-03-10T08:00:00+02:00", "", onboarding.MessageReminder},
		"evening elsewhere":                {night, "America/New_York", "2026-03-10T05:00:00+02:00", "2026-03-10T12:00:00Z", onboarding.MessageReminder},
		"no zone is UTC":                   {night, "", "2026-03-10T07:30:00Z", "2026-03-10T08:00:00Z", onboarding.MessageReminder},
		"a zone unknown here is UTC":       {night, "Mars/Olympus", "2026-03-10T07:30:00Z", "2026-03-10T08:00:00Z", onboarding.MessageReminder},
		"none set":                         {onboarding.QuietHours{}, "Europe/Vilnius", "2026-03-09T23:30:00+02:00", "", onboarding.MessageReminder},
		"operations are told at any hour":  {night, "Europe/Vilnius", "2026-03-09T23:30:00+02:00", "", onboarding.MessageEscalation},
		"a confirmation waits for morning": {night, "Europe/Vilnius", "2026-03-09T23:30:00+02:00", "2026-03-10T06:00:00Z", onboarding.MessageConfirmation},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := (&mailbox{}).start(t)
			s := newSender(t, Config{SMTPURL: "smtp://" + box.address + "?starttls=none"})
			s.now = func() time.Time { return at(row.now) }
			m := message(row.kind, "en")
			m.Quiet, m.TimeZone = row.quiet, row.zone
			sent, err := s.Send(t.Context(), m)
			require.NoError(t, err)
			if row.until == "" {
				require.Len(t, box.mails(), 1)
				require.True(t, sent.HeldUntil.IsZero())
				return
			}
			require.Empty(t, box.mails())
			require.Empty(t, sent.Channels)
			require.Equal(t, at(row.until), sent.HeldUntil)
		})
	}
}

func TestSend_QuietHours_WhatOneChannelHasTakenIsNotHeldBackOnTheOther(t *testing.T) {
	box, to := (&mailbox{}).start(t), newService(t)
	s := both(t, box, to)
	s.now = func() time.Time { return time.Date(2026, 3, 9, 23, 30, 0, 0, time.UTC) }
	m := onChannels(onboarding.NotifyEach, onboarding.ChannelEmail, onboarding.ChannelWebhook)
	m.Quiet, m.Taken = onboarding.QuietHours{From: "21:00", To: "08:00"}, []onboarding.Channel{onboarding.ChannelEmail}
	sent, err := s.Send(t.Context(), m)
	require.NoError(t, err)
	require.Zero(t, sent.HeldUntil)
	require.Equal(t, []onboarding.Channel{onboarding.ChannelWebhook}, sent.Channels)
	require.Empty(t, box.mails())
}

func TestFailures_CausesOfAllChannels_AreFound(t *testing.T) {
	err := failures{{byMail, &Error{Code: CodeRecipient, Permanent: true}}, {byWebhook, &Error{Code: CodeTimeout, cause: context.DeadlineExceeded}}}.together()
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var first *Error
	require.True(t, errors.As(err, &first))
	require.Equal(t, CodeTimeout, first.Code)
}
