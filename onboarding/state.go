package onboarding

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// Bounds of what a state remembers, so that it stays small however long an onboarding lives.
const (
	maxSeen     = 512
	maxHeld     = 64
	maxNoted    = 20
	maxTrail    = 100
	maxPast     = 100
	maxCommands = 200
)

// State is everything an onboarding knows, with absolute times. It goes along whole on continue-as-new.
type State struct {
	hidden
	StartedAt time.Time `json:"startedAt"`
	Deadline  time.Time `json:"deadline"`
	// Stage as of the last Apply, and since when.
	Stage      Stage     `json:"stage"`
	StageSince time.Time `json:"stageSince"`

	// Attempt counts sessions from 1. Session is the current attempt's, nil until it is open.
	Attempt int      `json:"attempt"`
	Session *Session `json:"session,omitempty"`
	// RetryReason is why the last attempt was rejected, where customers may be told.
	RetryReason string        `json:"retryReason,omitempty"`
	Past        []PastSession `json:"past,omitempty"`
	// Strays are the ids of sessions that only events have told of: of creations whose answer was lost.
	Strays []string `json:"strays,omitempty"`
	// Held are events of a session that is not known while one is being opened.
	Held []SeenEventOf `json:"held,omitempty"`

	// LookWanted asks for a look as soon as possible. LookStale: what is known has changed since the look under way
	// began. LookOwed asks for a look when the handoff under way has ended. LookedAt is when the last answered look began.
	LookWanted bool      `json:"lookWanted,omitempty"`
	LookStale  bool      `json:"lookStale,omitempty"`
	LookOwed   bool      `json:"lookOwed,omitempty"`
	LookBegan  time.Time `json:"lookBegan,omitzero"`
	LookedAt   time.Time `json:"lookedAt,omitzero"`

	// Doing holds at most one step a lane.
	Doing []Step `json:"doing,omitempty"`
	// Troubles of the kinds of step.
	Opening   Trouble `json:"opening,omitzero"`
	Looking   Trouble `json:"looking,omitzero"`
	Messaging Trouble `json:"messaging,omitzero"`
	Handing   Trouble `json:"handing,omitzero"`

	// Outbox holds the messages to send, the first one first; Messages counts all that were ever put there.
	Outbox     []Message `json:"outbox,omitempty"`
	Messages   int       `json:"messages,omitempty"`
	RemindedAt time.Time `json:"remindedAt,omitzero"`
	RemindNow  bool      `json:"remindNow,omitempty"`
	Escalated  bool      `json:"escalated,omitempty"`
	// QuietUntil is when the quiet hours end that held the last reminder, RemindedBefore what RemindedAt was before it.
	// RenewedByTime: the next new link is nobody's doing and may wait for the end of quiet hours. Confirmed: the
	// confirmation has been sent, or refused for good.
	QuietUntil     time.Time `json:"quietUntil,omitzero"`
	RemindedBefore time.Time `json:"remindedBefore,omitzero"`
	RenewedByTime  bool      `json:"renewedByTime,omitempty"`
	Confirmed      bool      `json:"confirmed,omitempty"`

	// Decision is the current one, Handed the newest that every target has accepted, Versions the highest version tried.
	// Told is the first version that some target has accepted, 0 before.
	Decision *Decision       `json:"decision,omitempty"`
	Handed   *HandedDecision `json:"handed,omitempty"`
	Versions int             `json:"versions,omitempty"`
	Told     int             `json:"told,omitempty"`

	Attention  []Attention  `json:"attention,omitempty"`
	Seen       []string     `json:"seen,omitempty"`
	Commands   []string     `json:"commands,omitempty"`
	LastEvent  *SeenEvent   `json:"lastEvent,omitempty"`
	Noted      []Note       `json:"noted,omitempty"`
	NotedTotal int          `json:"notedTotal,omitempty"`
	Trail      []TrailEntry `json:"trail,omitempty"`
}

// Session is what is known of the current attempt's session.
type Session struct {
	hidden
	ID       string    `json:"id"`
	Link     string    `json:"link"`
	OpenedAt time.Time `json:"openedAt"`
	// InvitedAt is when the customer was sent the link; OpenedAt until then.
	InvitedAt time.Time `json:"invitedAt"`
	// Status is the newest known, StatusAt Ondato's time of it.
	Status   SessionStatus `json:"status"`
	StatusAt time.Time     `json:"statusAt"`
	// LastActivity is the customer's last sign; zero before the first.
	LastActivity time.Time `json:"lastActivity,omitzero"`
	// Submitted is when the customer finished; zero while it is the customer's turn.
	Submitted time.Time `json:"submitted,omitzero"`

	IdentificationID string               `json:"identificationId,omitempty"`
	Identification   IdentificationStatus `json:"identification,omitempty"`
	// Hint is what the newest decision event says, HintUtc Ondato's time of it. HintAt is when it arrived, zero once a
	// look has confirmed it.
	Hint    IdentificationStatus `json:"hint,omitempty"`
	HintUtc time.Time            `json:"hintUtc,omitzero"`
	HintAt  time.Time            `json:"hintAt,omitzero"`
}

// PastSession is a session that decides nothing any more.
type PastSession struct {
	hidden
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
	Why     string `json:"why"`
}

// SeenEventOf is an event with its arrival.
type SeenEventOf struct {
	Event
	ArrivedAt time.Time `json:"arrivedAt"`
}

// Trouble counts the failures of a kind of step in a row, and says when to try again. Taken are the targets that have
// taken the decision whose handoff is in trouble.
type Trouble struct {
	Failures int       `json:"failures,omitempty"`
	RetryAt  time.Time `json:"retryAt,omitzero"`
	Taken    []string  `json:"taken,omitempty"`
}

// push appends to a list that keeps its newest n entries.
func push[T any](list []T, n int, entry T) []T {
	list = append(list, entry)
	if len(list) > n {
		list = slices.Clone(list[len(list)-n:])
	}
	return list
}

// firstTime remembers an event and tells whether it is new, both by its id and by what it says (contract 5.5: a state
// may be repeated under a new id).
func (s *State) firstTime(e Event) bool {
	byID := shortHash("id", e.ID, e.SessionID)
	bySaying := shortHash("says", e.SessionID, string(e.Type), e.Status, e.CreatedUtc.UTC().Format(time.RFC3339Nano))
	known := slices.Contains(s.Seen, byID) || slices.Contains(s.Seen, bySaying)
	for _, key := range []string{byID, bySaying} {
		if !slices.Contains(s.Seen, key) {
			s.Seen = push(s.Seen, maxSeen, key)
		}
	}
	return !known
}

func shortHash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (s *State) note(now time.Time, e Event, why string) {
	s.Noted = push(s.Noted, maxNoted, Note{At: now, EventID: e.ID, Type: e.Type, Why: why})
	s.NotedTotal++
}

func (s *State) trail(now time.Time, actor, what, reason string) {
	s.Trail = push(s.Trail, maxTrail, TrailEntry{At: now, Actor: actor, What: what, Reason: reason})
}

func (s *State) attend(a Attention) {
	if at, found := slices.BinarySearch(s.Attention, a); !found {
		s.Attention = slices.Insert(s.Attention, at, a)
	}
}

func (s *State) settled(a Attention) {
	if at, found := slices.BinarySearch(s.Attention, a); found {
		s.Attention = slices.Delete(s.Attention, at, at+1)
	}
}

// drop takes a message out of the outbox.
func (s *State) drop(m Message) {
	s.Outbox = slices.DeleteFunc(s.Outbox, func(o Message) bool { return o.MessageID == m.MessageID })
}

// linkHeld tells whether quiet hours hold the link back: nobody is reminded of it before they have it.
func (s *State) linkHeld() bool {
	return slices.ContainsFunc(s.Outbox, func(m Message) bool { return m.Kind == MessageNewLink && !m.NotBefore.IsZero() })
}

// waiting finds a message in the outbox; nil when it is not there any more.
func (s *State) waiting(m Message) *Message {
	if i := slices.IndexFunc(s.Outbox, func(o Message) bool { return o.MessageID == m.MessageID }); i >= 0 {
		return &s.Outbox[i]
	}
	return nil
}

// posted tells whether a message of a kind is in the outbox.
func (s *State) posted(kind MessageKind) bool {
	return slices.ContainsFunc(s.Outbox, func(m Message) bool { return m.Kind == kind })
}

// told records that some target has accepted a version.
func (s *State) told(version int) {
	if s.Told == 0 {
		s.Told = version
	}
}

func (s *State) doing(l lane) *Step {
	for i := range s.Doing {
		if s.Doing[i].Kind.lane() == l {
			return &s.Doing[i]
		}
	}
	return nil
}

// past tells whether the session is one of this onboarding's earlier ones.
func (s *State) past(sessionID string) bool {
	return slices.ContainsFunc(s.Past, func(p PastSession) bool { return p.ID == sessionID })
}

// delivered tells whether the backend has accepted the current decision.
func (s *State) delivered() bool {
	return s.Decision != nil && s.Handed != nil && s.Handed.Version == s.Decision.Version
}

// customersTurn tells whether the onboarding waits for the customer.
func (s *State) customersTurn() bool {
	return s.Decision == nil && s.Session != nil && s.Session.Submitted.IsZero() && !s.Session.Status.Terminal()
}
