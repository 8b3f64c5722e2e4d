package app

import (
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"
)

// The formats of log lines.
const (
	LogText = "text"
	LogJSON = "json"
)

// Log says what is logged and how.
type Log struct {
	Level slog.Level
	// Format is LogText or LogJSON; empty chooses by where the lines go.
	Format string
}

// NewLogger returns a logger that writes to out, which is os.Stderr in all programs: standard output is for results.
func NewLogger(l Log, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.Level}
	if l.Format == LogText || l.Format == "" && isTerminal(out) {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func parseLevel(value string) (slog.Level, []fault) {
	name, faults := parseChoice("debug", "info", "warn", "error")(value)
	if faults != nil {
		return 0, faults
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, faultf("is not a level", "use debug, info, warn or error")
	}
	return level, nil
}
