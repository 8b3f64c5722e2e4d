package onboarding

import "github.com/google/uuid"

// Names of the Temporal contract. A name that is in use by running onboardings must never change.
const (
	// WorkflowType is the Onboarding workflow; its input is Input, its result Result.
	WorkflowType = "Onboarding"
	// DefaultTaskQueue is used where the configuration names none.
	DefaultTaskQueue = "onboarding"

	// SignalEvent carries an Event from the bridge.
	SignalEvent = "ondato-event"
	// UpdateLink takes a LinkRequest and answers with a LinkView as soon as there is a link, or a reason why there is
	// none yet.
	UpdateLink = "link"
	// Each CommandKind is the name of an update that takes a Command and answers with a CommandReceipt.

	// QueryStatus answers with a Status.
	QueryStatus = "status"

	// ActivityOpenSession, ActivityLook, ActivitySendMessage and ActivityHandOff are the process's steps.
	ActivityOpenSession = "OpenSession"
	ActivityLook        = "LookAtSession"
	ActivitySendMessage = "SendMessage"
	ActivityHandOff     = "HandOffDecision"
)

// Names of the search attributes. Their values are technical: nothing of a customer is ever in them.
const (
	AttributeStage     = "OnboardingStage"
	AttributeOutcome   = "OnboardingOutcome"
	AttributeSetup     = "OnboardingSetup"
	AttributeAttempt   = "OnboardingAttempt"
	AttributeAttention = "OnboardingAttention"
	AttributeDeadline  = "OnboardingDeadline"
)

// Types of the failures that cross the Temporal boundary, as ApplicationError types.
const (
	// ErrTypeConflict refuses a link update whose request differs from the one the onboarding began with.
	ErrTypeConflict = "conflict"
	// ErrTypeRefused refuses a command that the stage does not allow; the message says why.
	ErrTypeRefused = "refused"
	// ErrTypeNotFound says that there is no such onboarding.
	ErrTypeNotFound = "not-found"
	// ErrTypeInvalid refuses malformed input.
	ErrTypeInvalid = "invalid"
)

func isUUID(s string) bool {
	_, err := uuid.Parse(s)
	return err == nil && len(s) == 36
}
