package privacy

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

const annasKey = space + "/" + anna

func TestEnsure_ManyCallersInTwoProcesses_ShareOneKey(t *testing.T) {
	bothStores(t, func(t *testing.T, address func(testing.TB) string) {
		keysets, at := filepath.Join(t.TempDir(), "keyset.json"), address(t)
		_, err := CreateKeysetFile(keysets, "")
		require.NoError(t, err)
		processes := []*program{startProgram(t, keysets, at, KeysConfig{}), startProgram(t, keysets, at, KeysConfig{})}

		sealed := make([]*commonpb.Payload, 40)
		var all sync.WaitGroup
		for i := range sealed {
			all.Go(func() {
				p := processes[i%2]
				if err := p.keys.Ensure(t.Context(), annasKey); err != nil {
					t.Error(err)
					return
				}
				out, err := under(p.codec, annasWorkflow).Encode([]*commonpb.Payload{payload(secret)})
				if err != nil {
					t.Error(err)
					return
				}
				sealed[i] = out[0]
			})
		}
		all.Wait()
		require.False(t, t.Failed())
		for i, s := range sealed {
			opened, err := openedBy(processes[(i+1)%2].codec, annasWorkflow, s)
			require.NoError(t, err)
			require.Equal(t, secret, string(opened.Data))
		}
		byKEK, erased, err := processes[0].store.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[uint32]int{processes[0].keysets.sets().keyEncryption.primary: 1}, byKEK)
		require.Zero(t, erased)
	})
}

func TestEnsure_NewOnboarding_CostsOneRoundTripAndSealingNone(t *testing.T) {
	p := newProgram(t)
	require.NoError(t, p.keys.Ensure(t.Context(), Name(space, "onboarding-new")))
	require.EqualValues(t, 1, p.store.calls())
	sealed := sealedBy(t, p.codec, converter.WorkflowSerializationContext{Namespace: space, WorkflowID: "onboarding-new"}, payload(secret))
	require.EqualValues(t, 1, p.store.calls())

	worker := p.again(t, KeysConfig{})
	for range 10 {
		_, err := openedBy(worker.codec, nil, sealed)
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, worker.store.calls(), "the worker asks once")
}

func TestKeys_ManyWhoMissTheSameKey_AskTheStoreOnce(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	worker := p.again(t, KeysConfig{Patience: time.Minute})
	asked := make(chan struct{})
	worker.store.fail(func(context.Context) error { <-asked; return nil })
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := openedBy(worker.codec, annasWorkflow, sealed); err != nil {
				t.Error(err)
			}
		})
	}
	require.Eventually(t, func() bool { return worker.store.gets.Load() == 1 }, 10*time.Second, time.Millisecond)
	close(asked)
	all.Wait()
	require.EqualValues(t, 1, worker.store.calls())
}

func TestKeys_FailureOfTheStore_IsNotRemembered(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	worker := p.again(t, KeysConfig{})
	for _, trouble := range []error{unavailable("reading a key", errors.New("out of order")), ErrNoKey} {
		worker.store.fail(func(context.Context) error { return trouble })
		_, err := openedBy(worker.codec, annasWorkflow, sealed)
		require.ErrorIs(t, err, trouble)
		_, err = under(worker.codec, annasWorkflow).Encode([]*commonpb.Payload{payload(secret)})
		require.ErrorIs(t, err, trouble)
	}
	worker.store.fail(nil)
	_, err := openedBy(worker.codec, annasWorkflow, sealed)
	require.NoError(t, err)
}

func TestKeys_StoreThatDoesNotAnswer_IsUnavailableAfterThePatience(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	worker := p.again(t, KeysConfig{Patience: 30 * time.Millisecond})
	worker.store.fail(func(ctx context.Context) error { <-ctx.Done(); return unavailable("reading a key", ctx.Err()) })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := openedBy(worker.codec, annasWorkflow, sealed); !errors.Is(err, ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.ErrorIs(t, worker.keys.Ensure(t.Context(), annasKey), ErrUnavailable)
}

func TestKeys_KnownWhenTheStoreGoesDown_GoOn(t *testing.T) {
	p := newProgram(t)
	p.store.fail(func(context.Context) error { return unavailable("reading a key", errors.New("out of order")) })
	opened, err := openedBy(p.codec, annasWorkflow, sealedBy(t, p.codec, annasWorkflow, payload(secret)))
	require.NoError(t, err)
	require.Equal(t, secret, string(opened.Data))
	require.ErrorIs(t, p.keys.Ensure(t.Context(), annasKey), ErrUnavailable, "starting is another matter: the key may have been erased")
}

func TestKeys_TimeLimit_IsCountedFromWhenTheKeyWasRead(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	worker := p.again(t, KeysConfig{knownFor: 50 * time.Millisecond})
	// It is in use all the time, and asked for again all the same.
	require.Eventually(t, func() bool {
		_, err := openedBy(worker.codec, annasWorkflow, sealed)
		return err == nil && worker.store.gets.Load() >= 3
	}, 10*time.Second, time.Millisecond)
}

func TestKeys_MoreThanTheBound_AreForgotten(t *testing.T) {
	p := newProgram(t).again(t, KeysConfig{Known: 8})
	for i := range 100 {
		require.NoError(t, p.keys.Ensure(t.Context(), fmt.Sprint("k/", i)))
	}
	p.keys.known.CleanUp()
	require.LessOrEqual(t, p.keys.known.EstimatedSize(), 8)
}

func TestErase_Onboarding_NothingOfItIsSealedOrOpenedAgain(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	for range 2 { // repeating it changes nothing
		require.NoError(t, p.keys.Erase(t.Context(), annasKey))
		_, err := openedBy(p.codec, annasWorkflow, sealed)
		require.ErrorIs(t, err, ErrErased)
		_, err = under(p.codec, annasActivity).Encode([]*commonpb.Payload{payload(secret)})
		require.ErrorIs(t, err, ErrErased)
		require.ErrorIs(t, p.keys.Ensure(t.Context(), annasKey), ErrErased)
		require.ErrorIs(t, p.keys.Check(t.Context(), annasKey), ErrErased)
	}
	_, err := openedBy(p.codec, brunosWorkflow, sealedBy(t, p.codec, brunosWorkflow, payload(secret)))
	require.NoError(t, err, "nobody else is forgotten")
}

func TestErase_OnboardingThatNeverHadAKey_LeavesATombstone(t *testing.T) {
	p := newProgram(t)
	require.ErrorIs(t, p.keys.Check(t.Context(), "x/y"), ErrNoKey)
	require.NoError(t, p.keys.Erase(t.Context(), "x/y"))
	require.ErrorIs(t, p.keys.Ensure(t.Context(), "x/y"), ErrErased)
}

func TestErase_InAnotherProcess_EndsWhenTheKnownKeyRunsOut(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	patient, brief := p.again(t, KeysConfig{}), p.again(t, KeysConfig{knownFor: 20 * time.Millisecond})
	for _, other := range []*program{patient, brief} {
		_, err := openedBy(other.codec, annasWorkflow, sealed)
		require.NoError(t, err)
	}
	require.NoError(t, p.keys.Erase(t.Context(), annasKey))

	_, err := openedBy(patient.codec, annasWorkflow, sealed)
	require.NoError(t, err, "it is known for five minutes")
	require.Eventually(t, func() bool {
		_, err := openedBy(brief.codec, annasWorkflow, sealed)
		return errors.Is(err, ErrErased)
	}, 10*time.Second, 5*time.Millisecond)
}

// A start must not go by what this process remembers: it would seal a customer's data under a key that is gone.
func TestEnsure_KeyErasedInAnotherProcess_IsRefusedAtOnce(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	require.NoError(t, p.again(t, KeysConfig{}).keys.Erase(t.Context(), annasKey))

	require.ErrorIs(t, p.keys.Ensure(t.Context(), annasKey), ErrErased)
	_, err := openedBy(p.codec, annasWorkflow, sealed)
	require.ErrorIs(t, err, ErrErased, "and what was remembered is forgotten")
}

func TestErase_WhileOthersRead_LeavesNothingBehindInThisProcess(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	worker := p.again(t, KeysConfig{})
	read, erased := make(chan struct{}), make(chan struct{})
	worker.keys.store = &lateStore{Store: worker.store, read: read, erased: erased}
	var all sync.WaitGroup
	all.Go(func() { _, _ = openedBy(worker.codec, annasWorkflow, sealed) })
	<-read // the key has been read, and is on its way into memory
	require.NoError(t, worker.keys.Erase(t.Context(), annasKey))
	close(erased)
	all.Wait()
	_, err := openedBy(worker.codec, annasWorkflow, sealed)
	require.ErrorIs(t, err, ErrErased)
}

// A key that is read while it is being erased is not remembered.
func TestErase_KeyReadJustBeforeItIsGone_IsForgotten(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	worker := p.again(t, KeysConfig{})
	worker.keys.store = &readBeforeErasing{Store: worker.store, read: func() {
		_, err := openedBy(worker.codec, annasWorkflow, sealed)
		require.NoError(t, err)
	}}
	require.NoError(t, worker.keys.Erase(t.Context(), annasKey))
	_, err := openedBy(worker.codec, annasWorkflow, sealed)
	require.ErrorIs(t, err, ErrErased)
}

type readBeforeErasing struct {
	Store
	read func()
}

func (s *readBeforeErasing) Erase(ctx context.Context, name string) error {
	s.read()
	return s.Store.Erase(ctx, name)
}

// lateStore brings the first key that is read from it after a delay.
type lateStore struct {
	Store
	once         sync.Once
	read, erased chan struct{}
}

func (s *lateStore) Get(ctx context.Context, name string) (WrappedKey, error) {
	key, err := s.Store.Get(ctx, name)
	s.once.Do(func() { close(s.read); <-s.erased })
	return key, err
}

func TestKeys_WrappedKeyThatIsNotRight_IsNamedForWhatItIs(t *testing.T) {
	p, stranger := newProgram(t), newProgram(t)
	brunos, err := p.store.Store.Get(t.Context(), Name(space, bruno))
	require.NoError(t, err)
	strangers, err := stranger.store.Store.Get(t.Context(), annasKey)
	require.NoError(t, err)
	sets := p.keysets.sets()
	noKeyset, err := sets.wrap(annasKey, []byte("not a keyset"))
	require.NoError(t, err)
	mac, err := sets.wrap(annasKey, macKeyset(t))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		kept WrappedKey
		want error
	}{
		"another onboarding's":         {brunos, ErrForged},
		"under a KEK that is not here": {strangers, ErrUnknownKey},
		"garbage":                      {WrappedKey{KEK: 1, Bytes: []byte("garbage")}, ErrForged},
		"of something else":            {noKeyset, ErrForged},
		"of a key of another kind":     {mac, ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
			worker := p.again(t, KeysConfig{})
			worker.keys.store = fixedStore{worker.store, c.kept}
			_, err := openedBy(worker.codec, annasWorkflow, sealed)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, "in the store")
			require.ErrorIs(t, worker.keys.Ensure(t.Context(), annasKey), c.want)
		})
	}
}

// fixedStore keeps one key for everybody.
type fixedStore struct {
	Store
	kept WrappedKey
}

func (s fixedStore) Get(context.Context, string) (WrappedKey, error) { return s.kept, nil }
func (s fixedStore) Insert(context.Context, string, WrappedKey) (WrappedKey, error) {
	return s.kept, nil
}
