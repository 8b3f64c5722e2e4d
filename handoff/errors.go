package handoff

import "kyc/internal/signedpost"

// The codes of an [Error].
const (
	// CodeInvalid: the input is not a decision that can be delivered; errors.As finds onboarding.FieldErrors.
	CodeInvalid = signedpost.CodeInvalid
	// CodeTooLarge: the body would exceed MaxBodySize.
	CodeTooLarge = "too-large"
	// CodeUnknownTarget: no target of the name that was given is configured.
	CodeUnknownTarget = "unknown-target"
	// CodeRefused: the backend refused the message (4xx, or 101 for another protocol) and would refuse it again.
	CodeRefused = signedpost.CodeRefused
	// CodeRedirected: the backend answered with a redirect, which is not followed.
	CodeRedirected = signedpost.CodeRedirected
	// CodeUnavailable: the backend asks to try again, or failed (408, 409, 423, 424, 425, 429, 5xx).
	CodeUnavailable = signedpost.CodeUnavailable
	// CodeTimeout: there was no answer in time; the backend may have taken the message all the same.
	CodeTimeout = signedpost.CodeTimeout
	// CodeCancelled: the caller gave up.
	CodeCancelled = signedpost.CodeCancelled
	// CodeCertificate: the backend's certificate was not accepted.
	CodeCertificate = signedpost.CodeCertificate
	// CodeAddressRefused: the backend is at a private or special address whose network is not allowed; nothing was sent.
	CodeAddressRefused = signedpost.CodeAddressRefused
	// CodeConnection: there was no connection, or it broke; the backend may have taken the message all the same.
	CodeConnection = signedpost.CodeConnection
)

// Error is every failure of a delivery. Neither it nor what it wraps holds an address, an id or a text of the backend.
//
// errors.Is finds context.Canceled, context.DeadlineExceeded (the caller's or our own time-out), io.ErrUnexpectedEOF and
// system errors such as syscall.ECONNREFUSED where they are the cause.
type Error = signedpost.Error

func unusable(code string, cause error) *Error {
	return &Error{Name: name, Code: code, Permanent: true, Cause: cause}
}
