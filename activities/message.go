package activities

import (
	"context"
	"slices"

	"kyc/onboarding"
)

// Sender sends messages; *notify.Sender is it.
type Sender interface {
	// Send names the channels that have taken the message, beside an error too.
	Send(ctx context.Context, m onboarding.Message) (onboarding.SentMessage, error)
}

// Messages sends messages to customers and operations. Without a Sender every message is refused: a setup that sends
// messages needs one.
type Messages struct{ Sender Sender }

// SendMessage is onboarding.ActivitySendMessage. A retry may send a message twice; Message.MessageID tells the two
// apart from two messages. What one channel has taken is not sent on it again because another has failed: retries of this
// activity find it in the heartbeat details, and the process in the error's detail.
func (m *Messages) SendMessage(ctx context.Context, in onboarding.Message) (onboarding.SentMessage, error) {
	if m.Sender == nil {
		return onboarding.SentMessage{}, failed("no-channel", "no channel for messages is configured", true, 0)
	}
	var before []onboarding.Channel
	for _, name := range takenBefore(ctx) {
		before = append(before, onboarding.Channel(name))
	}
	in.Taken = append(slices.Clone(in.Taken), before...)
	sent, err := m.Sender.Send(ctx, in)
	fresh := len(sent.Channels) > 0
	sent.Channels = append(before, sent.Channels...)
	if err == nil {
		return sent, nil
	}
	err = classified(err)
	var taken []string
	for _, channel := range sent.Channels {
		taken = append(taken, string(channel))
	}
	if fresh {
		keepTaken(ctx, taken, err)
	}
	return onboarding.SentMessage{}, withTaken(err, taken)
}
