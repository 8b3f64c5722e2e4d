package onboarding

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// idSpace is the namespace of every onboarding's UUIDv5. It must never change: ids are computed, not stored.
var idSpace = uuid.MustParse("6f1dd5a8-6b0c-5c8e-9d43-2f3b6d0a7c11")

// workflowIDPrefix precedes the ID in a Temporal workflow id.
const workflowIDPrefix = "onboarding-"

// MaxReferenceLength is the longest accepted Reference, in characters.
const MaxReferenceLength = 200

// Reference is the caller's own opaque idempotency key of an onboarding. It is not personal data, and it stays inside
// payloads: the outside sees the ID computed from it.
type Reference string

// Validate refuses what cannot serve as an opaque key: nothing, more than MaxReferenceLength characters, unprintable
// characters, and e-mail addresses, which would be personal data.
func (r Reference) Validate() error {
	s := string(r)
	switch {
	case s == "":
		return &FieldError{"reference", "is missing", "give your own id of this customer's onboarding, 1 to 200 printable characters"}
	case !utf8.ValidString(s):
		return &FieldError{"reference", "is not valid UTF-8", "send printable characters"}
	case utf8.RuneCountInString(s) > MaxReferenceLength:
		return &FieldError{"reference", "is longer than 200 characters", "use a shorter id, such as a UUID or a row number"}
	case strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }):
		return &FieldError{"reference", "holds unprintable characters", "use printable characters"}
	case strings.TrimSpace(s) != s:
		return &FieldError{"reference", "begins or ends with white space", "remove it"}
	case looksLikeEmail(s):
		return &FieldError{"reference", "looks like an e-mail address, which is personal data", "use an opaque id, such as a UUID or a row number"}
	}
	return nil
}

// ID returns the onboarding's ID: UUIDv5 of the reference. The same reference always gives the same ID.
func (r Reference) ID() ID {
	return ID(uuid.NewSHA1(idSpace, []byte(r)).String())
}

func looksLikeEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && !strings.ContainsAny(s, " /") && strings.Contains(s[at:], ".")
}

// ID identifies an onboarding everywhere outside encrypted payloads: a lower-case version-5 UUID. It is sent to Ondato
// as externalReferenceId, so that an event carries its address.
type ID string

// ParseID reads an ID. It returns an error unless s is a UUID of version 5, which is the only kind this service makes.
func ParseID(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return "", &FieldError{"id", "is not a UUID of 36 characters", "use the id that start returned"}
	}
	if u.Version() != 5 {
		return "", &FieldError{"id", fmt.Sprintf("is a UUID of version %d, onboardings have version 5", u.Version()), "use the id that start returned"}
	}
	return ID(u.String()), nil
}

// WorkflowID is the Temporal workflow id of the onboarding.
func (id ID) WorkflowID() string { return workflowIDPrefix + string(id) }

// IsWorkflowID tells whether a Temporal workflow id is an onboarding's.
func IsWorkflowID(workflowID string) bool {
	_, ok := IDOfWorkflow(workflowID)
	return ok
}

// IDOfWorkflow returns the ID that a Temporal workflow id is made of; it is false for any other workflow's.
func IDOfWorkflow(workflowID string) (ID, bool) {
	rest, ok := strings.CutPrefix(workflowID, workflowIDPrefix)
	if !ok {
		return "", false
	}
	id, err := ParseID(rest)
	return id, err == nil && string(id) == rest
}
