package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// size is how many columns and rows a terminal has; it is zero for everything else, which is not bound to a width.
type size struct{ wide, high int }

// usualSize is that of a terminal that does not tell its own.
var usualSize = size{80, 24}

// sizeOf asks a terminal for its size; one that does not tell is taken for the usual one.
func sizeOf(w io.Writer) size {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return size{}
	}
	wide, high, err := term.GetSize(int(f.Fd()))
	if err != nil || wide <= 0 || high <= 0 {
		return usualSize
	}
	return size{wide, high}
}

// movesCursor tells whether what is written is drawn on a terminal that can move its cursor, so that lines can be drawn
// over others.
func movesCursor(w io.Writer) bool {
	kind := os.Getenv("TERM")
	return sizeOf(w) != size{} && kind != "" && kind != "dumb"
}

// paint colours words, on a terminal and unless NO_COLOR is set.
type paint bool

func paintFor(w io.Writer) paint { return paint(movesCursor(w) && os.Getenv("NO_COLOR") == "") }

// The colours, as codes of ANSI terminals.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	grey   = "90"
)

func (p paint) in(colour, text string) string {
	if !p || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// screen draws lines over those that it drew before. Lines must be shorter than the terminal is wide, and fewer than it
// is high.
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

// shortened cuts a text that is longer than it may be.
func shortened(text string, most int) string {
	r := []rune(text)
	switch {
	case len(r) <= most:
		return text
	case most < 1:
		return ""
	}
	return string(r[:most-1]) + "…"
}

// folded breaks a text into lines at spaces. A word that is longer than a line stays whole, so that links can be copied.
func folded(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > most:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
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
