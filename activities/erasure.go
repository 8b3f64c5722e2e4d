package activities

import (
	"context"

	"kyc/onboarding"
	"kyc/ondato"
)

// Runs are the onboardings in Temporal, as an erasure sees them.
type Runs interface {
	// Survey says what there is of an onboarding; one that does not exist is no error.
	Survey(ctx context.Context, id onboarding.ID) (onboarding.Survey, error)
	// Cancel cancels an onboarding; one that has been decided meanwhile is no error.
	Cancel(ctx context.Context, e onboarding.Erasure) error
	// End ends an open run; one that is over, or gone, is no error.
	End(ctx context.Context, id onboarding.ID) error
	// Delete deletes every run and returns when none is left.
	Delete(ctx context.Context, id onboarding.ID) error
}

// KeyDropper drops keys for good.
type KeyDropper interface {
	Erase(ctx context.Context, workflowID string) error
}

// Redactor is what an erasure needs of Ondato; *ondato.Client is it.
type Redactor interface {
	Redact(ctx context.Context, id string, scope ondato.RedactScope) error
}

// Erasure carries out the parts of an erasure. Each may be repeated. Keys are nil where payloads are stored in plain.
type Erasure struct {
	Runs   Runs
	Keys   KeyDropper
	Ondato Redactor
}

// SurveyForErasure is onboarding.ActivitySurvey.
func (e *Erasure) SurveyForErasure(ctx context.Context, id onboarding.ID) (onboarding.Survey, error) {
	found, err := e.Runs.Survey(ctx, id)
	return found, ofRuns(err)
}

// CancelBeforeErasure is onboarding.ActivityCancelFirst.
func (e *Erasure) CancelBeforeErasure(ctx context.Context, in onboarding.Erasure) error {
	return ofRuns(e.Runs.Cancel(ctx, in))
}

// RedactSession is onboarding.ActivityRedact. A session that Ondato does not know any more has nothing to redact. What
// Ondato refuses is tried on: an erasure that gives up would leave data behind unseen.
func (e *Erasure) RedactSession(ctx context.Context, in onboarding.Look) error {
	for _, scope := range []ondato.RedactScope{ondato.PersonalData, ondato.BiometricData} {
		if err := e.Ondato.Redact(ctx, in.SessionID, scope); err != nil && !ondato.IsNotFound(err) {
			return patient(classified(err))
		}
	}
	return nil
}

// EndRun is onboarding.ActivityEndRun.
func (e *Erasure) EndRun(ctx context.Context, id onboarding.ID) error {
	return ofRuns(e.Runs.End(ctx, id))
}

// DropKey is onboarding.ActivityDropKey. It tells whether there are keys at all.
func (e *Erasure) DropKey(ctx context.Context, id onboarding.ID) (bool, error) {
	if e.Keys == nil {
		return false, nil
	}
	return true, ofRuns(e.Keys.Erase(ctx, id.WorkflowID()))
}

// DeleteRuns is onboarding.ActivityDeleteRuns.
func (e *Erasure) DeleteRuns(ctx context.Context, id onboarding.ID) error {
	return ofRuns(e.Runs.Delete(ctx, id))
}
