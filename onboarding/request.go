package onboarding

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Request is what a backend asks for: take this customer through identity verification under the rules of a setup.
// The same Reference with the same Request may be sent any number of times.
type Request struct {
	hidden
	// Reference is the caller's opaque idempotency key.
	Reference Reference `json:"reference"`
	// Setup names the rules, as configured by operations.
	Setup string `json:"setup"`
	// Applicant is the person to be verified.
	Applicant Applicant `json:"applicant"`
	// Language of messages to the customer, a BCP 47 tag; empty means the setup's.
	Language string `json:"language,omitempty"`
}

// Applicant is what the caller knows of the person. All of it is personal data. What is given is passed to Ondato as
// the session's registration (contract 2.1).
type Applicant struct {
	hidden
	FirstName  string `json:"firstName,omitempty"`
	MiddleName string `json:"middleName,omitempty"`
	LastName   string `json:"lastName,omitempty"`
	// DateOfBirth is YYYY-MM-DD.
	DateOfBirth string `json:"dateOfBirth,omitempty"`
	Email       string `json:"email,omitempty"`
	// Phone is in E.164 form, such as +37060000001.
	Phone        string `json:"phone,omitempty"`
	PersonalCode string `json:"personalCode,omitempty"`
	// CountryCode is ISO 3166-1 alpha-2.
	CountryCode string `json:"countryCode,omitempty"`
}

var (
	setupName   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	e164        = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	countryCode = regexp.MustCompile(`^[A-Z]{2}$`)
	languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// IsSetupName tells whether a text can be a setup's name.
func IsSetupName(s string) bool { return setupName.MatchString(s) }

// Validate returns FieldErrors with everything that is wrong with the request's form, or nil. It does not know which setups
// exist, nor which countries, languages and phone numbers: a Starter does.
func (r Request) Validate() error {
	var found FieldErrors
	found.addErr("", r.Reference.Validate())
	switch {
	case r.Setup == "":
		found.add("setup", "is missing", "name one of the configured setups")
	case !setupName.MatchString(r.Setup):
		found.add("setup", "is not a setup's name", "use lower-case letters, digits, - and _, at most 64")
	}
	found.addErr("applicant.", r.Applicant.Validate())
	if r.Language != "" && !languageTag.MatchString(r.Language) {
		found.add("language", "is not a language tag", "write it as en or en-GB")
	}
	return found.orNil()
}

// Validate returns FieldErrors with everything that is wrong with the applicant's data, or nil. No member is mandatory
// by itself; a setup that sends e-mail needs one (Setup.ValidateRequest).
func (a Applicant) Validate() error {
	var found FieldErrors
	texts := []struct{ name, value string }{
		{"firstName", a.FirstName}, {"middleName", a.MiddleName}, {"lastName", a.LastName}, {"personalCode", a.PersonalCode},
	}
	for _, t := range texts {
		switch {
		case t.value != "" && strings.TrimSpace(t.value) == "":
			found.add(t.name, "is blank", "leave it out")
		case !utf8.ValidString(t.value) || strings.ContainsFunc(t.value, unicode.IsControl):
			found.add(t.name, "holds control characters or invalid UTF-8", "send plain text")
		case utf8.RuneCountInString(t.value) > 200:
			found.add(t.name, "is longer than 200 characters", "shorten it")
		}
	}
	if a.DateOfBirth != "" {
		born, err := time.Parse(time.DateOnly, a.DateOfBirth)
		switch {
		case err != nil:
			found.add("dateOfBirth", "is not a date", "write it as YYYY-MM-DD")
		case born.Year() < 1900:
			found.add("dateOfBirth", "lies before 1900", "check the year")
		}
	}
	if a.Email != "" && !validEmail(a.Email) {
		found.add("email", "is not an e-mail address", "write it as name@example.com, without a display name")
	}
	if a.Phone != "" && !e164.MatchString(a.Phone) {
		found.add("phone", "is not an E.164 number", "write it with + and country code, digits only, such as +37060000001")
	}
	if a.CountryCode != "" && !countryCode.MatchString(a.CountryCode) {
		found.add("countryCode", "is not an ISO 3166-1 alpha-2 code", "write it as two capital letters, such as LT")
	}
	return found.orNil()
}

func validEmail(s string) bool {
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s && len(s) <= 254 && !strings.ContainsFunc(s, unicode.IsControl)
}

// Digest identifies the request's content without revealing it: HMAC-SHA256 keyed with the reference, in hex. Two
// requests with one reference are the same request if and only if their digests are equal.
func (r Request) Digest() string {
	content, err := json.Marshal(r) // a struct of strings: cannot fail
	if err != nil {
		return ""
	}
	mac := hmac.New(sha256.New, []byte("onboarding request\x00"+string(r.Reference)))
	mac.Write(content)
	return hex.EncodeToString(mac.Sum(nil))
}
