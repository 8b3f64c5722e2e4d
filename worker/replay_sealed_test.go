package worker_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
	"kyc/privacy"
	"kyc/workflows"
)

// namespace that the histories are sealed for.
const namespace = "customers"

// sealing is what a worker and a bridge seal with.
type sealing struct {
	keysets *privacy.KeysetFile
	store   privacy.Store
	keys    *privacy.Keys
}

func newSealing(t *testing.T) *sealing {
	t.Helper()
	dir := t.TempDir()
	keysets, err := privacy.CreateKeysetFile(filepath.Join(dir, "keyset.json"), "")
	require.NoError(t, err)
	store, err := privacy.OpenStore(t.Context(), "sqlite:"+filepath.Join(dir, "keys.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	s := &sealing{keysets: keysets, store: store}
	s.restart(t)
	return s
}

// restart forgets every key that was read.
func (s *sealing) restart(t *testing.T) {
	t.Helper()
	var err error
	s.keys, err = privacy.NewKeys(privacy.KeysConfig{Keysets: s.keysets, Store: s.store})
	require.NoError(t, err)
}

func (s *sealing) worker() *privacy.Codec {
	return privacy.NewCodec(privacy.CodecConfig{Keysets: s.keysets, Keys: s.keys, Owned: onboarding.IsWorkflowID})
}

func (s *sealing) bridge() *privacy.Codec {
	return privacy.NewCodec(privacy.CodecConfig{Keysets: s.keysets, Owned: onboarding.IsWorkflowID})
}

// history is a kept history as it would be had it been sealed when it was made.
type history struct {
	*historypb.History
	workflowID string
	signalled  bool
}

// sealed reads a kept history and seals all of it: signals as the bridge does, everything else as the worker and the
// starter do, failures' messages and stack traces included.
func (s *sealing) sealed(t *testing.T, path string) history {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	read, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	out := history{History: read, workflowID: read.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()}
	require.True(t, onboarding.IsWorkflowID(out.workflowID))
	require.NoError(t, s.keys.Ensure(t.Context(), privacy.Name(namespace, out.workflowID)))

	at := converter.WorkflowSerializationContext{Namespace: namespace, WorkflowID: out.workflowID}
	count := 0
	for _, e := range read.GetEvents() {
		codec := s.worker().WithSerializationContext(at)
		if e.GetWorkflowExecutionSignaledEventAttributes() != nil {
			codec, out.signalled = s.bridge().WithSerializationContext(at), true
		}
		dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec)
		require.NoError(t, proxy.VisitFailures(t.Context(), e, proxy.VisitFailuresOptions{
			Visitor: func(_ *proxy.VisitFailuresContext, f *failurepb.Failure) error {
				return converter.EncodeCommonFailureAttributes(dc, f)
			},
		}))
		require.NoError(t, proxy.VisitPayloads(t.Context(), e, proxy.VisitPayloadsOptions{
			SkipSearchAttributes: true,
			Visitor: func(_ *proxy.VisitPayloadsContext, plain []*commonpb.Payload) ([]*commonpb.Payload, error) {
				if len(plain) == 1 && privacy.Sealed(plain[0]) {
					return plain, nil // a failure's, by now
				}
				count += len(plain)
				return codec.Encode(plain)
			},
		}))
	}
	require.Greater(t, count, 5)
	return out
}

// replay has the code of today go through a history, with the converters of a worker.
func (s *sealing) replay(t *testing.T, code any, h history, original workflow.Execution) error {
	t.Helper()
	codec := s.worker()
	replayer, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{
		DataConverter: privacy.WorkerDataConverter(codec), FailureConverter: privacy.WorkerFailureConverter(codec),
	})
	require.NoError(t, err)
	replayer.RegisterWorkflowWithOptions(code, workflow.RegisterOptions{Name: onboarding.WorkflowType})
	return replayer.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), h.History,
		sdk.ReplayWorkflowHistoryOptions{OriginalExecution: original})
}

// keptHistories are those that package workflows replays in plain.
func keptHistories(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../workflows/testdata/histories/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func nameOf(path string) string { return strings.TrimSuffix(filepath.Base(path), ".json") }

func TestReplay_EveryKeptHistorySealed_IsReplayedByTheCodeOfToday(t *testing.T) {
	s := newSealing(t)
	for _, path := range keptHistories(t) {
		t.Run(nameOf(path), func(t *testing.T) {
			h := s.sealed(t, path)
			require.NoError(t, s.replay(t, workflows.Onboarding, h, workflow.Execution{}))
			require.NoError(t, s.replay(t, workflows.Onboarding, h, workflow.Execution{ID: h.workflowID}), "as the execution that it was")
		})
	}
}

// TestReplay_SealedAndWrongChange_IsCaught: the sealing hides no wrong change from the replay.
func TestReplay_SealedAndWrongChange_IsCaught(t *testing.T) {
	s := newSealing(t)
	wrong := func(ctx workflow.Context, in onboarding.Input) (onboarding.Result, error) {
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return onboarding.Result{}, err
		}
		return workflows.Onboarding(ctx, in)
	}
	h := s.sealed(t, "../workflows/testdata/histories/1/approved.json")
	require.ErrorContains(t, s.replay(t, wrong, h, workflow.Execution{}), "TMPRL1100")
}

// TestReplay_KeysThatDoNotFit_BlockTheRun: the workflow task fails and says why; the run itself neither fails nor goes on
// with a payload less.
func TestReplay_KeysThatDoNotFit_BlockTheRun(t *testing.T) {
	const waits = "this workflow task is tried again until its payloads can be sealed and opened"
	for name, c := range map[string]struct {
		spoil func(*testing.T, *sealing, history) *sealing
		why   string
	}{
		"another key of its own": {why: "sealed under a key that this program does not hold", spoil: func(t *testing.T, s *sealing, h history) *sealing {
			other := &sealing{keysets: s.keysets, store: newSealing(t).store}
			other.restart(t)
			require.NoError(t, other.keys.Ensure(t.Context(), privacy.Name(namespace, h.workflowID)))
			return other
		}},
		"no key": {why: "has no key", spoil: func(t *testing.T, s *sealing, _ history) *sealing {
			other := &sealing{keysets: s.keysets, store: newSealing(t).store}
			other.restart(t)
			return other
		}},
		"erased": {why: "has been erased", spoil: func(t *testing.T, s *sealing, h history) *sealing {
			require.NoError(t, s.keys.Erase(t.Context(), privacy.Name(namespace, h.workflowID)))
			s.restart(t)
			return s
		}},
		"key store down": {why: "the key store does not answer", spoil: func(t *testing.T, s *sealing, _ history) *sealing {
			require.NoError(t, s.store.Close())
			s.restart(t)
			return s
		}},
		"another house keyset": {why: "sealed under a key that this program does not hold", spoil: func(t *testing.T, s *sealing, _ history) *sealing {
			return &sealing{keysets: newSealing(t).keysets, keys: s.keys} // its own key is there; signals do not open
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, situation := range []string{"approved", "backend-down-retried", "steered", "open-watching"} {
				s := newSealing(t)
				h := s.sealed(t, "../workflows/testdata/histories/1/"+situation+".json")
				require.True(t, h.signalled)
				require.NoError(t, s.replay(t, workflows.Onboarding, h, workflow.Execution{}), "the sealing is right")
				err := c.spoil(t, s, h).replay(t, workflows.Onboarding, h, workflow.Execution{})
				require.ErrorContains(t, err, waits, situation)
				require.ErrorContains(t, err, c.why, situation)
			}
		})
	}
}
