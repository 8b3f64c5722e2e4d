package onboarding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rig plays occurrences against a process, each a second after the one before it, and begins what is planned as the
// shell does.
type rig struct {
	t   *testing.T
	p   *Process
	now time.Time
	// began counts the steps begun, by kind.
	began map[StepKind]int
	n     int
}

// anInput is that of an onboarding with everything switched on and the ordinary timing.
func anInput() Input {
	return Input{
		Request: Request{Reference: "customer-1", Setup: "retail", Applicant: Applicant{FirstName: "Ona", Email: "ona@example.test"}},
		Setup: Setup{Name: "retail", OndatoSetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11", Language: "en", Notify: []Channel{ChannelEmail},
			OperationsEmail: "operations@example.test", Events: DeliverAll, Policy: DefaultPolicy()},
		Call: "call",
	}
}

func newRig(t *testing.T, change ...func(*Setup)) *rig {
	in := anInput()
	for _, c := range change {
		c(&in.Setup)
	}
	require.NoError(t, in.Setup.Validate())
	r := &rig{t: t, p: Begin(in, simStart), now: simStart, began: map[StepKind]int{}}
	r.begin()
	return r
}

func (r *rig) begin() {
	for _, step := range r.p.Next(r.now).Steps {
		r.began[step.Kind]++
		r.p.Started(r.now, step)
	}
}

func (r *rig) apply(what Occurrence) {
	r.t.Helper()
	r.now = r.now.Add(time.Second)
	require.NoError(r.t, r.p.Apply(r.now, what))
	r.begin()
	require.Empty(r.t, faultsOf(r.p, r.now))
}

// wait lets time pass, from wake to wake, as long as no step is under way.
func (r *rig) wait(d time.Duration) {
	r.t.Helper()
	for until := r.now.Add(d); r.now.Before(until) && len(r.p.s.Doing) == 0; {
		wake := r.p.Next(r.now).Wake
		r.now = until
		if !wake.IsZero() && wake.Before(until) {
			r.now = wake
		}
		require.NoError(r.t, r.p.Apply(r.now, Clock{}))
		r.begin()
	}
}

// event comes from the present session, dated now.
func (r *rig) event(t EventType, status string) { r.eventOf(r.p.s.Session.ID, t, status) }

func (r *rig) eventOf(session string, t EventType, status string) {
	r.t.Helper()
	r.n++
	r.apply(Event{ID: string(rune('a' + r.n)), Type: t, CreatedUtc: r.now, SessionID: session, Status: status})
}

func (r *rig) command(kind CommandKind) {
	r.t.Helper()
	r.n++
	r.apply(Command{Kind: kind, ID: string(rune('a' + r.n)), Actor: "jonas", Reason: "asked by phone"})
}

func (r *rig) fails(kind StepKind) {
	r.t.Helper()
	r.apply(Finished{Kind: kind, Failure: &Failure{Code: "unavailable"}})
}

func (r *rig) opens(id string) {
	r.t.Helper()
	r.apply(Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: id, Link: "https://idv.example.test/?id=" + id}})
	r.sends()
}

func (r *rig) sends() {
	r.t.Helper()
	for r.p.s.doing(laneMessage) != nil {
		r.apply(Finished{Kind: StepMessage, Sent: &SentMessage{Channels: []Channel{ChannelEmail}}})
	}
}

func (r *rig) sees(seen Sight) {
	r.t.Helper()
	r.apply(Finished{Kind: StepLook, Sight: &seen})
}

func (r *rig) accepts() {
	r.t.Helper()
	v := r.p.s.doing(laneHandOff).HandOff.Decision.Version
	r.apply(Finished{Kind: StepHandOff, Handed: &HandedOff{Version: v, WebhookID: "w"}})
}

// sights by name.
var (
	seenApproved = Sight{Session: SessionCompleted, Identification: IdentificationApproved, Reason: "AutomaticallyIdentified", RecordDigest: "approved"}
	seenFraud    = Sight{Session: SessionCompleted, Identification: IdentificationRejected, Reason: "PossibleFraudAttempt", RecordDigest: "fraud"}
	seenBlurred  = Sight{Session: SessionCompleted, Identification: IdentificationRejected, Reason: "BlurredPhoto", RecordDigest: "blurred", RetryableReason: true}
	seenRetrying = Sight{Session: SessionInProgress, Identification: IdentificationRejected, Reason: "BlurredPhoto", RecordDigest: "blurred", RetryableReason: true}
)
