package starter

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/language"

	"kyc/onboarding"
)

// checkFields finds what is wrong with a request beyond its form: it takes a clock, or lists that change with the world.
// That is why it is here and not in onboarding, and why nothing that runs is ever checked again. A field that a form
// check has found is left alone.
func checkFields(r onboarding.Request, known onboarding.FieldErrors, now time.Time) (found onboarding.FieldErrors) {
	wrong := map[string]bool{}
	for _, f := range known {
		wrong[f.Field] = true
	}
	a := r.Applicant
	for _, c := range []struct {
		field, value string
		check        func(string) (problem, remedy string)
	}{
		{"applicant.dateOfBirth", a.DateOfBirth, func(s string) (string, string) { return dateOfBirthProblem(s, now) }},
		{"applicant.email", a.Email, emailProblem},
		{"applicant.phone", a.Phone, phoneProblem},
		{"applicant.countryCode", a.CountryCode, countryProblem},
		{"language", r.Language, languageProblem},
	} {
		if c.value == "" || wrong[c.field] {
			continue
		}
		if problem, remedy := c.check(c.value); problem != "" {
			found = append(found, &onboarding.FieldError{Field: c.field, Problem: problem, Remedy: remedy})
		}
	}
	return found
}

// farthestEast is how far the earliest time zone is ahead of UTC: a child is born on a date that has begun there.
const farthestEast = 14 * time.Hour

func dateOfBirthProblem(s string, now time.Time) (problem, remedy string) {
	if today := now.UTC().Add(farthestEast).Format(time.DateOnly); s > today { // both are YYYY-MM-DD
		return "lies in the future", "check the year"
	}
	return "", ""
}

// lists are the validator's tables and patterns.
var lists = sync.OnceValue(func() *validator.Validate { return validator.New() })

// hosts is the profile that a host of an e-mail address must pass, in whatever script it is written.
var hosts = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.CheckHyphens(true),
	idna.VerifyDNSLength(true))

// maxLocalPart is what RFC 5321 allows before the @.
const maxLocalPart = 64

func emailProblem(s string) (problem, remedy string) {
	at := strings.LastIndexByte(s, '@')
	if at > maxLocalPart {
		return "has more than 64 characters before the @", "check the address"
	}
	if _, err := hosts.ToASCII(s[at+1:]); err != nil {
		return "has a host that cannot exist", "check what stands after the @"
	}
	if lists().Var(s, "email") != nil {
		return "is not an e-mail address on the internet", "write it as name@example.com"
	}
	return "", ""
}

// phoneProblem asks whether a number can exist: its country is assigned, and has numbers of that length. Whether its range
// is in use is not asked: ranges are opened all the time, and a table that is older must not turn a customer away.
func phoneProblem(s string) (problem, remedy string) {
	number, err := phonenumbers.Parse(s, phonenumbers.UNKNOWN_REGION)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return "begins with a country calling code that no country has", "check the digits after the +"
	case err != nil:
		return "is not an E.164 number", "write it with + and country code, digits only, such as +37060000001"
	case phonenumbers.Format(number, phonenumbers.E164) != s:
		return "has a national prefix after the country calling code", "leave the prefix out, as in +37060000001 for the national 860000001"
	}
	switch phonenumbers.IsPossibleNumberWithReason(number) {
	case phonenumbers.IS_POSSIBLE:
		return "", ""
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return "is too short for its country", "check that no digit is missing, and give the area code"
	case phonenumbers.TOO_LONG:
		return "is too long for its country", "check for a digit too many, and leave out extensions"
	}
	return "has a length that its country does not use", "check the digits"
}

// countryProblem goes by the list of ISO, and XK, which everybody uses for Kosovo.
func countryProblem(s string) (problem, remedy string) {
	if lists().Var(s, "iso3166_1_alpha2") != nil {
		return "is not an ISO 3166-1 alpha-2 code", "take it from the list of ISO 3166-1, such as LT or GB"
	}
	return "", ""
}

func languageProblem(s string) (problem, remedy string) {
	if tag, err := language.Parse(s); err != nil || tag.IsRoot() {
		return "is not the tag of a language", "take it from the registry of BCP 47, such as en, en-GB or lt"
	}
	return "", ""
}
