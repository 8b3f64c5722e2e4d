package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table prints pairs of label and value, leaving out empty values. On a terminal a long value goes on below itself.
func table(w io.Writer, pairs ...string) {
	labels := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			labels = max(labels, utf8.RuneCountInString(pairs[i]))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			hanging(w, padded(pairs[i], labels)+"  ", pairs[i+1])
		}
	}
}

// leastFold is the narrowest column that is worth folding a text into.
const leastFold = 20

// hanging prints a text behind a lead, and what does not fit a terminal below itself.
func hanging(w io.Writer, lead, text string) {
	room := sizeOf(w).wide - utf8.RuneCountInString(lead)
	if room < leastFold || utf8.RuneCountInString(text) <= room {
		fmt.Fprintln(w, lead+text)
		return
	}
	for _, line := range folded(text, room) {
		fmt.Fprintln(w, lead+line)
		lead = strings.Repeat(" ", utf8.RuneCountInString(lead))
	}
}

func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// column is one of a table of rows.
type column struct {
	name   string
	values []string
	// brief are shorter values that stand in where there is not room enough; nil means that there are none.
	brief []string
	// least is how short the values may be cut, 0 that they may not be.
	least int
	// goes says how soon the column is left out where there is not room enough: those with 1 first, those with 0 never.
	goes   int
	colour string
}

func (c column) width() int {
	wide := utf8.RuneCountInString(c.name)
	for _, v := range c.values {
		wide = max(wide, utf8.RuneCountInString(v))
	}
	return wide
}

func (c column) empty() bool { return strings.Join(c.values, "") == "" }

// gap stands between columns.
const gap = 2

func widthOf(columns []column) int {
	wide := -gap
	for _, c := range columns {
		wide += c.width() + gap
	}
	return wide
}

// fitted makes columns fit a width, 0 for any: it leaves empty ones out, takes briefer values, cuts long ones, and at last
// leaves columns out. It returns the names of those with values in them that it has left out.
func fitted(columns []column, most int) (fit []column, left []string) {
	fit = append(fit, columns...)
	if most <= 0 || widthOf(fit) <= most {
		return fit, nil
	}
	for i := len(fit) - 1; i >= 0; i-- {
		if fit[i].empty() && fit[i].goes > 0 {
			fit = append(fit[:i], fit[i+1:]...)
		}
	}
	for i, c := range fit {
		if widthOf(fit) > most && c.brief != nil {
			fit[i].values = c.brief
		}
	}
	for {
		if cut(fit, most) {
			return fit, left
		}
		next := -1
		for i, c := range fit {
			if c.goes > 0 && (next < 0 || c.goes < fit[next].goes) {
				next = i
			}
		}
		if next < 0 {
			return fit, left
		}
		left = append(left, fit[next].name)
		fit = append(fit[:next], fit[next+1:]...)
	}
}

// cut shortens values as far as it must, the longest column first. It changes nothing where that would not be enough.
func cut(columns []column, most int) bool {
	widths, total := make([]int, len(columns)), widthOf(columns)
	for i, c := range columns {
		widths[i] = c.width()
	}
	for total > most {
		longest := -1
		for i, c := range columns {
			if c.least > 0 && widths[i] > max(c.least, len(c.name)) && (longest < 0 || widths[i] > widths[longest]) {
				longest = i
			}
		}
		if longest < 0 {
			return false
		}
		widths[longest]--
		total--
	}
	for i, c := range columns {
		if c.width() == widths[i] {
			continue
		}
		values := make([]string, len(c.values))
		for n, v := range c.values {
			values[n] = shortened(v, widths[i])
		}
		columns[i].values = values
	}
	return true
}

// printRows prints columns that fit, with their names above.
func printRows(w io.Writer, columns []column, colours paint) {
	if len(columns) == 0 {
		return
	}
	line := func(colour func(column) string, cell func(column) string) {
		text, due := "", 0 // blanks are due before the next cell only, so that no line ends with them
		for _, c := range columns {
			word := cell(c)
			if word != "" {
				text += strings.Repeat(" ", due) + colours.in(colour(c), word)
				due = 0
			}
			due += c.width() - utf8.RuneCountInString(word) + gap
		}
		fmt.Fprintln(w, text)
	}
	line(func(column) string { return grey }, func(c column) string { return c.name })
	for row := range columns[0].values {
		line(func(c column) string { return c.colour }, func(c column) string { return c.values[row] })
	}
}
