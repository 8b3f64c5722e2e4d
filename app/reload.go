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

// reload takes over secret files that have changed, so that a rotation needs no restart. It returns when ctx ends. As the
// files may have changed since they were read at the start, the first look takes them over in any case, and keeps quiet.
func reload(ctx context.Context, every time.Duration, files []string, what string, logger *slog.Logger, take func() error) {
	if len(files) == 0 {
		return
	}
	stamp := func() (out string) {
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				out += fmt.Sprintf("%d %d", info.ModTime().UnixNano(), info.Size())
			}
			out += ";"
		}
		return out
	}
	last, first := "", true // no stamp is empty
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
		quiet := first
		first = false
		if err := take(); err != nil {
			logger.Warn("not all "+what+" were reloaded; for the rest the old ones stay", "error", err)
			continue
		}
		last = now
		if !quiet {
			logger.Info(what + " reloaded")
		}
	}
}
