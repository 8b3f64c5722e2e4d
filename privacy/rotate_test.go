package privacy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

func TestRotate_KeysOfAllOnboardings_OpenWhatTheySealedBefore(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	was := p.keysets.sets().keyEncryption.primary
	require.NoError(t, p.keys.Erase(t.Context(), Name(space, bruno)))

	done, err := Rotate(t.Context(), p.keysets, p.store, false)
	require.NoError(t, err)
	require.Equal(t, Rotation{KEK: p.keysets.sets().keyEncryption.primary, Rewrapped: 1}, done)
	require.NotEqual(t, was, done.KEK)
	opened, err := openedBy(p.again(t, KeysConfig{}).codec, annasWorkflow, sealed)
	require.NoError(t, err)
	require.Equal(t, secret, string(opened.Data))

	stock, err := Take(t.Context(), p.keysets, p.store)
	require.NoError(t, err)
	require.Equal(t, map[uint32]int{done.KEK: 1}, stock.Onboardings)
	require.Equal(t, 1, stock.Erased)
	require.Equal(t, done.KEK, stock.KeyEncryptionPrimary)
	require.ElementsMatch(t, []uint32{was, done.KEK}, stock.KeyEncryption)
	require.Empty(t, stock.Unusable)
}

func TestRotate_DestroyingTheOld_MakesOldCopiesOfTheStoreWorthless(t *testing.T) {
	p := newProgram(t)
	annas, brunos := sealedBy(t, p.codec, annasWorkflow, payload(secret)), sealedBy(t, p.codec, brunosWorkflow, payload(secret))
	was := p.keysets.sets().keyEncryption.primary
	backup := backupOf(t, p)
	opened, err := openedBy(startProgram(t, p.keysets.path, "sqlite:"+backup, KeysConfig{}).codec, annasWorkflow, annas)
	require.NoError(t, err, "before, the backup opens everything")
	require.Equal(t, secret, string(opened.Data))

	require.NoError(t, p.keys.Erase(t.Context(), annasKey))
	done, err := Rotate(t.Context(), p.keysets, p.store, true)
	require.NoError(t, err)
	require.Equal(t, Rotation{KEK: done.KEK, Rewrapped: 1, Destroyed: []uint32{was}}, done)

	_, err = openedBy(p.again(t, KeysConfig{}).codec, brunosWorkflow, brunos)
	require.NoError(t, err, "bruno has not been forgotten")
	old := startProgram(t, p.keysets.path, "sqlite:"+backup, KeysConfig{})
	for sc, sealed := range map[converter.SerializationContext]*commonpb.Payload{annasWorkflow: annas, brunosWorkflow: brunos} {
		for _, under := range []converter.SerializationContext{sc, nil} {
			_, err = openedBy(old.codec, under, sealed)
			require.ErrorIs(t, err, ErrUnknownKey)
		}
	}
	stock, err := Take(t.Context(), old.keysets, old.store)
	require.NoError(t, err)
	require.Equal(t, []uint32{was}, stock.Unusable)
}

func backupOf(t *testing.T, p *program) string {
	t.Helper()
	backup := filepath.Join(t.TempDir(), "backup.db")
	_, err := p.store.Store.(*sqliteStore).db.ExecContext(t.Context(), `VACUUM INTO ?`, backup)
	require.NoError(t, err)
	return backup
}

func TestRotate_WithoutDestruction_ALaterOneDestroysAll(t *testing.T) {
	p := newProgram(t)
	var old []uint32
	for range 3 {
		old = append(old, p.keysets.sets().keyEncryption.primary)
		_, err := Rotate(t.Context(), p.keysets, p.store, false)
		require.NoError(t, err)
	}
	old = append(old, p.keysets.sets().keyEncryption.primary)
	done, err := Rotate(t.Context(), p.keysets, p.store, true)
	require.NoError(t, err)
	require.ElementsMatch(t, old, done.Destroyed)
	require.Equal(t, 2, done.Rewrapped)
	require.Equal(t, []uint32{done.KEK}, p.keysets.sets().keyEncryption.ids)
}

// failingStore fails from a certain call of Retire, Under, Rewrap and Count on.
type failingStore struct {
	Store
	left int
}

var errPulledPlug = errors.New("somebody pulled the plug")

func (s *failingStore) spent() bool { s.left--; return s.left < 0 }

func (s *failingStore) Retire(ctx context.Context, kek uint32) error {
	if s.spent() {
		return errPulledPlug
	}
	return s.Store.Retire(ctx, kek)
}

func (s *failingStore) Under(ctx context.Context, kek uint32, limit int) ([]NamedKey, error) {
	if s.spent() {
		return nil, errPulledPlug
	}
	return s.Store.Under(ctx, kek, limit)
}

func (s *failingStore) Rewrap(ctx context.Context, changes []Change) (int, error) {
	if s.spent() {
		return 0, errPulledPlug
	}
	return s.Store.Rewrap(ctx, changes)
}

func (s *failingStore) Count(ctx context.Context) (map[uint32]int, int, error) {
	if s.spent() {
		return nil, 0, errPulledPlug
	}
	return s.Store.Count(ctx)
}

func TestRotate_InterruptedAnywhere_CanBeRepeatedAndLosesNothing(t *testing.T) {
	for calls := 0; ; calls++ {
		p := newProgram(t)
		sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
		_, err := Rotate(t.Context(), p.keysets, &failingStore{p.store, calls}, true)
		if err == nil {
			require.GreaterOrEqual(t, calls, 5) // retire, under, rewrap, under, count
			return
		}
		require.ErrorIs(t, err, errPulledPlug)
		running := p.again(t, KeysConfig{})
		_, err = openedBy(running.codec, annasWorkflow, sealed)
		require.NoError(t, err, "after %d calls", calls)
		require.NoError(t, running.keys.Ensure(t.Context(), "x/new"), "after %d calls", calls)

		_, err = Rotate(t.Context(), p.keysets, p.store, true)
		require.NoError(t, err)
		_, err = openedBy(p.again(t, KeysConfig{}).codec, annasWorkflow, sealed)
		require.NoError(t, err, "after %d calls", calls)
		require.Len(t, p.keysets.sets().keyEncryption.ids, 1)
	}
}

func TestRotate_KeyThatCannotBeUnwrapped_KeepsTheOldVersionAndNamesTheKey(t *testing.T) {
	p := newProgram(t)
	kek := p.keysets.sets().keyEncryption.primary
	insert(t, p.store.Store, "x/rotten", kek, "rotten")
	_, err := Rotate(t.Context(), p.keysets, p.store, true)
	require.ErrorContains(t, err, "x/rotten")
	require.ErrorContains(t, err, "backup")
	require.Contains(t, p.keysets.sets().keyEncryption.ids, kek)

	require.NoError(t, p.keys.Erase(t.Context(), "x/rotten"))
	done, err := Rotate(t.Context(), p.keysets, p.store, true)
	require.NoError(t, err)
	require.Contains(t, done.Destroyed, kek)
}

// What has just been read from the store may be under a version that is gone when it is to be unwrapped.
func TestRotate_BetweenReadingAKeyAndUnwrappingIt_IsNotNoticed(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	for what, do := range map[string]func(*program) error{
		"opening":  func(q *program) error { _, err := openedBy(q.codec, annasWorkflow, sealed); return err },
		"ensuring": func(q *program) error { return q.keys.Ensure(t.Context(), annasKey) },
	} {
		q, rotations := p.again(t, KeysConfig{}), 3
		rotate := func() {
			if rotations--; rotations >= 0 {
				_, err := Rotate(t.Context(), p.keysets, p.store, true)
				require.NoError(t, err)
			}
		}
		rotate() // q has the keyset file of before
		q.keys.store = readThen{q.store, rotate}
		require.NoError(t, do(q), what)
		require.Zero(t, rotations, what)
	}
}

// readThen does something after each reading of a key.
type readThen struct {
	Store
	then func()
}

func (s readThen) Get(ctx context.Context, name string) (WrappedKey, error) {
	defer s.then()
	return s.Store.Get(ctx, name)
}

func (s readThen) Insert(ctx context.Context, name string, key WrappedKey) (WrappedKey, error) {
	defer s.then()
	return s.Store.Insert(ctx, name, key)
}

// Somebody may bring a backup of the store back while a rotation is under way.
func TestRotate_KeysStillUnderTheOldVersion_KeepItFromBeingDestroyed(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	kek := p.keysets.sets().keyEncryption.primary
	_, err := Rotate(t.Context(), p.keysets, blindStore{p.store}, true)
	require.ErrorContains(t, err, "2 keys are still wrapped under version")
	require.Contains(t, p.keysets.sets().keyEncryption.ids, kek)
	_, err = openedBy(p.again(t, KeysConfig{}).codec, annasWorkflow, sealed)
	require.NoError(t, err)
}

// blindStore finds no key to wrap anew.
type blindStore struct{ Store }

func (blindStore) Under(context.Context, uint32, int) ([]NamedKey, error) { return nil, nil }

func TestEnsure_WithTheKeysetFileOfBeforeARotation_IsToldAndMakesNoKey(t *testing.T) {
	p := newProgram(t)
	data, err := os.ReadFile(p.keysets.path)
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "copy.json")
	require.NoError(t, os.WriteFile(copied, data, 0o600))
	left := p.again(t, KeysConfig{})
	left.keysets.path = copied
	_, err = Rotate(t.Context(), p.keysets, p.store, true)
	require.NoError(t, err)

	err = left.keys.Ensure(t.Context(), "x/new")
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "keyset file")
	_, err = p.store.Store.Get(t.Context(), "x/new")
	require.ErrorIs(t, err, ErrNoKey)
	_, err = under(left.codec, annasWorkflow).Encode([]*commonpb.Payload{payload(secret)})
	require.ErrorIs(t, err, ErrUnknownKey, "its keys are wrapped under a version that it does not have")

	data, err = os.ReadFile(p.keysets.path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, data, 0o600))
	require.NoError(t, left.keys.Ensure(t.Context(), "x/new"), "the new file is all it takes")
	sealedBy(t, left.codec, annasWorkflow, payload(secret))
}

func TestRotate_TwoAtOnce_LoseNoKey(t *testing.T) {
	bothStores(t, func(t *testing.T, address func(testing.TB) string) {
		q := newProgram(t)
		p := startProgram(t, q.keysets.path, address(t), KeysConfig{})
		sealed := map[string]*commonpb.Payload{}
		for i := range 20 {
			workflowID := fmt.Sprint("onboarding-", i)
			require.NoError(t, p.keys.Ensure(t.Context(), Name(space, workflowID)))
			sealed[workflowID] = sealedBy(t, p.codec, converter.WorkflowSerializationContext{Namespace: space, WorkflowID: workflowID}, payload(secret))
		}
		var destroyed atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				other, err := OpenKeysetFile(p.keysets.path)
				if err != nil {
					t.Error(err)
					return
				}
				for range 4 {
					if done, err := Rotate(t.Context(), other, p.store, true); err == nil { // overtaken ones say so
						destroyed.Add(int64(len(done.Destroyed)))
					}
				}
			})
		}
		all.Wait()
		require.NotZero(t, destroyed.Load())
		after := p.again(t, KeysConfig{})
		for workflowID, s := range sealed {
			_, err := openedBy(after.codec, nil, s)
			require.NoError(t, err, workflowID)
		}
		stock, err := Take(t.Context(), after.keysets, after.store)
		require.NoError(t, err)
		require.Empty(t, stock.Unusable)
	})
}

func TestRotate_WhileOnboardingsStartAndRun_LosesNothing(t *testing.T) {
	bothStores(t, func(t *testing.T, address func(testing.TB) string) {
		q := newProgram(t)
		at := address(t)
		programs := []*program{
			startProgram(t, q.keysets.path, at, KeysConfig{Patience: time.Minute}),
			startProgram(t, q.keysets.path, at, KeysConfig{Patience: time.Minute, knownFor: time.Millisecond}),
		}
		var mu sync.Mutex
		var sealed []*commonpb.Payload
		stop := make(chan struct{})
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					p, other := programs[i%2], programs[(i+1)%2]
					sc := converter.WorkflowSerializationContext{Namespace: space, WorkflowID: fmt.Sprint("onboarding-", i, "-", n)}
					if err := p.keys.Ensure(t.Context(), Name(space, sc.WorkflowID)); err != nil {
						t.Error(err)
						return
					}
					out, err := under(p.codec, sc).Encode([]*commonpb.Payload{payload(secret)})
					if err != nil {
						t.Error(err)
						return
					}
					opened, err := openedBy(other.codec, sc, out[0])
					if err != nil || string(opened.Data) != secret {
						t.Error(err)
						return
					}
					mu.Lock()
					sealed = append(sealed, out[0])
					old := sealed[(n*7919)%len(sealed)]
					mu.Unlock()
					if _, err := openedBy(other.codec, nil, old); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		rotator, err := OpenKeysetFile(q.keysets.path)
		require.NoError(t, err)
		for range 8 {
			_, err := Rotate(t.Context(), rotator, programs[0].store, true)
			require.NoError(t, err)
		}
		close(stop)
		all.Wait()

		after := programs[0].again(t, KeysConfig{})
		for _, s := range sealed {
			opened, err := openedBy(after.codec, nil, s)
			require.NoError(t, err)
			require.Equal(t, secret, string(opened.Data))
		}
		stock, err := Take(t.Context(), after.keysets, after.store)
		require.NoError(t, err)
		require.Equal(t, map[uint32]int{stock.KeyEncryptionPrimary: len(sealed)}, stock.Onboardings)
		require.Greater(t, len(sealed), 2, "the test has tested something")
	})
}
