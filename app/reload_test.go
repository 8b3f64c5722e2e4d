package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReload_FileChanges_IsTakenOnceAndTriedAgainAfterAFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("one"), 0o600))
	var mu sync.Mutex
	var took []string
	var log strings.Builder
	fail := false
	take := func() error {
		mu.Lock()
		defer mu.Unlock()
		content, err := os.ReadFile(path)
		took = append(took, string(content))
		if fail {
			fail = false
			return errors.New("is malformed")
		}
		return err
	}
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), took...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		reload(ctx, time.Millisecond, []string{path}, "secrets", slog.New(slog.NewTextHandler(&log, nil)), take)
	}()
	require.Eventually(t, func() bool { return len(seen()) == 1 }, 10*time.Second, time.Millisecond, "changes during the start are lost")
	require.Never(t, func() bool { return len(seen()) > 1 }, 50*time.Millisecond, 5*time.Millisecond, "nothing has changed")
	mu.Lock()
	fail = true
	mu.Unlock()
	require.NoError(t, os.WriteFile(path+".new", []byte("another"), 0o600))
	require.NoError(t, os.Rename(path+".new", path)) // at once, unlike writing
	require.Eventually(t, func() bool { return len(seen()) >= 3 }, 10*time.Second, time.Millisecond)
	cancel()
	<-ended
	require.Equal(t, []string{"one", "another", "another"}, seen())
	require.Contains(t, log.String(), `msg="not all secrets were reloaded; for the rest the old ones stay" error="is malformed"`)
	require.Equal(t, 1, strings.Count(log.String(), `msg="secrets reloaded"`), "the first look is no change:\n%s", log.String())

	reload(t.Context(), time.Millisecond, nil, "secrets", nil, nil) // nothing to watch: returns
}

func TestReload_FileGoneSinceTheStart_IsWarnedOf(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var log strings.Builder
	reload(ctx, time.Millisecond, []string{filepath.Join(t.TempDir(), "gone")}, "secrets", slog.New(slog.NewTextHandler(&log, nil)), func() error {
		cancel()
		return errors.New("cannot be read")
	})
	require.Contains(t, log.String(), "cannot be read")
}
