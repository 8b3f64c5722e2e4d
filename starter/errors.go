package starter

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
	"kyc/privacy"
)

// Code says what a caller can do about an Error.
type Code string

// The codes.
const (
	// Invalid: the input is wrong; Fields says where.
	Invalid Code = "invalid"
	// Conflict: the reference belongs to an onboarding with another request.
	Conflict Code = "conflict"
	// NotFound: there is no such onboarding, or it is older than the namespace's retention.
	NotFound Code = "not-found"
	// Refused: the stage does not allow the command; the message says why.
	Refused Code = "refused"
	// Ended: the onboarding is over and takes no commands any more.
	Ended Code = "ended"
	// Erased: the customer's data have been erased, and the reference cannot be used again.
	Erased Code = "erased"
	// Unavailable: Temporal or the worker did not answer; repeating the same call is safe.
	Unavailable Code = "unavailable"
)

// Error is every error of this package.
type Error struct {
	Code    Code
	Message string
	// Fields names what is wrong in the input, for Invalid.
	Fields onboarding.FieldErrors
	cause  error
}

// Error describes the failure without personal data.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, if any.
func (e *Error) Unwrap() error { return e.cause }

func invalid(err error) *Error {
	return &Error{Code: Invalid, Message: err.Error(), Fields: onboarding.Fields(err), cause: err}
}

func conflict() *Error {
	return &Error{Code: Conflict, Message: "this reference belongs to an onboarding with another request"}
}

// translated gives an error of Temporal the code that callers know.
func translated(err error) error {
	if err == nil {
		return nil
	}
	var (
		app      *temporal.ApplicationError
		notFound *serviceerror.NotFound
		noSpace  *serviceerror.NamespaceNotFound
		mine     *Error
	)
	switch {
	case errors.As(err, &mine):
		return mine
	case errors.Is(err, privacy.ErrErased):
		return &Error{Code: Erased, Message: "the customer's data have been erased; this reference cannot be used again", cause: err}
	case errors.Is(err, privacy.ErrNoKey):
		return &Error{Code: Unavailable, Message: "the onboarding has no key: give the Starter Options.Keys, as its Temporal client seals payloads", cause: err}
	case errors.Is(err, privacy.ErrUnavailable):
		return &Error{Code: Unavailable, Message: "the key store does not answer; repeat the call", cause: err}
	case errors.As(err, &app):
		switch app.Type() {
		case onboarding.ErrTypeConflict:
			return &Error{Code: Conflict, Message: app.Message(), cause: err}
		case onboarding.ErrTypeRefused:
			return &Error{Code: Refused, Message: app.Message(), cause: err}
		case onboarding.ErrTypeNotFound:
			return &Error{Code: NotFound, Message: app.Message(), cause: err}
		case onboarding.ErrTypeInvalid:
			return &Error{Code: Invalid, Message: app.Message(), cause: err}
		}
		return &Error{Code: Unavailable, Message: "the onboarding did not answer", cause: err}
	case errors.As(err, &noSpace):
		return &Error{Code: Unavailable, Message: "the Temporal namespace does not exist: run setup-namespace, or check TEMPORAL_NAMESPACE", cause: err}
	case errors.As(err, &notFound):
		return &Error{Code: NotFound, Message: "there is no such onboarding", cause: err}
	case errors.Is(err, context.Canceled):
		return &Error{Code: Unavailable, Message: "interrupted", cause: err}
	default:
		return &Error{Code: Unavailable, Message: fmt.Sprintf("Temporal or the worker did not answer: %v", err), cause: err}
	}
}
