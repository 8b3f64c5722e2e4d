package batch

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kyc/onboarding"
)

// columns are those that a CSV file may have, and where their values go.
var columns = []struct {
	name string
	in   func(*onboarding.Request) *string
}{
	{"reference", func(r *onboarding.Request) *string { return (*string)(&r.Reference) }},
	{"setup", func(r *onboarding.Request) *string { return &r.Setup }},
	{"language", func(r *onboarding.Request) *string { return &r.Language }},
	{"firstName", func(r *onboarding.Request) *string { return &r.Applicant.FirstName }},
	{"middleName", func(r *onboarding.Request) *string { return &r.Applicant.MiddleName }},
	{"lastName", func(r *onboarding.Request) *string { return &r.Applicant.LastName }},
	{"dateOfBirth", func(r *onboarding.Request) *string { return &r.Applicant.DateOfBirth }},
	{"email", func(r *onboarding.Request) *string { return &r.Applicant.Email }},
	{"phone", func(r *onboarding.Request) *string { return &r.Applicant.Phone }},
	{"personalCode", func(r *onboarding.Request) *string { return &r.Applicant.PersonalCode }},
	{"countryCode", func(r *onboarding.Request) *string { return &r.Applicant.CountryCode }},
}

// Columns are the names of the columns that a CSV file may have; reference and setup it must have.
func Columns() []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

type csvLines struct {
	in     *csv.Reader
	budget *budget
	header []int // of each field, the place in columns
	last   int   // line of the record before
}

// budget fails a record that takes more than its share, such as one whose quote is never closed.
type budget struct {
	in   io.Reader
	left int
}

var errTooLong = errors.New("the record is too long")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.in.Read(p)
	b.left -= n
	return n, err
}

// withoutBOM skips the byte order mark that spreadsheets put at the head of a file.
func withoutBOM(r io.Reader) *bufio.Reader {
	b := bufio.NewReaderSize(r, maxLine)
	if head, err := b.Peek(3); err == nil && string(head) == "\ufeff" {
		_, _ = b.Discard(3)
	}
	return b
}

func openCSV(r io.Reader) (lines, []Problem, error) {
	c := &csvLines{budget: &budget{in: withoutBOM(r)}}
	c.in = csv.NewReader(c.budget)
	c.in.ReuseRecord = true
	header, problem, err := c.read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, []Problem{{Line: 1, Problem: "the file is empty", Remedy: "begin with a header: " + strings.Join(Columns(), ",")}}, errBadHeader
	case err != nil:
		return nil, nil, err
	case problem != nil:
		return nil, []Problem{*problem}, errBadHeader
	}
	if problems := c.take(header); problems != nil {
		return nil, problems, errBadHeader
	}
	return c, nil, nil
}

// take reads the header. A file without one has a customer in its place, so that no name is repeated in a problem.
func (c *csvLines) take(header []string) (found []Problem) {
	at := func(i int, problem, remedy string) {
		number, _ := c.in.FieldPos(i)
		found = append(found, Problem{Line: number, Column: fmt.Sprintf("column %d", i+1), Problem: problem, Remedy: remedy})
	}
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		at(0, "the columns are not separated by commas", "save the file as comma-separated values in UTF-8")
		return found
	}
	for i, name := range header {
		place := slices.Index(Columns(), strings.TrimSpace(name))
		switch {
		case place < 0:
			at(i, "the header has a name that is not known", "use only: "+strings.Join(Columns(), ", "))
		case slices.Contains(c.header, place):
			at(i, "the header names "+columns[place].name+" twice", "remove one of the columns")
		}
		c.header = append(c.header, place)
	}
	for place, name := range []string{"reference", "setup"} {
		if found == nil && !slices.Contains(c.header, place) {
			found = append(found, Problem{Line: 1, Problem: "the header has no column " + name, Remedy: "add it"})
		}
	}
	return found
}

// read reads a record. A problem is the record's alone; an error ends the file.
func (c *csvLines) read() (record []string, problem *Problem, err error) {
	c.budget.left = maxLine + 4096 // what the reader has read ahead
	record, err = c.in.Read()
	var bad *csv.ParseError
	switch {
	case errors.Is(err, errTooLong):
		return nil, nil, &onboarding.FieldError{Field: "file", Remedy: "look there for a quote that is not closed",
			Problem: fmt.Sprintf("has a record after line %d that is longer than %d bytes", c.last, maxLine)}
	case errors.Is(err, csv.ErrFieldCount) && errors.As(err, &bad):
		return nil, &Problem{Line: bad.StartLine, Problem: fmt.Sprintf("has %d fields, and the header has %d", len(record), len(c.header)),
			Remedy: "put values that hold a comma in quotes"}, nil
	case errors.As(err, &bad):
		return nil, &Problem{Line: bad.StartLine, Problem: fmt.Sprintf("has a quote in the wrong place (line %d, character %d)", bad.Line, bad.Column),
			Remedy: `put the whole value in quotes, and write a quote within it twice`}, nil
	}
	if err == nil {
		c.last, _ = c.in.FieldPos(0)
	}
	return record, nil, err
}

func (c *csvLines) next() (line, error) {
	record, problem, err := c.read()
	if err != nil {
		return line{}, err
	}
	if problem != nil {
		return line{number: problem.Line, problems: []Problem{*problem}}, nil
	}
	var l line
	l.number, _ = c.in.FieldPos(0)
	at := make(map[string]int, len(record))
	for i, value := range record {
		column := columns[c.header[i]]
		*column.in(&l.request) = strings.Clone(value)
		at[column.name], _ = c.in.FieldPos(i)
	}
	l.where = func(field string) (int, string) {
		column := strings.TrimPrefix(field, "applicant.")
		if number, ok := at[column]; ok {
			return number, column
		}
		return l.number, column
	}
	return l, nil
}
