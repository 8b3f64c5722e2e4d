package handoff

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The codes of an [Error].
const (
	// CodeInvalid: the input is not a decision that can be delivered; errors.As finds onboarding.FieldErrors.
	CodeInvalid = "invalid"
	// CodeTooLarge: the body would exceed MaxBodySize.
	CodeTooLarge = "too-large"
	// CodeRefused: the backend refused the message (4xx) and would refuse it again.
	CodeRefused = "refused"
	// CodeRedirected: the backend answered with a redirect, which is not followed.
	CodeRedirected = "redirected"
	// CodeUnavailable: the backend asks to try again, or failed (408, 409, 423, 424, 425, 429, 5xx).
	CodeUnavailable = "unavailable"
	// CodeTimeout: there was no answer in time; the backend may have taken the message all the same.
	CodeTimeout = "timeout"
	// CodeCancelled: the caller gave up.
	CodeCancelled = "cancelled"
	// CodeCertificate: the backend's certificate was not accepted.
	CodeCertificate = "certificate"
	// CodeConnection: there was no connection, or it broke; the backend may have taken the message all the same.
	CodeConnection = "connection"
)

// maxRetryAfter caps what a backend can make us wait: after an hour it is better to try again.
const maxRetryAfter = time.Hour

// Error is every failure of a delivery. Neither it nor what it wraps holds an address, an id or a text of the backend.
//
// errors.Is finds context.Canceled, context.DeadlineExceeded (the caller's or our own time-out), io.ErrUnexpectedEOF and
// system errors such as syscall.ECONNREFUSED where they are the cause.
type Error struct {
	// Code is one of the Code constants.
	Code string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Permanent tells that delivering the same again cannot help.
	Permanent bool
	// RetryAfter is how long the backend asks us to wait, from 0 (it did not say) to one hour.
	RetryAfter time.Duration

	cause error // a sentinel or field errors; never an error that quotes an address
}

// Error describes the failure; it is fit for logs.
func (e *Error) Error() string {
	text := "handoff: " + e.Code
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

// statusError judges an answer; it returns nil for success.
func statusError(status int, header http.Header, now time.Time) *Error {
	e := &Error{Status: status}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		e.Code, e.Permanent = CodeRedirected, true
	case status >= 400 && status < 500 && !passing(status):
		e.Code, e.Permanent = CodeRefused, true
	default:
		e.Code, e.RetryAfter = CodeUnavailable, retryAfter(header.Get("Retry-After"), now)
	}
	return e
}

// passing tells which refusals can heal by themselves. 409, 423 and 424 are how backends say that the record is being
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
		return &Error{Code: CodeCancelled, cause: context.Canceled}
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Code: CodeTimeout, cause: context.DeadlineExceeded}
	case errors.As(err, &badCert):
		return &Error{Code: CodeCertificate}
	case errors.As(err, &unknown):
		return &Error{Code: CodeConnection, cause: errUnknownHost}
	case errors.As(err, &errno):
		return &Error{Code: CodeConnection, cause: errno}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Code: CodeConnection, cause: io.ErrUnexpectedEOF}
	}
	return &Error{Code: CodeConnection}
}

var errUnknownHost = errors.New("the host name could not be resolved")

// retryAfter reads both forms of the header: seconds and an HTTP date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
