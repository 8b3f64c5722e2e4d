package chaos

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"kyc/onboarding"
)

// noon is when every made-up onboarding begins.
var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// madeUp is evidence in which all is well: one onboarding of each kind that the lies are about.
func madeUp() *evidence {
	create := change{What: "create", Status: "Pending"}
	start := change{What: "start → IdentityVerification.StatusChanged", Status: "InProgress"}
	submit := change{What: "submit → KycIdentification.Processed", Status: "InProgress", Identification: "Awaiting"}
	approve := change{What: "approve → KycIdentification.Approved", Status: "Completed", Identification: "Approved", Reason: "ManuallyIdentified"}
	reject := change{What: "reject → KycIdentification.Rejected", Status: "Completed", Identification: "Rejected"}
	abort := change{What: "abort → IdentityVerification.StatusChanged", Status: "Aborted"}
	rejected := func(reason string) change { c := reject; c.Reason = reason; return c }

	return &evidence{
		Critical: map[string]bool{"Sanctioned": true, "BlurredPhoto": false},
		Onboardings: []onboardingEvidence{
			decidedOnce("approved", setupMain, "Approved", onboarding.DecidedByOndato, []change{create, start, submit, approve}),
			decidedOnce("rejected-critical", setupMain, "Rejected", onboarding.DecidedByOndato, []change{create, start, submit, rejected("Sanctioned")}),
			decidedOnce("rejected-renewed-approved", setupMain, "Approved", onboarding.DecidedByOndato,
				[]change{create, start, submit, rejected("BlurredPhoto")}, []change{create, start, submit, approve}),
			decidedOnce("aborted-renewed-approved", setupMain, "Approved", onboarding.DecidedByOndato,
				[]change{create, start, abort}, []change{create, start, submit, approve}),
			decidedOnce("aborted-until-used-up", setupTwo, "Abandoned", onboarding.DecidedByRule, []change{create, start, abort}, []change{create, start, abort}),
			decidedOnce("approved-edited", setupMain, "Approved", onboarding.DecidedByOndato, []change{create, start, submit, approve}),
			decidedOnce("never-opened", setupBrief, "Expired", onboarding.DecidedByRule, []change{create}),
		},
	}
}

// decidedOnce makes an onboarding that was decided once. A step happens every second; the sessions follow one another, and the
// customer was told of all of them.
func decidedOnce(name, setup string, outcome onboarding.Outcome, by string, sessions ...[]change) onboardingEvidence {
	e := onboardingEvidence{
		Name: "0001-" + name, Reference: onboarding.Reference("made-up-" + name), ByHand: true, Started: 1, LooksBefore: 1, Looks: 2,
		Setup: onboarding.Setup{Name: setup, Policy: onboarding.Policy{
			MaxAttempts: 3, Deadline: onboarding.Duration(time.Hour), WatchFor: onboarding.Duration(5 * time.Second),
		}},
	}
	e.ID = e.Reference.ID()
	now := 0
	for i, history := range sessions {
		s := session{ID: fmt.Sprintf("%s-session-%d", name, i+1), Number: int64(i), Reference: string(e.ID)}
		for _, c := range history {
			now++
			c.At = at(now)
			s.History = append(s.History, c)
		}
		e.Sessions, e.Told = append(e.Sessions, s), append(e.Told, s.ID)
	}
	if setup == setupTwo {
		e.Setup.Policy.MaxAttempts = 2
	}
	if setup == setupBrief {
		e.Setup.Policy.Deadline = onboarding.Duration(12 * time.Second)
		now = 12
	}
	last := e.Sessions[len(e.Sessions)-1]
	d := onboarding.Decision{Outcome: outcome, By: by, At: at(now + 1), Attempt: len(sessions), SessionID: last.ID, Version: 1}
	if by == onboarding.DecidedByOndato {
		d.Reason, d.IdentificationID = last.now().Reason, "identification-of-"+last.ID
		e.Record = json.RawMessage(fmt.Sprintf(`{"id":%q,"identityVerificationId":%q,"status":%q,"statusReason":%q,"document":{"documentNumber":"12345678"}}`,
			d.IdentificationID, last.ID, outcome, d.Reason))
	}
	e.Deliveries = []delivery{e.deliver(d, at(now+1))}
	e.Result = &onboarding.Result{ID: e.ID, Outcome: outcome, Decision: d, Attempts: d.Attempt}
	e.Status = &onboarding.Status{ID: e.ID, Stage: onboarding.StageDone, Outcome: outcome, Decision: &d,
		HandedOff: &onboarding.HandedDecision{Decision: d, WebhookID: e.Deliveries[0].WebhookID}}
	e.Runs = []string{"run"}
	e.Chain = []run{{ID: "run", Status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, Started: noon, Closed: at(now + 7)}}
	return e
}

// deliver is the accepted delivery of a decision.
func (e *onboardingEvidence) deliver(d onboarding.Decision, when time.Time) delivery {
	out := delivery{At: when, Accepted: true, WebhookID: fmt.Sprintf("%s.%d.0123abcd", e.ID, d.Version)}
	out.Message.Type = "onboarding.decided"
	said := &out.Message.Data
	said.ID, said.Reference, said.Setup = string(e.ID), string(e.Reference), e.Setup.Name
	said.Outcome, said.Reason, said.Attempt, said.DecidedAt = string(d.Outcome), d.Reason, d.Attempt, d.At
	said.DecidedBy, said.Version, said.Identification = d.By, d.Version, e.Record
	said.Ondato = ondatoIDs{d.SessionID, d.IdentificationID}
	out.Body, _ = json.Marshal(out.Message) // only compared with its like
	return out
}

// isOf tells whether an onboarding is one of a kind that came out as the kind is named, in one version.
func (e *onboardingEvidence) isOf(kind string) bool {
	held := e.held()
	if held == nil || !strings.HasSuffix(e.Name, "-"+kind) || held.Message.Data.Ondato.Session == "" {
		return false
	}
	renewed := strings.Contains(kind, "-renewed-") || strings.HasSuffix(kind, "-used-up")
	return (len(e.Told) == 2) == renewed && (held.Message.Data.Version == 1 || kind == "approved-edited")
}
