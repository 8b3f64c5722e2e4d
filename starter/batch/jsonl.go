package batch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"kyc/internal/strictjson"
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

// parse reads a request, as strictly as the HTTP API does.
func (j *jsonLines) parse(text []byte) line {
	number := j.number
	l := line{number: number, where: func(field string) (int, string) { return number, field }}
	for _, f := range strictjson.OfRequest(&l.request).Read(text) {
		l.problems = append(l.problems, Problem{Line: number, Column: f.Field, Problem: f.Problem, Remedy: f.Remedy})
	}
	return l
}
