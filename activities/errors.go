package activities

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"kyc/handoff"
	"kyc/notify"
	"kyc/ondato"
)

// Types of the errors that activities return, beyond the classes of package ondato and the codes of notify and handoff.
const (
	errUnavailable = "unavailable"
)

// classified turns an error of a collaborator into one that Temporal retries, or does not, as the class demands. It
// keeps no cause: what collaborators say of themselves is free of personal data, what their libraries say need not be.
func classified(err error) error {
	if err == nil {
		return nil
	}
	var (
		fromOndato *ondato.Error
		fromNotify *notify.Error
		fromHand   *handoff.Error
	)
	switch {
	case errors.As(err, &fromOndato):
		permanent := fromOndato.Class == ondato.Permanent || fromOndato.Class == ondato.Unauthorized
		return failed("ondato-"+string(fromOndato.Class), fromOndato.Error(), permanent, fromOndato.RetryAfter)
	case errors.As(err, &fromNotify):
		return failed(fromNotify.Code, fromNotify.Error(), fromNotify.Permanent, fromNotify.RetryAfter)
	case errors.As(err, &fromHand):
		return failed(fromHand.Code, fromHand.Error(), fromHand.Permanent, fromHand.RetryAfter)
	default:
		return failed(errUnavailable, "the step failed", false, 0)
	}
}

// ofRuns makes an error of Temporal or of the key store one that is tried again. Their texts name workflow ids, which
// are no personal data.
func ofRuns(err error) error {
	if err == nil {
		return nil
	}
	return failed(errUnavailable, err.Error(), false, 0)
}

// patient has Temporal try on after an error that trying again unchanged cannot heal: somebody may mend its cause.
func patient(err error) error {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.NonRetryable() {
		return err
	}
	return failed(app.Type(), app.Message(), false, 0)
}

func failed(kind, text string, permanent bool, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(text, kind, temporal.ApplicationErrorOptions{
		NonRetryable: permanent, NextRetryDelay: after,
	})
}
