package notify

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"kyc/onboarding"
)

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	channels map[onboarding.Channel]channel
}

// channel is one way to reach people.
type channel interface {
	// send hands the message over; nil means that the next hop has taken responsibility for it.
	send(ctx context.Context, m onboarding.Message) error
}

// New returns a Sender, or what Config.Validate finds wrong.
func New(cfg Config) (*Sender, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("notification configuration: %w", err)
	}
	mails, err := newEmail(cfg)
	if err != nil {
		return nil, err
	}
	return &Sender{channels: map[onboarding.Channel]channel{onboarding.ChannelEmail: mails}}, nil
}

// Send sends the message on the first of its channels that is configured, and says which that was. Every error is an
// *Error.
func (s *Sender) Send(ctx context.Context, m onboarding.Message) (onboarding.SentMessage, error) {
	if err := check(m); err != nil {
		return onboarding.SentMessage{}, &Error{Code: CodeInvalid, Permanent: true, cause: err}
	}
	for _, name := range m.Channels {
		c, configured := s.channels[name]
		if !configured {
			continue
		}
		if err := c.send(ctx, m); err != nil {
			return onboarding.SentMessage{}, err
		}
		return onboarding.SentMessage{Channels: []onboarding.Channel{name}}, nil
	}
	return onboarding.SentMessage{}, &Error{Code: CodeChannel}
}

// forCustomer tells of each kind whether it goes to the customer (and needs a link) or to operations.
var forCustomer = map[onboarding.MessageKind]bool{
	onboarding.MessageInvitation:     true,
	onboarding.MessageReminder:       true,
	onboarding.MessageNewLink:        true,
	onboarding.MessageEscalation:     false,
	onboarding.MessageHandOffFailing: false,
}

// check returns onboarding.FieldErrors for what makes a message impossible on every channel.
func check(m onboarding.Message) error {
	var found onboarding.FieldErrors
	add := func(field, problem, remedy string) {
		found = append(found, &onboarding.FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
	if _, err := onboarding.ParseID(string(m.ID)); err != nil {
		found = append(found, onboarding.Fields(err)...)
	}
	customer, known := forCustomer[m.Kind]
	if !known {
		add("kind", "is not a kind of message that is known here", "give one of onboarding's kinds; a newer one needs a newer program")
	}
	if len(m.Channels) == 0 {
		add("channels", "is empty", "name at least one channel")
	}
	if m.MessageID == "" {
		add("messageId", "is missing", "give an id that is the same whenever this message is sent")
	}
	if customer && !webAddress(m.Link) {
		add("link", "is not a web address", "give the session's link")
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}
