package privacy

import (
	"errors"
	"fmt"
)

// Reasons why a payload cannot be sealed or opened, to be told apart with errors.Is. None of their texts holds anything
// of a payload.
var (
	// ErrErased: the onboarding's key has been destroyed, and with it whatever it sealed.
	ErrErased = errors.New("the onboarding has been erased")
	// ErrNoKey: the onboarding has no key. Sealing never makes one: the starter does, before the run starts.
	ErrNoKey = errors.New("the onboarding has no key; one that was started without encryption gets it with `onboarding keys ensure`")
	// ErrUnavailable: the key store did not answer; the same call may work later.
	ErrUnavailable = errors.New("the key store does not answer")
	// ErrUnknownKey: the payload, or the wrapped key, was sealed under a key that this program does not hold, or in a
	// format that it does not read: another keyset file, another key store or a newer program opens it.
	ErrUnknownKey = errors.New("sealed under a key that this program does not hold")
	// ErrForged: the payload, or the wrapped key, was changed, cut, or moved to a workflow that it was not sealed for.
	ErrForged = errors.New("not what was sealed, or not where it belongs")
)

// errRetired refuses a key that was wrapped under a version of the key-encryption keyset that is being destroyed.
var errRetired = errors.New("wrapped under a key-encryption key that has been retired")

// unavailable wraps an error of a store. Its text is for logs: stores quote names of tables and hosts, never values.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

// answered tells what a store answers from its not answering.
func answered(doing string, err error) error {
	if err == nil || errors.Is(err, ErrNoKey) || errors.Is(err, errRetired) {
		return err
	}
	return unavailable(doing, err)
}

// ofKeys tells whether an error is one of this package: one that sealing or opening ended in.
func ofKeys(err error) bool {
	for _, reason := range []error{ErrErased, ErrNoKey, ErrUnavailable, ErrUnknownKey, ErrForged} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
