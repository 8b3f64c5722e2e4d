package onboarding

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Names of the erasure of a customer's data.
const (
	// ErasureWorkflowType is the Erasure workflow; its input is Erasure, its result ErasureReceipt.
	ErasureWorkflowType = "Erasure"

	// ActivitySurvey finds out what there is to erase; its input is an ID, its result a Survey.
	ActivitySurvey = "SurveyForErasure"
	// ActivityCancelFirst cancels the onboarding; its input is an Erasure.
	ActivityCancelFirst = "CancelBeforeErasure"
	// ActivityRedact has Ondato redact a session; its input is a Look.
	ActivityRedact = "RedactSession"
	// ActivityEndRun ends the onboarding's run if it is still open; its input is an ID.
	ActivityEndRun = "EndRun"
	// ActivityDropKey drops the onboarding's key; its input is an ID.
	ActivityDropKey = "DropKey"
	// ActivityDeleteRuns deletes every run of the onboarding from Temporal; its input is an ID.
	ActivityDeleteRuns = "DeleteRuns"

	// QuerySessions answers with the ids of all sessions that the onboarding knows of.
	QuerySessions = "sessions"
)

// erasureIDPrefix precedes the ID in the workflow id of an erasure.
const erasureIDPrefix = "erasure-"

// ErasureWorkflowID is the Temporal workflow id of the onboarding's erasure.
func (id ID) ErasureWorkflowID() string { return erasureIDPrefix + string(id) }

// Erasure asks for a customer to be forgotten. Actor and reason are sealed like payloads and are not in the receipt.
type Erasure struct {
	hidden
	ID     ID     `json:"id"`
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// CancelFirst cancels an onboarding that is not decided yet, and waits until that has been handed off; without, it is
	// not erased.
	CancelFirst bool `json:"cancelFirst,omitempty"`
	// KeepHistory leaves the runs in Temporal, unreadable; without, they are deleted.
	KeepHistory bool `json:"keepHistory,omitempty"`
}

// Validate returns FieldErrors with everything that is wrong, or nil.
func (e Erasure) Validate() error {
	var found FieldErrors
	if _, err := ParseID(string(e.ID)); err != nil {
		found.addErr("", err)
	}
	for _, t := range []struct {
		name, value, remedy string
		longest             int
	}{{"actor", e.Actor, "say who orders the erasure", 200}, {"reason", e.Reason, "say why", 2000}} {
		switch {
		case strings.TrimSpace(t.value) == "":
			found.add(t.name, "is missing", t.remedy)
		case !utf8.ValidString(t.value) || strings.ContainsFunc(t.value, unicode.IsControl):
			found.add(t.name, "holds control characters or invalid UTF-8", "send plain text")
		case utf8.RuneCountInString(t.value) > t.longest:
			found.add(t.name, "is too long", "shorten it")
		}
	}
	return found.orNil()
}

// Survey is what an erasure finds. It is the result of ActivitySurvey.
type Survey struct {
	hidden
	// Known tells whether Temporal knows the onboarding; one that it does not has been deleted, or is older than the
	// namespace's retention.
	Known bool `json:"known"`
	// Keyed tells whether the onboarding has, or had, a key. With neither a run nor a key there never was such an onboarding.
	Keyed bool `json:"keyed"`
	// Readable tells whether its payloads can still be opened: not after its key was dropped.
	Readable bool `json:"readable"`
	// HandedOff tells whether its decision has been handed off, or its run is over.
	HandedOff bool  `json:"handedOff"`
	Stage     Stage `json:"stage,omitempty"`
	// Opening tells that a session is being opened, whose id is not known yet.
	Opening bool `json:"opening,omitempty"`
	// Sessions are bearer capabilities: they open customers' pages.
	Sessions []string `json:"sessions,omitempty"`
}

// ErasureReceipt says what an erasure did, without personal data.
type ErasureReceipt struct {
	ID ID `json:"id"`
	// ErasedAt is when the last of it was done.
	ErasedAt time.Time `json:"erasedAt"`
	// Sessions counts those that Ondato was told to redact.
	Sessions int `json:"sessions"`
	// KeyDropped: what the onboarding's key sealed cannot be opened any more. It is final when the version of the
	// key-encryption keyset that wrapped the key has been destroyed.
	KeyDropped bool `json:"keyDropped"`
	// HistoryDeleted: Temporal holds no run of the onboarding any more.
	HistoryDeleted bool `json:"historyDeleted"`
}
