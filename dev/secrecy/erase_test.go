package secrecy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/ondato"
	"kyc/privacy"
	"kyc/starter"
)

// longHistory is how many events the server of these tests takes for a long history.
const longHistory = 60

// TestErase_EachSituation_EndsAsItShould shares one stack, on which keys are rotated all the while.
func TestErase_EachSituation_EndsAsItShould(t *testing.T) {
	t.Parallel()
	r := newRig(t, stack.Config{
		StartWait: 4 * time.Second, DynamicConfig: map[string]any{"limit.historyCount.suggestContinueAsNew": longHistory},
	})
	t.Run("situations", func(t *testing.T) {
		for name, test := range map[string]func(*rig, *testing.T){
			"before the handoff":               (*rig).eraseTooEarly,
			"cancelled first":                  (*rig).eraseCancelFirst,
			"watched":                          (*rig).eraseWatched,
			"over, several sessions":           (*rig).eraseSeveralSessions,
			"over, history kept":               (*rig).eraseKeepHistory,
			"continued as new":                 (*rig).eraseContinued,
			"reset":                            (*rig).eraseReset,
			"terminated before the handoff":    (*rig).eraseTerminated,
			"unknown":                          (*rig).eraseUnknown,
			"Ondato redacts not at once":       (*rig).eraseOndatoRefuses,
			"a session that nobody asked for":  (*rig).eraseOrphan,
			"rotation":                         (*rig).rotateMeanwhile,
			"several starters, one reference":  (*rig).startTogether,
			"several erasers at the same time": (*rig).eraseTogether,
		} {
			t.Run(name, func(t *testing.T) { t.Parallel(); test(r, t) })
		}
	})
}

func order(id onboarding.ID) onboarding.Erasure {
	return onboarding.Erasure{ID: id, Actor: "officer", Reason: "request 2026-118"}
}

// erase orders an erasure, and waits for its receipt.
func (r *rig) erase(t *testing.T, e onboarding.Erasure) onboarding.ErasureReceipt {
	t.Helper()
	ctx := timed(t)
	var done starter.Erasing
	for done.Receipt == nil { // each call waits a while
		var err error
		done, err = r.Starter.Erase(ctx, e)
		require.NoError(t, err)
		require.NoError(t, ctx.Err(), "the receipt")
	}
	require.Equal(t, e.ID, done.ID)
	require.Equal(t, e.ID, done.Receipt.ID)
	require.WithinDuration(t, time.Now(), done.Receipt.ErasedAt, patience)
	return *done.Receipt
}

// erased checks that nothing is left of an onboarding and that all is as its receipt says.
func (r *rig) erased(t *testing.T, q onboarding.Request, receipt onboarding.ErasureReceipt, sessions ...string) {
	t.Helper()
	id := q.Reference.ID()
	require.Equal(t, onboarding.ErasureReceipt{
		ID: id, ErasedAt: receipt.ErasedAt, Sessions: len(sessions), KeyDropped: true, HistoryDeleted: true,
	}, receipt)
	require.True(t, r.gone(t, id))
	list, err := r.Client.ListWorkflow(timed(t), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId = '" + id.WorkflowID() + "'"})
	require.NoError(t, err)
	require.Empty(t, list.GetExecutions())
	require.ErrorIs(t, r.keyOf(t, id), privacy.ErrErased)
	r.redacted(t, id, sessions...)

	again, err := r.Starter.Erase(timed(t), order(id))
	require.NoError(t, err)
	require.Equal(t, receipt, *again.Receipt, "the same receipt")
	_, another := r.connect(t)
	for _, s := range []*starter.Starter{r.Starter, another} { // whoever started it, and whoever did not
		_, err = s.Start(timed(t), q)
		require.Equal(t, starter.Erased, codeOf(t, err))
	}
	_, err = r.Starter.Status(timed(t), id)
	require.Equal(t, starter.NotFound, codeOf(t, err))
	require.True(t, r.gone(t, id), "starting it again has begun nothing")
}

// redacted waits until Ondato has redacted the sessions, which are all there are.
func (r *rig) redacted(t *testing.T, id onboarding.ID, sessions ...string) {
	t.Helper()
	cfg, err := r.Config(app.ProgramWorker, nil)
	require.NoError(t, err)
	api, err := ondato.New(cfg.Ondato)
	require.NoError(t, err)
	all := r.sessions(t, id)
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
		require.Eventually(t, func() bool {
			got, err := api.IdentityVerification(timed(t), s.ID)
			return err == nil && got.Redaction.Completed(ondato.PersonalData) && got.Redaction.Completed(ondato.BiometricData)
		}, patience, tick, "session %s is redacted", s.ID)
	}
	require.ElementsMatch(t, sessions, ids)
	for _, s := range r.sessions(t, id) {
		require.Empty(t, s.Registration)
	}
}

// keyOf asks the key store, without a cache, for an onboarding's key.
func (r *rig) keyOf(t *testing.T, id onboarding.ID) error {
	t.Helper()
	c, _ := r.connect(t)
	return c.Sealing.Keys.Check(timed(t), privacy.Name(namespace, id.WorkflowID()))
}

func someone(setup string) onboarding.Request {
	return onboarding.Request{
		Reference: onboarding.Reference("case " + uuid.NewString()), Setup: setup, Applicant: applicant("someone@customer.example"),
	}
}

func (r *rig) eraseTooEarly(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	for _, stage := range []struct {
		at      onboarding.Stage
		actions []string
	}{
		{onboarding.StageAwaitingStart, nil}, {onboarding.StageInProgress, []string{"start", "consent"}}, {onboarding.StageAwaitingDecision, []string{"submit"}},
	} {
		r.play(t, session, stage.actions...)
		waitFor(t, "everything has arrived that would change it", func() bool {
			all := r.sessions(t, started.ID)
			return len(all) == 1 && all[0].Webhooks.Pending == 0
		})
		require.NoError(t, r.Settle(timed(t), started.ID))
		before := r.until(t, started.ID, string(stage.at), func(s onboarding.Status) bool { return s.Stage == stage.at && len(s.Doing) == 0 })
		_, err := r.Starter.Erase(timed(t), order(started.ID))
		require.Equal(t, starter.Refused, codeOf(t, err))
		require.Contains(t, err.Error(), "is in stage "+string(stage.at)+" and its decision has not been handed off")
		after, err := r.Starter.Status(timed(t), started.ID)
		require.NoError(t, err)
		require.Equal(t, asJSON(t, before), asJSON(t, after))
		require.NoError(t, r.keyOf(t, started.ID))
	}
	require.Len(t, r.sessions(t, started.ID), 1)
	require.NotEmpty(t, r.sessions(t, started.ID)[0].Registration, "nothing was redacted")

	r.play(t, session, "approve")
	r.handedOff(t, started.ID, 1)
	r.erased(t, q, r.erase(t, order(started.ID)), session)
}

func (r *rig) eraseCancelFirst(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	r.play(t, session, "start", "consent")
	down := r.backend.refuse(string(started.ID), http.StatusServiceUnavailable, -1)
	e := order(started.ID)
	e.CancelFirst = true
	done, err := r.Starter.Erase(timed(t), e)
	require.NoError(t, err)
	require.Nil(t, done.Receipt, "it waits for the handoff")
	s := r.until(t, started.ID, "attention", func(s onboarding.Status) bool {
		return slices.Contains(s.Attention, onboarding.AttentionHandOffFailing)
	})
	require.Equal(t, onboarding.OutcomeCancelled, s.Outcome)
	require.Equal(t, e.Actor, s.Decision.By)
	require.NotEmpty(t, r.sessions(t, started.ID)[0].Registration)

	r.backend.lift(down)
	receipt := r.erase(t, e)
	got, _ := r.Backend.Of(string(started.ID))
	require.Len(t, got, 1, "the backend was told before anything was erased")
	require.Equal(t, "Cancelled", got[0].Outcome)
	r.erased(t, q, receipt, session)
}

func (r *rig) eraseWatched(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	r.approved(t, started)
	got, _ := r.Backend.Of(string(started.ID))
	r.erased(t, q, r.erase(t, order(started.ID)), session)
	r.hearsNothing(t, started.ID, session, len(got))
}

// hearsNothing sends webhooks of an erased onboarding, also to a bridge that has just asked Ondato whose they are.
func (r *rig) hearsNothing(t *testing.T, id onboarding.ID, session string, handed int) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.webhook(t, onboarding.EventStatusChanged, map[string]any{"id": session, "externalReferenceId": id, "status": "Completed"}))
	for _, of := range []string{session, uuid.NewString()} {
		status := r.webhook(t, onboarding.EventRejected, map[string]any{"id": uuid.NewString(), "identityVerificationId": of, "status": "Rejected"})
		require.Equal(t, http.StatusOK, status)
	}
	got, _ := r.Backend.Of(string(id))
	require.Len(t, got, handed)
}

func (r *rig) eraseSeveralSessions(t *testing.T) {
	q := someone("brief")
	started := r.beginAs(t, q)
	first := stack.SessionOf(started.Link)
	r.play(t, first, "start", "abort")
	second := stack.SessionOf(r.until(t, started.ID, "a second session", func(s onboarding.Status) bool { return s.Attempt == 2 && s.Link != "" }).Link)
	r.play(t, second, approve...)
	for range r.Starter.Watch(timed(t), started.ID, true) { // until it is over
	}
	r.erased(t, q, r.erase(t, order(started.ID)), first, second)
	r.hearsNothing(t, started.ID, second, 1)
}

func (r *rig) eraseKeepHistory(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	r.approved(t, started)
	before := r.history(t, started.ID, "")
	e := order(started.ID)
	e.KeepHistory = true
	receipt := r.erase(t, e)
	require.True(t, receipt.KeyDropped)
	require.False(t, receipt.HistoryDeleted)
	r.redacted(t, started.ID, session)

	c, another := r.connect(t)
	after := r.history(t, started.ID, "")
	require.Greater(t, len(after), len(before), "it is all there, with an end")
	require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, after[len(after)-1].GetEventType())
	own, _ := sealed(t, started.ID.WorkflowID(), after)
	require.Positive(t, own)
	for _, event := range after {
		for _, p := range payloadsOf(t, event) {
			opened, err := c.Sealing.Codec.Decode([]*commonpb.Payload{p}) // as the codec server does
			if string(p.GetMetadata()[metadataKey]) == "own" {
				require.ErrorIs(t, err, privacy.ErrErased)
				require.Empty(t, opened)
				var out any
				require.ErrorIs(t, privacy.DataConverter(c.Sealing.Codec).FromPayload(p, &out), privacy.ErrErased)
			}
		}
	}
	_, err := another.Start(timed(t), q)
	require.Equal(t, starter.Erased, codeOf(t, err))
	o, err := another.Overview(timed(t), started.ID)
	require.NoError(t, err)
	require.True(t, o.Closed)
	r.hearsNothing(t, started.ID, session, 1)

	// What was kept can still be deleted, when it is not needed any more.
	again, err := r.Starter.Erase(timed(t), order(started.ID))
	require.NoError(t, err)
	require.Equal(t, receipt, *again.Receipt)
}

// eraseContinued: every run of a chain goes, and sessions that only an earlier run has opened are redacted.
func (r *rig) eraseContinued(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	first := stack.SessionOf(started.Link)
	r.command(t, started.ID, onboarding.Command{Kind: onboarding.CommandRenew})
	second := stack.SessionOf(r.until(t, started.ID, "a second session", func(s onboarding.Status) bool { return s.Attempt == 2 && s.Link != "" }).Link)
	run := r.runID(t, started.ID)
	for n := 0; r.runID(t, started.ID) == run; n++ {
		require.Less(t, n, longHistory, "it does not continue as new")
		require.Equal(t, http.StatusOK, r.webhook(t, onboarding.EventStatusChanged, map[string]any{"id": second, "externalReferenceId": started.ID, "status": "InProgress"}))
		require.NoError(t, r.Settle(timed(t), started.ID))
	}
	r.play(t, second, approve...)
	r.handedOff(t, started.ID, 1)
	require.GreaterOrEqual(t, len(r.runs(t, started.ID)), 2)
	r.erased(t, q, r.erase(t, order(started.ID)), first, second)
}

// eraseReset: a run that was reset knows nothing of the session that the one before it has opened.
func (r *rig) eraseReset(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	first := stack.SessionOf(started.Link)
	r.command(t, started.ID, onboarding.Command{Kind: onboarding.CommandRenew})
	second := stack.SessionOf(r.until(t, started.ID, "a second session", func(s onboarding.Status) bool { return s.Attempt == 2 && s.Link != "" }).Link)
	require.NoError(t, r.Settle(timed(t), started.ID))

	// Back to before the command, which is not applied again.
	var task int64
	for _, e := range r.history(t, started.ID, "") {
		if e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName() == string(onboarding.CommandRenew) {
			break
		}
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			task = e.GetEventId()
		}
	}
	_, err := r.Client.ResetWorkflowExecution(timed(t), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: started.ID.WorkflowID(), RunId: r.runID(t, started.ID)},
		Reason: "test", WorkflowTaskFinishEventId: task, RequestId: uuid.NewString(),
		ResetReapplyExcludeTypes: []enumspb.ResetReapplyExcludeType{enumspb.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE, enumspb.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL},
	})
	require.NoError(t, err)
	s := r.until(t, started.ID, "the first session", func(s onboarding.Status) bool { return s.Attempt == 1 && s.Link != "" })
	session := stack.SessionOf(s.Link)
	r.play(t, session, approve...)
	r.handedOff(t, started.ID, 1)
	require.GreaterOrEqual(t, len(r.runs(t, started.ID)), 2)
	sessions := []string{first, second}
	if session != first { // it was opened anew
		sessions = append(sessions, session)
	}
	r.erased(t, q, r.erase(t, order(started.ID)), sessions...)
}

func (r *rig) eraseTerminated(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	r.play(t, session, "start")
	require.NoError(t, r.Client.TerminateWorkflow(timed(t), started.ID.WorkflowID(), "", "test"))
	r.erased(t, q, r.erase(t, order(started.ID)), session)
}

// eraseUnknown must not spoil a reference that is yet to come.
func (r *rig) eraseUnknown(t *testing.T) {
	q := someone("watched")
	for _, e := range []onboarding.Erasure{order(q.Reference.ID()), {ID: q.Reference.ID(), Actor: "officer", Reason: "x", CancelFirst: true, KeepHistory: true}} {
		_, err := r.Starter.Erase(timed(t), e)
		require.Equal(t, starter.NotFound, codeOf(t, err))
	}
	require.ErrorIs(t, r.keyOf(t, q.Reference.ID()), privacy.ErrNoKey)
	started := r.beginAs(t, q)
	require.NotEmpty(t, started.Link)
	r.approved(t, started)
	r.erased(t, q, r.erase(t, order(started.ID)), stack.SessionOf(started.Link))
}

// eraseOndatoRefuses: what passes and what somebody must mend is tried on.
func (r *rig) eraseOndatoRefuses(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	r.approved(t, started)
	var marks []*mark
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusForbidden, http.StatusBadRequest} {
		marks = append(marks, r.ondato.refuseOnly(http.MethodPut, "/redact", session, status, 1))
	}
	receipt := r.erase(t, order(started.ID))
	for _, m := range marks {
		require.Equal(t, 1, r.ondato.struck(m))
	}
	r.erased(t, q, receipt, session)
}

// eraseOrphan: the answer to a creation was lost, so that the onboarding knows of that session by its webhooks alone.
func (r *rig) eraseOrphan(t *testing.T) {
	q := someone("watched")
	lost := r.ondato.refuseAfter(http.MethodPost, string(q.Reference.ID()), http.StatusBadGateway, 1)
	started := r.beginAs(t, q)
	require.Equal(t, 1, r.ondato.struck(lost))
	session := stack.SessionOf(r.until(t, started.ID, "a link", func(s onboarding.Status) bool { return s.Link != "" }).Link)
	all := r.sessions(t, started.ID)
	require.Len(t, all, 2)
	orphan := all[slices.IndexFunc(all, func(s seen) bool { return s.ID != session })].ID
	r.play(t, orphan, "expire")
	r.until(t, started.ID, "the orphan's end", func(s onboarding.Status) bool { return s.NotedTotal == 1 })
	r.play(t, session, approve...)
	r.handedOff(t, started.ID, 1)
	r.erased(t, q, r.erase(t, order(started.ID)), session, orphan)
}

// rotateMeanwhile rotates with destruction again and again while onboardings go on, new ones start and others are erased.
func (r *rig) rotateMeanwhile(t *testing.T) {
	cfg, err := r.Config(app.ProgramKeys, nil)
	require.NoError(t, err)
	early := r.beginAs(t, someone("watched"))
	r.play(t, stack.SessionOf(early.Link), "start", "consent")
	var versions []uint32
	for range 3 {
		late := r.beginAs(t, someone("watched"))
		rotation, err := app.RotateKeys(timed(t), cfg, true)
		require.NoError(t, err)
		require.NotContains(t, versions, rotation.KEK)
		require.Len(t, rotation.Destroyed, 1)
		require.Positive(t, rotation.Rewrapped)
		versions = append(versions, rotation.KEK)
		_, err = app.RotateHouseKey(timed(t), cfg)
		require.NoError(t, err)
		r.approved(t, late)
	}
	r.play(t, stack.SessionOf(early.Link), "submit", "approve")
	r.handedOff(t, early.ID, 1)
	_, another := r.connect(t)
	_, err = another.Status(timed(t), early.ID)
	require.NoError(t, err)
	found, err := app.KeyInventory(timed(t), cfg)
	require.NoError(t, err)
	require.Equal(t, versions[2:], found.KeyEncryption)
	require.Len(t, found.House, 4)
	require.Empty(t, found.Unusable)
	require.GreaterOrEqual(t, found.Onboardings[versions[2]], 4)
	require.Len(t, found.Onboardings, 1)
}

// startTogether: two processes start one reference at the same time.
func (r *rig) startTogether(t *testing.T) {
	_, one := r.connect(t)
	_, other := r.connect(t)
	for range 3 {
		q := someone("watched")
		got := make([]starter.Started, 8)
		errs := make([]error, len(got))
		ctx := timed(t)
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				s := one
				if i%2 == 1 {
					s = other
				}
				got[i], errs[i] = s.Start(ctx, q)
			})
		}
		all.Wait()
		begun := 0
		for i := range got {
			require.NoError(t, errs[i])
			require.Equal(t, got[0].Link, got[i].Link)
			if got[i].How == starter.HowStarted {
				begun++
			}
		}
		require.Equal(t, 1, begun)
		// Everyone can open what either has sealed, also who has yet to ask for the key.
		c, late := r.connect(t)
		_, err := late.Status(ctx, q.Reference.ID())
		require.NoError(t, err)
		for _, e := range r.history(t, q.Reference.ID(), "") {
			dc := converter.WithDataConverterSerializationContext(privacy.DataConverter(c.Sealing.Codec),
				converter.WorkflowSerializationContext{Namespace: namespace, WorkflowID: q.Reference.ID().WorkflowID()})
			for _, p := range payloadsOf(t, e) {
				var out any
				require.NoError(t, dc.FromPayload(p, &out))
			}
		}
	}
}

// eraseTogether: several people order the same, in different words.
func (r *rig) eraseTogether(t *testing.T) {
	q := someone("watched")
	started := r.beginAs(t, q)
	r.approved(t, started)
	receipts := make([]starter.Erasing, 4)
	errs := make([]error, len(receipts))
	ctx := timed(t)
	var all sync.WaitGroup
	for i := range receipts {
		all.Go(func() {
			e := order(started.ID)
			e.Actor += fmt.Sprint(i)
			receipts[i], errs[i] = r.Starter.Erase(ctx, e)
		})
	}
	all.Wait()
	final := r.erase(t, order(started.ID))
	for i := range receipts {
		require.NoError(t, errs[i])
		if receipts[i].Receipt != nil {
			require.Equal(t, final, *receipts[i].Receipt)
		}
	}
	r.erased(t, q, final, stack.SessionOf(started.Link))
}

func (r *rig) runID(t *testing.T, id onboarding.ID) string {
	t.Helper()
	o, err := r.Starter.Overview(timed(t), id)
	require.NoError(t, err)
	return o.RunID
}

// runs are the ids of all runs of an onboarding that the lists show.
func (r *rig) runs(t *testing.T, id onboarding.ID) (ids []string) {
	t.Helper()
	list, err := r.Client.ListWorkflow(timed(t), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId = '" + id.WorkflowID() + "'"})
	require.NoError(t, err)
	for _, e := range list.GetExecutions() {
		ids = append(ids, e.GetExecution().GetRunId())
	}
	return ids
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}
