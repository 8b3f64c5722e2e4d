package notify

import (
	"strings"

	"kyc/onboarding"
)

// failureOf is why one channel has not taken a message.
type failureOf struct {
	channel onboarding.Channel
	err     *Error
}

// failures of several channels, in their order.
type failures []failureOf

// together is one error for all: permanent only if each of them is, with the code of the first that decides that, and
// with the longest of the waits that were asked for. It is never nil.
func (f failures) together() *Error {
	if len(f) == 1 {
		return f[0].err
	}
	out := &Error{Code: CodeChannel, cause: f}
	for i, one := range f {
		if i == 0 || out.Permanent && !one.err.Permanent {
			out.Code, out.Permanent = one.err.Code, one.err.Permanent
		}
		out.RetryAfter = max(out.RetryAfter, one.err.RetryAfter)
	}
	return out
}

// Error names each channel with what went wrong there.
func (f failures) Error() string {
	texts := make([]string, len(f))
	for i, one := range f {
		texts[i] = string(one.channel) + " " + strings.TrimPrefix(one.err.Error(), errorPrefix)
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.Is find the cause of each.
func (f failures) Unwrap() []error {
	all := make([]error, len(f))
	for i, one := range f {
		all[i] = one.err
	}
	return all
}
