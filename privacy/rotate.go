package privacy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Rotation is what a rotation has done.
type Rotation struct {
	// KEK is the version of the key-encryption keyset that wraps keys from now on.
	KEK uint32 `json:"kek"`
	// Rewrapped counts the keys that have been wrapped anew.
	Rewrapped int `json:"rewrapped"`
	// Destroyed lists the versions that exist no more.
	Destroyed []uint32 `json:"destroyed,omitempty"`
}

const rewrapBatch = 500

// Rotate makes a new version of the key-encryption keyset and wraps every data key under it; no history is touched. With
// destroyOld the older versions are destroyed afterwards: every old copy of the key store, an erased key in a backup
// among it, is worthless from then on, as long as nobody has kept an old keyset file. It may be interrupted and repeated,
// and onboardings go on meanwhile. Of two rotations at the same time one may fail; no key is lost.
func Rotate(ctx context.Context, file *KeysetFile, store Store, destroyOld bool) (Rotation, error) {
	err := file.change(func(s *keysets) (err error) {
		s.keyEncryption, err = s.keyEncryption.withNewPrimary()
		return err
	})
	if err != nil {
		return Rotation{}, err
	}
	sets := file.sets()
	done := Rotation{KEK: sets.keyEncryption.primary}
	old := sets.keyEncryption.others()
	for _, kek := range old {
		// Programs that have not read the new file yet may not wrap under an old version any more: they are made to read it.
		if err := store.Retire(ctx, kek); err != nil {
			return done, err
		}
		n, err := rewrap(ctx, sets, store, kek)
		done.Rewrapped += n
		if err != nil {
			return done, err
		}
	}
	if !destroyOld || len(old) == 0 {
		return done, nil
	}
	byKEK, _, err := store.Count(ctx)
	if err != nil {
		return done, err
	}
	for _, kek := range old {
		if n := byKEK[kek]; n > 0 {
			return done, fmt.Errorf("%d keys are still wrapped under version %d, which is therefore kept; repeat the rotation", n, kek)
		}
	}
	err = file.change(func(s *keysets) (err error) {
		s.keyEncryption, err = s.keyEncryption.without(old)
		return err
	})
	if err != nil {
		return done, err
	}
	done.Destroyed = old
	return done, nil
}

// rewrap wraps all keys under one version anew, in batches.
func rewrap(ctx context.Context, sets *keysets, store Store, kek uint32) (done int, err error) {
	for {
		keys, err := store.Under(ctx, kek, rewrapBatch)
		if err != nil || len(keys) == 0 {
			return done, err
		}
		changes := make([]Change, len(keys))
		for i, was := range keys {
			plain, err := sets.keyEncryption.open(was.Bytes, wrapContext(was.Name))
			if err != nil {
				return done, fmt.Errorf("key %s cannot be unwrapped: %w; bring it back from a backup of the key store, or erase that onboarding, and repeat the rotation",
					was.Name, err)
			}
			becomes, err := sets.wrap(was.Name, plain)
			if err != nil {
				return done, err
			}
			changes[i] = Change{was.Name, was.WrappedKey, becomes}
		}
		n, err := store.Rewrap(ctx, changes) // those that have been erased meanwhile stay so
		done += n
		if errors.Is(err, errRetired) {
			return done, errors.New("another rotation has overtaken this one; see `onboarding keys list`")
		}
		if err != nil {
			return done, err
		}
	}
}

// RotateHouse makes a new version of the house keyset. The older ones still open what they sealed: they must be kept as
// long as Temporal keeps histories. It is due before a version has sealed 2^32 payloads, the limit of AES-GCM with random
// nonces.
func RotateHouse(file *KeysetFile) (uint32, error) {
	err := file.change(func(s *keysets) (err error) {
		s.house, err = s.house.withNewPrimary()
		return err
	})
	if err != nil {
		return 0, err
	}
	return file.sets().house.primary, nil
}

// Inventory says what keys there are.
type Inventory struct {
	// House and KeyEncryption list the versions of the keysets; the primary ones seal.
	House                []uint32 `json:"house"`
	HousePrimary         uint32   `json:"housePrimary"`
	KeyEncryption        []uint32 `json:"keyEncryption"`
	KeyEncryptionPrimary uint32   `json:"keyEncryptionPrimary"`
	// Onboardings counts data keys by the version that wraps them, Erased the tombstones.
	Onboardings map[uint32]int `json:"onboardings"`
	Erased      int            `json:"erased"`
	// Unusable lists versions that wrap keys and are not in the keyset: those keys are lost.
	Unusable []uint32 `json:"unusable,omitempty"`
}

// Take takes stock of a keyset file and a store.
func Take(ctx context.Context, file *KeysetFile, store Store) (Inventory, error) {
	sets, err := file.reread()
	if err != nil {
		return Inventory{}, err
	}
	out := Inventory{
		House: sets.house.ids, HousePrimary: sets.house.primary,
		KeyEncryption: sets.keyEncryption.ids, KeyEncryptionPrimary: sets.keyEncryption.primary,
	}
	if out.Onboardings, out.Erased, err = store.Count(ctx); err != nil {
		return out, err
	}
	for _, kek := range slices.Sorted(maps.Keys(out.Onboardings)) {
		if !slices.Contains(out.KeyEncryption, kek) {
			out.Unusable = append(out.Unusable, kek)
		}
	}
	return out, nil
}
