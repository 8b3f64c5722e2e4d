package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"

	"kyc/onboarding"
)

// verdict says how bad a difference is.
type verdict string

const (
	// lost: an onboarding that was asked for is not there, or it is over and the backend was not told.
	lost verdict = "lost"
	// stuck: it was not over when the time was up.
	stuck verdict = "stuck"
	// wrong: the backend was told something that is not so, or the same in a way that it cannot tell from another.
	wrong verdict = "wrong"
)

// difference is one thing that is not as it must be.
type difference struct {
	Verdict verdict
	// Name and WorkflowID are empty for what concerns no single onboarding.
	Name, WorkflowID string
	What             string
}

func (d difference) String() string {
	if d.Name == "" {
		return fmt.Sprintf("%s: %s", d.Verdict, d.What)
	}
	return fmt.Sprintf("%s: %s (%s): %s", d.Verdict, d.Name, d.WorkflowID, d.What)
}

// check is the second pass: it compares every onboarding with the sandbox's truth and with what the backend holds.
func check(all *evidence) (found []difference) {
	for i := range all.Onboardings {
		e := &all.Onboardings[i]
		add := func(v verdict, format string, args ...any) {
			found = append(found, difference{v, e.Name, e.ID.WorkflowID(), fmt.Sprintf(format, args...)})
		}
		checkStart(e, add)
		if checkRun(e, add) {
			checkDeliveries(e, add)
			checkDecision(e, all.Critical, add)
		}
	}
	for _, what := range slices.Concat(all.Strangers, all.Programs) {
		found = append(found, difference{Verdict: wrong, What: what})
	}
	if all.Refused > 0 {
		found = append(found, difference{Verdict: wrong, What: fmt.Sprintf("the backend refused %d deliveries for their signature", all.Refused)})
	}
	if all.Unreadable > 0 {
		found = append(found, difference{Verdict: wrong, What: fmt.Sprintf("the backend could not read %d deliveries", all.Unreadable)})
	}
	return found
}

type adder func(v verdict, format string, args ...any)

func checkStart(e *onboardingEvidence, add adder) {
	if e.StartFailed != "" {
		add(wrong, "it could not be started: %s", e.StartFailed)
	}
	if e.Started > 1 {
		add(wrong, "%d calls were told that they began it", e.Started)
	}
}

// checkRun looks at the run; it is false where there is nothing more to look at.
func checkRun(e *onboardingEvidence, add adder) bool {
	newest, there := e.last()
	if !there {
		add(lost, "Temporal does not know it")
		return false
	}
	var chain []string
	for _, r := range e.Chain {
		chain = append(chain, r.ID)
	}
	for _, id := range e.Runs {
		if !slices.Contains(chain, id) {
			add(wrong, "there is a second run that does not follow from the first")
		}
	}
	switch newest.Status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return true
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		add(stuck, "its run is not over; %s", situation(e.Status))
	default:
		add(wrong, "its run has ended as %s", newest.Status)
	}
	return false
}

func situation(s *onboarding.Status) string {
	if s == nil {
		return "nothing is known of it"
	}
	next := ""
	if s.Next != "" {
		next = fmt.Sprintf("; next: %s at %s", s.Next, s.NextAt.Format("15:04:05"))
	}
	return fmt.Sprintf("stage %s since %s, attempt %d, doing %v, attention %v%s",
		s.Stage, s.AwaitedSince.Format("15:04:05"), s.Attempt, s.Doing, s.Attention, next)
}

// held is the newest version that the backend has accepted.
func (e *onboardingEvidence) held() (newest *delivery) {
	for i, d := range e.Deliveries {
		if d.Accepted && (newest == nil || d.Message.Data.Version > newest.Message.Data.Version) {
			newest = &e.Deliveries[i]
		}
	}
	return newest
}

// checkDeliveries looks at what came to the backend, whatever it says.
func checkDeliveries(e *onboardingEvidence, add adder) {
	ids := map[int]string{}
	bodies := map[string][]byte{}
	accepted := map[int]bool{}
	for _, d := range e.Deliveries {
		said := d.Message.Data
		if id, seen := ids[said.Version]; seen && id != d.WebhookID {
			add(wrong, "version %d was handed off under two ids", said.Version)
		}
		ids[said.Version] = d.WebhookID
		accepted[said.Version] = accepted[said.Version] || d.Accepted
		if body, seen := bodies[d.WebhookID]; seen && !bytes.Equal(body, d.Body) {
			add(wrong, "a repeat of version %d has another body", said.Version)
		}
		bodies[d.WebhookID] = d.Body
		if !strings.HasPrefix(d.WebhookID, fmt.Sprintf("%s.%d.", e.ID, said.Version)) {
			add(wrong, "version %d was handed off under the id of something else", said.Version)
		}
		if said.ID != string(e.ID) || said.Reference != string(e.Reference) || said.Setup != e.Setup.Name {
			add(wrong, "version %d names another onboarding", said.Version)
		}
		checkRecord(d, add)
	}
	newest := 0
	for version := range ids {
		newest = max(newest, version)
	}
	if newest > 0 && !accepted[newest] {
		add(wrong, "version %d was tried and never accepted", newest)
	}
}

// checkRecord: a decision of Ondato comes with the record that says so. It proves that Ondato was asked: no webhook's
// content is passed on.
func checkRecord(d delivery, add adder) {
	said := d.Message.Data
	if said.DecidedBy != onboarding.DecidedByOndato {
		if len(said.Identification) > 0 {
			add(wrong, "version %d has a record, and Ondato did not decide it", said.Version)
		}
		return
	}
	var record struct {
		ID           string `json:"id"`
		Session      string `json:"identityVerificationId"`
		Status       string `json:"status"`
		StatusReason string `json:"statusReason"`
	}
	if err := json.Unmarshal(said.Identification, &record); err != nil {
		add(wrong, "version %d has no record", said.Version)
		return
	}
	if record.Status != said.Outcome || record.StatusReason != said.Reason || record.Session != said.Ondato.Session || record.ID != said.Ondato.Identification {
		add(wrong, "version %d says %s (%s), and its record says %s (%s)", said.Version, said.Outcome, said.Reason, record.Status, record.StatusReason)
	}
}

// checkDecision compares workflow, backend and sandbox.
func checkDecision(e *onboardingEvidence, critical map[string]bool, add adder) {
	held := e.held()
	if held == nil {
		add(lost, "the backend has not been told what came of it")
		return
	}
	said := held.Message.Data
	if r := e.Result; r == nil || string(r.Outcome) != said.Outcome || !sameDecision(r.Decision, said.Outcome, said.Reason, said.DecidedBy, said.Attempt, said.Version, said.Ondato) {
		add(wrong, "the backend holds %s version %d (%s), and the workflow's result is %s", said.Outcome, said.Version, said.Reason, result(r))
	}
	if s := e.Status; s == nil || s.HandedOff == nil || s.HandedOff.WebhookID != held.WebhookID || s.Stage != onboarding.StageDone {
		add(wrong, "the status does not say that version %d was handed off and all is done", said.Version)
	}
	if said.DecidedBy == onboarding.DecidedByOndato && e.LooksBefore == 0 {
		add(wrong, "a decision of Ondato's was handed off before Ondato was asked")
	}
	truth{onboardingEvidence: e, critical: critical, held: *held, complain: func(format string, args ...any) {
		add(wrong, format, args...)
	}}.compare()
}

func sameDecision(d onboarding.Decision, outcome, reason, by string, attempt, version int, ids ondatoIDs) bool {
	return string(d.Outcome) == outcome && d.Reason == reason && d.By == by && d.Attempt == attempt && d.Version == version &&
		d.SessionID == ids.Session && d.IdentificationID == ids.Identification
}

func result(r *onboarding.Result) string {
	if r == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s version %d (%s)", r.Outcome, r.Decision.Version, r.Decision.Reason)
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
