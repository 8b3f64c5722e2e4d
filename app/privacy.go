package app

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"kyc/onboarding"
	"kyc/privacy"
)

// Privacy is the configuration of the keys. With Plaintext payloads are stored as they are.
type Privacy struct {
	Keyset    string
	KeysURL   Secret
	Plaintext bool
}

// Sealing is what a program seals and opens payloads with.
type Sealing struct {
	Keysets *privacy.KeysetFile
	// Store and Keys are nil in the bridge, which seals with the house keyset alone.
	Store privacy.Store
	Keys  *privacy.Keys
	Codec *privacy.Codec
}

// OpenSealing opens the keyset file and, but for the bridge, the key store. It returns nil without an error when payloads
// are stored in plain (PRIVACY_PLAINTEXT). The caller closes it.
func OpenSealing(ctx context.Context, c *Config) (*Sealing, error) {
	if c.Privacy.Plaintext {
		return nil, nil
	}
	keysets, err := privacy.OpenKeysetFile(c.Privacy.Keyset)
	if err != nil {
		return nil, fmt.Errorf("PRIVACY_KEYSET: %w", err)
	}
	s := &Sealing{Keysets: keysets}
	if c.Program != ProgramBridge {
		if s.Store, err = privacy.OpenStore(ctx, c.Privacy.KeysURL.Reveal()); err != nil {
			return nil, fmt.Errorf("PRIVACY_KEYS_URL: %w", err)
		}
		if s.Keys, err = privacy.NewKeys(privacy.KeysConfig{Keysets: keysets, Store: s.Store}); err != nil {
			return nil, errors.Join(err, s.Store.Close())
		}
	}
	s.Codec = privacy.NewCodec(privacy.CodecConfig{Keysets: keysets, Keys: s.Keys, Owned: onboarding.IsWorkflowID})
	return s, nil
}

// Close lets go of the key store.
func (s *Sealing) Close() error {
	if s == nil || s.Store == nil {
		return nil
	}
	return s.Store.Close()
}

// configure has a client seal and open payloads; the worker's in its own way.
func (s *Sealing) configure(o *client.Options, program string) {
	if s == nil {
		return
	}
	o.DataConverter, o.FailureConverter = privacy.DataConverter(s.Codec), privacy.FailureConverter(s.Codec)
	if program == ProgramWorker {
		o.DataConverter, o.FailureConverter = privacy.WorkerDataConverter(s.Codec), privacy.WorkerFailureConverter(s.Codec)
	}
}

// dataConverter is for payloads that do not go through the client; nil means plain.
func (c *Connection) dataConverter() converter.DataConverter {
	if c.Sealing == nil {
		return nil
	}
	return privacy.DataConverter(c.Sealing.Codec)
}

// keysOf are a namespace's onboardings' keys, as the starter wants them.
type keysOf struct {
	keys      *privacy.Keys
	namespace string
}

// Ensure makes an onboarding's key unless it has one.
func (k keysOf) Ensure(ctx context.Context, workflowID string) error {
	return k.keys.Ensure(ctx, privacy.Name(k.namespace, workflowID))
}

// Check returns privacy.ErrNoKey or privacy.ErrErased for an onboarding without a key.
func (k keysOf) Check(ctx context.Context, workflowID string) error {
	return k.keys.Check(ctx, privacy.Name(k.namespace, workflowID))
}

// Erase drops an onboarding's key.
func (k keysOf) Erase(ctx context.Context, workflowID string) error {
	return k.keys.Erase(ctx, privacy.Name(k.namespace, workflowID))
}
