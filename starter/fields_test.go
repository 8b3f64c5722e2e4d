package starter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/starter"
)

// checked is a Starter of a certain time.
func checked(now time.Time) *starter.Starter {
	return starter.New(nil, map[string]onboarding.Setup{"standard": standardSetup()}, starter.Options{Now: func() time.Time { return now }})
}

// noon is when these tests check.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestCheck_GoodValuesOfEachField_Pass(t *testing.T) {
	s := checked(noon)
	for field, c := range map[string]struct {
		set    func(*onboarding.Request, string)
		values []string
	}{
		"phone": {func(r *onboarding.Request, v string) { r.Applicant.Phone = v }, []string{
			"+37060000001", "+4915112345678", "+12025550123", "+393331234567", "+390612345678", "+380501234567",
			"+447700900123", // of a range for films and tests
			"+80012345678",  // of no country, but a number
		}},
		"email": {func(r *onboarding.Request, v string) { r.Applicant.Email = v }, []string{
			"ona@customer.example", "ona+bank@customer.example", "o'hara@customer.example", "ąžuolas@customer.example", "ona@paštas.example",
			"ona@xn--pata-h4a.example", "a@b.co", strings.Repeat("a", 64) + "@customer.example",
		}},
		"country": {func(r *onboarding.Request, v string) { r.Applicant.CountryCode = v }, []string{"LT", "GB", "US", "SS", "BQ", "XK"}},
		"language": {func(r *onboarding.Request, v string) { r.Language = v }, []string{
			"en", "lt", "en-GB", "sr-Latn", "zh-Hant-TW", "es-419", "de-1996", "tlh",
		}},
		"date of birth": {func(r *onboarding.Request, v string) { r.Applicant.DateOfBirth = v }, []string{
			"1900-01-01", "1991-04-17", "2000-02-29", "2026-03-01",
			"2026-03-02", // it is tomorrow there, far in the east
		}},
		"reference": {func(r *onboarding.Request, v string) { r.Reference = onboarding.Reference(v) }, []string{
			"1", "customer/4711", "klientas Nr. 1", strings.Repeat("ą", 200),
		}},
	} {
		for _, value := range c.values {
			r := onboarding.Request{Reference: "customer-1", Setup: "standard"}
			c.set(&r, value)
			require.NoError(t, s.Check(r), "%s %s", field, value)
		}
	}
}

func TestCheck_DateOfBirth_IsHeldAgainstTheClock(t *testing.T) {
	r := onboarding.Request{Reference: "customer-1", Setup: "standard", Applicant: onboarding.Applicant{DateOfBirth: "2026-03-02"}}
	require.ErrorContains(t, checked(noon.Add(-3*time.Hour)).Check(r), "applicant.dateOfBirth lies in the future: check the year")
	require.NoError(t, checked(noon).Check(r))
	require.NoError(t, checked(noon.Add(240*time.Hour)).Check(r), "what was valid stays valid")
}

func TestCheck_EverythingWrong_IsToldAtOnceAndOnceEach(t *testing.T) {
	err := checked(noon).Check(onboarding.Request{
		Reference: " a", Setup: "premium", Language: "zz",
		Applicant: onboarding.Applicant{FirstName: " ", DateOfBirth: "2126-01-01", Email: "ona", Phone: "+999123456", CountryCode: "UK"},
	})
	var mine *starter.Error
	require.ErrorAs(t, err, &mine)
	require.Equal(t, starter.Invalid, mine.Code)
	var fields []string
	for _, f := range mine.Fields {
		fields = append(fields, f.Field)
		require.NotEmpty(t, f.Remedy, f.Field)
	}
	require.ElementsMatch(t, []string{"reference", "setup", "language", "applicant.firstName", "applicant.dateOfBirth", "applicant.email",
		"applicant.phone", "applicant.countryCode"}, fields)
}

func TestCheck_StarterWithoutSetups_SaysSo(t *testing.T) {
	err := starter.New(nil, nil, starter.Options{}).Check(onboarding.Request{Reference: "customer-1", Setup: "standard"})
	require.EqualError(t, err, "setup is not configured: give the Starter the setups that workers and backends share")
}

func FuzzCheck_AnyRequest_EndsWithoutAPanicAndShowsNoValue(f *testing.F) {
	for _, s := range []string{"+37060000001", "ona@customer.example", "LT", "en-GB", "1991-04-17", "\x00", "+800", "@", "xn--"} {
		f.Add(s)
	}
	s := checked(noon)
	f.Fuzz(func(t *testing.T, value string) {
		r := onboarding.Request{Reference: "customer-1", Setup: "standard", Language: value, Applicant: onboarding.Applicant{
			DateOfBirth: value, Email: value, Phone: value, CountryCode: value, FirstName: value,
		}}
		if err := s.Check(r); err != nil && len(value) > 40 {
			require.NotContains(t, err.Error(), value)
		}
	})
}
