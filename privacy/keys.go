package privacy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// KnownFor is how long a process goes on using a key that it has read: so long after an erasure may a process still be
// able to read what the key sealed, and so long does it go on when the key store is down.
const KnownFor = 5 * time.Minute

const (
	defaultKnown    = 10_000
	defaultPatience = 3 * time.Second
)

// KeysConfig of Keys.
type KeysConfig struct {
	Keysets *KeysetFile
	Store   Store
	// Known is how many data keys a process keeps at hand; 0 means 10,000.
	Known int
	// Patience is how long the store may take to answer; 0 means 3 seconds, well inside a workflow task.
	Patience time.Duration
	// knownFor is KnownFor but in tests.
	knownFor time.Duration
}

// Keys hands out the onboardings' data keys. It is safe for concurrent use.
type Keys struct {
	keysets  *KeysetFile
	store    Store
	patience time.Duration
	known    *otter.Cache[string, *keyring]
}

// NewKeys returns keys on an open store, which stays the caller's.
func NewKeys(c KeysConfig) (*Keys, error) {
	if c.Known == 0 {
		c.Known = defaultKnown
	}
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if c.knownFor == 0 {
		c.knownFor = KnownFor
	}
	known, err := otter.New(&otter.Options[string, *keyring]{
		MaximumSize:      c.Known,
		ExpiryCalculator: otter.ExpiryCreating[string, *keyring](c.knownFor), // from when it was read, however often it is used
	})
	if err != nil {
		return nil, fmt.Errorf("cache of keys: %w", err)
	}
	return &Keys{keysets: c.Keysets, store: c.Store, patience: c.Patience, known: known}, nil
}

// Name is the name of an onboarding's key. It holds no personal data: a workflow id is computed.
func Name(namespace, workflowID string) string { return namespace + "/" + workflowID }

// Ensure makes the key of an onboarding unless it has one. Callers that do so at the same time share one key. It asks the
// store each time, and once: another process may have erased a key that is known here. Errors: ErrErased, ErrUnavailable,
// and ErrUnknownKey or ErrForged if there is a key that this program cannot unwrap.
func (k *Keys) Ensure(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	kept, err := k.insert(ctx, name)
	if err != nil {
		return err
	}
	ring, err := k.usable(ctx, name, kept)
	if err != nil {
		k.known.Invalidate(name)
		return err
	}
	k.known.Set(name, ring)
	return nil
}

// insert makes a key and returns the one that is kept. One whose key-encryption key has just been retired is wrapped again
// under the new one.
func (k *Keys) insert(ctx context.Context, name string) (WrappedKey, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return WrappedKey{}, fmt.Errorf("making a key: %w", err)
	}
	var plain bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&plain)); err != nil {
		return WrappedKey{}, fmt.Errorf("making a key: %w", err)
	}
	for sets := k.keysets.sets(); ; {
		wrapped, err := sets.wrap(name, plain.Bytes())
		if err != nil {
			return WrappedKey{}, err
		}
		kept, err := k.store.Insert(ctx, name, wrapped)
		if !errors.Is(err, errRetired) {
			return kept, err
		}
		next, trouble := k.keysets.reread()
		if next.keyEncryption.primary == wrapped.KEK {
			return WrappedKey{}, outdated(trouble)
		}
		sets = next
	}
}

// outdated is the error of a program that has not been given the keyset file as a rotation left it.
func outdated(trouble error) error {
	err := fmt.Errorf("%w for a new key, which would be %w: give this program the keyset file as the rotation left it", ErrUnavailable, errRetired)
	if trouble != nil {
		err = fmt.Errorf("%w; it cannot be read again: %w", err, trouble)
	}
	return err
}

// Check returns nil for an onboarding that has a key, and ErrNoKey, ErrErased or ErrUnavailable for others. It asks the
// store each time.
func (k *Keys) Check(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	kept, err := k.store.Get(ctx, name)
	if err == nil && kept.Erased() {
		return ErrErased
	}
	return err
}

// Erase drops the key of an onboarding for good, and leaves a tombstone so that none is made under its name again. It may
// be repeated. Other processes may still use the key for KnownFor.
func (k *Keys) Erase(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	err := k.store.Erase(ctx, name)
	k.known.Invalidate(name) // one that is on its way into memory, too
	return err
}

// keyring returns the data key of that name, asking the store at most once for all who need it at the same time.
func (k *Keys) keyring(name string) (*keyring, error) {
	if ring, ok := k.known.GetIfPresent(name); ok {
		return ring, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), k.patience)
	defer cancel()
	ring, err := k.known.Get(ctx, name, otter.LoaderFunc[string, *keyring](k.read))
	if err != nil && !ofKeys(err) { // the patience ended while another caller was asking
		err = unavailable("reading a key", err)
	}
	return ring, err
}

func (k *Keys) read(ctx context.Context, name string) (*keyring, error) {
	kept, err := k.store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return k.usable(ctx, name, kept)
}

// usable unwraps a kept key. It is read again if it has been wrapped anew, and the old version destroyed, in the meantime.
func (k *Keys) usable(ctx context.Context, name string, kept WrappedKey) (*keyring, error) {
	for {
		ring, err := k.unwrap(name, kept)
		if !errors.Is(err, ErrUnknownKey) {
			return ring, err
		}
		now, trouble := k.store.Get(ctx, name)
		if trouble != nil {
			return nil, trouble
		}
		if now.KEK == kept.KEK {
			return nil, err
		}
		kept = now
	}
}

// unwrap opens a kept key with the key-encryption keyset.
func (k *Keys) unwrap(name string, kept WrappedKey) (*keyring, error) {
	if kept.Erased() {
		return nil, ErrErased
	}
	plain, err := k.keysets.open(keyEncryption, kept.Bytes, wrapContext(name))
	if err != nil {
		return nil, fmt.Errorf("the onboarding's key in the store cannot be unwrapped: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(plain)))
	if err != nil {
		return nil, fmt.Errorf("the onboarding's key in the store is no keyset: %w", ErrForged)
	}
	ring, err := newKeyring(handle)
	if err != nil {
		return nil, fmt.Errorf("the onboarding's key in the store: %w: %w", ErrForged, err)
	}
	return ring, nil
}

// wrap encrypts a data key under the newest version of the key-encryption keyset, bound to its name.
func (s *keysets) wrap(name string, plain []byte) (WrappedKey, error) {
	wrapped, err := s.keyEncryption.aead.Encrypt(plain, wrapContext(name))
	if err != nil {
		return WrappedKey{}, fmt.Errorf("wrapping a key: %w", err)
	}
	return WrappedKey{KEK: s.keyEncryption.primary, Bytes: wrapped}, nil
}

func wrapContext(name string) []byte { return []byte("onboarding data key\x00" + name) }
