package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

func TestOnboarding_EachCourse_ComesToItsOutcome(t *testing.T) {
	submit := []string{"start", "consent", "submit"}
	with := func(more ...string) []string { return append(append([]string{}, submit...), more...) }
	for name, course := range map[string]struct {
		setup    string
		attempts [][]string
		outcome  onboarding.Outcome
		by       string
		record   bool
	}{
		"approved":                          {"standard", [][]string{with("approve")}, onboarding.OutcomeApproved, "ondato", true},
		"approved, decisive events only":    {"decisive", [][]string{with("approve")}, onboarding.OutcomeApproved, "ondato", true},
		"rejected for a critical reason":    {"standard", [][]string{with("reject:PossibleFraudAttempt")}, onboarding.OutcomeRejected, "ondato", true},
		"rejected, then approved":           {"standard", [][]string{with("reject:BlurredPhoto"), with("approve")}, onboarding.OutcomeApproved, "ondato", true},
		"aborted, renewed, approved":        {"standard", [][]string{{"start", "abort"}, with("approve")}, onboarding.OutcomeApproved, "ondato", true},
		"aborted in the only attempt":       {"single", [][]string{{"start", "abort"}}, onboarding.OutcomeAbandoned, "policy", false},
		"expired in the only attempt":       {"single", [][]string{{"expire"}}, onboarding.OutcomeExpired, "policy", false},
		"suspended, resumed, then approved": {"standard", [][]string{{"start", "consent", "suspend", "resume", "submit", "approve"}}, onboarding.OutcomeApproved, "ondato", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := start(t, course.setup)
			session := stack.SessionOf(started.Link)
			for i, actions := range course.attempts {
				if i > 0 {
					status := until(t, started.ID, "a new session", func(s onboarding.Status) bool {
						return s.Attempt == i+1 && s.Link != ""
					})
					session = stack.SessionOf(status.Link)
				}
				actAt(t, session, actions...)
			}
			got := handedOff(t, started.ID, 1)
			require.EqualValues(t, course.outcome, got.Outcome)
			require.Equal(t, 1, got.Version)
			require.Equal(t, "onboarding.decided", got.Type)
			var body struct {
				Data struct {
					DecidedBy      string          `json:"decidedBy"`
					Reference      string          `json:"reference"`
					Attempt        int             `json:"attempt"`
					Identification json.RawMessage `json:"identification"`
				} `json:"data"`
			}
			require.NoError(t, json.Unmarshal(got.Body, &body))
			require.Equal(t, course.by, body.Data.DecidedBy)
			require.Equal(t, len(course.attempts), body.Data.Attempt)
			require.Equal(t, course.record, len(body.Data.Identification) > 0)
			require.NotEmpty(t, body.Data.Reference)

			var last starter.Overview
			for seen, err := range shared.Starter.Watch(timed(t), started.ID, true) {
				require.NoError(t, err)
				last = seen
			}
			require.True(t, last.Closed)
			require.False(t, last.Unfinished)
			require.Equal(t, onboarding.StageDone, last.Stage)
			require.Equal(t, course.outcome, last.Outcome)
			require.Empty(t, last.Attention)
		})
	}
	require.Zero(t, shared.Backend.Refused())
}

func TestOnboarding_Cancelled_IsHandedOffAndALateApprovalOnlyMarks(t *testing.T) {
	started := start(t, "watched")
	_, err := shared.Starter.Obey(timed(t), started.ID, onboarding.Command{Kind: onboarding.CommandCancel, Actor: "ops", Reason: "withdrawn"})
	require.NoError(t, err)
	require.Equal(t, "Cancelled", handedOff(t, started.ID, 1).Outcome)

	actAt(t, stack.SessionOf(started.Link), "start", "consent", "submit", "approve")
	status := until(t, started.ID, "late decision", func(s onboarding.Status) bool { return len(s.Attention) > 0 })
	require.Equal(t, []onboarding.Attention{onboarding.AttentionLateDecision}, status.Attention)
	got, _ := shared.Backend.Of(string(started.ID))
	require.Len(t, got, 1)
}

func TestOnboarding_CancelledByTemporal_IsHandedOff(t *testing.T) {
	started := start(t, "single")
	require.NoError(t, shared.Client.CancelWorkflow(timed(t), started.ID.WorkflowID(), ""))
	require.Equal(t, "Cancelled", handedOff(t, started.ID, 1).Outcome)
}

func TestOnboarding_ReversedWhileWatched_IsAmended(t *testing.T) {
	started := start(t, "watched")
	session := stack.SessionOf(started.Link)
	actAt(t, session, "start", "consent", "submit", "approve")
	first := handedOff(t, started.ID, 1)
	require.Equal(t, "Approved", first.Outcome)

	actAt(t, session, "reject:PossibleFraudAttempt")
	second := handedOff(t, started.ID, 2)
	require.Equal(t, "Rejected", second.Outcome)
	require.Equal(t, 2, second.Version)
	require.Equal(t, "onboarding.amended", second.Type)
	require.NotEqual(t, first.WebhookID, second.WebhookID)
}

func TestOnboarding_NotStarted_IsInvitedAndReminded(t *testing.T) {
	r := request(t, "hasty")
	r.Applicant.Email = "hesitant@customer.example"
	started, err := shared.Starter.Start(timed(t), r)
	require.NoError(t, err)
	count := func() (n int) {
		for _, m := range shared.Mailbox.Mails() {
			if m.To == "hesitant@customer.example" {
				require.Contains(t, m.Text, started.Link)
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return count() == 3 }, patience, 50*time.Millisecond, "an invitation and two reminders")
	act(t, started.ID, "start", "consent", "submit", "approve")
	require.Equal(t, "Approved", handedOff(t, started.ID, 1).Outcome)
}

func TestStart_Repeated_FindsTheSameOnboarding(t *testing.T) {
	r := request(t, "standard")
	first, err := shared.Starter.Start(timed(t), r)
	require.NoError(t, err)
	require.Equal(t, starter.HowStarted, first.How)

	again, err := shared.Starter.Start(timed(t), r)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, first.Link, again.Link)

	other := r
	other.Applicant.LastName = "Kitokia"
	_, err = shared.Starter.Start(timed(t), other)
	var refused *starter.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, starter.Conflict, refused.Code)

	act(t, first.ID, "start", "consent", "submit", "approve")
	handedOff(t, first.ID, 1)
	for range shared.Starter.Watch(timed(t), first.ID, true) {
	}
	over, err := shared.Starter.Start(timed(t), r)
	require.NoError(t, err)
	require.Equal(t, starter.HowAlreadyDecided, over.How)
	require.Equal(t, onboarding.OutcomeApproved, over.Outcome)

	_, err = shared.Starter.Start(timed(t), other)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, starter.Conflict, refused.Code)

	_, err = shared.Starter.Obey(timed(t), first.ID, onboarding.Command{Kind: onboarding.CommandCancel, Actor: "ops", Reason: "too late"})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, starter.Ended, refused.Code)
}

func TestStart_BadInput_NamesTheFieldAndStartsNothing(t *testing.T) {
	for field, spoil := range map[string]func(*onboarding.Request){
		"reference":             func(r *onboarding.Request) { r.Reference = "ona@customer.example" },
		"setup":                 func(r *onboarding.Request) { r.Setup = "unknown" },
		"applicant.email":       func(r *onboarding.Request) { r.Applicant.Email = "" },
		"applicant.dateOfBirth": func(r *onboarding.Request) { r.Applicant.DateOfBirth = "17.04.1991" },
	} {
		t.Run(field, func(t *testing.T) {
			r := request(t, "standard")
			spoil(&r)
			_, err := shared.Starter.Start(timed(t), r)
			var refused *starter.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, starter.Invalid, refused.Code)
			require.Equal(t, field, refused.Fields[0].Field)
			_, err = shared.Starter.Overview(timed(t), r.Reference.ID())
			require.ErrorAs(t, err, &refused)
			require.Equal(t, starter.NotFound, refused.Code)
		})
	}
}
