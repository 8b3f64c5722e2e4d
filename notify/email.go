package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
	"regexp"
	"time"

	gomail "github.com/wneessen/go-mail"

	"kyc/onboarding"
)

// email is the channel that sends mail.
type email struct {
	from    *mail.Address
	company string
	server  smtpServer
	book    *phrasebook
	now     func() time.Time
}

// newEmail expects a valid Config.
func newEmail(cfg Config, book *phrasebook) *email {
	from, _ := parseFrom(cfg.From)
	server, _ := parseSMTPURL(cfg.SMTPURL)
	timeout := cfg.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return &email{from: from, company: cfg.company(), server: newSMTPServer(server, timeout, cfg.RootCAs), book: book, now: time.Now}
}

func (e *email) send(ctx context.Context, m onboarding.Message) error {
	if !plainAddress(m.To) {
		return &Error{Code: CodeRecipient, Permanent: true, cause: &onboarding.FieldError{
			Field: "to", Problem: "is not an e-mail address", Remedy: "start the onboarding with one"}}
	}
	content, err := e.compose(m)
	if err != nil {
		return unspeakable()
	}
	return e.server.transmit(ctx, e.from.Address, m.To, content)
}

var errUnspeakable = errors.New("the message could not be put into words")

// unspeakable is the failure of templates, without their own error, which may quote what they were given. Operations can
// mend them, so the message is kept.
func unspeakable() *Error { return &Error{Code: CodeTemplate, cause: errUnspeakable} }

// compose makes the mail: text and HTML, with nothing that reaches outside.
func (e *email) compose(m onboarding.Message) ([]byte, error) {
	words, err := e.book.render(m, e.company)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(e.from)
	msg.ToMailAddress(&mail.Address{Address: m.To}) // without the name: it is the customer's own choice
	msg.Subject(words.Subject)
	msg.SetDateWithValue(e.now())
	msg.SetMessageIDWithValue(e.messageID(m))
	msg.SetGenHeader("Content-Language", string(words.Language))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All") // what Exchange heeds instead
	msg.SetBodyString(gomail.TypeTextPlain, words.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, words.HTML)
	var content bytes.Buffer
	if _, err := msg.WriteTo(&content); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

var dotAtom = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// messageID is the same whenever the message is sent, so that mail programs and people recognise repeats.
func (e *email) messageID(m onboarding.Message) string {
	local := m.MessageID
	if len(local) > 120 || !dotAtom.MatchString(local) {
		digest := sha256.Sum256([]byte(local))
		local = hex.EncodeToString(digest[:16])
	}
	return local + "@" + domainOf(e.from.Address)
}
