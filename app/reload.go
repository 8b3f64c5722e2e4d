package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// reloadEvery is how often a program looks whether a secret file has changed.
const reloadEvery = 10 * time.Second

// reload takes over secret files that have changed, so that a rotation needs no restart. It returns when ctx ends.
func reload(ctx context.Context, every time.Duration, files []string, what string, logger *slog.Logger, take func() error) {
	if len(files) == 0 {
		return
	}
	stamp := func() (out string) {
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				out += fmt.Sprintf("%d %d;", info.ModTime().UnixNano(), info.Size())
			}
		}
		return out
	}
	last := stamp()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := stamp()
		if now == last {
			continue
		}
		if err := take(); err != nil {
			logger.Warn(what+" were not reloaded; the old ones stay", "error", err)
			continue
		}
		last = now
		logger.Info(what + " reloaded")
	}
}
