package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// onTerminal tells whether what is written is drawn on a terminal that can move its cursor.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// paint colours words, on a terminal and unless NO_COLOR is set.
type paint bool

func paintFor(w io.Writer) paint { return paint(onTerminal(w) && os.Getenv("NO_COLOR") == "") }

// The colours, as codes of ANSI terminals.
const (
	green  = "32"
	yellow = "33"
	grey   = "90"
)

func (p paint) in(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// screen draws lines over those that it drew before. Lines must be shorter than the terminal is wide: see shortened.
type screen struct {
	w     io.Writer
	drawn int
}

func (s *screen) draw(lines ...string) {
	var text strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", s.drawn)
	}
	for _, l := range lines {
		text.WriteString("\r\x1b[2K" + l + "\n")
	}
	text.WriteString("\x1b[J")
	s.drawn = len(lines)
	_, _ = io.WriteString(s.w, text.String())
}

// shortened cuts a text such that a line of it fits the narrowest of usual terminals.
func shortened(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// bar draws a part of a whole.
func bar(part, whole int64, width int) string {
	full := 0
	if whole > 0 {
		full = int(min(part, whole) * int64(width) / whole)
		if part > 0 && full == 0 {
			full = 1
		}
	}
	return strings.Repeat("█", full) + strings.Repeat("·", width-full)
}

func elapsed(since, until time.Time) string {
	return max(0, until.Sub(since)).Round(time.Second).String()
}
