package privacy

import (
	"context"
	"errors"
	"strings"
)

// WrappedKey is a data key as a store keeps it: encrypted under a version of the key-encryption keyset.
type WrappedKey struct {
	// KEK is the id of that version.
	KEK uint32
	// Bytes is the wrapped key; empty is a tombstone.
	Bytes []byte
}

// Erased tells whether the key has been dropped.
func (k WrappedKey) Erased() bool { return len(k.Bytes) == 0 }

// NamedKey is a key with its name.
type NamedKey struct {
	Name string
	WrappedKey
}

// Change replaces a key by one that is wrapped anew.
type Change struct {
	Name         string
	Was, Becomes WrappedKey
}

// Store keeps wrapped keys by name. Every method is safe for concurrent use, by several processes too, and its errors
// wrap ErrUnavailable where the store did not do its work.
type Store interface {
	// Insert keeps a key unless there is one, or a tombstone, and returns what is kept then, in one round trip. A key
	// wrapped under a KEK version that Retire was called for is refused with errRetired, unless there is one already.
	Insert(ctx context.Context, name string, key WrappedKey) (WrappedKey, error)
	// Get returns what is kept, or ErrNoKey.
	Get(ctx context.Context, name string) (WrappedKey, error)
	// Erase leaves a tombstone, whether there was a key or not. Overwriting what was there is a courtesy of some stores;
	// what makes a wrapped key worthless for good is the destruction of the KEK version that wrapped it.
	Erase(ctx context.Context, name string) error
	// Retire refuses keys under a KEK version from now on. When it returns, nothing that would still bring one in is under
	// way.
	Retire(ctx context.Context, kek uint32) error
	// Under returns at most limit keys under a KEK version, by name.
	Under(ctx context.Context, kek uint32, limit int) ([]NamedKey, error)
	// Rewrap replaces keys, those that are still the old ones, in one transaction, and returns how many. The new ones are
	// under one KEK version; a retired one is refused with errRetired.
	Rewrap(ctx context.Context, changes []Change) (int, error)
	// Count returns how many keys there are by KEK version, and how many tombstones.
	Count(ctx context.Context) (byKEK map[uint32]int, erased int, err error)
	// Close lets go of the store.
	Close() error
}

// OpenStore opens the store that an address names: sqlite:FILE for one machine, postgres://… for several. What it needs
// in there it creates. An error names the remedy, and shows nothing of the address, which may hold a password.
func OpenStore(ctx context.Context, address string) (Store, error) {
	if err := CheckStoreAddress(address); err != nil {
		return nil, err
	}
	if file, ok := strings.CutPrefix(address, sqliteScheme); ok {
		return openSQLite(ctx, file)
	}
	return openPostgres(ctx, address)
}

const sqliteScheme = "sqlite:"

// CheckStoreAddress tells whether an address is one that OpenStore takes, without opening anything.
func CheckStoreAddress(address string) error {
	file, ok := strings.CutPrefix(address, sqliteScheme)
	if ok && file != "" || strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return nil
	}
	return errors.New("the key store's address is neither sqlite:FILE nor postgres://USER@HOST/DATABASE")
}
