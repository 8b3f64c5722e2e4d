package onboarding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twoTargets takes a new rig to the moment when the first version is being handed off to two targets.
func twoTargets(t *testing.T) *rig {
	r := newRig(t, func(s *Setup) { s.HandOff = []string{"crm", "ledger"} })
	r.opens("s1")
	r.event(EventApproved, "Approved")
	r.sees(seenApproved)
	require.Equal(t, []string{"crm", "ledger"}, r.handing().Targets)
	return r
}

func (r *rig) handing() HandOff {
	r.t.Helper()
	step := r.p.s.doing(laneHandOff)
	require.NotNil(r.t, step, "nothing is being handed off")
	return *step.HandOff
}

func (r *rig) takenBy(permanent bool, targets ...string) {
	r.t.Helper()
	r.apply(Finished{Kind: StepHandOff, Failure: &Failure{Code: "unavailable", Permanent: permanent, Taken: targets}})
}

func TestTargets_OneHasTakenTheDecision_OnlyTheOtherIsTriedAgain(t *testing.T) {
	r := twoTargets(t)
	r.takenBy(false, "crm")
	require.Equal(t, []string{"ledger"}, r.handing().Targets)
	require.Equal(t, 1, r.handing().Decision.Version)
	require.False(t, r.handing().Amendment, "all targets are told the same of one version")
	require.False(t, r.p.s.delivered())
	require.Contains(t, r.p.Status(r.now).Awaited, "to ledger")
	r.accepts()
	require.Equal(t, StageWatching, r.p.Stage())
}

func TestTargets_DecisionChangesWhenOneHasTakenIt_BothGetTheAmendment(t *testing.T) {
	r := twoTargets(t)
	r.takenBy(true, "crm")
	r.event(EventRejected, "Rejected")
	r.sees(seenFraud)
	require.Equal(t, []string{"crm", "ledger"}, r.handing().Targets)
	require.Equal(t, 2, r.handing().Decision.Version)
	require.True(t, r.handing().Amendment)
}

func TestTargets_DecisionTakenBackWhenOneHasTakenIt_Stands(t *testing.T) {
	r := twoTargets(t)
	r.takenBy(true, "crm")
	r.event(EventUpdated, "Awaiting")
	r.sees(Sight{Session: SessionInProgress, Identification: IdentificationAwaiting})
	require.Equal(t, StageHandingOff, r.p.Stage(), "the other target is to have what the first one has")
	r.command(CommandRetryHandoff)
	require.Equal(t, []string{"ledger"}, r.handing().Targets)
	r.accepts()
	require.Equal(t, OutcomeApproved, r.p.s.Handed.Outcome)
}

func TestTargets_RecordNoLongerTheOneThatOneHasTaken_IsMarkedAndAPersonEndsIt(t *testing.T) {
	r := twoTargets(t)
	r.takenBy(false, "crm")
	back := Sight{Session: SessionInProgress, Identification: IdentificationAwaiting, RecordDigest: "other"}
	for range 3 { // what the activity says as long as the record differs
		r.apply(Finished{Kind: StepHandOff, Handed: &HandedOff{Version: 1, Changed: true}})
		r.sees(back)
		r.sends()
		for range 10 {
			r.wait(time.Hour)
		}
		require.NotNil(t, r.p.s.doing(laneHandOff))
	}
	require.Contains(t, r.p.s.Attention, AttentionHandOffFailing)
	require.Equal(t, 2, r.began[StepMessage], "the invitation, and one message to operations")
	r.apply(Command{Kind: CommandDecide, Outcome: OutcomeRejected, ID: "x", Actor: "jonas", Reason: "taken back"})
	r.apply(Finished{Kind: StepHandOff, Handed: &HandedOff{Version: 1, Changed: true}})
	require.Equal(t, []string{"crm", "ledger"}, r.handing().Targets)
	require.True(t, r.handing().Amendment)
	r.accepts()
	require.Empty(t, r.p.s.Attention)
}

func TestTargets_ChangeSeenWhenOneHasTakenTheDecision_BothGetTheAmendment(t *testing.T) {
	r := twoTargets(t)
	r.apply(Finished{Kind: StepHandOff, Handed: &HandedOff{Version: 1, Changed: true, Taken: []string{"crm"}}})
	r.sees(seenFraud)
	require.Equal(t, []string{"crm", "ledger"}, r.handing().Targets)
	require.Equal(t, 2, r.handing().Decision.Version)
	require.True(t, r.handing().Amendment)
}

func TestTargets_RefusedForGood_IsTriedAgainAfterTheLongestPauseOrWhenOrdered(t *testing.T) {
	r := twoTargets(t)
	r.takenBy(true, "crm")
	require.Equal(t, []Attention{AttentionHandOffFailing}, r.p.s.Attention)
	longest := DefaultPolicy().RetryDelays[len(DefaultPolicy().RetryDelays)-1].Std()
	require.WithinDuration(t, r.now.Add(longest), r.p.s.Handing.RetryAt, time.Second)
	r.command(CommandRetryHandoff)
	r.accepts()
	require.Empty(t, r.p.s.Attention)
}

func TestChannels_OneHasTakenAMessage_IsToldSoOnTheNextTry(t *testing.T) {
	r := newRig(t, func(s *Setup) { s.Notify, s.NotifyBy = []Channel{ChannelEmail, ChannelWebhook}, NotifyEach })
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/"}})
	require.Empty(t, r.message().Taken)
	r.apply(Finished{Kind: StepMessage, Failure: &Failure{Code: "unavailable", Taken: []string{"webhook"}}})
	r.wait(time.Hour)
	require.Equal(t, []Channel{ChannelWebhook}, r.message().Taken)
	require.Equal(t, NotifyEach, r.message().By)
}

func TestChannels_OneHasTakenTheInvitationTheOtherRefusesForGood_CountsAsInvited(t *testing.T) {
	r := newRig(t, func(s *Setup) { s.Notify, s.NotifyBy = []Channel{ChannelEmail, ChannelWebhook}, NotifyEach })
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: "s1", Link: "https://idv.example.test/"}})
	r.apply(Finished{Kind: StepMessage, Failure: &Failure{Code: "recipient", Permanent: true, Taken: []string{"webhook"}}})
	require.Equal(t, r.now, r.p.s.Session.InvitedAt)
	require.Contains(t, r.p.s.Attention, AttentionMessageRefused)
}

func TestSetup_ChannelsQuietHoursAndTargets_AreJudgedByField(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Setup)
		fields []string
	}{
		{"all of it right", func(s *Setup) {
			quiet(s)
			s.Notify, s.NotifyBy, s.HandOff = []Channel{ChannelWebhook, ChannelEmail}, NotifyFirst, []string{"crm", "core-ledger"}
		}, nil},
		{"a channel unknown", func(s *Setup) { s.Notify = []Channel{"sms"} }, []string{"notify[0]"}},
		{"a channel twice", func(s *Setup) { s.Notify = []Channel{ChannelEmail, ChannelEmail} }, []string{"notify[1]"}},
		{"notifyBy unknown", func(s *Setup) { s.NotifyBy = "all" }, []string{"notifyBy"}},
		{"confirm without channel", func(s *Setup) { s.Notify, s.Confirm = nil, true }, []string{"confirm"}},
		{"zone unknown", func(s *Setup) { s.TimeZone = "Europe/Atlantis" }, []string{"timeZone"}},
		{"zone of the machine", func(s *Setup) { s.TimeZone = "Local" }, []string{"timeZone"}},
		{"hours half given", func(s *Setup) { s.QuietHours = QuietHours{From: "21:00"} }, []string{"quietHours.to"}},
		{"hours unreadable", func(s *Setup) { s.QuietHours = QuietHours{From: "24:00", To: "8:00"} }, []string{"quietHours.from", "quietHours.to"}},
		{"hours without length", func(s *Setup) { s.QuietHours = QuietHours{From: "21:00", To: "21:00"} }, []string{"quietHours"}},
		{"target misnamed and repeated", func(s *Setup) { s.HandOff = []string{"CRM", "ledger", "ledger"} }, []string{"handOff[0]", "handOff[2]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := anInput().Setup
			c.change(&s)
			var fields []string
			for _, f := range Fields(s.Validate()) {
				require.NotEmpty(t, f.Remedy)
				fields = append(fields, f.Field)
			}
			require.Equal(t, c.fields, fields)
		})
	}
}

func TestSetup_RequestWithoutEmail_IsRefusedOnlyWhereNothingElseWouldDo(t *testing.T) {
	for _, c := range []struct {
		name     string
		channels []Channel
		by       NotifyBy
		refused  bool
	}{
		{"e-mail alone", []Channel{ChannelEmail}, "", true},
		{"webhook alone", []Channel{ChannelWebhook}, "", false},
		{"either", []Channel{ChannelEmail, ChannelWebhook}, NotifyFirst, false},
		{"both", []Channel{ChannelEmail, ChannelWebhook}, NotifyEach, true},
		{"none", nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := anInput().Setup
			s.Notify, s.NotifyBy = c.channels, c.by
			err := s.ValidateRequest(Request{Reference: "customer-1", Setup: "retail"})
			require.Equal(t, c.refused, err != nil, "%v", err)
		})
	}
}
