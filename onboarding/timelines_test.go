package onboarding

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTimelines_InTheDocs_AreWhatTheProcessDoes plays an example of each rule and holds it against the timeline under the
// rule; with UPDATE_DOCS=1 the timelines are rewritten.
func TestTimelines_InTheDocs_AreWhatTheProcessDoes(t *testing.T) {
	const file = "../docs/how-it-works.md"
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(data)
	for i, play := range timelines() {
		begin := fmt.Sprintf("<!-- timeline of rule %d: a test holds it against the process -->\n```text\n", i+1)
		before, rest, found := strings.Cut(text, begin)
		require.True(t, found, "rule %d has no timeline", i+1)
		have, after, found := strings.Cut(rest, "```")
		require.True(t, found)
		want := play(t)
		if os.Getenv("UPDATE_DOCS") == "1" {
			text = before + begin + want + "```" + after
			continue
		}
		require.Equal(t, want, have, "rewrite it with UPDATE_DOCS=1 go test ./onboarding -run Timelines")
	}
	if text != string(data) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
}

// started tells how the customer opens the page of a new onboarding after a while.
func started(s *story, after time.Duration) {
	s.begin()
	s.at(after)
	s.truth = Sight{Session: SessionInProgress}
	s.webhook(EventStatusChanged, "InProgress")
}

// submitted tells how the customer finishes ten minutes later.
func submitted(s *story, after time.Duration) {
	started(s, after-10*time.Minute)
	s.at(after)
	s.truth = Sight{Session: SessionInProgress, Identification: IdentificationAwaiting, CompletedUtc: s.now}
	s.webhook(EventProcessed, "Awaiting")
}

// handedOff tells how the customer is approved a minute after finishing.
func handedOff(s *story, after time.Duration) {
	submitted(s, after-time.Minute)
	s.at(after)
	s.truth = seenApproved
	s.webhook(EventApproved, "Approved")
}

// timelines play an example of each rule, in the order of the rules.
func timelines() []func(*testing.T) string {
	return []func(*testing.T) string{
		hintTimeline, orderTimeline, provisionalTimeline, attemptsTimeline, remindersTimeline, missingTimeline,
		lostTimeline, deadlineTimeline, commandsTimeline, handOffTimeline, watchTimeline, neverFailsTimeline,
	}
}

func hintTimeline(t *testing.T) string {
	s := tell(t)
	submitted(s, 2*time.Hour)
	s.fromHere()
	s.at(2*time.Hour + time.Minute)
	s.webhook(EventApproved, "Approved")
	s.at(2*time.Hour + time.Minute + 20*time.Second)
	s.aside("Ondato's API shows the decision")
	s.truth = seenApproved
	s.at(3 * time.Hour)
	return s.text()
}

func orderTimeline(t *testing.T) string {
	s := tell(t)
	submitted(s, 2*time.Hour)
	s.fromHere()
	s.at(3 * time.Hour)
	s.truth = seenFraud
	rejected := s.webhook(EventRejected, "Rejected")
	s.at(3*time.Hour + 20*time.Minute)
	s.webhook(EventApproved, "Approved", 25*time.Minute)
	s.at(4 * time.Hour)
	s.happens("webhook Rejected once more", rejected)
	s.at(5 * time.Hour)
	s.webhook(EventUpdated, "Rejected", -2*day)
	return s.text()
}

func provisionalTimeline(t *testing.T) string {
	s := tell(t)
	submitted(s, 2*time.Hour)
	s.fromHere()
	s.at(2*time.Hour + time.Minute)
	s.truth = seenRetrying
	s.webhook(EventRejected, "Rejected")
	s.at(2*time.Hour + 6*time.Minute)
	s.truth = Sight{Session: SessionInProgress, Identification: IdentificationAwaiting, CompletedUtc: s.now}
	s.webhook(EventProcessed, "Awaiting")
	s.at(2*time.Hour + 7*time.Minute)
	s.truth = seenApproved
	s.webhook(EventApproved, "Approved")
	return s.text()
}

func attemptsTimeline(t *testing.T) string {
	s := tell(t, func(s *Setup) { s.Policy.NotStartedReminders, s.Policy.IdleReminders = nil, nil })
	s.begin()
	s.at(7 * day)
	s.truth = Sight{Session: SessionExpired}
	s.aside("the session expires at Ondato; the webhook is lost")
	s.at(8 * day)
	s.truth = Sight{Session: SessionInProgress}
	s.webhook(EventStatusChanged, "InProgress")
	s.at(8*day + 2*time.Hour)
	s.truth = Sight{Session: SessionExpired}
	s.webhook(EventStatusChanged, "Expired")
	s.at(9 * day)
	s.truth = Sight{Session: SessionInProgress}
	s.webhook(EventStatusChanged, "InProgress")
	s.at(9*day + 3*time.Minute)
	s.truth = Sight{Session: SessionAborted}
	s.webhook(EventStatusChanged, "Aborted")
	return s.text()
}

func remindersTimeline(t *testing.T) string {
	s := tell(t)
	started(s, 2*day)
	s.at(2*day + time.Hour)
	s.webhook(EventConsented, "InProgress")
	s.at(2*day + 90*time.Minute)
	s.truth = Sight{Session: SessionInProgress, Identification: IdentificationAwaiting, CompletedUtc: s.now}
	s.aside("the customer finishes; the webhook is lost")
	s.at(2*day + 2*time.Hour)
	return s.text()
}

func missingTimeline(t *testing.T) string {
	s := tell(t)
	submitted(s, 2*time.Hour)
	s.fromHere()
	s.at(2*day + 3*time.Hour)
	s.truth = seenApproved
	s.aside("Ondato approves; the webhook is lost")
	s.at(3 * day)
	return s.text()
}

func lostTimeline(t *testing.T) string {
	s := tell(t)
	s.begin()
	s.at(2 * day)
	s.truth = seenApproved
	s.aside("the customer goes through and is approved")
	s.at(5 * day)
	s.truth = seenFraud
	s.aside("Ondato changes its mind")
	s.at(20 * day)
	return s.text()
}

func deadlineTimeline(t *testing.T) string {
	s := tell(t)
	submitted(s, 2*time.Hour)
	s.at(2*day + 3*time.Hour)
	s.fromHere()
	s.at(31 * day)
	s.truth = seenApproved
	s.webhook(EventApproved, "Approved")
	return s.text()
}

func commandsTimeline(t *testing.T) string {
	s := tell(t)
	s.begin()
	s.at(time.Hour)
	s.command(Command{Kind: CommandRemind}, "remind")
	s.at(2 * time.Hour)
	s.command(Command{Kind: CommandRetryHandoff}, "retry-handoff")
	s.at(3 * time.Hour)
	s.command(Command{Kind: CommandRenew}, "renew")
	s.at(4 * time.Hour)
	s.command(Command{Kind: CommandExtend, By: Duration(7 * day)}, "extend by 7d")
	s.at(5 * time.Hour)
	s.command(Command{Kind: CommandCancel}, "cancel")
	s.at(6 * time.Hour)
	s.command(Command{Kind: CommandRenew}, "renew")
	s.at(7 * time.Hour)
	s.command(Command{Kind: CommandDecide, Outcome: OutcomeApproved}, "decide Approved")
	return s.text()
}

func handOffTimeline(t *testing.T) string {
	s := tell(t)
	s.dull[StepHandOff] = true
	handedOff(s, 2*time.Hour)
	s.fromHere()
	s.at(3*time.Hour + 10*time.Minute)
	s.dull[StepHandOff] = false
	s.aside("the backend works again")
	s.at(3*time.Hour + 20*time.Minute)
	s.command(Command{Kind: CommandRetryHandoff}, "retry-handoff")
	return s.text()
}

func watchTimeline(t *testing.T) string {
	s := tell(t)
	handedOff(s, 2*time.Hour)
	s.fromHere()
	s.at(3 * day)
	s.truth.RecordDigest = "edited"
	s.webhook(EventUpdated, "Approved")
	s.at(4 * day)
	s.truth = seenFraud
	s.webhook(EventRejected, "Rejected")
	s.at(12 * day)
	return s.text()
}

func neverFailsTimeline(t *testing.T) string {
	s := tell(t)
	s.dull[StepOpen] = true
	s.begin()
	s.at(45 * time.Minute)
	s.dull[StepOpen], s.refuse[StepMessage] = false, true
	s.at(2 * time.Hour)
	s.refuse[StepMessage] = false
	s.at(3 * time.Hour)
	s.command(Command{Kind: CommandRemind}, "remind")
	return s.text()
}
