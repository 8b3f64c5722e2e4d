package privacy

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"kyc/internal/postgrestest"
)

// Made-up names. Workflows called onboarding-… have keys of their own.
const (
	space   = "customers"
	anna    = "onboarding-5c1c4e33-8d4b-5c2e-9a56-0d3f2b7a9e01"
	bruno   = "onboarding-77aa90b4-1f2e-5d3c-8b7a-6c5d4e3f2a1b"
	erasure = "erasure-5c1c4e33-8d4b-5c2e-9a56-0d3f2b7a9e01"
	secret  = "Annamaria Distinctive-Name, born 1987-06-05"
)

var (
	annasWorkflow  = converter.WorkflowSerializationContext{Namespace: space, WorkflowID: anna}
	brunosWorkflow = converter.WorkflowSerializationContext{Namespace: space, WorkflowID: bruno}
	annasActivity  = converter.ActivitySerializationContext{Namespace: space, WorkflowID: anna, ActivityType: "Invite"}
)

func owned(workflowID string) bool { return strings.HasPrefix(workflowID, "onboarding-") }

// program is what a program that seals and opens has: several of them share a keyset file and a store.
type program struct {
	keysets *KeysetFile
	store   *watchedStore
	keys    *Keys
	codec   *Codec
}

// newProgram has keys in fresh files; anna's and bruno's keys exist.
func newProgram(t testing.TB) *program {
	t.Helper()
	keysets := filepath.Join(t.TempDir(), "keyset.json")
	_, err := CreateKeysetFile(keysets, "")
	require.NoError(t, err)
	p := startProgram(t, keysets, "sqlite:"+filepath.Join(t.TempDir(), "keys.db"), KeysConfig{})
	for _, workflowID := range []string{anna, bruno} {
		require.NoError(t, p.keys.Ensure(t.Context(), Name(space, workflowID)))
	}
	p.store.reset()
	return p
}

func startProgram(t testing.TB, keysets, store string, c KeysConfig) *program {
	t.Helper()
	p := &program{}
	var err error
	p.keysets, err = OpenKeysetFile(keysets)
	require.NoError(t, err)
	opened, err := OpenStore(t.Context(), store)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	p.store = &watchedStore{Store: opened}
	c.Keysets, c.Store = p.keysets, p.store
	p.keys, err = NewKeys(c)
	require.NoError(t, err)
	p.codec = NewCodec(CodecConfig{Keysets: p.keysets, Keys: p.keys, Owned: owned})
	return p
}

// again is the same program after a restart: it knows no key.
func (p *program) again(t testing.TB, c KeysConfig) *program {
	t.Helper()
	next := &program{store: &watchedStore{Store: p.store.Store}}
	var err error
	next.keysets, err = OpenKeysetFile(p.keysets.path)
	require.NoError(t, err)
	c.Keysets, c.Store = next.keysets, next.store
	next.keys, err = NewKeys(c)
	require.NoError(t, err)
	next.codec = NewCodec(CodecConfig{Keysets: next.keysets, Keys: next.keys, Owned: owned})
	return next
}

// bridge is a program without a key store.
func (p *program) bridge() *Codec { return NewCodec(CodecConfig{Keysets: p.keysets}) }

// watchedStore is a real store. It counts what it is asked, and fails or waits on demand.
type watchedStore struct {
	Store
	gets, inserts, others atomic.Int64
	// trouble, if not nil, runs before each Get and Insert, and its error is theirs.
	trouble atomic.Pointer[func(context.Context) error]
}

func (s *watchedStore) reset() {
	s.gets.Store(0)
	s.inserts.Store(0)
	s.others.Store(0)
}

func (s *watchedStore) calls() int64 { return s.gets.Load() + s.inserts.Load() + s.others.Load() }

func (s *watchedStore) fail(how func(context.Context) error) {
	if how == nil {
		s.trouble.Store(nil)
		return
	}
	s.trouble.Store(&how)
}

func (s *watchedStore) before(ctx context.Context) error {
	if how := s.trouble.Load(); how != nil {
		return (*how)(ctx)
	}
	return nil
}

func (s *watchedStore) Get(ctx context.Context, name string) (WrappedKey, error) {
	s.gets.Add(1)
	if err := s.before(ctx); err != nil {
		return WrappedKey{}, err
	}
	return s.Store.Get(ctx, name)
}

func (s *watchedStore) Insert(ctx context.Context, name string, key WrappedKey) (WrappedKey, error) {
	s.inserts.Add(1)
	if err := s.before(ctx); err != nil {
		return WrappedKey{}, err
	}
	return s.Store.Insert(ctx, name, key)
}

func (s *watchedStore) Erase(ctx context.Context, name string) error {
	s.others.Add(1)
	return s.Store.Erase(ctx, name)
}

func payload(data string) *commonpb.Payload {
	return &commonpb.Payload{Data: []byte(data), Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain")}}
}

// sealedBy is what the codec makes of one payload under a serialization context; nil is none.
func sealedBy(t testing.TB, codec *Codec, sc converter.SerializationContext, p *commonpb.Payload) *commonpb.Payload {
	t.Helper()
	out, err := under(codec, sc).Encode([]*commonpb.Payload{p})
	require.NoError(t, err)
	require.Len(t, out, 1)
	return out[0]
}

func openedBy(codec *Codec, sc converter.SerializationContext, p *commonpb.Payload) (*commonpb.Payload, error) {
	out, err := under(codec, sc).Decode([]*commonpb.Payload{p})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func under(codec *Codec, sc converter.SerializationContext) converter.PayloadCodec {
	if sc == nil {
		return codec
	}
	return codec.WithSerializationContext(sc)
}

// bothStores runs a test on each kind of store; address gives the address of an empty one.
func bothStores(t *testing.T, test func(t *testing.T, address func(t testing.TB) string)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "keys.db") })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := postgrestest.Start(t)
		test(t, server.Database)
	})
}
