package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"kyc/internal/signedpost"
	"kyc/onboarding"
)

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	channels map[onboarding.Channel]channel
	now      func() time.Time
}

// channel is one way to reach people.
type channel interface {
	// send hands the message over; nil means that the next hop has taken responsibility for it. Every error is an *Error.
	send(ctx context.Context, m onboarding.Message) error
}

// New returns a Sender, or what Config.Validate finds wrong.
func New(cfg Config) (*Sender, error) {
	book, err := cfg.examine()
	if err != nil {
		return nil, fmt.Errorf("notification configuration: %w", err)
	}
	s := &Sender{channels: map[onboarding.Channel]channel{}, now: time.Now}
	if cfg.mails() {
		s.channels[onboarding.ChannelEmail] = newEmail(cfg, book)
	}
	if cfg.posts() {
		poster, err := signedpost.New(cfg.Webhook)
		if err != nil {
			return nil, fmt.Errorf("notification configuration: %w", err)
		}
		s.channels[onboarding.ChannelWebhook] = &webhook{poster: poster, book: book, company: cfg.company()}
	}
	return s, nil
}

// SetWebhookSecrets signs what is posted from here on with other secrets; without a webhook it does nothing. On an error,
// onboarding.FieldErrors, those at hand stay.
func (s *Sender) SetWebhookSecrets(secrets []string) error {
	if w, ok := s.channels[onboarding.ChannelWebhook].(*webhook); ok {
		return w.poster.SetSecrets(secrets)
	}
	return nil
}

// Send sends the message on its channels: on the first that takes it, or, with onboarding.NotifyEach, on all; never on
// those that have taken it before. The result names the channels that have taken it now, also beside an error: then one
// that has to take it did not, and Send may be called again with those in Message.Taken. Every error is an *Error.
//
// While Message.Quiet holds, nothing is sent, and the result says until when; but what one channel has taken is not held
// back on the others.
func (s *Sender) Send(ctx context.Context, m onboarding.Message) (onboarding.SentMessage, error) {
	if err := check(m); err != nil {
		return onboarding.SentMessage{}, &Error{Code: CodeInvalid, Permanent: true, cause: err}
	}
	if until := m.Quiet.Until(s.now(), zoneOf(m.TimeZone)); !until.IsZero() && forCustomer[m.Kind] && len(m.Taken) == 0 {
		return onboarding.SentMessage{HeldUntil: until.UTC()}, nil
	}
	left := slices.DeleteFunc(slices.Clone(m.Channels), func(c onboarding.Channel) bool { return slices.Contains(m.Taken, c) })
	if m.By == onboarding.NotifyEach {
		return s.sendEach(ctx, m, left)
	}
	if len(m.Taken) > 0 {
		return onboarding.SentMessage{}, nil
	}
	return s.sendFirst(ctx, m, left)
}

func (s *Sender) sendFirst(ctx context.Context, m onboarding.Message, ways []onboarding.Channel) (onboarding.SentMessage, error) {
	var failed failures
	for i, name := range ways {
		err := s.sendOn(ctx, name, m, len(ways)-i)
		if err == nil {
			return onboarding.SentMessage{Channels: []onboarding.Channel{name}}, nil
		}
		failed = append(failed, failureOf{name, err})
	}
	return onboarding.SentMessage{}, failed.together()
}

func (s *Sender) sendEach(ctx context.Context, m onboarding.Message, ways []onboarding.Channel) (onboarding.SentMessage, error) {
	var (
		sent   onboarding.SentMessage
		failed failures
	)
	for i, name := range ways {
		if err := s.sendOn(ctx, name, m, len(ways)-i); err != nil {
			failed = append(failed, failureOf{name, err})
			continue
		}
		sent.Channels = append(sent.Channels, name)
	}
	if len(failed) > 0 {
		return sent, failed.together()
	}
	return sent, nil
}

// sendOn tries one channel, in its share of the time there is when more are to come.
func (s *Sender) sendOn(ctx context.Context, name onboarding.Channel, m onboarding.Message, ways int) *Error {
	c, configured := s.channels[name]
	if !configured {
		return &Error{Code: CodeChannel}
	}
	ctx, cancel := share(ctx, ways)
	defer cancel()
	err := c.send(ctx, m)
	var failed *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return failed
	}
	return &Error{Code: CodeInvalid, Permanent: true} // no channel of ours leads here
}

// share bounds one of the ways that are left so that a slow one leaves time for the others, and a moment for telling how
// it went.
func share(ctx context.Context, ways int) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, (left-min(left/10, time.Second))/time.Duration(ways))
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
	switch {
	case len(m.Channels) == 0:
		add("channels", "is empty", "name at least one channel")
	case known && !customer && slices.Contains(m.Channels, onboarding.ChannelWebhook):
		add("channels", "sends a message for operations to the service that reaches customers", "reach operations by e-mail")
	}
	if m.By != "" && m.By != onboarding.NotifyFirst && m.By != onboarding.NotifyEach {
		add("by", "is neither first nor each", "choose one of them; a newer one needs a newer program")
	}
	if m.MessageID == "" {
		add("messageId", "is missing", "give an id that is the same whenever this message is sent")
	}
	if needsLink(m.Kind) && !webAddress(m.Link) {
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
