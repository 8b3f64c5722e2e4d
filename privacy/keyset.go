package privacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keysetFormat is the version of the file's layout.
const keysetFormat = 1

// KeysetFile is the file with the house keyset and the key-encryption keyset, both Tink keysets of AES-256-GCM keys. The
// file may be encrypted with a key of a key management service. It is read again when it has changed, so that a rotation
// needs no restart; one that cannot be read any more leaves the keys that were read in force. It is safe for concurrent
// use.
type KeysetFile struct {
	path string

	current atomic.Pointer[keysets]
	mu      sync.Mutex // held while the file is read or written
	checked time.Time
	seen    fs.FileInfo
}

// recheckEvery is how long a file that has changed may go unnoticed where nothing fails.
const recheckEvery = 10 * time.Second

// keysets are the file's content made ready.
type keysets struct {
	kms           string
	house         *keyring
	keyEncryption *keyring
}

type keysetWire struct {
	Format int `json:"format"`
	// KMS is the URI of the key that the keysets are encrypted with; empty means that they are in the clear.
	KMS           string          `json:"kms,omitempty"`
	House         json.RawMessage `json:"house"`
	KeyEncryption json.RawMessage `json:"keyEncryption"`
}

// OpenKeysetFile reads a keyset file. Its errors name the remedy and hold nothing of a key.
func OpenKeysetFile(path string) (*KeysetFile, error) {
	f := &KeysetFile{path: path}
	if _, err := f.reread(); err != nil {
		return nil, err
	}
	return f, nil
}

// CreateKeysetFile makes a new keyset file with fresh keys, readable by its owner alone. With a kms URI, such as
// gcp-kms://…, the keysets are encrypted with that key; a client for it must have been registered with Tink's registry.
// A file that exists is never overwritten.
func CreateKeysetFile(path, kms string) (*KeysetFile, error) {
	made := keysets{kms: kms}
	for _, ring := range []**keyring{&made.house, &made.keyEncryption} {
		handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err == nil {
			*ring, err = newKeyring(handle)
		}
		if err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
	}
	data, err := made.encode()
	if err != nil {
		return nil, err
	}
	err = writeNew(path, data)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keyset file %s: there is one already, and losing it would lose every payload: choose another name", path)
	}
	if err == nil {
		err = syncFolder(path)
	}
	if err != nil {
		return nil, fmt.Errorf("keyset file: %w", err)
	}
	return OpenKeysetFile(path)
}

// refresh takes over the file as it is now.
func (f *KeysetFile) refresh() error {
	f.checked = time.Now()
	in, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keyset file: %w; make one with `onboarding keys create`", err)
	}
	if err != nil {
		return fmt.Errorf("keyset file: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("keyset file: %w", err)
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	if err := private(info); err != nil {
		return fmt.Errorf("keyset file %s %w", f.path, err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("keyset file: %w", err)
	}
	sets, err := decodeKeysets(data)
	if err != nil {
		return fmt.Errorf("keyset file %s: %w", f.path, err)
	}
	f.current.Store(sets)
	f.seen = info
	return nil
}

// private refuses a file that everybody can read or its group can write. A group may read it: that is how Kubernetes gives
// a secret to a container that does not run as root.
func private(info fs.FileInfo) error {
	if info.Mode().Perm()&0o027 != 0 {
		return errors.New("is readable by everybody or writable by its group: chmod 600 it; a Kubernetes secret takes defaultMode 0440 and an fsGroup")
	}
	return nil
}

// sets are the keysets as of at most recheckEvery ago.
func (f *KeysetFile) sets() *keysets {
	if f.mu.TryLock() {
		if time.Since(f.checked) > recheckEvery {
			_ = f.refresh() // a file that is being written is read the next time; whoever misses a key is told of an error
		}
		f.mu.Unlock()
	}
	return f.current.Load()
}

// reread takes over a change at once.
func (f *KeysetFile) reread() (*keysets, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.refresh()
	return f.current.Load(), err
}

// open decrypts with one of the keyrings. It looks for a changed file before it reports ErrUnknownKey.
func (f *KeysetFile) open(with func(*keysets) *keyring, ciphertext, associated []byte) ([]byte, error) {
	plain, err := with(f.sets()).open(ciphertext, associated)
	if !errors.Is(err, ErrUnknownKey) {
		return plain, err
	}
	sets, trouble := f.reread()
	plain, err = with(sets).open(ciphertext, associated)
	if errors.Is(err, ErrUnknownKey) && trouble != nil {
		err = fmt.Errorf("%w, and its keyset file cannot be read again: %w", err, trouble)
	}
	return plain, err
}

func house(s *keysets) *keyring         { return s.house }
func keyEncryption(s *keysets) *keyring { return s.keyEncryption }

// change rewrites the file. The new file's temporary name keeps a second program from changing it at the same time, which
// would lose the keys that the first one adds.
func (f *KeysetFile) change(how func(*keysets) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, err := filepath.EvalSymlinks(f.path) // a link stays a link
	if err != nil {
		return fmt.Errorf("keyset file: %w", err)
	}
	next := path + ".new"
	lock, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keyset file: another program is changing it, or was killed while it did; if none is, remove %s and repeat", next)
	}
	if err != nil {
		return fmt.Errorf("keyset file: %w", err)
	}
	err = errors.Join(f.rewrite(lock, how), lock.Close())
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := syncFolder(path); err != nil {
		return fmt.Errorf("keyset file: %w", err)
	}
	return f.refresh()
}

// rewrite writes the changed keysets to out, and gives it the owner and the permissions of the file as it is.
func (f *KeysetFile) rewrite(out *os.File, how func(*keysets) error) error {
	if err := f.refresh(); err != nil {
		return err
	}
	sets := *f.current.Load()
	if err := how(&sets); err != nil {
		return err
	}
	data, err := sets.encode()
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err := errors.Join(err, keepOwner(out, f.seen), out.Chmod(f.seen.Mode().Perm()), out.Sync()); err != nil {
		return fmt.Errorf("keyset file: %w; run this as the owner of %s", err, f.path)
	}
	return nil
}

func decodeKeysets(data []byte) (*keysets, error) {
	var wire keysetWire
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, errors.New("is not a keyset file: make one with `onboarding keys create`")
	}
	if wire.Format != keysetFormat {
		return nil, fmt.Errorf("has format %d, this program reads %d", wire.Format, keysetFormat)
	}
	out := &keysets{kms: wire.KMS}
	for _, part := range []struct {
		name string
		data json.RawMessage
		ring **keyring
	}{{"house", wire.House, &out.house}, {"keyEncryption", wire.KeyEncryption, &out.keyEncryption}} {
		handle, err := readKeyset(part.data, wire.KMS)
		if err == nil {
			*part.ring, err = newKeyring(handle)
		}
		if err != nil {
			return nil, fmt.Errorf("keyset %s: %w", part.name, err)
		}
	}
	return out, nil
}

func (k *keysets) encode() ([]byte, error) {
	wire := keysetWire{Format: keysetFormat, KMS: k.kms}
	var err error
	if wire.House, err = writeKeyset(k.house.handle, k.kms); err != nil {
		return nil, err
	}
	if wire.KeyEncryption, err = writeKeyset(k.keyEncryption.handle, k.kms); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(wire, "", "  ")
	return append(data, '\n'), err
}

func readKeyset(data json.RawMessage, kms string) (*keyset.Handle, error) {
	reader := keyset.NewJSONReader(bytes.NewReader(data))
	if kms == "" {
		handle, err := insecurecleartextkeyset.Read(reader)
		if err != nil {
			return nil, errors.New("is not a Tink keyset in the clear")
		}
		return handle, nil
	}
	master, err := kmsKey(kms)
	if err != nil {
		return nil, err
	}
	handle, err := keyset.Read(reader, master)
	if err != nil {
		return nil, fmt.Errorf("cannot be decrypted with the KMS key %s: %w", kms, err)
	}
	return handle, nil
}

func writeKeyset(handle *keyset.Handle, kms string) (json.RawMessage, error) {
	var out bytes.Buffer
	writer := keyset.NewJSONWriter(&out)
	if kms == "" {
		err := insecurecleartextkeyset.Write(handle, writer)
		return out.Bytes(), err
	}
	master, err := kmsKey(kms)
	if err != nil {
		return nil, err
	}
	if err := handle.Write(writer, master); err != nil {
		return nil, fmt.Errorf("encrypting a keyset with the KMS key %s: %w", kms, err)
	}
	return out.Bytes(), nil
}

func kmsKey(uri string) (tink.AEAD, error) {
	client, err := registry.GetKMSClient(uri)
	if err != nil {
		return nil, fmt.Errorf("no client for the KMS key %s is part of this program: register one with Tink's registry.RegisterKMSClient", uri)
	}
	return client.GetAEAD(uri)
}
