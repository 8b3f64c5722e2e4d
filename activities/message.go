package activities

import (
	"context"

	"kyc/onboarding"
)

// Sender sends messages; *notify.Sender is it.
type Sender interface {
	Send(ctx context.Context, m onboarding.Message) (onboarding.SentMessage, error)
}

// Messages sends messages to customers and operations. Without a Sender every message is refused: a setup that sends
// messages needs one.
type Messages struct{ Sender Sender }

// SendMessage is onboarding.ActivitySendMessage. A retry may send a message twice; Message.MessageID tells the two
// apart from two messages.
func (m *Messages) SendMessage(ctx context.Context, in onboarding.Message) (onboarding.SentMessage, error) {
	if m.Sender == nil {
		return onboarding.SentMessage{}, failed("no-channel", "no channel for messages is configured", true, 0)
	}
	sent, err := m.Sender.Send(ctx, in)
	return sent, classified(err)
}
