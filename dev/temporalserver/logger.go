package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// serverLog is the server's logger on top of slog.
type serverLog struct {
	slog  *slog.Logger
	fatal chan error // holds the first fatal error
	gate  *gate
}

var (
	_ log.Logger      = (*serverLog)(nil)
	_ log.WithLogger  = (*serverLog)(nil)
	_ log.SLogWrapper = (*serverLog)(nil)
)

func newServerLog(out *slog.Logger, level slog.Leveler) *serverLog {
	var handler slog.Handler = slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})
	if out != nil {
		handler = out.Handler()
	}
	g := &gate{level: level}
	return &serverLog{
		slog:  slog.New(gatedHandler{Handler: handler, gate: g}).With("component", "temporal-server"),
		fatal: make(chan error, 1),
		gate:  g,
	}
}

func (l *serverLog) Debug(msg string, tags ...tag.Tag) { l.log(slog.LevelDebug, msg, tags) }
func (l *serverLog) Info(msg string, tags ...tag.Tag)  { l.log(slog.LevelInfo, msg, tags) }
func (l *serverLog) Warn(msg string, tags ...tag.Tag)  { l.log(slog.LevelWarn, msg, tags) }
func (l *serverLog) Error(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// DPanic logs an error: the server means it to panic in development only.
func (l *serverLog) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// Panic logs and panics, as the server relies on not going on from here.
func (l *serverLog) Panic(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal ends the calling goroutine. The server expects the process to end here; that is not for an embedded server to
// do, but it must not go on either. Start reports the error; once the server runs, it is in the log.
func (l *serverLog) Fatal(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	select {
	case l.fatal <- fatalError(msg, tags):
	default:
	}
	runtime.Goexit()
}

// With returns a logger that adds tags to each record.
func (l *serverLog) With(tags ...tag.Tag) log.Logger {
	with := *l
	args := make([]any, len(tags))
	for i, t := range tags {
		args[i] = attr(t)
	}
	with.slog = l.slog.With(args...)
	return &with
}

// SLog gives the server's own workflow workers the logger to write to.
func (l *serverLog) SLog() *slog.Logger { return l.slog }

func (l *serverLog) log(level slog.Level, msg string, tags []tag.Tag) {
	if !l.slog.Enabled(context.Background(), level) {
		return
	}
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = attr(t)
	}
	l.slog.LogAttrs(context.Background(), level, msg, attrs...)
}

func attr(t tag.Tag) slog.Attr { return slog.Any(t.Key(), t.Value()) }

func fatalError(msg string, tags []tag.Tag) error {
	details := make([]string, 0, len(tags))
	for _, t := range tags {
		details = append(details, fmt.Sprintf("%s: %v", t.Key(), t.Value()))
	}
	if len(details) == 0 {
		return errors.New(msg)
	}
	return fmt.Errorf("%s (%s)", msg, strings.Join(details, ", "))
}

// gate decides what passes to the caller's logger.
type gate struct {
	level  slog.Leveler
	closed atomic.Bool
}

// gatedHandler asks the gate before the caller's handler.
type gatedHandler struct {
	slog.Handler
	gate *gate
}

func (h gatedHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return !h.gate.closed.Load() && level >= h.gate.level.Level() && h.Handler.Enabled(ctx, level)
}

func (h gatedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return gatedHandler{Handler: h.Handler.WithAttrs(attrs), gate: h.gate}
}

func (h gatedHandler) WithGroup(name string) slog.Handler {
	return gatedHandler{Handler: h.Handler.WithGroup(name), gate: h.gate}
}
