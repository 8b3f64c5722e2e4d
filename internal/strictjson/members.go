package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
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

// byteOrderMark is what some editors put before UTF-8.
var byteOrderMark = []byte("\uFEFF")

// Read reads an object into its members, and returns everything that is wrong, or nil. No value is in it, nor a name that
// is not known and not Showable. Where the text as a whole is wrong, the field has no name. A byte order mark is skipped.
func (m Members) Read(text []byte) (found onboarding.FieldErrors) {
	text = bytes.TrimPrefix(text, byteOrderMark)
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
		case !known && !Showable(name):
			*found = append(*found, &onboarding.FieldError{Field: strings.TrimSuffix(path, "."),
				Problem: "has a member of a name that is not known, and not shown because it may be personal", Remedy: "use " + m.names()})
			continue
		case !known:
			add(name, "is not a member of this object", "use "+m.names())
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
			} else if halfCharacter(value) || json.Unmarshal(value, to) != nil {
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

// identifier is what the name of a member or of a parameter looks like.
var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,30}$`)

// Showable tells whether a name that is not known may be repeated in an error: what stands in the place of a name may be a
// customer's.
func Showable(name string) bool { return identifier.MatchString(name) }

// halfCharacter tells whether a valid JSON string holds half of a surrogate pair. encoding/json would put another character
// in its place, so that two texts that differ would become the same.
func halfCharacter(value []byte) bool {
	unit := func(at int) rune { // the \u escape that begins there, or -1
		if at+6 > len(value) || value[at] != '\\' || value[at+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(value[at+2:at+6]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		switch first := unit(i); {
		case !utf16.IsSurrogate(first):
			i++ // what is escaped is no escape
		case utf16.DecodeRune(first, unit(i+6)) == utf8.RuneError:
			return true
		default:
			i += 11
		}
	}
	return false
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
