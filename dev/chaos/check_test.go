package chaos

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"kyc/onboarding"
)

// copied is evidence that can be falsified without harm to the original.
func copied(t *testing.T, all *evidence) *evidence {
	t.Helper()
	text, err := json.Marshal(all)
	require.NoError(t, err)
	out := new(evidence)
	require.NoError(t, json.Unmarshal(text, out))
	return out
}

// of finds an onboarding of a kind that came out as the kind is named; in a run there may be none.
func of(all *evidence, kind string) *onboardingEvidence {
	for i := range all.Onboardings {
		if all.Onboardings[i].isOf(kind) {
			return &all.Onboardings[i]
		}
	}
	return nil
}

// lies are falsifications: each says about whom it lies, how bad that is, and what the check has to say.
var lies = map[string]struct {
	kind    string // empty for a lie about no single onboarding
	verdict verdict
	says    string
	tell    func(all *evidence, e *onboardingEvidence)
}{
	"a decision that the backend was not told": {"approved", lost, "has not been told", func(_ *evidence, e *onboardingEvidence) {
		e.Deliveries = nil
	}},
	"a decision that the backend never accepted": {"approved", lost, "has not been told", func(_ *evidence, e *onboardingEvidence) {
		for i := range e.Deliveries {
			e.Deliveries[i].Accepted = false
		}
	}},
	"another outcome at the backend than in Temporal": {"approved", wrong, "the workflow's result is Approved", func(_ *evidence, e *onboardingEvidence) {
		e.held().Message.Data.Outcome = "Rejected"
	}},
	"another outcome at the backend and in Temporal than at Ondato": {"approved", wrong, "Ondato says Completed with identification Approved", func(_ *evidence, e *onboardingEvidence) {
		said := &e.held().Message.Data
		said.Outcome, said.Reason = "Rejected", "Sanctioned"
		said.Identification = json.RawMessage(strings.NewReplacer(`"Approved"`, `"Rejected"`, `"ManuallyIdentified"`, `"Sanctioned"`).Replace(string(said.Identification)))
		e.Result.Outcome, e.Result.Decision.Outcome, e.Result.Decision.Reason = onboarding.OutcomeRejected, onboarding.OutcomeRejected, "Sanctioned"
	}},
	"a second id for a version": {"approved", wrong, "under two ids", func(_ *evidence, e *onboardingEvidence) {
		again := *e.held()
		again.WebhookID = again.WebhookID[:len(again.WebhookID)-1] + "x"
		e.Deliveries = append(e.Deliveries, again)
	}},
	"a repeat with another body": {"approved", wrong, "has another body", func(_ *evidence, e *onboardingEvidence) {
		again := *e.held()
		again.Body = json.RawMessage(strings.Replace(string(again.Body), "{", "{ ", 1))
		e.Deliveries = append(e.Deliveries, again)
	}},
	"a decision under the id of another": {"approved", wrong, "under the id of something else", func(_ *evidence, e *onboardingEvidence) {
		for i := range e.Deliveries {
			e.Deliveries[i].WebhookID = "other." + e.Deliveries[i].WebhookID
		}
		e.Status.HandedOff.WebhookID = e.held().WebhookID
	}},
	"a decision about another": {"approved", wrong, "names another onboarding", func(_ *evidence, e *onboardingEvidence) {
		e.held().Message.Data.Reference += "x"
	}},
	"a newer version that was never accepted": {"approved", wrong, "never accepted", func(_ *evidence, e *onboardingEvidence) {
		next := *e.held()
		next.Message.Data.Version++
		next.WebhookID = strings.Replace(next.WebhookID, ".1.", ".2.", 1)
		next.Accepted = false
		e.Deliveries = append(e.Deliveries, next)
	}},
	"a decision without its record": {"approved", wrong, "has no record", func(_ *evidence, e *onboardingEvidence) {
		e.held().Message.Data.Identification = nil
	}},
	"a record that says otherwise": {"approved", wrong, "its record says", func(_ *evidence, e *onboardingEvidence) {
		said := &e.held().Message.Data
		said.Identification = json.RawMessage(strings.Replace(string(said.Identification), `"Approved"`, `"Awaiting"`, 1))
	}},
	"a record that is out of date": {"approved-edited", wrong, "not the one that Ondato shows", func(_ *evidence, e *onboardingEvidence) {
		e.Record = json.RawMessage(strings.Replace(string(e.Record), `"documentNumber":"`, `"documentNumber":"9`, 1))
	}},
	"a decision before Ondato was asked": {"approved", wrong, "before Ondato was asked", func(_ *evidence, e *onboardingEvidence) {
		e.LooksBefore = 0
	}},
	"a decision before Ondato's": {"approved", wrong, "before Ondato had decided it", func(_ *evidence, e *onboardingEvidence) {
		e.held().Message.Data.DecidedAt = e.held().Message.Data.DecidedAt.Add(-time.Minute)
	}},
	"a status that does not know of the handoff": {"approved", wrong, "the status does not say", func(_ *evidence, e *onboardingEvidence) {
		e.Status.HandedOff = nil
	}},
	"an onboarding that Temporal does not know": {"approved", lost, "Temporal does not know it", func(_ *evidence, e *onboardingEvidence) {
		e.Chain, e.Runs = nil, nil
	}},
	"a run that is not over": {"approved", stuck, "its run is not over", func(_ *evidence, e *onboardingEvidence) {
		e.Chain[len(e.Chain)-1].Status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	}},
	"a run that was terminated": {"approved", wrong, "has ended as Terminated", func(_ *evidence, e *onboardingEvidence) {
		e.Chain[len(e.Chain)-1].Status = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	}},
	"a run that failed": {"approved", wrong, "has ended as Failed", func(_ *evidence, e *onboardingEvidence) {
		e.Chain[len(e.Chain)-1].Status = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
	}},
	"a second run": {"approved", wrong, "a second run", func(_ *evidence, e *onboardingEvidence) {
		e.Runs = append(e.Runs, "another")
	}},
	"two beginnings": {"approved", wrong, "2 calls were told that they began it", func(_ *evidence, e *onboardingEvidence) {
		e.Started = 2
	}},
	"a start that failed": {"approved", wrong, "could not be started", func(_ *evidence, e *onboardingEvidence) {
		e.StartFailed = "conflict"
	}},
	"another attempt than the customer's": {"rejected-renewed-approved", wrong, "names attempt 3", func(_ *evidence, e *onboardingEvidence) {
		e.held().Message.Data.Attempt, e.Result.Decision.Attempt = 3, 3
	}},
	"a reversal that was not handed off": {"approved", wrong, "Ondato says", func(_ *evidence, e *onboardingEvidence) {
		s := &e.Sessions[len(e.Sessions)-1]
		state := s.now()
		state.At, state.Identification, state.Reason = e.held().At.Add(time.Second), "Rejected", "Sanctioned"
		s.History = append(s.History, state)
	}},
	"an approval of an attempt that was not decided on": {"aborted-renewed-approved", wrong, "is not the one that was decided on", func(_ *evidence, e *onboardingEvidence) {
		s := &e.Sessions[slices.IndexFunc(e.Sessions, func(s session) bool { return s.ID == e.Told[0] })]
		state := s.now()
		state.At, state.Identification = state.At.Add(time.Hour), "Approved"
		s.History = append(s.History, state)
	}},
	"an attempt that was given up too early": {"aborted-renewed-approved", wrong, "was given up for another one while its session was InProgress", func(_ *evidence, e *onboardingEvidence) {
		s := &e.Sessions[slices.IndexFunc(e.Sessions, func(s session) bool { return s.ID == e.Told[0] })]
		s.History = s.History[:len(s.History)-1]
	}},
	"a later session than the one decided on": {"approved", wrong, "not the last one given to the customer", func(_ *evidence, e *onboardingEvidence) {
		s := e.Sessions[len(e.Sessions)-1]
		s.ID, s.History = "another", slices.Clone(s.History[:1])
		s.History[0].At = s.History[0].At.Add(time.Hour)
		e.Sessions, e.Told = append(e.Sessions, s), append(e.Told, s.ID)
	}},
	"a link to another's session": {"approved", wrong, "does not hold under this onboarding", func(all *evidence, e *onboardingEvidence) {
		for _, other := range all.Onboardings {
			if other.ID != e.ID {
				e.Told = append(e.Told, other.Told...)
			}
		}
	}},
	"a customer in a session that nobody was told of": {"approved", wrong, "nobody was told of", func(_ *evidence, e *onboardingEvidence) {
		s := e.Sessions[len(e.Sessions)-1]
		s.ID = "another"
		e.Sessions = append(e.Sessions, s)
	}},
	"a rejection that a new session could have mended": {"rejected-critical", wrong, "with attempts left", func(all *evidence, e *onboardingEvidence) {
		all.Critical["Sanctioned"] = false
	}},
	"an abandonment with attempts left": {"aborted-until-used-up", wrong, "the attempts were not used up", func(_ *evidence, e *onboardingEvidence) {
		e.Setup.Policy.MaxAttempts = 3
	}},
	"an abandonment of a session that was approved": {"aborted-until-used-up", wrong, "its identification \"Approved\"", func(_ *evidence, e *onboardingEvidence) {
		s := &e.Sessions[len(e.Sessions)-1]
		s.History[len(s.History)-1].Identification = "Approved"
	}},
	"an expiry of what had been approved": {"never-opened", wrong, "although Ondato had decided before: Approved", func(_ *evidence, e *onboardingEvidence) {
		s := &e.Sessions[slices.IndexFunc(e.Sessions, func(s session) bool { return s.ID == e.Told[0] })]
		s.History = append(s.History, change{At: s.created().Add(time.Second), What: "approve", Status: "Completed", Identification: "Approved"})
	}},
	"a late approval that nobody looks at": {"never-opened", wrong, "nobody's attention", func(_ *evidence, e *onboardingEvidence) {
		s := &e.Sessions[slices.IndexFunc(e.Sessions, func(s session) bool { return s.ID == e.Told[0] })]
		s.History = append(s.History, change{At: e.held().Message.Data.DecidedAt.Add(time.Second), What: "approve", Status: "Completed", Identification: "Approved"})
		e.Status.Attention = nil
	}},
	"a decision of nobody": {"approved", wrong, "nobody can have decided that", func(_ *evidence, e *onboardingEvidence) {
		e.held().Message.Data.DecidedBy, e.Result.Decision.By = "mallory", "mallory"
	}},
	"a forged delivery":           {"", wrong, "refused 1 deliveries for their signature", func(all *evidence, _ *onboardingEvidence) { all.Refused = 1 }},
	"a delivery that is no JSON":  {"", wrong, "could not read 1 deliveries", func(all *evidence, _ *onboardingEvidence) { all.Unreadable = 1 }},
	"a decision about a stranger": {"", wrong, "belongs to nobody", func(all *evidence, _ *onboardingEvidence) { all.Strangers = []string{"it belongs to nobody"} }},
	"a program that crashed": {"", wrong, "ended by itself", func(all *evidence, _ *onboardingEvidence) {
		all.Programs = []string{"worker ended by itself with code 2"}
	}},
}

func TestCheck_MadeUpEvidence_NothingIsFoundUntilItIsFalsified(t *testing.T) {
	requireBites(t, madeUp())
	for kind := range kindsLiedAbout() {
		require.NotNil(t, of(madeUp(), kind), kind)
	}
}

func kindsLiedAbout() map[string]bool {
	about := map[string]bool{}
	for _, lie := range lies {
		if lie.kind != "" {
			about[lie.kind] = true
		}
	}
	return about
}

// requireBites falsifies the evidence of a run in which all was well, one lie at a time.
func requireBites(t *testing.T, all *evidence) {
	require.Empty(t, check(copied(t, all)), "the copy is as good as the original")
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			falsified := copied(t, all)
			about := new(onboardingEvidence)
			if lie.kind != "" {
				if about = of(falsified, lie.kind); about == nil {
					t.Skipf("no onboarding of the kind %s came out as it is named", lie.kind)
				}
			}
			lie.tell(falsified, about)
			found := check(falsified)
			require.True(t, slices.ContainsFunc(found, func(d difference) bool {
				return d.Name == about.Name && d.Verdict == lie.verdict && strings.Contains(d.What, lie.says)
			}), "%v", found)
			if lie.kind != "" {
				require.Regexp(t, `[ ,:][1-9]\d* `+string(lie.verdict), verdictLine(falsified, found))
			}
		})
	}
}
