package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

type jsonLines struct {
	in     *bufio.Reader
	number int
}

func openJSONL(r io.Reader) *jsonLines { return &jsonLines{in: withoutBOM(r)} }

func (j *jsonLines) next() (line, error) {
	for {
		text, whole, err := j.read()
		if err != nil {
			return line{}, err
		}
		if !whole {
			return j.bad("", fmt.Sprintf("is longer than %d bytes", maxLine), "write one request a line"), nil
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return j.parse(text), nil
		}
	}
}

// read reads a line; of one that is too long it skips the rest.
func (j *jsonLines) read() (text []byte, whole bool, err error) {
	text, err = j.in.ReadSlice('\n')
	if len(text) > 0 {
		j.number++
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = j.in.ReadSlice('\n')
		}
		if err == nil || errors.Is(err, io.EOF) {
			return nil, false, nil
		}
		return nil, false, err
	}
	if errors.Is(err, io.EOF) && len(text) > 0 {
		err = nil // the last line needs no end
	}
	return text, true, err
}

func (j *jsonLines) bad(column, problem, remedy string) line {
	return line{number: j.number, problems: []Problem{{Line: j.number, Column: column, Problem: problem, Remedy: remedy}}}
}

// identifier is what a member's name looks like that may be repeated in a problem.
var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,30}$`)

// parse reads a request. The JSON package's own texts are not passed on: they can hold values.
func (j *jsonLines) parse(text []byte) line {
	number := j.number
	l := line{number: number, where: func(field string) (int, string) { return number, field }}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&l.request)
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return j.bad("", "is not a JSON object", `write a request, such as {"reference": "customer-4711", "setup": "standard"}`)
	case errors.As(err, &wrongType):
		kind, _, _ := strings.Cut(wrongType.Value, " ")
		return j.bad(wrongType.Field, "has the wrong type, "+kind, "texts stand in quotes, and applicant is an object")
	case err != nil && strings.Contains(err.Error(), "unknown field"):
		_, name, _ := strings.Cut(err.Error(), "unknown field ")
		if name = strings.Trim(name, `"`); !identifier.MatchString(name) {
			name = ""
		}
		return j.bad(name, "is a member that is not known", "a request has reference, setup, language and applicant; applicant has "+strings.Join(Columns()[3:], ", "))
	case errors.As(err, &syntax):
		return j.bad("", fmt.Sprintf("is not JSON from byte %d on", syntax.Offset), "write one complete JSON object a line")
	case err != nil:
		return j.bad("", "is not complete JSON", "write one complete JSON object a line")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return j.bad("", "holds more than one JSON value", "write one request a line")
	}
	return l
}
