package app

import (
	"context"
	"errors"
	"os"

	"kyc/onboarding"
	"kyc/privacy"
)

// CreateKeyset makes the keyset file that PRIVACY_KEYSET names, encrypted with a key of a key management service if a kms
// URI is given. A file that exists is left as it is; that is an error unless ifMissing.
func CreateKeyset(cfg *Config, kms string, ifMissing bool) (made bool, err error) {
	if _, err := os.Stat(cfg.Privacy.Keyset); err == nil && ifMissing {
		return false, nil
	}
	_, err = privacy.CreateKeysetFile(cfg.Privacy.Keyset, kms)
	return err == nil, err
}

// RotateKeys makes a new version of the key-encryption keyset and wraps every onboarding's key under it. With destroyOld
// the older versions are destroyed: that completes the erasures so far.
func RotateKeys(ctx context.Context, cfg *Config, destroyOld bool) (out privacy.Rotation, err error) {
	err = withSealing(ctx, cfg, func(s *Sealing) error {
		out, err = privacy.Rotate(ctx, s.Keysets, s.Store, destroyOld)
		return err
	})
	return out, err
}

// RotateHouseKey makes a new version of the house keyset and returns its id.
func RotateHouseKey(ctx context.Context, cfg *Config) (id uint32, err error) {
	err = withSealing(ctx, cfg, func(s *Sealing) error {
		id, err = privacy.RotateHouse(s.Keysets)
		return err
	})
	return id, err
}

// KeyInventory takes stock of the keys.
func KeyInventory(ctx context.Context, cfg *Config) (out privacy.Inventory, err error) {
	err = withSealing(ctx, cfg, func(s *Sealing) error {
		out, err = privacy.Take(ctx, s.Keysets, s.Store)
		return err
	})
	return out, err
}

// EnsureKey makes the key of an onboarding that was started without encryption.
func EnsureKey(ctx context.Context, cfg *Config, id onboarding.ID) error {
	return withSealing(ctx, cfg, func(s *Sealing) error {
		return keysOf{s.Keys, cfg.Namespace()}.Ensure(ctx, id.WorkflowID())
	})
}

func withSealing(ctx context.Context, cfg *Config, do func(*Sealing) error) error {
	s, err := OpenSealing(ctx, cfg)
	if err != nil {
		return err
	}
	if s == nil {
		return errors.New("PRIVACY_PLAINTEXT is set, so there are no keys: remove it")
	}
	return errors.Join(do(s), s.Close())
}
