package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The codes of an [Error].
const (
	// CodeInvalid: the message itself cannot be sent; errors.As finds onboarding.FieldErrors. Permanent.
	CodeInvalid = "message-invalid"
	// CodeTemplate: the templates could not put the message into words; mending them and starting the worker again helps.
	CodeTemplate = "template-failed"
	// CodeChannel: none of the message's channels is configured here.
	CodeChannel = "channel-missing"
	// CodeRecipient: the address is malformed, or the mail server refuses it for good. Permanent.
	CodeRecipient = "recipient-refused"
	// CodeContent: the mail server refuses this mail for good. Permanent.
	CodeContent = "content-refused"
	// CodeSender: the mail server refuses Config.From.
	CodeSender = "sender-refused"
	// CodePolicy: the mail server refuses the sender or the mail by its policy (5.7.x), such as a failed SPF check.
	CodePolicy = "smtp-policy"
	// CodeAuth: the mail server refuses user and password, demands some, or offers no usable way to give them.
	CodeAuth = "smtp-auth"
	// CodeTLS: encryption is demanded but not offered, or the mail server's certificate is not accepted.
	CodeTLS = "smtp-tls"
	// CodeUnavailable: the mail server cannot be reached, breaks off, does not want to talk to us or asks to try again
	// (4xx); after a break the mail may have been taken all the same.
	CodeUnavailable = "smtp-unavailable"
	// CodeWebhookRefused: the service refuses this message for good (413, 422). Permanent.
	CodeWebhookRefused = "webhook-refused"
	// CodeWebhookEndpoint: the service does not let us in, or is not where Config.Webhook says: any other 4xx, a redirect, a
	// certificate that is not accepted, an address in a network that is not allowed.
	CodeWebhookEndpoint = "webhook-endpoint"
	// CodeWebhookUnavailable: the service cannot be reached, fails or asks to try again; it may have taken the message all
	// the same.
	CodeWebhookUnavailable = "webhook-unavailable"
	// CodeTimeout: time ran out; the message may have been taken all the same.
	CodeTimeout = "timeout"
	// CodeCancelled: the caller gave up.
	CodeCancelled = "cancelled"
)

// greylisted is how long to wait after a 4xx for the recipient: most mean "strangers come back later", and servers that
// do so ignore whoever is back at once.
const greylisted = time.Minute

// Error is every failure to send. Neither it nor what it wraps holds an address or the text of a server's answer. When
// several channels have failed, it speaks for all of them: see Sender.Send.
//
// errors.Is finds context.Canceled, context.DeadlineExceeded (the caller's or our own time-out), io.ErrUnexpectedEOF and
// system errors such as syscall.ECONNREFUSED where they are the cause.
type Error struct {
	// Code is one of the Code constants.
	Code string
	// Reply is the mail server's reply code, 0 when there was none; Status is the HTTP status of the webhook's receiver.
	Reply  int
	Status int
	// Permanent tells that sending the same again cannot help, nor can operations by mending the configuration.
	Permanent bool
	// RetryAfter is how long to wait at least before sending again, 0 where nothing is known.
	RetryAfter time.Duration

	enhanced string // the enhanced status code, such as 5.1.1
	cause    error  // a sentinel or field errors; never an error that quotes an address
}

const errorPrefix = "notify: "

// Error describes the failure; it is fit for logs.
func (e *Error) Error() string {
	text := errorPrefix + e.Code
	if e.Reply != 0 {
		text += ", SMTP " + strings.TrimSpace(strconv.Itoa(e.Reply)+" "+e.enhanced)
	}
	if e.Status != 0 {
		text += ", status " + strconv.Itoa(e.Status)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the recognisable cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// phase is a part of the conversation with a mail server; what a refusal means depends on it.
type phase int

const (
	phaseConnect phase = iota
	phaseTLS
	phaseAuth
	phaseSender
	phaseRecipient
	phaseContent
)

var enhancedCode = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// failure judges an error of the conversation.
func failure(ctx context.Context, in phase, err error) *Error {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return refusal(in, reply)
	}
	return breakdown(ctx, in, err)
}

// refusal judges a reply of the mail server.
func refusal(in phase, reply *textproto.Error) *Error {
	e := &Error{Code: CodeUnavailable, Reply: reply.Code, enhanced: enhancedCode.FindString(reply.Msg)}
	about, _, _ := strings.Cut(strings.TrimPrefix(e.enhanced, "5."), ".") // 1 address, 2 mailbox, 7 policy
	switch {
	case reply.Code < 500 || reply.Code > 599:
		e.Code = CodeUnavailable
		if in == phaseRecipient || in == phaseContent {
			e.RetryAfter = greylisted
		}
	case in == phaseAuth, reply.Code == 530, reply.Code == 534, reply.Code == 535, reply.Code == 538:
		e.Code = CodeAuth
	case in == phaseTLS:
		e.Code = CodeTLS
	case in == phaseConnect, reply.Code == 502, reply.Code == 503, reply.Code == 504:
		// The last three complain about the conversation, not about the mail.
	case in == phaseRecipient: // a policy against this recipient (5.7.x) as well
		e.Code, e.Permanent = CodeRecipient, true
	case about == "7":
		e.Code = CodePolicy
	case in == phaseSender:
		e.Code = CodeSender
	case about == "1", about == "2", reply.Code == 550, reply.Code == 551, reply.Code == 553:
		e.Code, e.Permanent = CodeRecipient, true
	default:
		e.Code, e.Permanent = CodeContent, true
	}
	return e
}

// breakdown judges an error that is no reply. The causes' own texts quote addresses and what the peer sent, so they are
// replaced.
func breakdown(ctx context.Context, in phase, err error) *Error {
	var (
		timeout interface{ Timeout() bool }
		badCert *tls.CertificateVerificationError
		notTLS  tls.RecordHeaderError
		unknown *net.DNSError
		errno   syscall.Errno
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Code: CodeCancelled, cause: context.Canceled}
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Code: CodeTimeout, cause: context.DeadlineExceeded}
	case errors.As(err, &badCert):
		return &Error{Code: CodeTLS, cause: errCertificate}
	case errors.As(err, &notTLS):
		return &Error{Code: CodeTLS, cause: errNotTLS}
	case errors.As(err, &unknown):
		return &Error{Code: CodeUnavailable, cause: errUnknownHost}
	case errors.As(err, &errno):
		return &Error{Code: CodeUnavailable, cause: errno}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Code: CodeUnavailable, cause: io.ErrUnexpectedEOF}
	case in == phaseTLS:
		return &Error{Code: CodeTLS, cause: errHandshake}
	case in == phaseAuth:
		return &Error{Code: CodeAuth, cause: errAuthAborted}
	}
	return &Error{Code: CodeUnavailable}
}

var (
	errCertificate = errors.New("the mail server's certificate was not accepted")
	errNotTLS      = errors.New("the mail server does not speak TLS on this port; use smtp:// instead of smtps://, or another port")
	errHandshake   = errors.New("the TLS handshake failed")
	errNoTLS       = errors.New("the mail server offers no STARTTLS, which the configuration demands")
	errPlainAuth   = errors.New("the mail server offers no STARTTLS, and user and password are not sent unencrypted")
	errNoAuth      = errors.New("the mail server offers no way to give user and password that is known here (PLAIN, LOGIN, SCRAM-SHA-256, CRAM-MD5)")
	errAuthAborted = errors.New("the mail server's answers do not fit the authentication")
	errUnknownHost = errors.New("the host name could not be resolved")
	errNoUTF8      = errors.New("the mail server cannot send to addresses beyond ASCII (no SMTPUTF8)")
)
