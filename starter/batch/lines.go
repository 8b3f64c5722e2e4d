package batch

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"kyc/onboarding"
)

// Format is how a file is written.
type Format string

// The formats. CSV has a header that names the columns, which are the members of a request; JSONL has one request a line,
// as the HTTP API takes it.
const (
	FormatCSV   Format = "csv"
	FormatJSONL Format = "jsonl"
)

// FormatOf tells the format by a file's name.
func FormatOf(name string) (Format, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return FormatCSV, nil
	case ".jsonl", ".ndjson":
		return FormatJSONL, nil
	}
	return "", &onboarding.FieldError{Field: "file", Problem: "has a name that tells no format", Remedy: "name it .csv or .jsonl"}
}

// Problem is something wrong with a line. It never holds a value, which may be personal.
type Problem struct {
	// Line counts from 1, the header included; a CSV record over several lines has that of its field.
	Line int `json:"line"`
	// Column is the CSV column's or the JSON member's name; empty when the line as a whole is wrong.
	Column  string `json:"column,omitempty"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
}

// String is the problem in one line.
func (p Problem) String() string {
	text := fmt.Sprintf("line %d", p.Line)
	if p.Column != "" {
		text += ", " + p.Column
	}
	text += ": " + p.Problem
	if p.Remedy != "" {
		text += ": " + p.Remedy
	}
	return text
}

// maxLine bounds a line, or a CSV record, in bytes: a request at its longest is shorter.
const maxLine = 64 << 10

// line is one request of a file, or what is wrong with it.
type line struct {
	number   int
	request  onboarding.Request
	problems []Problem
	// where tells the line and column of a request's field.
	where func(field string) (line int, column string)
}

// problemsOf are a check's findings, placed.
func (l line) problemsOf(err error) []Problem {
	var found []Problem
	for _, f := range onboarding.Fields(err) {
		number, column := l.where(f.Field)
		found = append(found, Problem{Line: number, Column: column, Problem: f.Problem, Remedy: f.Remedy})
	}
	if found == nil && err != nil {
		found = []Problem{{Line: l.number, Problem: "cannot be checked"}}
	}
	return found
}

// lines reads a file line by line; it ends with io.EOF. Any other error means that reading cannot go on.
type lines interface{ next() (line, error) }

// errBadHeader comes with problems: nothing can be read without a header.
var errBadHeader = errors.New("the header is wrong")

func open(r io.Reader, f Format) (lines, []Problem, error) {
	switch f {
	case FormatCSV:
		return openCSV(r)
	case FormatJSONL:
		return openJSONL(r), nil, nil
	}
	return nil, nil, fmt.Errorf("%q is no format of a batch", f)
}
