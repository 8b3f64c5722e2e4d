package privacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/testing/fakekms"
	commonpb "go.temporal.io/api/common/v1"
)

func macKeyset(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	handle, err := keyset.NewHandle(mac.HMACSHA256Tag128KeyTemplate())
	require.NoError(t, err)
	require.NoError(t, insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&out)))
	return out.Bytes()
}

func newKeysetFile(t testing.TB, kms string) *KeysetFile {
	t.Helper()
	f, err := CreateKeysetFile(filepath.Join(t.TempDir(), "keyset.json"), kms)
	require.NoError(t, err)
	return f
}

// rotateHouse is a rotation by another program.
func rotateHouse(t testing.TB, path string) uint32 {
	t.Helper()
	other, err := OpenKeysetFile(path)
	require.NoError(t, err)
	id, err := RotateHouse(other)
	require.NoError(t, err)
	return id
}

func TestCreateKeysetFile_NewFile_IsTheOwnersAloneAndHoldsTwoKeysets(t *testing.T) {
	f := newKeysetFile(t, "")
	info, err := os.Stat(f.path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())

	again, err := OpenKeysetFile(f.path)
	require.NoError(t, err)
	require.Equal(t, f.sets().house.ids, again.sets().house.ids)
	sealed, err := f.sets().house.aead.Encrypt([]byte(secret), nil)
	require.NoError(t, err)
	plain, err := again.open(house, sealed, nil)
	require.NoError(t, err)
	require.Equal(t, secret, string(plain))
	_, err = again.open(keyEncryption, sealed, nil)
	require.ErrorIs(t, err, ErrUnknownKey, "the two keysets share no key")
}

func TestCreateKeysetFile_FileThatExists_IsLeftAlone(t *testing.T) {
	f := newKeysetFile(t, "")
	before, err := os.ReadFile(f.path)
	require.NoError(t, err)
	_, err = CreateKeysetFile(f.path, "")
	require.ErrorContains(t, err, "choose another name")
	after, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestCreateKeysetFile_FolderThatDoesNotExist_IsAnError(t *testing.T) {
	_, err := CreateKeysetFile(filepath.Join(t.TempDir(), "none", "keyset.json"), "")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestOpenKeysetFile_Permissions_DecideWhetherItIsRead(t *testing.T) {
	f := newKeysetFile(t, "")
	for mode, fine := range map[fs.FileMode]bool{
		0o600: true, 0o400: true, 0o440: true, 0o640: true, // a group may read: Kubernetes' fsGroup
		0o644: false, 0o444: false, 0o604: false, 0o660: false, 0o602: false, 0o601: false, 0o620: false,
	} {
		require.NoError(t, os.Chmod(f.path, mode))
		_, err := OpenKeysetFile(f.path)
		if fine {
			require.NoError(t, err, "%o", mode)
		} else {
			require.ErrorContains(t, err, "chmod 600", "%o", mode)
		}
	}
}

// wireOf is a keyset file with one part replaced.
func wireOf(t testing.TB, part string, value any) []byte {
	t.Helper()
	data, err := os.ReadFile(newKeysetFile(t, "").path)
	require.NoError(t, err)
	var wire map[string]any
	require.NoError(t, json.Unmarshal(data, &wire))
	wire[part] = value
	data, err = json.Marshal(wire)
	require.NoError(t, err)
	return data
}

// keysetJSON is a keyset as it stands in the file.
func keysetJSON(t testing.TB, template *tinkpb.KeyTemplate) json.RawMessage {
	t.Helper()
	handle, err := keyset.NewHandle(template)
	require.NoError(t, err)
	data, err := writeKeyset(handle, "")
	require.NoError(t, err)
	return data
}

func TestOpenKeysetFile_ThatIsNone_SaysWhatIsWrongAndNothingOfAKey(t *testing.T) {
	whole, err := os.ReadFile(newKeysetFile(t, "").path)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"empty":                     {nil, "onboarding keys create"},
		"garbage":                   {[]byte("\x00\xff{{{"), "onboarding keys create"},
		"half of it":                {whole[:len(whole)/2], "onboarding keys create"},
		"all but the last brace":    {whole[:len(whole)-2], "onboarding keys create"},
		"a newer format":            {wireOf(t, "format", 2), "has format 2, this program reads 1"},
		"without the house keyset":  {wireOf(t, "house", nil), "keyset house"},
		"an empty keyset":           {wireOf(t, "keyEncryption", map[string]any{}), "keyset keyEncryption"},
		"a keyset of no AEAD":       {wireOf(t, "house", keysetJSON(t, mac.HMACSHA256Tag128KeyTemplate())), "no usable AEAD key"},
		"a key without an id":       {wireOf(t, "house", keysetJSON(t, aead.AES256GCMNoPrefixKeyTemplate())), "output prefix must be TINK"},
		"of a KMS nobody knows":     {wireOf(t, "kms", "nobodys-kms://key"), "nobodys-kms://key"},
		"in the clear, says a KMS":  {wireOf(t, "kms", fakeKMS(t)), "cannot be decrypted with the KMS key"},
		"a keyset that is a string": {wireOf(t, "house", "secret"), "keyset house"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keyset.json")
			require.NoError(t, os.WriteFile(path, c.data, 0o600))
			f, err := OpenKeysetFile(path)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, path)
			require.Nil(t, f)
			for _, key := range keyMaterial(whole) {
				require.NotContains(t, err.Error(), key)
			}
		})
	}
	_, err = OpenKeysetFile(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "onboarding keys create")
	_, err = OpenKeysetFile(t.TempDir())
	require.Error(t, err)
}

// keyMaterial are the values in a keyset file that must not be told.
func keyMaterial(file []byte) []string {
	var found []string
	for _, line := range strings.Split(string(file), "\n") {
		if _, value, ok := strings.Cut(line, `"value": "`); ok {
			found = append(found, strings.TrimRight(value, `",`))
		}
	}
	return found
}

// fakeKMS is a key of Tink's fake key management service, with a client for it.
func fakeKMS(t testing.TB) string {
	t.Helper()
	uri, err := fakekms.NewKeyURI()
	require.NoError(t, err)
	client, err := fakekms.NewClient(uri)
	require.NoError(t, err)
	registry.RegisterKMSClient(client)
	return uri
}

func TestKeysetFile_EncryptedWithAKMSKey_HoldsNothingInTheClearAndRotates(t *testing.T) {
	f := newKeysetFile(t, fakeKMS(t))
	data, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.Contains(t, string(data), "encryptedKeyset")
	require.Empty(t, keyMaterial(data))

	again, err := OpenKeysetFile(f.path)
	require.NoError(t, err)
	sealed, err := f.sets().house.aead.Encrypt([]byte(secret), nil)
	require.NoError(t, err)
	id := rotateHouse(t, f.path)
	plain, err := again.open(house, sealed, nil)
	require.NoError(t, err)
	require.Equal(t, secret, string(plain))
	sets, err := again.reread()
	require.NoError(t, err)
	require.Equal(t, id, sets.house.primary)
	data, err = os.ReadFile(f.path)
	require.NoError(t, err)
	require.Empty(t, keyMaterial(data))
}

func TestKeysetFile_RotatedByAnotherProgram_IsReadWhenAKeyIsMissing(t *testing.T) {
	f := newKeysetFile(t, "")
	rotateHouse(t, f.path)
	other, err := OpenKeysetFile(f.path)
	require.NoError(t, err)
	sealed, err := other.sets().house.aead.Encrypt([]byte(secret), nil)
	require.NoError(t, err)
	require.Len(t, f.sets().house.ids, 1, "it has not looked yet")

	plain, err := f.open(house, sealed, nil)
	require.NoError(t, err)
	require.Equal(t, secret, string(plain))
	require.Len(t, f.sets().house.ids, 2)
}

func TestKeysetFile_Changed_IsNoticedAfterAWhileWhereNothingFails(t *testing.T) {
	f := newKeysetFile(t, "")
	id := rotateHouse(t, f.path)
	require.NotEqual(t, id, f.sets().house.primary)
	f.checked = f.checked.Add(-recheckEvery - time.Second)
	require.Equal(t, id, f.sets().house.primary)
}

func TestKeysetFile_Unchanged_IsNotReadAgain(t *testing.T) {
	f := newKeysetFile(t, "")
	before := f.sets()
	after, err := f.reread()
	require.NoError(t, err)
	require.Same(t, before, after)
}

func TestKeysetFile_ThatVanishesOrIsSpoiledWhileRunning_LeavesTheKeysInForce(t *testing.T) {
	strangers := newProgram(t)
	unknown := sealedBy(t, strangers.codec, nil, payload(secret))
	for name, spoil := range map[string]func(path string) error{
		"gone":         os.Remove,
		"half written": func(path string) error { return os.Truncate(path, 100) },
		"empty":        func(path string) error { return os.Truncate(path, 0) },
		"for all to see": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("{}"), 0), os.Chmod(path, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t)
			data, err := os.ReadFile(p.keysets.path)
			require.NoError(t, err)
			sealed := sealedBy(t, p.codec, nil, payload(secret))
			require.NoError(t, spoil(p.keysets.path))
			p.keysets.checked = time.Time{}
			for range 2 {
				opened, err := openedBy(p.codec, nil, sealed)
				require.NoError(t, err)
				require.Equal(t, secret, string(opened.Data))
				sealedBy(t, p.codec, annasWorkflow, payload(secret))
			}
			_, err = openedBy(p.codec, nil, unknown)
			require.ErrorIs(t, err, ErrUnknownKey)
			require.ErrorContains(t, err, "cannot be read again", "whoever looks for the reason finds it")

			_ = os.Remove(p.keysets.path)
			require.NoError(t, os.WriteFile(p.keysets.path, data, 0o600))
			rotateHouse(t, p.keysets.path)
			sets, err := p.keysets.reread()
			require.NoError(t, err)
			require.Len(t, sets.house.ids, 2, "it comes back")
		})
	}
}

func TestKeysetFile_Rotated_KeepsPermissionsAndLink(t *testing.T) {
	f := newKeysetFile(t, "")
	require.NoError(t, os.Chmod(f.path, 0o440))
	link := filepath.Join(t.TempDir(), "link.json")
	require.NoError(t, os.Symlink(f.path, link))
	id := rotateHouse(t, link)

	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeSymlink)
	info, err = os.Stat(f.path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o440), info.Mode().Perm())
	again, err := OpenKeysetFile(f.path)
	require.NoError(t, err)
	require.Equal(t, id, again.sets().house.primary)
	entries, err := os.ReadDir(filepath.Dir(f.path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing else is left in the folder")
}

func TestKeysetFile_ChangedByManyAtOnce_LosesNoKey(t *testing.T) {
	f := newKeysetFile(t, "")
	var mu sync.Mutex
	ids := map[uint32]bool{f.sets().house.primary: true}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			other, err := OpenKeysetFile(f.path)
			if err != nil {
				t.Error(err)
				return
			}
			for range 10 {
				id, err := RotateHouse(other)
				if err != nil {
					if !strings.Contains(err.Error(), "another program is changing it") {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				ids[id] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	sets, err := f.reread()
	require.NoError(t, err)
	require.Greater(t, len(ids), 1)
	require.Len(t, sets.house.ids, len(ids))
	for _, id := range sets.house.ids {
		require.True(t, ids[id])
	}
}

func TestKeysetFile_LockOfAKilledProgram_IsNamedWithItsRemedy(t *testing.T) {
	f := newKeysetFile(t, "")
	require.NoError(t, os.WriteFile(f.path+".new", nil, 0o600))
	_, err := RotateHouse(f)
	require.ErrorContains(t, err, "remove "+f.path+".new")
	require.FileExists(t, f.path+".new", "it may be in use")
	require.NoError(t, os.Remove(f.path+".new"))
	_, err = RotateHouse(f)
	require.NoError(t, err)
}

func TestKeysetFile_ChangeThatFails_LeavesTheFileAndNoLock(t *testing.T) {
	f := newKeysetFile(t, "")
	before, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.ErrorIs(t, f.change(func(*keysets) error { return errRetired }), errRetired)
	after, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoFileExists(t, f.path+".new")
}

func TestRotateHouse_Payloads_OpenWithTheOlderVersions(t *testing.T) {
	p := newProgram(t)
	var all []*commonpb.Payload
	for range 3 {
		all = append(all, sealedBy(t, p.codec, nil, payload(secret)))
		_, err := RotateHouse(p.keysets)
		require.NoError(t, err)
	}
	for _, sealed := range all {
		_, err := openedBy(p.again(t, KeysConfig{}).codec, nil, sealed)
		require.NoError(t, err)
	}
	newest, ok := keyIDOf(sealedBy(t, p.codec, nil, payload(secret)).Data)
	require.True(t, ok)
	require.Equal(t, p.keysets.sets().house.primary, newest)
}

func TestKeyring_DisabledKey_IsNotHeld(t *testing.T) {
	f := newKeysetFile(t, "")
	sealed, err := f.sets().house.aead.Encrypt([]byte(secret), nil)
	require.NoError(t, err)
	rotated, err := f.sets().house.withNewPrimary()
	require.NoError(t, err)
	manager := keyset.NewManagerFromHandle(rotated.handle)
	require.NoError(t, manager.Disable(f.sets().house.primary))
	handle, err := manager.Handle()
	require.NoError(t, err)
	ring, err := newKeyring(handle)
	require.NoError(t, err)
	_, err = ring.open(sealed, nil)
	require.ErrorIs(t, err, ErrUnknownKey)
	require.Equal(t, []uint32{f.sets().house.primary}, ring.others(), "it is there to be destroyed")
}
