package onboarding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// move is something to play against a state: an occurrence, or nothing, for the shell beginning what the plan says.
type move struct {
	kind  string
	what  Occurrence
	after time.Duration
}

func (m move) String() string {
	if m.what == nil {
		return m.kind
	}
	return fmt.Sprintf("%s %s", m.kind, asJSON(m.what))
}

const moment = time.Second

// moves are all the moves that can be made in a state.
func moves(n *node) []move {
	plan := n.p.Next(n.now)
	all := slices.Concat(eventMoves(n), commandMoves(n), finishMoves(n))
	if len(plan.Steps) > 0 {
		return append(all, move{kind: "begin"}) // the shell lets no time pass before it begins
	}
	if !plan.Wake.IsZero() {
		all = append(all, move{"clock", Clock{}, plan.Wake.Sub(n.now)})
	}
	return append(all, move{"clock", Clock{}, moment}, move{"clock", Clock{}, 400 * day})
}

const unknownType EventType = "KycIdentification.Reviewed"

func eventTypes() []EventType {
	return []EventType{EventStatusChanged, EventConsented, EventCreated, EventProcessed, EventApproved, EventRejected, EventUpdated, unknownType}
}

// sessionStatuses are those Ondato can send, one that we do not know, and none.
func sessionStatuses() []string {
	return []string{"Pending", "InProgress", "Suspended", "Completed", "Aborted", "Expired", "Gone", "Paused", ""}
}

// eventMoves are events of each type, status and kind of time for the present session, and of each type for a session
// that is past, and for one that is nobody's; and the last event once more.
func eventMoves(n *node) []move {
	now := n.now.Add(moment)
	times := []time.Time{now, now.Add(-time.Hour), now.Add(4 * time.Minute), now.Add(366 * day), now.Add(-3660 * day), {}}
	present, past := "s"+strconv.Itoa(n.p.s.Attempt), "s0"
	if c := n.p.s.Session; c != nil {
		present = c.ID
	}
	if k := len(n.p.s.Past); k > 0 {
		past = n.p.s.Past[k-1].ID
	}
	var out []move
	add := func(t EventType, status, session string, at time.Time) {
		id := strconv.Itoa(n.deep) + "." + strconv.Itoa(len(out))
		e := Event{ID: id, Type: t, CreatedUtc: at, SessionID: session, Status: status}
		if t != EventStatusChanged && t != EventConsented {
			e.IdentificationID = "k-" + session
		}
		out = append(out, move{"event " + string(t), e, moment})
	}
	for _, t := range eventTypes() {
		for _, at := range times {
			if t != EventStatusChanged {
				add(t, "Awaiting", present, at)
				continue
			}
			for _, status := range sessionStatuses() {
				add(t, status, present, at)
			}
		}
		add(t, "Completed", past, now)
		add(t, "Completed", "foreign", now)
	}
	if again, ok := n.by.what.(Event); ok {
		out = append(out, move{"event again", again, moment})
	}
	return out
}

func commandMoves(n *node) []move {
	var out []move
	add := func(c Command) {
		if c.ID == "" {
			c.ID = "c" + strconv.Itoa(n.deep) + "." + strconv.Itoa(len(out))
		}
		c.Actor = cmp.Or(c.Actor, "jonas")
		out = append(out, move{"command " + string(c.Kind), c, moment})
	}
	for _, k := range CommandKinds() {
		c := Command{Kind: k, Reason: "asked by phone"}
		switch k {
		case CommandExtend:
			c.By = Duration(day)
		case CommandDecide:
			c.Outcome = OutcomeRejected
			add(c)
			c.Outcome = OutcomeApproved
		}
		add(c)
	}
	add(Command{Kind: CommandCancel, Actor: ActorTemporal, ID: "temporal-cancellation", Reason: "requested"})
	add(Command{Kind: CommandCancel, Reason: " "})
	add(Command{Kind: "nonsense", Reason: "asked by phone"})
	if again, ok := n.by.what.(Command); ok {
		out = append(out, move{"command again", again, moment})
	}
	return out
}

func stepKinds() []StepKind { return []StepKind{StepOpen, StepLook, StepMessage, StepHandOff} }

// finishMoves end each step that is under way in each way it can end; of the others, a result that nobody awaits.
func finishMoves(n *node) []move {
	var out []move
	add := func(kind string, f Finished) { out = append(out, move{string(f.Kind) + " " + kind, f, moment}) }
	for _, kind := range stepKinds() {
		add("fails", Finished{Kind: kind, Failure: &Failure{Code: "unavailable"}})
		add("is refused", Finished{Kind: kind, Failure: &Failure{Code: "refused", Permanent: true}})
		if d := n.p.s.doing(kind.lane()); d == nil || d.Kind != kind {
			continue
		}
		switch kind {
		case StepOpen:
			id := "s" + strconv.Itoa(n.p.s.Attempt) // as the held events say
			add("succeeds", Finished{Kind: kind, Opened: &OpenedSession{SessionID: id, Link: "https://idv.example.test/?id=" + id}})
			add("succeeds", Finished{Kind: kind, Opened: &OpenedSession{SessionID: id + "b", Link: "https://idv.example.test/?id=" + id}})
		case StepLook:
			for _, seen := range sights(n.now.Add(moment)) {
				add("succeeds", Finished{Kind: kind, Sight: &seen})
			}
		case StepMessage:
			add("succeeds", Finished{Kind: kind, Sent: &SentMessage{Channels: []Channel{ChannelEmail}}})
			if m := n.p.s.doing(laneMessage).Message; m.Quiet != (QuietHours{}) {
				add("is held", Finished{Kind: kind, Sent: &SentMessage{HeldUntil: n.now.Add(8 * time.Hour)}})
				add("is held until the past", Finished{Kind: kind, Sent: &SentMessage{HeldUntil: n.now.Add(-time.Hour)}})
			}
		case StepHandOff:
			asked := n.p.s.doing(laneHandOff).HandOff
			handing := asked.Decision
			if len(asked.Targets) > 1 {
				add("succeeds in part", Finished{Kind: kind, Failure: &Failure{Code: "unavailable", Taken: asked.Targets[:1]}})
				add("is refused in part", Finished{Kind: kind, Failure: &Failure{Code: "refused", Permanent: true, Taken: asked.Targets[1:]}})
			}
			add("succeeds", Finished{Kind: kind, Handed: &HandedOff{Version: handing.Version, WebhookID: "w" + strconv.Itoa(handing.Version)}})
			if handing.byOndato() {
				add("finds a change", Finished{Kind: kind, Handed: &HandedOff{Version: handing.Version, Changed: true}})
				if len(asked.Targets) > 1 {
					add("finds a change in the middle", Finished{Kind: kind, Handed: &HandedOff{Changed: true, Taken: asked.Targets[:1]}})
				}
			}
		}
	}
	return out
}

// sights are what a look may show.
func sights(now time.Time) []Sight {
	identified := []Sight{
		{},
		{Identification: IdentificationAwaiting},
		{Identification: IdentificationAwaiting, CompletedUtc: now.Add(-time.Minute)},
		{Identification: IdentificationApproved, Reason: "AutomaticallyIdentified", RecordDigest: "approved"},
		{Identification: IdentificationApproved, Reason: "AutomaticallyIdentified", RecordDigest: "approved and edited"},
		{Identification: IdentificationRejected, Reason: "Sanctioned", RecordDigest: "sanctioned"},
		{Identification: IdentificationRejected, Reason: "BlurredPhoto", RecordDigest: "blurred", RetryableReason: true},
		{Identification: "Unheard-of"},
	}
	var out []Sight
	for _, status := range sessionStatuses() {
		for _, seen := range identified {
			seen.Session, seen.ModifiedUtc = SessionStatus(status), now
			if seen.Identification != "" {
				seen.IdentificationID = "k"
			}
			out = append(out, seen)
		}
	}
	for _, odd := range []time.Time{{}, now.Add(366 * day), now.Add(-3660 * day)} {
		out = append(out, Sight{Session: SessionInProgress, ModifiedUtc: odd, Identification: IdentificationAwaiting, CompletedUtc: odd})
	}
	return out
}

// truths are what Ondato may end with.
func truths() []Sight {
	return []Sight{
		{Session: SessionCompleted, Identification: IdentificationApproved, Reason: "AutomaticallyIdentified", RecordDigest: "approved"},
		{Session: SessionCompleted, Identification: IdentificationRejected, Reason: "Sanctioned", RecordDigest: "sanctioned"},
		{Session: SessionExpired, Identification: IdentificationRejected, Reason: "BlurredPhoto", RecordDigest: "blurred", RetryableReason: true},
		{Session: SessionInProgress, Identification: IdentificationRejected, Reason: "BlurredPhoto", RecordDigest: "blurred", RetryableReason: true},
		{Session: SessionAborted},
		{Session: SessionGone},
		{Session: SessionPending},
	}
}
