package webhookbridge

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"kyc/onboarding"
)

func TestRoute_EventOfAnIdentification_IsRoutedByItsSession(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.ondato.knows(sessionID, ourApplication, allSetup, string(ourID))
	require.Equal(t, "200 accepted", f.post(kycEvent().String()).said())
	require.Equal(t, "200 accepted", f.post(kycEvent().set("id", "another-event").String()).said())
	s := f.temporal.received()
	require.Len(t, s, 2)
	require.Equal(t, ourID.WorkflowID(), s[0].GetWorkflowExecution().GetWorkflowId())
	require.EqualValues(t, 1, f.ondato.asked.Load(), "the session is remembered")
}

func TestRoute_SessionsEventCameFirst_OndatoIsNotAsked(t *testing.T) {
	t.Parallel()
	f := start(t)
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
	require.Equal(t, "200 accepted", f.post(kycEvent().String()).said())
	require.Equal(t, "200 accepted", f.post(idvEvent().set("id", "x").drop("payload.externalReferenceId").String()).said())
	require.Zero(t, f.ondato.asked.Load())
	require.Len(t, f.temporal.received(), 3)
}

func TestRoute_IdentificationWithReference_NeedsNoLookup(t *testing.T) {
	t.Parallel()
	f := start(t)
	require.Equal(t, "200 accepted", f.post(kycEvent().set("payload.externalReferenceId", string(ourID)).String()).said())
	require.Zero(t, f.ondato.asked.Load())
}

func TestRoute_ForeignEvents_AreAnsweredAndCountedWithoutASignal(t *testing.T) {
	t.Parallel()
	const v4 = "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001"
	for _, c := range []struct {
		name    string
		session []string // application, setup, reference as Ondato shows them; nil: unknown there
		event   event
		want    string
		asked   int64
	}{
		{"other application", nil, idvEvent().set("applicationId", otherApplication), ignoredApplication, 0},
		{"other application, identification", nil, kycEvent().set("applicationId", otherApplication), ignoredApplication, 0},
		{"other application, bad payload", nil, kycEvent().set("applicationId", otherApplication).drop("payload.identityVerificationId"), ignoredApplication, 0},
		{"no application", nil, idvEvent().drop("applicationId").drop("payload.applicationId"), ignoredApplication, 0},
		{"other setup", nil, idvEvent().set("payload.setup.id", otherSetup), ignoredSetup, 0},
		{"other reference", nil, idvEvent().set("payload.externalReferenceId", "shop-17"), ignoredReference, 0},
		{"reference is another kind of UUID", nil, idvEvent().set("payload.externalReferenceId", v4), ignoredReference, 0},
		{"session of another application", []string{otherApplication, allSetup, string(ourID)}, kycEvent(), ignoredApplication, 1},
		{"session of another setup", []string{ourApplication, otherSetup, string(ourID)}, kycEvent(), ignoredSetup, 1},
		{"session without reference", []string{ourApplication, allSetup, ""}, kycEvent(), ignoredReference, 1},
		{"session with another reference", []string{ourApplication, allSetup, v4}, kycEvent(), ignoredReference, 1},
		{"session unknown", nil, kycEvent(), ignoredUnknown, 1},
		{"session unknown, own event without reference", nil, idvEvent().drop("payload.externalReferenceId"), ignoredUnknown, 1},
		{"identification with another reference", nil, kycEvent().set("payload.externalReferenceId", v4), ignoredUnknown, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			if c.session != nil {
				f.ondato.knows(sessionID, c.session[0], c.session[1], c.session[2])
			}
			for range 2 {
				require.Equal(t, "200 "+c.want, f.post(c.event.String()).said())
			}
			require.Equal(t, 2.0, f.ignored(c.want, c.event["type"].(string)))
			require.Empty(t, f.temporal.received())
			require.Equal(t, c.asked, f.ondato.asked.Load(), "what is foreign is remembered too")
		})
	}
}

func TestRoute_SetupNotShownOrNotTheSessions_IsNoEvidence(t *testing.T) {
	t.Parallel()
	f := start(t)
	require.Equal(t, "200 accepted", f.post(idvEvent().drop("payload.setup").String()).said())
	require.Equal(t, "200 accepted", f.post(kycEvent().set("payload.setup.id", otherSetup).String()).said(), "the KYC setup is another kind")
}

func TestRoute_TypesThatAreNotOurs_AreCountedByFamily(t *testing.T) {
	t.Parallel()
	f := start(t)
	for typ, label := range map[string]string{
		"KybIdentification.Approved": "Kyb", "kybidentification.Document.Created": "Kyb", "Form.Created": "Form", "Form": "Form",
		"KycIdentification.Expired": "other", "IdentityVerification.Deleted": "other", "x": "other", "Formal.Created": "other",
	} {
		before := f.ignored(ignoredType, label)
		require.Equal(t, "200 "+ignoredType, f.post(idvEvent().set("type", typ).drop("payload").String()).said(), typ)
		require.Equal(t, before+1, f.ignored(ignoredType, label), typ)
	}
	require.Empty(t, f.temporal.received())
}

func TestRoute_NamesOf2022_AreUnderstood(t *testing.T) {
	t.Parallel()
	f := start(t)
	require.Equal(t, "200 accepted", f.post(idvEvent().set("type", "Idv.StatusChanged").String()).said())
	require.Equal(t, 1.0, f.metric(acceptedStatusChanges))
}

func TestRoute_OndatoInTrouble_Is503AndNotRemembered(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"failing": 500, "unavailable": 503, "throttling": 429, "refusing our credentials": 403, "confused": 400} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.ondato.knows(sessionID, ourApplication, allSetup, string(ourID))
			f.ondato.fails(status)
			got := f.post(kycEvent().String())
			require.Equal(t, http.StatusServiceUnavailable, got.status)
			require.Equal(t, "10", got.header.Get("Retry-After"))
			require.Empty(t, f.temporal.received())
			f.ondato.fails(0)
			require.Equal(t, "200 accepted", f.post(kycEvent().String()).said())
			require.NotContains(t, f.logs.String(), sessionID)
		})
	}
}

func TestRoute_OndatoAsksToWait_SoDoWe(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.ondato.header["Retry-After"] = []string{"42"}
	f.ondato.fails(429)
	require.Equal(t, "42", f.post(kycEvent().String()).header.Get("Retry-After"))
	require.Equal(t, 1.0, f.metric(`ondato_errors_total{class="throttled"}`))

	f.ondato.header["Retry-After"] = []string{"86400"}
	require.Equal(t, "300", f.post(kycEvent().String()).header.Get("Retry-After"), "redelivery ends after a day")
}

func TestRoute_OndatoHangs_Is503WithinThePatience(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.ondato.gate = make(chan struct{})
	defer close(f.ondato.gate)
	began := time.Now()
	require.Equal(t, http.StatusServiceUnavailable, f.post(kycEvent().String()).status)
	require.Less(t, time.Since(began), patience)
}

func TestRoute_ManyEventsOfOneUnknownSession_AskOnce(t *testing.T) {
	t.Parallel()
	const events = 20
	f := start(t)
	f.ondato.knows(sessionID, ourApplication, allSetup, string(ourID))
	f.ondato.gate = make(chan struct{})
	var all sync.WaitGroup
	answers := make(chan string, events)
	for range events {
		all.Go(func() { answers <- f.post(kycEvent().String()).said() })
	}
	require.Eventually(t, func() bool { return f.metric("webhooks_in_flight") == events }, 5*time.Second, 5*time.Millisecond)
	close(f.ondato.gate)
	all.Wait()
	for range events {
		require.Equal(t, "200 accepted", <-answers)
	}
	require.EqualValues(t, 1, f.ondato.asked.Load())
}

func TestRoute_DecisiveSetup_IsSparedWhatCannotDecide(t *testing.T) {
	t.Parallel()
	const consented, created = "IdentityVerification.Consented", "KycIdentification.Created"
	for _, c := range []struct {
		name, setup string
		event       event
		want        string
	}{
		{"consented, decisive", decisiveSetup, idvEvent().set("type", consented).set("payload.setup.id", decisiveSetup), ignoredIndecisive},
		{"consented, all", allSetup, idvEvent().set("type", consented), "accepted"},
		{"created, decisive", decisiveSetup, kycEvent().set("type", created), ignoredIndecisive},
		{"created, all", allSetup, kycEvent().set("type", created), "accepted"},
		{"created with reference, decisive", decisiveSetup, kycEvent().set("type", created).set("payload.externalReferenceId", string(ourID)), ignoredIndecisive},
		{"created with reference, all", allSetup, kycEvent().set("type", created).set("payload.externalReferenceId", string(ourID)), "accepted"},
		{"processed, decisive", decisiveSetup, kycEvent().set("type", "KycIdentification.Processed"), "accepted"},
		{"status, decisive", decisiveSetup, idvEvent().set("payload.setup.id", decisiveSetup), "accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.ondato.knows(sessionID, ourApplication, c.setup, string(ourID))
			require.Equal(t, "200 "+c.want, f.post(c.event.String()).said())
			require.Equal(t, c.want == "accepted", len(f.temporal.received()) == 1)
		})
	}
}

func TestRoute_SetupNotLearntBecauseOndatoIsDown_EventWithAddressIsDelivered(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.ondato.fails(500)
	e := kycEvent().set("type", "KycIdentification.Created").set("payload.externalReferenceId", string(ourID))
	require.Equal(t, "200 accepted", f.post(e.String()).said())
}

func TestRoute_AllSetupsDecisive_NobodyIsAsked(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) {
		c.Setups = map[string]onboarding.Deliver{strings.ToUpper(decisiveSetup): onboarding.DeliverDecisive}
	})
	e := kycEvent().set("type", "KycIdentification.Created").set("payload.externalReferenceId", string(ourID))
	require.Equal(t, "200 "+ignoredIndecisive, f.post(e.String()).said())
	require.Zero(t, f.ondato.asked.Load())
}

// handClock moves only by hand.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) NowNano() int64 { return c.Now().UnixNano() }

func (c *handClock) Tick(time.Duration) <-chan time.Time { return nil }

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var _ otter.Clock = (*handClock)(nil)

func TestDirectory_ForeignSession_IsForgottenAfterAWhile(t *testing.T) {
	t.Parallel()
	vendor := startOndato(t)
	clock := &handClock{now: time.Now()}
	mine := ours{applicationID: ourApplication, setups: map[string]onboarding.Deliver{allSetup: onboarding.DeliverAll}}
	d, err := newDirectory(mine, vendor.client(t), 10, clock, func(string) {})
	require.NoError(t, err)

	s, err := d.ask(context.Background(), sessionID)
	require.NoError(t, err)
	require.Equal(t, ignoredUnknown, s.foreign)
	_, cached := d.recall(sessionID)
	require.True(t, cached)
	clock.advance(foreignFor + time.Second)
	_, cached = d.recall(sessionID)
	require.False(t, cached)

	vendor.knows(sessionID, ourApplication, allSetup, string(ourID))
	s, err = d.ask(context.Background(), sessionID)
	require.NoError(t, err)
	require.Equal(t, ourID, s.id)
	clock.advance(foreignFor + time.Second)
	_, cached = d.recall(sessionID)
	require.True(t, cached, "what is ours stays")
	clock.advance(knownFor)
	_, cached = d.recall(sessionID)
	require.False(t, cached)
}

func TestDirectory_IsBounded(t *testing.T) {
	t.Parallel()
	d, err := newDirectory(ours{}, nil, 10, nil, func(string) {})
	require.NoError(t, err)
	for i := range 1000 {
		d.learn(string(onboarding.Reference(string(rune('a'+i))).ID()), session{id: ourID})
	}
	d.known.CleanUp()
	require.LessOrEqual(t, d.known.EstimatedSize(), 10)
}

func TestDirectory_LessKnowledgeLater_LosesNothing(t *testing.T) {
	t.Parallel()
	d, err := newDirectory(ours{}, nil, 10, nil, func(string) {})
	require.NoError(t, err)
	d.learn(sessionID, session{id: ourID, runID: "run", setupID: allSetup, asked: true})
	require.Equal(t, session{id: ourID, runID: "run", setupID: allSetup, asked: true}, d.learn(sessionID, session{id: ourID}))
	other := onboarding.Reference("customer-2").ID()
	require.Equal(t, session{id: other}, d.learn(sessionID, session{id: other}), "another onboarding's run is not taken over")
}

func TestDirectory_CallersDeadline_DoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	vendor := startOndato(t)
	vendor.knows(sessionID, ourApplication, allSetup, string(ourID))
	vendor.gate = make(chan struct{})
	mine := ours{applicationID: ourApplication, setups: map[string]onboarding.Deliver{allSetup: onboarding.DeliverAll}}
	d, err := newDirectory(mine, vendor.client(t), 10, nil, func(string) {})
	require.NoError(t, err)

	hasty, giveUp := context.WithCancel(context.Background())
	first := make(chan error, 1)
	go func() { _, err := d.ask(hasty, sessionID); first <- err }()
	require.Eventually(t, func() bool { return vendor.asked.Load() == 1 }, 5*time.Second, time.Millisecond)
	second := make(chan session, 1)
	go func() { s, _ := d.ask(context.Background(), sessionID); second <- s }()
	giveUp()
	require.ErrorIs(t, <-first, context.Canceled)
	close(vendor.gate)
	require.Equal(t, ourID, (<-second).id)
}

type panickingSessions struct{ Sessions }

func TestDirectory_ClientPanics_ProcessLivesOn(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Ondato = panickingSessions{} }) // the embedded nil panics
	require.Equal(t, http.StatusServiceUnavailable, f.post(kycEvent().String()).status)
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
}

func FuzzReferenceToID(f *testing.F) {
	f.Add(string(ourID))
	f.Add(strings.ToUpper(string(ourID)))
	f.Add("b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001")
	f.Add("{" + string(ourID) + "}")
	f.Add("urn:uuid:" + string(ourID))
	f.Add("")
	mine := ours{applicationID: ourApplication, setups: map[string]onboarding.Deliver{allSetup: onboarding.DeliverAll}}
	f.Fuzz(func(t *testing.T, reference string) {
		s := mine.judge(ourApplication, allSetup, reference)
		if s.foreign != "" {
			require.Equal(t, ignoredReference, s.foreign)
			require.Empty(t, s.id)
			return
		}
		require.Equal(t, strings.ToLower(reference), string(s.id), "an address is the reference itself, never something made of it")
		require.Len(t, string(s.id), 36)
		require.Equal(t, byte('5'), s.id[14])
		require.True(t, strings.HasPrefix(s.id.WorkflowID(), "onboarding-"))
	})
}

func TestRoute_RunThatTookASignal_IsAddressedDirectlyFromThenOn(t *testing.T) {
	t.Parallel()
	f := start(t)
	run := func(n int) string { return f.temporal.received()[n].GetWorkflowExecution().GetRunId() }
	f.temporal.runs("run-1")
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
	require.Empty(t, run(0), "not known yet")
	require.Equal(t, "200 accepted", f.post(kycEvent().String()).said())
	require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
	require.Equal(t, []string{"run-1", "run-1"}, []string{run(1), run(2)})

	f.temporal.runs("run-2") // it has continued as new
	f.temporal.does(func(_ context.Context, _ int, r *workflowservice.SignalWorkflowExecutionRequest) error {
		if r.GetWorkflowExecution().GetRunId() == "run-1" {
			return notFoundError()
		}
		return nil
	})
	require.Equal(t, "200 accepted", f.post(kycEvent().String()).said(), "once more without the run")
	require.Equal(t, "200 accepted", f.post(kycEvent().String()).said())
	require.Equal(t, []string{"run-1", "", "run-2"}, []string{run(3), run(4), run(5)})
	require.Equal(t, f.temporal.received()[3].GetRequestId(), f.temporal.received()[4].GetRequestId())
	require.Len(t, f.temporal.received(), 6)
}

func TestRoute_ServerThatDoesNotNameTheRun_IsAskedWithoutIt(t *testing.T) {
	t.Parallel()
	f := start(t)
	for range 2 {
		require.Equal(t, "200 accepted", f.post(idvEvent().String()).said())
	}
	require.Empty(t, f.temporal.received()[1].GetWorkflowExecution().GetRunId())
}
