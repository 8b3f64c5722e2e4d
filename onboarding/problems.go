package onboarding

import (
	"errors"
	"strings"
)

// FieldError says what is wrong with one field and how to mend it. It never holds the field's value, which may be
// personal.
type FieldError struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
}

func (e *FieldError) Error() string {
	text := e.Field + " " + e.Problem
	if e.Remedy != "" {
		text += ": " + e.Remedy
	}
	return text
}

// FieldErrors is everything that is wrong with an input, in the order of its fields.
type FieldErrors []*FieldError

func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "; ")
}

// orNil gives a nil error for an empty list.
func (e FieldErrors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

func (e *FieldErrors) add(field, problem, remedy string) {
	*e = append(*e, &FieldError{field, problem, remedy})
}

// addErr takes over what a nested validation found, with prefix put before each field's name.
func (e *FieldErrors) addErr(prefix string, err error) {
	for _, f := range Fields(err) {
		*e = append(*e, &FieldError{prefix + f.Field, f.Problem, f.Remedy})
	}
}

// Fields returns the field errors inside err, or nil when it holds none.
func Fields(err error) FieldErrors {
	var many FieldErrors
	if errors.As(err, &many) {
		return many
	}
	var one *FieldError
	if errors.As(err, &one) {
		return FieldErrors{one}
	}
	return nil
}
