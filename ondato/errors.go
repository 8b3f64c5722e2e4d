package ondato

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/oauth2"

	"kyc/internal/retryafter"
)

// Class says what a caller can do about an [Error].
type Class string

// The classes (contract 6).
const (
	// Permanent: the same request will be refused again (400, redirects, other 4xx, an answer over its size limit).
	Permanent Class = "permanent"
	// NotFound: Ondato does not know the id, or no longer (404, 410).
	NotFound Class = "not-found"
	// Unauthorized: our credentials or their scopes are wrong (403, a second 401, the token refused).
	Unauthorized Class = "unauthorized"
	// Throttled: too many requests (429); wait RetryAfter where it is given.
	Throttled Class = "throttled"
	// Transient: worth another try (408, 425, 5xx, no connection, time-out, an unreadable answer to a success status:
	// usually a proxy's page in HTML, which heals). The request may have been carried out all the same.
	Transient Class = "transient"
)

const (
	// maxErrorFields and the pattern bound what a server can write into an error text. A name begins
	// with a letter, so that a phone number or personal code used as a key is not taken for one.
	maxErrorFields = 16
)

var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,63}$`)

// Error is every failure of a call to Ondato. Neither it nor what it wraps holds an address, an id or an answer's text.
//
// errors.Is finds context.Canceled and context.DeadlineExceeded (the caller's or our own time-out), io.ErrUnexpectedEOF
// and system errors such as syscall.ECONNREFUSED where they are the cause.
type Error struct {
	// Op is what was being done, one of a closed list such as "create identity verification" or "token".
	Op string
	// Class says what to do about it.
	Class Class
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// RetryAfter is how long the server asks us to wait, from 0 (it did not say) to one hour.
	RetryAfter time.Duration
	// Fields are the names of the request fields that Ondato complained about, sorted, at most 16 (contract 6).
	Fields []string
	// Problem describes the failure in words of this package.
	Problem string

	cause error // a sentinel; never an error that quotes an address
}

// Error describes the failure; it is fit for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("ondato: " + e.Op + ": " + e.Problem)
	if len(e.Fields) > 0 {
		b.WriteString(" (fields " + strings.Join(e.Fields, ", ") + ")")
	}
	if e.Status != 0 {
		b.WriteString(", status " + strconv.Itoa(e.Status))
	}
	b.WriteString(" [" + string(e.Class) + "]")
	return b.String()
}

// Unwrap returns the recognisable cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Timeout reports whether time ran out, ours or the caller's.
func (e *Error) Timeout() bool { return errors.Is(e.cause, context.DeadlineExceeded) }

// IsNotFound reports whether err says that Ondato does not know the id.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == NotFound
}

// statusError classifies an answer that is not a success; body is the beginning of the answer.
func statusError(op string, status int, header http.Header, body []byte, now time.Time) *Error {
	e := &Error{Op: op, Status: status}
	switch {
	case status == http.StatusUnauthorized:
		e.Class, e.Problem = Unauthorized, "the access token was refused; check the API credentials"
	case status == http.StatusForbidden:
		e.Class, e.Problem = Unauthorized, "access was refused; check the scopes of the API client"
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Class, e.Problem = NotFound, "Ondato does not know it"
	case status == http.StatusTooManyRequests:
		e.Class, e.Problem = Throttled, "too many requests"
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		e.Class, e.Problem = Transient, "the server asks to try again"
	case status >= 500:
		e.Class, e.Problem = Transient, "the server failed"
	case status >= 300 && status < 400:
		e.Class, e.Problem = Permanent, "the server redirects, which is not followed; check the configured address"
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		e.Class, e.Problem = Permanent, "the request was refused as invalid"
		e.Fields = complainedFields(body)
	default:
		e.Class, e.Problem = Permanent, "the request was refused"
	}
	if e.Class == Throttled || e.Class == Transient {
		e.RetryAfter = retryafter.Of(header, now)
	}
	return e
}

// tokenError classifies a failed exchange at the token endpoint. A 404 there must not look like an unknown session.
func tokenError(ctx context.Context, err error, now time.Time) *Error {
	const op = "token"
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		var lost net.Error
		if ctx.Err() != nil || errors.As(err, &lost) {
			return transportError(ctx, op, err)
		}
		return &Error{Op: op, Class: Transient,
			Problem: "the answer is not a token (no JSON, no access_token, or larger than 1 MiB)"}
	}
	switch refused.ErrorCode {
	case "invalid_client", "unauthorized_client", "invalid_scope", "invalid_grant", "invalid_request", "unsupported_grant_type":
		return &Error{Op: op, Class: Unauthorized, Status: refused.Response.StatusCode,
			Problem: "refused with " + refused.ErrorCode + "; check the API credentials and scopes"}
	}
	e := statusError(op, refused.Response.StatusCode, refused.Response.Header, nil, now)
	switch {
	case e.Status < 300:
		e.Class, e.Problem = Transient, "the answer is an error under a success status"
	case e.Class == NotFound:
		e.Class, e.Problem = Permanent, "there is no token endpoint at the configured address"
	case e.Status == http.StatusUnauthorized:
		e.Problem = "the API credentials were refused"
	}
	return e
}

// transportError classifies a request that got no whole answer. The causes' own texts quote addresses and
// what the peer sent, so they are replaced by words from a closed list.
func transportError(ctx context.Context, op string, err error) *Error {
	e := &Error{Op: op, Class: Transient}
	var (
		timeout interface{ Timeout() bool }
		unknown *net.DNSError
		badCert *tls.CertificateVerificationError
		errno   syscall.Errno
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, context.Canceled):
		e.Problem, e.cause = "cancelled", context.Canceled
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		e.Problem, e.cause = "timed out", context.DeadlineExceeded
	case errors.As(err, &unknown):
		e.Problem = "the host name could not be resolved"
	case errors.As(err, &badCert):
		e.Problem = "the server's certificate was not accepted"
	case errors.As(err, &errno):
		e.Problem, e.cause = errno.Error(), errno
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Problem, e.cause = "the connection was closed too early", io.ErrUnexpectedEOF
	default:
		e.Problem = "the connection failed"
	}
	return e
}

// unreadable is the error for a success status whose answer makes no sense.
func unreadable(op string, problem string) *Error {
	return &Error{Op: op, Class: Transient, Problem: problem}
}

// invalidInput is the error for arguments that are not worth a request.
func invalidInput(op, field, problem string) *Error {
	return &Error{Op: op, Class: Permanent, Fields: []string{field}, Problem: problem}
}

// complainedFields takes the member names of "errors" in a validation problem, and nothing of their text (contract 6).
func complainedFields(body []byte) []string {
	var problem struct {
		Errors map[string]json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return nil
	}
	var names []string
	for name := range problem.Errors {
		// System.Text.Json writes JSON paths: "$.registration.phoneNumber".
		name = strings.TrimPrefix(name, "$.")
		if fieldName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxErrorFields)]
}
