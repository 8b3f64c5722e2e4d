package onboarding

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// story plays a situation against a process and tells it line by line: what happens, and what the process makes of it at
// once. Steps take no time unless they fail.
type story struct {
	t   *testing.T
	p   *Process
	now time.Time
	// truth is what Ondato shows of the present session, dull the kinds of step that fail, refuse those that fail for good.
	truth        Sight
	dull, refuse map[StepKind]bool
	ends         []stepEnd // of the steps that are under way
	lines        []string
	line         []string // what follows on the line that is being told
	order        string   // the command that is being told
	told         told
	events       int
}

type stepEnd struct {
	at   time.Time
	step Step
}

// told is what the lines so far have told of the state.
type told struct {
	stage     Stage
	attention []Attention
	trail     int
	noted     int
}

func tell(t *testing.T, change ...func(*Setup)) *story {
	in := anInput()
	for _, c := range change {
		c(&in.Setup)
	}
	require.NoError(t, in.Setup.Validate())
	s := &story{
		t: t, p: Begin(in, simStart), now: simStart, truth: Sight{Session: SessionPending},
		dull: map[StepKind]bool{}, refuse: map[StepKind]bool{}, told: told{trail: 1},
	}
	return s
}

// begin starts the onboarding.
func (s *story) begin() { s.happens("start", Clock{}) }

// at lets everything happen that comes before a time after the start.
func (s *story) at(after time.Duration) {
	until := simStart.Add(after)
	for !s.p.Done(s.now) {
		next, end := until, -1
		if wake := s.p.Next(s.now).Wake; !wake.IsZero() && wake.Before(next) {
			next = wake
		}
		for i, e := range s.ends {
			if !e.at.After(next) {
				next, end = e.at, i
			}
		}
		if !next.Before(until) {
			break
		}
		s.now = next
		if end < 0 {
			s.happens("", Clock{})
			continue
		}
		step := s.ends[end].step
		s.ends = slices.Delete(s.ends, end, end+1)
		s.happens(saying(step)+" fails", Finished{Kind: step.Kind, Failure: &Failure{Code: "unavailable", Permanent: s.refuse[step.Kind]}})
	}
	s.now = until
}

// fromHere leaves out what was told so far, but for the last line.
func (s *story) fromHere() { s.lines = s.lines[len(s.lines)-1:] }

// aside tells what the process does not notice.
func (s *story) aside(text string) { s.lines = append(s.lines, s.clock()+"("+text+")") }

// webhook delivers an event of the present session, generated so long ago.
func (s *story) webhook(t EventType, status string, ago ...time.Duration) Event {
	e := Event{Type: t, CreatedUtc: s.now, SessionID: s.p.s.Session.ID, Status: status}
	text := "webhook " + status
	if t != EventStatusChanged {
		text = "webhook " + strings.TrimPrefix(strings.TrimPrefix(string(t), "KycIdentification."), "IdentityVerification.")
	}
	if len(ago) > 0 {
		e.CreatedUtc = s.now.Add(-ago[0])
		text += ", dated " + strings.TrimSpace(clockAt(e.CreatedUtc))
	}
	s.events++
	e.ID = fmt.Sprintf("e%d", s.events)
	s.happens(text, e)
	return e
}

func (s *story) command(c Command, text string) {
	s.events++
	c.ID, c.Actor, c.Reason = fmt.Sprintf("c%d", s.events), "jonas", "asked by phone"
	s.order = text
	s.happens("jonas: "+text, c)
	s.order = ""
}

// happens brings an occurrence to the process, begins what it plans until nothing follows at once, and tells the line.
func (s *story) happens(text string, what Occurrence) {
	s.line = nil
	if text != "" {
		s.line = []string{text}
	}
	s.apply(what)
	for s.follow() {
	}
	if stage := s.p.Stage(); len(s.line) > 0 || stage != s.told.stage {
		line := strings.Join(s.line, " → ")
		if stage != s.told.stage {
			line = strings.TrimSpace(line + " [" + string(stage) + "]")
			s.told.stage = stage
		}
		s.lines = append(s.lines, s.clock()+line)
	}
}

func (s *story) apply(what Occurrence) {
	err := s.p.Apply(s.now, what)
	if err != nil {
		var refused *Refused
		require.ErrorAs(s.t, err, &refused)
		s.line = append(s.line, "refused: "+refused.Why)
	}
	s.tellChanges()
	require.Empty(s.t, faultsOf(s.p, s.now))
}

// follow begins the steps of the plan; it tells whether any has ended already.
func (s *story) follow() (ended bool) {
	for _, step := range s.p.Next(s.now).Steps {
		s.p.Started(s.now, step)
		if s.dull[step.Kind] || s.refuse[step.Kind] {
			s.ends = append(s.ends, stepEnd{s.now.Add(s.takes(step)), step})
			continue
		}
		ended = true
		s.line = append(s.line, s.success(step))
		s.apply(s.result(step))
	}
	return ended
}

// takes is how long a step takes that fails.
func (s *story) takes(step Step) time.Duration {
	switch {
	case s.refuse[step.Kind]:
		return time.Second
	case step.Brisk:
		return 20 * time.Second
	}
	return s.p.Patience()
}

func (s *story) result(step Step) Finished {
	f := Finished{Kind: step.Kind}
	switch step.Kind {
	case StepOpen:
		id := fmt.Sprintf("s%d", step.Open.Attempt)
		s.truth = Sight{Session: SessionPending}
		f.Opened = &OpenedSession{SessionID: id, Link: "https://idv.example.test/?id=" + id}
	case StepLook:
		f.Sight = &s.truth
	case StepMessage:
		f.Sent = &SentMessage{Channels: []Channel{ChannelEmail}}
	case StepHandOff:
		f.Handed = &HandedOff{Version: step.HandOff.Decision.Version, WebhookID: "w"}
	}
	return f
}

// saying names a step.
func saying(step Step) string {
	switch step.Kind {
	case StepOpen:
		return fmt.Sprintf("opening session %d", step.Open.Attempt)
	case StepMessage:
		return "sending " + string(step.Message.Kind)
	case StepHandOff:
		return fmt.Sprintf("handing off version %d", step.HandOff.Decision.Version)
	default:
		return "look"
	}
}

func (s *story) success(step Step) string {
	switch step.Kind {
	case StepOpen:
		return fmt.Sprintf("session %d opened", step.Open.Attempt)
	case StepLook:
		return "look: " + shown(s.truth)
	case StepMessage:
		m := step.Message
		text := string(m.Kind) + " sent"
		if m.Kind == MessageReminder {
			text = fmt.Sprintf("reminder %d of %d sent", m.Number, m.Total)
		}
		if m.Kind.forOperations() {
			text += " to operations"
		}
		return text
	default:
		d := step.HandOff.Decision
		return fmt.Sprintf("handed off version %d: %s", d.Version, d.Outcome)
	}
}

func shown(seen Sight) string {
	text := string(seen.Session)
	switch {
	case seen.Identification == IdentificationRejected:
		text += ", Rejected" + inBrackets(seen.Reason)
	case seen.Identification == IdentificationAwaiting && !seen.CompletedUtc.IsZero():
		text += ", submitted"
	case seen.Identification != "":
		text += ", " + string(seen.Identification)
	}
	if seen.RecordDigest == "edited" {
		text += " (the record has been edited)"
	}
	return text
}

// tellChanges adds to the line what the trail, the notes and the attention have gained, in the words of the status.
func (s *story) tellChanges() {
	state := &s.p.s
	require.Less(s.t, len(state.Trail), maxTrail, "the story is too long for its trail")
	for _, e := range state.Trail[s.told.trail:] {
		if s.toldOtherwise(e.What) {
			continue
		}
		text := e.What
		if e.Actor == "process" || e.Actor == DecidedByRule {
			text += inBrackets(e.Reason)
		}
		s.line = append(s.line, text)
	}
	s.told.trail = len(state.Trail)
	for _, n := range state.Noted[len(state.Noted)-(state.NotedTotal-s.told.noted):] {
		s.line = append(s.line, "noted: "+n.Why)
	}
	s.told.noted = state.NotedTotal
	for _, a := range state.Attention {
		if !slices.Contains(s.told.attention, a) {
			s.line = append(s.line, "attention: "+string(a))
		}
	}
	for _, a := range s.told.attention {
		if !slices.Contains(state.Attention, a) {
			s.line = append(s.line, "attention ends: "+string(a))
		}
	}
	s.told.attention = slices.Clone(state.Attention)
}

// toldOtherwise: the line has told it, as a step or as an order, or will, as attention.
func (s *story) toldOtherwise(what string) bool {
	for _, step := range []string{"sent ", "handed off ", "session opened"} {
		if strings.HasPrefix(what, step) {
			return true
		}
	}
	return what == s.order || slices.Contains(s.p.s.Attention, Attention(what))
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func (s *story) clock() string { return clockAt(s.now) }

// clockAt is a time after the start, in days, hours, minutes and, where there are any, seconds.
func clockAt(at time.Time) string {
	d := at.Sub(simStart)
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	text := fmt.Sprintf("%s%dd %02d:%02d", sign, d/day, d%day/time.Hour, d%time.Hour/time.Minute)
	if sec := d % time.Minute / time.Second; sec > 0 {
		text += fmt.Sprintf(":%02d", sec)
	}
	return fmt.Sprintf("%-14s", text)
}

// text is the story, with what repeats itself at length left out.
func (s *story) text() string {
	const most = 6
	var out []string
	for i := 0; i < len(s.lines); {
		same := 1
		for i+same < len(s.lines) && s.lines[i+same][14:] == s.lines[i][14:] {
			same++
		}
		if same <= most {
			for _, line := range s.lines[i : i+same] {
				out = append(out, wrapped(line))
			}
		} else {
			out = append(out, wrapped(s.lines[i]), fmt.Sprintf("%-14s(the same, %d times)", "…", same-1))
		}
		i += same
	}
	return strings.Join(out, "\n") + "\n"
}

// wrapped breaks a long line before what follows.
func wrapped(line string) string {
	const width = 100
	var out []string
	for len([]rune(line)) > width {
		at := strings.LastIndex(string([]rune(line)[:width]), " → ")
		if at < 14 {
			break
		}
		out = append(out, line[:at])
		line = strings.Repeat(" ", 14) + line[at+1:]
	}
	return strings.Join(append(out, line), "\n")
}
