package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kyc/onboarding"
)

// Members says which members an object may have: each is a *string, a *bool or Members of its own.
type Members map[string]any

// OfRequest are the members of a request to start an onboarding, as every door takes it.
func OfRequest(r *onboarding.Request) Members {
	a := &r.Applicant
	return Members{
		"reference": (*string)(&r.Reference), "setup": &r.Setup, "language": &r.Language,
		"applicant": Members{
			"firstName": &a.FirstName, "middleName": &a.MiddleName, "lastName": &a.LastName, "dateOfBirth": &a.DateOfBirth,
			"email": &a.Email, "phone": &a.Phone, "personalCode": &a.PersonalCode, "countryCode": &a.CountryCode,
		},
	}
}

// Read reads an object into its members, and returns everything that is wrong, or nil. No value is in it; names that are
// not known are the sender's own words, and shown short. Where the text as a whole is wrong, the field has no name.
func (m Members) Read(text []byte) (found onboarding.FieldErrors) {
	whole := func(problem string) onboarding.FieldErrors {
		return onboarding.FieldErrors{{Problem: problem, Remedy: "give one JSON object"}}
	}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return whole("is missing")
	case !utf8.Valid(text):
		return onboarding.FieldErrors{{Problem: "is not valid UTF-8", Remedy: "encode it as UTF-8"}}
	case !json.Valid(text):
		return whole("is not valid JSON" + whereBroken(text))
	case kindOf(text) != "an object":
		return whole("is " + kindOf(text))
	}
	m.read(text, "", &found)
	return found
}

// whereBroken says where, without quoting what is there.
func whereBroken(text []byte) string {
	var syntax *json.SyntaxError
	var anything json.RawMessage
	if err := json.Unmarshal(text, &anything); errors.As(err, &syntax) {
		return " at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	return ""
}

// read takes a valid object over.
func (m Members) read(object []byte, path string, found *onboarding.FieldErrors) {
	add := func(name, problem, remedy string) {
		*found = append(*found, &onboarding.FieldError{Field: path + name, Problem: problem, Remedy: remedy})
	}
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token() // the brace: the object is valid
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, isName := token.(string)
		var value json.RawMessage
		if err != nil || !isName || d.Decode(&value) != nil {
			return // cannot be in a valid object
		}
		target, known := m[name]
		switch {
		case !known:
			add(Short(name), "is not a member of this object", "use "+m.names())
			continue
		case seen[name]:
			add(name, "is given twice", "give it once")
			continue
		}
		seen[name] = true
		kind := kindOf(value)
		switch to := target.(type) {
		case *string:
			if kind != "a string" {
				add(name, "is "+kind, "give a string, or leave it out")
			} else if json.Unmarshal(value, to) != nil {
				add(name, "is not a readable string", "give plain text")
			}
		case *bool:
			if kind != "a boolean" {
				add(name, "is "+kind, "give true or false, or leave it out")
			} else {
				*to = string(value) == "true"
			}
		case Members:
			if kind != "an object" {
				add(name, "is "+kind, "give an object, or leave it out")
			} else {
				to.read(value, path+name+".", found)
			}
		}
	}
}

func (m Members) names() string { return strings.Join(slices.Sorted(maps.Keys(m)), ", ") }

// Short keeps a name of the sender's readable, whatever it holds.
func Short(name string) string {
	const most = 40
	runes := []rune(name)
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	if slices.ContainsFunc(runes, func(r rune) bool { return !strconv.IsPrint(r) }) || len(runes) == 0 {
		return strconv.Quote(string(runes))
	}
	return string(runes)
}

// kindOf names the type of a valid JSON value.
func kindOf(value []byte) string {
	switch bytes.TrimSpace(value)[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
