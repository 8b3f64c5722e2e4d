package sandbox

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every situation a session can be in, by name.
var situations = map[string]state{
	"pending":             {Status: pending},
	"asked for consent":   {Status: inProgress},
	"capturing":           {Status: inProgress, Consent: consentGiven, Identification: awaiting},
	"handed in":           {Status: inProgress, Consent: consentGiven, Identification: awaiting, Submitted: true},
	"provisional reject":  {Status: inProgress, Consent: consentGiven, Identification: rejected, Reason: "BlurredPhoto", Submitted: true, Rejections: 1},
	"suspended early":     {Status: suspended},
	"suspended, rejected": {Status: suspended, Consent: consentGiven, Identification: rejected, Reason: "BlurredPhoto", Submitted: true, Rejections: 1},
	"approved":            {Status: completed, Consent: consentGiven, Identification: approved, Reason: reasonAutomatic, Submitted: true},
	"rejected":            {Status: completed, Consent: consentGiven, Identification: rejected, Reason: "Sanctioned", Submitted: true, Rejections: 1},
	"under review":        {Status: completed, Consent: consentGiven, Identification: awaiting, Submitted: true},
	"aborted":             {Status: aborted},
	"declined":            {Status: aborted, StatusReason: reasonConsentDeclined, Consent: consentDeclined},
	"expired":             {Status: expired},
	"expired, rejected":   {Status: expired, Consent: consentGiven, Identification: rejected, Reason: "BlurredPhoto", Submitted: true, Rejections: 1},
}

// What each situation admits, and the events it then tells of; everything else is refused.
var transitions = map[string]map[string]string{
	"pending":             {actStart: "InProgress: StatusChanged", actExpire: "Expired: StatusChanged"},
	"asked for consent":   {actConsent: "InProgress Awaiting: Consented Created", actDeclineConsent: "Aborted: StatusChanged", actSuspend: "Suspended: StatusChanged", actAbort: "Aborted: StatusChanged", actExpire: "Expired: StatusChanged"},
	"capturing":           {actSubmit: "InProgress Awaiting: Processed", actSuspend: "Suspended Awaiting: StatusChanged", actAbort: "Aborted Awaiting: StatusChanged", actExpire: "Expired Awaiting: StatusChanged"},
	"handed in":           {actApprove: "Completed Approved: Approved StatusChanged", actReject: "InProgress Rejected: Rejected", actUpdate: "InProgress Awaiting: Updated", actComplete: "Completed Awaiting: StatusChanged", actExpire: "Expired Awaiting: StatusChanged"},
	"provisional reject":  {actResubmit: "InProgress Awaiting:", actApprove: "Completed Approved: Approved StatusChanged", actSuspend: "Suspended Rejected: StatusChanged", actAbort: "Aborted Rejected: StatusChanged", actComplete: "Completed Rejected: StatusChanged", actUpdate: "InProgress Rejected: Updated", actExpire: "Expired Rejected: StatusChanged"},
	"suspended early":     {actResume: "InProgress: StatusChanged", actExpire: "Expired: StatusChanged"},
	"suspended, rejected": {actResume: "InProgress Rejected: StatusChanged", actUpdate: "Suspended Rejected: Updated", actExpire: "Expired Rejected: StatusChanged"},
	"approved":            {actReject: "Completed Rejected: Rejected", actUpdate: "Completed Approved: Updated"},
	"rejected":            {actApprove: "Completed Approved: Approved", actUpdate: "Completed Rejected: Updated"},
	"under review":        {actApprove: "Completed Approved: Approved", actReject: "Completed Rejected: Rejected", actUpdate: "Completed Awaiting: Updated"},
	"aborted":             {},
	"declined":            {},
	"expired":             {},
	"expired, rejected":   {actApprove: "Expired Approved: Approved", actUpdate: "Expired Rejected: Updated"},
}

func outcome(steps []step) string {
	last := steps[len(steps)-1].state
	var events []string
	for _, st := range steps {
		if _, name, ok := strings.Cut(st.event, "."); ok {
			events = append(events, name)
		}
	}
	return strings.TrimSpace(strings.TrimSpace(last.Status+" "+last.Identification) + ": " + strings.Join(events, " "))
}

func TestNext_EveryActionInEverySituation(t *testing.T) {
	require.ElementsMatch(t, slices.Collect(maps.Keys(situations)), slices.Collect(maps.Keys(transitions)))
	for name, s := range situations {
		for _, kind := range allActions {
			t.Run(name+"/"+kind, func(t *testing.T) {
				steps, err := next(s, action{Kind: kind, Reason: "BlurredPhoto"}, rules{retries: 2})
				want, ok := transitions[name][kind]
				if !ok {
					var no *notAllowedError
					require.ErrorAs(t, err, &no)
					require.Contains(t, err.Error(), kind)
					require.Empty(t, steps)
					return
				}
				require.NoError(t, err)
				require.Equal(t, want, outcome(steps))
			})
		}
	}
}

func TestNext_UnknownActionAndReason_AreErrorsThatName(t *testing.T) {
	_, err := next(state{}, action{Kind: "dance"}, rules{})
	require.ErrorContains(t, err, "dance")
	_, err = next(situations["handed in"], action{Kind: actReject, Reason: "Nonsense"}, rules{})
	require.ErrorContains(t, err, "Nonsense")
	require.False(t, errors.As(err, new(*notAllowedError)))
}

func TestReject_FinalWhenCriticalAskedForOrRetriesUsedUp(t *testing.T) {
	handedIn := situations["handed in"]
	for _, tc := range []struct {
		name       string
		rejections int
		retries    int
		action     action
		want       string
	}{
		{"retryable", 0, 2, action{Reason: "BlurredPhoto"}, "InProgress Rejected: Rejected"},
		{"second time", 1, 2, action{Reason: "BlurredPhoto"}, "InProgress Rejected: Rejected"},
		{"retries used up", 2, 2, action{Reason: "BlurredPhoto"}, "Completed Rejected: Rejected StatusChanged"},
		{"no retries", 0, 0, action{Reason: "BlurredPhoto"}, "Completed Rejected: Rejected StatusChanged"},
		{"asked for", 0, 2, action{Reason: "BlurredPhoto", Final: true}, "Completed Rejected: Rejected StatusChanged"},
		{"critical", 0, 2, action{Reason: "Sanctioned"}, "Completed Rejected: Rejected StatusChanged"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := handedIn
			s.Rejections = tc.rejections
			tc.action.Kind = actReject
			steps, err := next(s, tc.action, rules{retries: tc.retries})
			require.NoError(t, err)
			require.Equal(t, tc.want, outcome(steps))
		})
	}
}

func TestSubmit_CompleteBeforeDecision(t *testing.T) {
	steps, err := next(situations["capturing"], action{Kind: actSubmit}, rules{completeBeforeDecision: true})
	require.NoError(t, err)
	require.Equal(t, "Completed Awaiting: Processed StatusChanged", outcome(steps))
}

func TestDeadline_BySituation(t *testing.T) {
	created := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	acted := created.Add(time.Hour)
	for name, want := range map[string]time.Duration{
		"pending": 7 * 24 * time.Hour, "asked for consent": 3 * time.Hour, "capturing": 3 * time.Hour, "provisional reject": 3 * time.Hour,
		"suspended early": 7*24*time.Hour + time.Hour, "handed in": 0, "approved": 0, "rejected": 0, "aborted": 0, "expired": 0,
	} {
		at, ok := deadline(situations[name], created, acted)
		require.Equal(t, want != 0, ok, name)
		if ok {
			require.Equal(t, created.Add(want), at, name)
		}
	}
}

func TestStage_OfEverySituation(t *testing.T) {
	for name, want := range map[string]string{
		"pending": stageWelcome, "asked for consent": stageConsent, "capturing": stageCapture, "handed in": stageProcessing,
		"provisional reject": stageRetry, "suspended early": stageSuspended, "approved": stageApproved, "rejected": stageRejected,
		"under review": stageReview, "aborted": stageAborted, "declined": stageDeclined, "expired": stageExpired,
	} {
		require.Equal(t, want, stage(situations[name]), name)
	}
}

func TestAdvice_IsThereForEveryRetryableReason_AndForNoOther(t *testing.T) {
	for _, r := range Reasons() {
		require.Equal(t, !r.Critical, advice[r.Name] != "", r.Name)
	}
}

func TestLatin_FoldsDiacritics(t *testing.T) {
	require.Equal(t, "ZYDRUNE OBRIST-STRASSE", latin("Žydrūnė Óbrist-Straße"))
}
