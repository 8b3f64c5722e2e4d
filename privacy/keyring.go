package privacy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyring is a keyset made ready.
type keyring struct {
	handle *keyset.Handle
	aead   tink.AEAD
	// ids are the keys that open, primary the one that seals.
	ids     []uint32
	primary uint32
}

func newKeyring(handle *keyset.Handle) (*keyring, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("holds no usable AEAD key")
	}
	info := handle.KeysetInfo()
	ring := &keyring{handle: handle, aead: primitive, primary: info.GetPrimaryKeyId()}
	for _, key := range info.GetKeyInfo() {
		if key.GetStatus() != tinkpb.KeyStatusType_ENABLED {
			continue
		}
		if key.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, fmt.Errorf("holds key %d, whose ciphertexts do not name it: its output prefix must be TINK", key.GetKeyId())
		}
		ring.ids = append(ring.ids, key.GetKeyId())
	}
	return ring, nil
}

// open decrypts, and tells a key that is missing from a ciphertext that is wrong.
func (r *keyring) open(ciphertext, associated []byte) ([]byte, error) {
	id, ok := keyIDOf(ciphertext)
	switch {
	case !ok:
		return nil, ErrForged
	case !slices.Contains(r.ids, id):
		return nil, ErrUnknownKey
	}
	plain, err := r.aead.Decrypt(ciphertext, associated)
	if err != nil {
		return nil, ErrForged
	}
	return plain, nil
}

// keyIDOf reads the id of the key out of Tink's prefix: a byte 1, and four of the id.
func keyIDOf(ciphertext []byte) (uint32, bool) {
	if len(ciphertext) < 5 || ciphertext[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(ciphertext[1:]), true
}

// others are the ids of all keys but the primary one, disabled ones among them.
func (r *keyring) others() []uint32 {
	var ids []uint32
	for _, key := range r.handle.KeysetInfo().GetKeyInfo() {
		if key.GetKeyId() != r.primary {
			ids = append(ids, key.GetKeyId())
		}
	}
	return ids
}

// withNewPrimary adds a key that seals from now on; the others still open.
func (r *keyring) withNewPrimary() (*keyring, error) {
	manager := keyset.NewManagerFromHandle(r.handle)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = manager.SetPrimary(id)
	}
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return newKeyring(handle)
}

// without destroys the keys with these ids; those that are gone already are no error.
func (r *keyring) without(ids []uint32) (*keyring, error) {
	manager := keyset.NewManagerFromHandle(r.handle)
	for _, id := range r.others() {
		if !slices.Contains(ids, id) {
			continue
		}
		if err := manager.Delete(id); err != nil {
			return nil, fmt.Errorf("destroying a key: %w", err)
		}
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return newKeyring(handle)
}
