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
	fail := true
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
	// The loop may take its first look at the file only now.
	require.Never(t, func() bool { return len(seen()) > 0 }, 50*time.Millisecond, 5*time.Millisecond, "nothing has changed")
	require.NoError(t, os.WriteFile(path, []byte("another"), 0o600))
	require.Eventually(t, func() bool { return len(seen()) >= 2 }, 10*time.Second, time.Millisecond)
	cancel()
	<-ended
	require.Equal(t, []string{"another", "another"}, seen())
	require.Contains(t, log.String(), `msg="secrets were not reloaded; the old ones stay" error="is malformed"`)
	require.Contains(t, log.String(), `msg="secrets reloaded"`)

	reload(t.Context(), time.Millisecond, nil, "secrets", nil, nil) // nothing to watch: returns
}
