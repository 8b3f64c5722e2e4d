package signedpost

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"kyc/internal/retryafter"
)

// The codes of an [Error].
const (
	// CodeInvalid: the message cannot be posted.
	CodeInvalid = "invalid"
	// CodeRefused: the receiver refused the message (4xx, or 101 for another protocol) and would refuse it again.
	CodeRefused = "refused"
	// CodeRedirected: the receiver answered with a redirect, which is not followed.
	CodeRedirected = "redirected"
	// CodeUnavailable: the receiver asks to try again, or failed (408, 409, 423, 424, 425, 429, 5xx).
	CodeUnavailable = "unavailable"
	// CodeTimeout: there was no answer in time; the receiver may have taken the message all the same.
	CodeTimeout = "timeout"
	// CodeCancelled: the caller gave up.
	CodeCancelled = "cancelled"
	// CodeCertificate: the receiver's certificate was not accepted.
	CodeCertificate = "certificate"
	// CodeAddressRefused: the host is at a private or special address whose network is not allowed; nothing was sent.
	CodeAddressRefused = "address-refused"
	// CodeConnection: there was no connection, or it broke; the receiver may have taken the message all the same.
	CodeConnection = "connection"
)

// Error is every failure of a post. Neither it nor what it wraps holds an address, an id or a text of the receiver.
//
// errors.Is finds context.Canceled, context.DeadlineExceeded (the caller's or our own time-out), io.ErrUnexpectedEOF and
// system errors such as syscall.ECONNREFUSED where they are the cause.
type Error struct {
	// Name begins the text: what was being done, such as handoff.
	Name string
	// Code is one of the Code constants, or one of the caller's own.
	Code string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Permanent tells that posting the same again cannot help.
	Permanent bool
	// RetryAfter is how long the receiver asks us to wait, from 0 (it did not say) to one hour.
	RetryAfter time.Duration
	// Cause is a recognisable cause or nil; never an error that quotes an address.
	Cause error
}

// Error describes the failure; it is fit for logs.
func (e *Error) Error() string {
	text := e.Name + ": " + e.Code
	if e.Status != 0 {
		text += ", status " + strconv.Itoa(e.Status)
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the Cause.
func (e *Error) Unwrap() error { return e.Cause }

// statusError judges an answer; it returns nil for success.
func statusError(status int, header http.Header, now time.Time) *Error {
	e := &Error{Status: status}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		e.Code, e.Permanent = CodeRedirected, true
	case status < 200, status >= 400 && status < 500 && !passing(status):
		e.Code, e.Permanent = CodeRefused, true
	default:
		e.Code, e.RetryAfter = CodeUnavailable, retryafter.Of(header, now)
	}
	return e
}

// passing tells which refusals can heal by themselves. 409, 423 and 424 are how receivers say that the record is being
// worked on or that something else has to come first.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusLocked, http.StatusFailedDependency,
		http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return false
}

// transportError judges a request that got no answer. The causes' own texts quote addresses and what the peer sent, so
// they are replaced.
func transportError(ctx context.Context, err error) *Error {
	var (
		timeout interface{ Timeout() bool }
		badCert *tls.CertificateVerificationError
		unknown *net.DNSError
		errno   syscall.Errno
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Code: CodeCancelled, Cause: context.Canceled}
	case errors.Is(err, errAddress):
		return &Error{Code: CodeAddressRefused, Permanent: true, Cause: errAddress}
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Code: CodeTimeout, Cause: context.DeadlineExceeded}
	case errors.As(err, &badCert):
		return &Error{Code: CodeCertificate}
	case errors.As(err, &unknown):
		return &Error{Code: CodeConnection, Cause: errUnknownHost}
	case errors.Is(err, errUnreached):
		return &Error{Code: CodeConnection, Cause: errUnreached}
	case errors.As(err, &errno):
		return &Error{Code: CodeConnection, Cause: errno}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Code: CodeConnection, Cause: io.ErrUnexpectedEOF}
	}
	return &Error{Code: CodeConnection}
}

var errUnknownHost = errors.New("the host name could not be resolved")
