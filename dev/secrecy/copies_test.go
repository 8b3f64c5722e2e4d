package secrecy

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/dev/temporalserver"
	"kyc/onboarding"
	"kyc/privacy"
)

// TestErase_CopiesFromBefore_OpenNothingOnceTheKeysAreDestroyed copies all files before an erasure. When the erasure is
// done and the keys of its time are destroyed, the old copies of Temporal's database and of the key store, the new key
// store and the present keyset do not open, all together, one payload of that onboarding.
func TestErase_CopiesFromBefore_OpenNothingOnceTheKeysAreDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t, stack.Config{})
	forgotten := someone("watched")
	forgotten.Applicant.LastName = "Pamirštinė-Užuomarša"
	gone := r.beginAs(t, forgotten)
	r.command(t, gone.ID, onboarding.Command{Kind: onboarding.CommandRenew})
	second := r.until(t, gone.ID, "a second session", func(s onboarding.Status) bool { return s.Attempt == 2 && s.Link != "" })
	r.play(t, stack.SessionOf(second.Link), approve...)
	r.handedOff(t, gone.ID, 1)
	stays := r.begin(t, "watched")
	r.approved(t, stays)

	before := t.TempDir()
	r.again(t, func() { copyFiles(t, r.dir, before, "temporal.db", "keys.db", "keyset.json") })
	receipt := r.erase(t, order(gone.ID))
	require.Equal(t, 2, receipt.Sessions)
	cfg, err := r.Config(app.ProgramKeys, nil)
	require.NoError(t, err)
	after := t.TempDir()
	rotation, err := app.RotateKeys(timed(t), cfg, true)
	require.NoError(t, err)
	require.Equal(t, 1, rotation.Rewrapped)
	require.Len(t, rotation.Destroyed, 1)
	_, err = r.Starter.Status(timed(t), stays.ID)
	require.NoError(t, err, "the others go on")
	require.NoError(t, r.Stop())
	copyFiles(t, r.dir, after, "temporal.db", "keys.db", "keyset.json")

	old := openCopy(t, filepath.Join(before, "temporal.db"))
	payloads := ownPayloads(t, readAll(t, old, gone.ID))
	require.Greater(t, len(payloads), 15)
	theirs := ownPayloads(t, readAll(t, old, stays.ID))
	require.Greater(t, len(theirs), 10)

	// With all that was there before everything opens: the copies are good, and the rest of this test proves something.
	opened := openAll(t, codec(t, filepath.Join(before, "keyset.json"), filepath.Join(before, "keys.db")), payloads)
	require.Empty(t, opened.errs)
	require.Contains(t, opened.text, forgotten.Applicant.LastName)
	require.Contains(t, opened.text, stack.SessionOf(second.Link))
	// Until the keys are destroyed an old copy of the key store still opens it: that is why they are.
	require.NotEqual(t, read(t, before, "keyset.json"), read(t, after, "keyset.json"))

	for name, store := range map[string]string{"old key store": before, "new key store": after} {
		opened := openAll(t, codec(t, filepath.Join(after, "keyset.json"), filepath.Join(store, "keys.db")), payloads)
		require.Len(t, opened.errs, len(payloads), name)
		require.Empty(t, opened.text, name)
		for _, err := range opened.errs {
			if store == before {
				require.ErrorIs(t, err, privacy.ErrUnknownKey)
			} else {
				require.ErrorIs(t, err, privacy.ErrErased)
			}
		}
	}
	opened = openAll(t, codec(t, filepath.Join(after, "keyset.json"), filepath.Join(after, "keys.db")), theirs)
	require.Empty(t, opened.errs, "others' old histories are still read")

	// The key store overwrites what it drops. Nothing of the wrapped key is left in its file.
	wrapped := wrappedKey(t, filepath.Join(before, "keys.db"), gone.ID)
	require.Contains(t, string(read(t, before, "keys.db")), string(wrapped[len(wrapped)-24:]))
	for at := 0; at+24 <= len(wrapped); at++ {
		require.NotContains(t, string(read(t, after, "keys.db")), string(wrapped[at:at+24]))
	}
}

// TestErase_InterruptedInTheMiddle_GoesOnWhereItWas ends the worker while Ondato does not redact, and again while the key
// cannot be dropped.
func TestErase_InterruptedInTheMiddle_GoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	r := newRig(t, stack.Config{NoWorker: true, StartWait: time.Second})
	stop, err := r.StartWorker(t.Context())
	require.NoError(t, err)
	q := someone("watched")
	started := r.beginAs(t, q)
	session := stack.SessionOf(started.Link)
	r.approved(t, started)

	down := r.ondato.refuseOnly(http.MethodPut, "/redact", session, http.StatusServiceUnavailable, -1)
	done, err := r.Starter.Erase(timed(t), order(started.ID))
	require.NoError(t, err)
	require.Nil(t, done.Receipt)
	r.pending(t, started.ID, onboarding.ActivityRedact, 2)
	require.NoError(t, stop())
	done, err = r.Starter.Erase(timed(t), order(started.ID))
	require.NoError(t, err)
	require.Nil(t, done.Receipt, "ordering it again waits for the same")

	stop, err = r.StartWorker(t.Context())
	require.NoError(t, err)
	require.False(t, r.gone(t, started.ID))
	require.NoError(t, r.keyOf(t, started.ID), "first things first")
	unlock := r.lockKeyStore(t)
	r.ondato.lift(down)
	r.pending(t, started.ID, onboarding.ActivityDropKey, 1)
	require.NoError(t, stop())
	unlock()

	// Meanwhile another one: its run was ended before a worker took it up.
	never := someone("watched")
	unanswered, err := r.Starter.Start(timed(t), never)
	require.NoError(t, err)
	require.Empty(t, unanswered.Link)
	require.NoError(t, r.Client.TerminateWorkflow(timed(t), unanswered.ID.WorkflowID(), "", "test"))

	_, err = r.StartWorker(t.Context())
	require.NoError(t, err)
	r.erased(t, q, r.erase(t, order(started.ID)), session)
	r.erased(t, never, r.erase(t, order(unanswered.ID)))
}

// pending waits until an erasure's activity has been tried so many times in vain.
func (r *rig) pending(t *testing.T, id onboarding.ID, activity string, failures int32) {
	t.Helper()
	waitFor(t, activity+" fails", func() bool {
		d, err := r.Client.DescribeWorkflowExecution(timed(t), id.ErasureWorkflowID(), "")
		require.NoError(t, err)
		for _, a := range d.GetPendingActivities() {
			if a.GetActivityType().GetName() == activity && a.GetAttempt() > failures {
				require.Equal(t, "Encoded failure", a.GetLastFailure().GetMessage())
				return true
			}
		}
		return false
	})
}

// lockKeyStore keeps everybody from the key store's file, as a program does that copies it.
func (r *rig) lockKeyStore(t *testing.T) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(r.dir, "keys.db")+"?_txlock=exclusive")
	require.NoError(t, err)
	tx, err := db.BeginTx(context.WithoutCancel(t.Context()), nil)
	require.NoError(t, err)
	return func() {
		require.NoError(t, tx.Rollback())
		require.NoError(t, db.Close())
	}
}

// --- copies -------------------------------------------------------------------------------------------------------

func copyFiles(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		in, err := os.Open(filepath.Join(from, name))
		require.NoError(t, err)
		out, err := os.OpenFile(filepath.Join(to, name), os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = io.Copy(out, in)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		require.NoError(t, out.Close())
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return data
}

// openCopy starts a server on a copy, as somebody does who has got hold of a backup.
func openCopy(t *testing.T, file string) client.Client {
	t.Helper()
	server, err := temporalserver.Start(t.Context(), temporalserver.Config{
		DB: file, UIPort: temporalserver.NoUI, Namespace: namespace, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	c, err := client.DialContext(timed(t), client.Options{HostPort: server.FrontendAddr(), Namespace: namespace, Logger: discard{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

type discard struct{}

func (discard) Debug(string, ...any) {}
func (discard) Info(string, ...any)  {}
func (discard) Warn(string, ...any)  {}
func (discard) Error(string, ...any) {}

func readAll(t *testing.T, c client.Client, id onboarding.ID) []event {
	t.Helper()
	events, err := stack.ReadHistory(timed(t), c, id, "")
	require.NoError(t, err)
	return events
}

// ownPayloads are those that an onboarding's own key has sealed.
func ownPayloads(t *testing.T, events []event) (own []*commonpb.Payload) {
	t.Helper()
	for _, e := range events {
		for _, p := range payloadsOf(t, e) {
			if string(p.GetMetadata()[metadataKey]) == "own" {
				own = append(own, p)
			}
		}
	}
	return own
}

func codec(t *testing.T, keyset, keys string) *privacy.Codec {
	t.Helper()
	keysets, err := privacy.OpenKeysetFile(keyset)
	require.NoError(t, err)
	store, err := privacy.OpenStore(t.Context(), "sqlite:"+keys)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	known, err := privacy.NewKeys(privacy.KeysConfig{Keysets: keysets, Store: store})
	require.NoError(t, err)
	return privacy.NewCodec(privacy.CodecConfig{Keysets: keysets, Keys: known, Owned: onboarding.IsWorkflowID})
}

type openings struct {
	text string
	errs []error
}

// openAll tries to open each payload.
func openAll(t *testing.T, c *privacy.Codec, payloads []*commonpb.Payload) (out openings) {
	t.Helper()
	var text strings.Builder
	for _, p := range payloads {
		opened, err := c.Decode([]*commonpb.Payload{p})
		if err != nil {
			out.errs = append(out.errs, err)
			require.Empty(t, opened)
			continue
		}
		text.Write(opened[0].GetData())
	}
	out.text = text.String()
	return out
}

// wrappedKey reads an onboarding's key as the store keeps it.
func wrappedKey(t *testing.T, keys string, id onboarding.ID) (wrapped []byte) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+keys)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT wrapped FROM onboarding_keys WHERE name = ?", privacy.Name(namespace, id.WorkflowID())).Scan(&wrapped))
	require.Greater(t, len(wrapped), 50)
	require.False(t, bytes.Equal(wrapped, make([]byte, len(wrapped))))
	return wrapped
}
