package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/privacy"
)

// answers is invoke with standard output.
func answers(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	old := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = old }()
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	code, stderr = invoke(t, args...)
	require.NoError(t, w.Close())
	return code, <-read, stderr
}

// withKeys names a keyset file and a key store that are not there yet.
func withKeys(t *testing.T) (keyset string) {
	t.Helper()
	dir := t.TempDir()
	keyset = filepath.Join(dir, "keyset.json")
	t.Setenv("PRIVACY_KEYSET", keyset)
	t.Setenv("PRIVACY_KEYS_URL", "sqlite:"+filepath.Join(dir, "keys.db"))
	return keyset
}

func TestKeys_FromCreationToDestruction_SaysWhatThereIs(t *testing.T) {
	keyset := withKeys(t)
	code, _, stderr := answers(t, "keys", "status")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "make one with `onboarding keys create`")

	code, stdout, stderr := answers(t, "keys", "create")
	require.Equal(t, exitDone, code, stderr)
	require.Equal(t, "made "+keyset+"\n", stdout)
	info, err := os.Stat(keyset)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	made, err := os.ReadFile(keyset)
	require.NoError(t, err)

	code, _, stderr = answers(t, "keys", "create")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "there is one already")
	code, stdout, stderr = answers(t, "keys", "create", "--if-missing")
	require.Equal(t, exitDone, code, stderr)
	require.Equal(t, keyset+" is there already\n", stdout)
	kept, err := os.ReadFile(keyset)
	require.NoError(t, err)
	require.Equal(t, made, kept)

	for range 2 { // it may be repeated
		code, stdout, stderr = answers(t, "keys", "ensure", "customer-1")
		require.Equal(t, exitDone, code, stderr)
		require.Equal(t, string(onboarding.Reference("customer-1").ID())+" has a key\n", stdout)
	}
	first := inventory(t)
	require.Len(t, first.House, 1)
	require.Equal(t, map[uint32]int{first.KeyEncryptionPrimary: 1}, first.Onboardings)
	require.Zero(t, first.Erased)

	code, stdout, stderr = answers(t, "keys", "rotate", "-o", "json")
	require.Equal(t, exitDone, code, stderr)
	var wrapped privacy.Rotation
	require.NoError(t, json.Unmarshal([]byte(stdout), &wrapped))
	require.Equal(t, 1, wrapped.Rewrapped)
	require.Empty(t, wrapped.Destroyed)
	code, stdout, stderr = answers(t, "keys", "rotate", "--destroy-old")
	require.Equal(t, exitDone, code, stderr)
	require.Contains(t, stdout, "wrapped anew")
	require.Contains(t, stdout, "destroyed")
	code, stdout, stderr = answers(t, "keys", "rotate-house")
	require.Equal(t, exitDone, code, stderr)
	require.Contains(t, stdout, "seals from now on")

	last := inventory(t)
	require.Len(t, last.KeyEncryption, 1)
	require.NotContains(t, []uint32{first.KeyEncryptionPrimary, wrapped.KEK}, last.KeyEncryptionPrimary)
	require.Equal(t, map[uint32]int{last.KeyEncryptionPrimary: 1}, last.Onboardings)
	require.Len(t, last.House, 2)
	require.NotEqual(t, first.HousePrimary, last.HousePrimary)
	code, stdout, stderr = answers(t, "keys", "status")
	require.Equal(t, exitDone, code, stderr)
	for _, row := range []string{"house keyset", "key-encryption keyset", "onboardings' keys", "1 under ", "(seals)", "erased"} {
		require.Contains(t, stdout, row)
	}
	require.NotContains(t, stdout, "UNUSABLE")

	// Another keyset file than the one that the store belongs to.
	require.NoError(t, os.Remove(keyset))
	code, _, stderr = answers(t, "keys", "create")
	require.Equal(t, exitDone, code, stderr)
	code, stdout, stderr = answers(t, "keys", "status")
	require.Equal(t, exitDone, code, stderr)
	require.Contains(t, stdout, "UNUSABLE")
}

func inventory(t *testing.T) (found privacy.Inventory) {
	t.Helper()
	code, stdout, stderr := answers(t, "keys", "status", "-o", "json")
	require.Equal(t, exitDone, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &found))
	return found
}

func TestKeys_WrongUse_SaysWhatToDo(t *testing.T) {
	keyset := withKeys(t)
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		code int
		says string
	}{
		"argument too many":        {args: []string{"keys", "create", "x"}, code: exitUsage, says: "takes no argument"},
		"unknown output":           {args: []string{"keys", "status", "-o", "xml"}, code: exitUsage, says: "--output is neither text nor json"},
		"unknown output, rotating": {args: []string{"keys", "rotate", "-o", "xml"}, code: exitUsage, says: "--output is neither text nor json"},
		"no onboarding":            {args: []string{"keys", "ensure"}, code: exitUsage, says: "0 arguments are given: give one, the id or the reference of an onboarding"},
		"an address":               {args: []string{"keys", "ensure", "ona@customer.example"}, code: exitUsage, says: "looks like an e-mail address"},
		"unknown command":          {args: []string{"keys", "rotat"}, code: exitUsage, says: `"rotat" is no command of onboarding keys`},
		"no keyset file named": {
			args: []string{"keys", "create"}, env: map[string]string{"PRIVACY_KEYSET": ""}, code: exitUsage, says: "PRIVACY_KEYSET is missing",
		},
		"a store of another kind": {
			args: []string{"keys", "status"}, env: map[string]string{"PRIVACY_KEYS_URL": "mysql://kyc:hush@db.example/keys"}, code: exitUsage, says: "PRIVACY_KEYS_URL",
		},
		"a KMS that is not built in": {args: []string{"keys", "create", "--kms", "gcp-kms://projects/x"}, code: exitFailed, says: "no client for the KMS key"},
		"no folder": {
			args: []string{"keys", "create"}, env: map[string]string{"PRIVACY_KEYSET": filepath.Join(filepath.Dir(keyset), "no", "keyset.json")},
			code: exitFailed, says: "keyset",
		},
		"in plain": {args: []string{"keys", "rotate"}, env: map[string]string{"PRIVACY_PLAINTEXT": "1"}, code: exitFailed, says: "there are no keys: remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			code, stdout, stderr := answers(t, c.args...)
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr, c.says)
			require.NotContains(t, stderr, "hush")
			require.Empty(t, stdout)
			_, err := os.Stat(keyset)
			require.ErrorIs(t, err, os.ErrNotExist, "nothing was made")
		})
	}
}
