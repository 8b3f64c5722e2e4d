package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"kyc/onboarding"
	"kyc/workflows"
)

// forgetting is all that an erasure deals with, on virtual time. It records what the erasure does, and when.
type forgetting struct {
	env *testsuite.TestWorkflowEnvironment
	// surveys are found one after the other, the last one from then on.
	surveys []onboarding.Survey
	// fails is called before each part; its error fails that try.
	fails func(part string, try int) error
	plain bool

	did   []string
	tries map[string]int
}

func newForgetting(t *testing.T, surveys ...onboarding.Survey) *forgetting {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	f := &forgetting{env: suite.NewTestWorkflowEnvironment(), surveys: surveys, tries: map[string]int{}}
	f.env.SetStartTime(worldStart)
	f.env.SetTestTimeout(20 * time.Second)
	register := func(name string, does any) {
		f.env.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
	register(onboarding.ActivitySurvey, func(_ context.Context, id onboarding.ID) (onboarding.Survey, error) {
		if err := f.does("survey"); err != nil {
			return onboarding.Survey{}, err
		}
		found := f.surveys[0]
		if len(f.surveys) > 1 {
			f.surveys = f.surveys[1:]
		}
		return found, nil
	})
	register(onboarding.ActivityCancelFirst, func(_ context.Context, e onboarding.Erasure) error {
		return f.does("cancel for " + e.Actor + ", " + e.Reason)
	})
	register(onboarding.ActivityRedact, func(_ context.Context, l onboarding.Look) error { return f.does("redact " + l.SessionID) })
	register(onboarding.ActivityEndRun, func(context.Context, onboarding.ID) error { return f.does("end") })
	register(onboarding.ActivityDropKey, func(context.Context, onboarding.ID) (bool, error) { return !f.plain, f.does("drop") })
	register(onboarding.ActivityDeleteRuns, func(context.Context, onboarding.ID) error { return f.does("delete") })
	return f
}

// does notes a part with the seconds since the start, unless that try fails.
func (f *forgetting) does(part string) error {
	f.tries[part]++
	if f.fails != nil {
		if err := f.fails(part, f.tries[part]); err != nil {
			return err
		}
	}
	f.did = append(f.did, fmt.Sprintf("%s at %.0f", part, f.env.Now().Sub(worldStart).Seconds()))
	return nil
}

func (f *forgetting) run(t *testing.T, e onboarding.Erasure) (onboarding.ErasureReceipt, error) {
	t.Helper()
	f.env.ExecuteWorkflow(workflows.Erasure, e)
	require.True(t, f.env.IsWorkflowCompleted())
	var receipt onboarding.ErasureReceipt
	if err := f.env.GetWorkflowError(); err != nil {
		return receipt, err
	}
	require.NoError(t, f.env.GetWorkflowResult(&receipt))
	require.Equal(t, e.ID, receipt.ID)
	require.True(t, f.env.Now().Equal(receipt.ErasedAt))
	return receipt, nil
}

var (
	toForget = onboarding.Erasure{ID: onboarding.Reference("customer-1").ID(), Actor: "officer", Reason: "request 1"}
	handed   = onboarding.Survey{Known: true, Keyed: true, Readable: true, HandedOff: true, Stage: onboarding.StageWatching, Sessions: []string{"s1", "s2"}}
	early    = onboarding.Survey{Known: true, Keyed: true, Readable: true, Stage: onboarding.StageInProgress, Sessions: []string{"s1"}}
)

func with(e onboarding.Erasure, change func(*onboarding.Erasure)) onboarding.Erasure {
	change(&e)
	return e
}

func seenWith(s onboarding.Survey, change func(*onboarding.Survey)) onboarding.Survey {
	change(&s)
	return s
}

func TestErasure_EachSituation_IsErasedAsFarAsThereIsAnything(t *testing.T) {
	cancelFirst := with(toForget, func(e *onboarding.Erasure) { e.CancelFirst = true })
	opening := seenWith(handed, func(s *onboarding.Survey) { s.Opening, s.Sessions = true, nil })
	for name, c := range map[string]struct {
		order   onboarding.Erasure
		surveys []onboarding.Survey
		plain   bool
		did     []string
		receipt onboarding.ErasureReceipt
	}{
		"handed off": {
			order: toForget, surveys: []onboarding.Survey{handed},
			did:     []string{"survey at 0", "redact s1 at 0", "redact s2 at 0", "end at 0", "drop at 0", "delete at 0"},
			receipt: onboarding.ErasureReceipt{Sessions: 2, KeyDropped: true, HistoryDeleted: true},
		},
		"handed off, history kept": {
			order: with(toForget, func(e *onboarding.Erasure) { e.KeepHistory = true }), surveys: []onboarding.Survey{handed},
			did:     []string{"survey at 0", "redact s1 at 0", "redact s2 at 0", "end at 0", "drop at 0"},
			receipt: onboarding.ErasureReceipt{Sessions: 2, KeyDropped: true},
		},
		"handed off, nothing to cancel": {
			order: cancelFirst, surveys: []onboarding.Survey{seenWith(handed, func(s *onboarding.Survey) { s.Sessions = nil })},
			did:     []string{"survey at 0", "end at 0", "drop at 0", "delete at 0"},
			receipt: onboarding.ErasureReceipt{KeyDropped: true, HistoryDeleted: true},
		},
		"cancelled once, waited for with growing pauses": {
			order: cancelFirst, surveys: []onboarding.Survey{early, early, early, handed},
			did: []string{"survey at 0", "cancel for officer, request 1 at 0", "survey at 2", "survey at 6", "survey at 14",
				"redact s1 at 14", "redact s2 at 14", "end at 14", "drop at 14", "delete at 14"},
			receipt: onboarding.ErasureReceipt{Sessions: 2, KeyDropped: true, HistoryDeleted: true},
		},
		"waited for a session that is being opened": {
			order: toForget, surveys: []onboarding.Survey{opening, handed},
			did:     []string{"survey at 0", "survey at 2", "redact s1 at 2", "redact s2 at 2", "end at 2", "drop at 2", "delete at 2"},
			receipt: onboarding.ErasureReceipt{Sessions: 2, KeyDropped: true, HistoryDeleted: true},
		},
		"what was found before does not count": {
			order: cancelFirst, surveys: []onboarding.Survey{early, {Keyed: true, Readable: true}},
			did:     []string{"survey at 0", "cancel for officer, request 1 at 0", "survey at 2", "drop at 2", "delete at 2"},
			receipt: onboarding.ErasureReceipt{KeyDropped: true, HistoryDeleted: true},
		},
		"older than the retention": {
			order: toForget, surveys: []onboarding.Survey{{Keyed: true, Readable: true}},
			did:     []string{"survey at 0", "drop at 0", "delete at 0"},
			receipt: onboarding.ErasureReceipt{KeyDropped: true, HistoryDeleted: true},
		},
		"its key dropped before, its runs still there": {
			order: toForget, surveys: []onboarding.Survey{{Known: true, Keyed: true}},
			did:     []string{"survey at 0", "end at 0", "drop at 0", "delete at 0"},
			receipt: onboarding.ErasureReceipt{KeyDropped: true, HistoryDeleted: true},
		},
		"stored in plain": {
			order: toForget, plain: true, surveys: []onboarding.Survey{seenWith(handed, func(s *onboarding.Survey) { s.Keyed = false })},
			did:     []string{"survey at 0", "redact s1 at 0", "redact s2 at 0", "end at 0", "drop at 0", "delete at 0"},
			receipt: onboarding.ErasureReceipt{Sessions: 2, HistoryDeleted: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForgetting(t, c.surveys...)
			f.plain = c.plain
			receipt, err := f.run(t, c.order)
			require.NoError(t, err)
			require.Equal(t, c.did, f.did)
			c.receipt.ID, c.receipt.ErasedAt = receipt.ID, receipt.ErasedAt
			require.Equal(t, c.receipt, receipt)
		})
	}
}

func TestErasure_NotPossible_IsRefusedWithNothingDone(t *testing.T) {
	for name, c := range map[string]struct {
		order  onboarding.Erasure
		survey onboarding.Survey
		kind   string
		says   string
	}{
		"not handed off": {toForget, early, onboarding.ErrTypeRefused, "is in stage InProgress and its decision has not been handed off: wait, or cancel it first"},
		"not handed off, opening": {
			toForget, seenWith(early, func(s *onboarding.Survey) { s.Opening = true }), onboarding.ErrTypeRefused, "cancel it first",
		},
		"unknown":                {toForget, onboarding.Survey{Readable: true}, onboarding.ErrTypeNotFound, "there is no such onboarding"},
		"unknown, cancel first":  {with(toForget, func(e *onboarding.Erasure) { e.CancelFirst = true }), onboarding.Survey{Readable: true}, onboarding.ErrTypeNotFound, "there is no such onboarding"},
		"unknown, no encryption": {toForget, onboarding.Survey{}, onboarding.ErrTypeNotFound, "there is no such onboarding"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForgetting(t, c.survey)
			_, err := f.run(t, c.order)
			var refused *temporal.ApplicationError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.kind, refused.Type())
			require.Contains(t, refused.Message(), c.says)
			require.NotContains(t, err.Error(), toForget.Actor)
			require.Equal(t, []string{"survey at 0"}, f.did)
		})
	}
}

// TestErasure_PartFails_IsTriedOn: whatever fails is tried again, and nothing is done twice. The test environment itself
// gives up after ten tries.
func TestErasure_PartFails_IsTriedOn(t *testing.T) {
	f := newForgetting(t, early, handed)
	f.fails = func(_ string, try int) error {
		if try <= 8 {
			return errors.New("out of order")
		}
		return nil
	}
	receipt, err := f.run(t, with(toForget, func(e *onboarding.Erasure) { e.CancelFirst = true }))
	require.NoError(t, err)
	require.Equal(t, 2, receipt.Sessions)
	var parts []string
	for _, did := range f.did {
		part, _, _ := strings.Cut(did, " at ")
		parts = append(parts, part)
	}
	require.Equal(t, []string{"survey", "cancel for officer, request 1", "survey", "redact s1", "redact s2", "end", "drop", "delete"}, parts)
	require.Equal(t, 7*255*time.Second+2*time.Second, receipt.ErasedAt.Sub(worldStart), "eight growing pauses for each part but the second survey")
}

func TestErasure_CancelledInTemporalWhileItWaits_DropsNothing(t *testing.T) {
	f := newForgetting(t, early)
	f.env.RegisterDelayedCallback(f.env.CancelWorkflow, time.Minute)
	_, err := f.run(t, with(toForget, func(e *onboarding.Erasure) { e.CancelFirst = true }))
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Zero(t, f.tries["drop"])
	require.Zero(t, f.tries["redact s1"])
}
