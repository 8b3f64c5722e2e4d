package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

// secret stands for personal data; no problem may repeat it.
const secret = "Slaptoji"

func TestRead_EveryMemberOfARequest_IsTaken(t *testing.T) {
	text := `{"reference":"c-1","setup":"standard","language":"lt","applicant":{"firstName":"Ona","middleName":"Marija","lastName":"Pavyzdė",
		"dateOfBirth":"1991-04-17","email":"ona@customer.example","phone":"+37060000001","personalCode":"0042","countryCode":"LT"}}`
	var got, want onboarding.Request
	require.Empty(t, OfRequest(&got).Read([]byte(text)))
	require.NoError(t, json.Unmarshal([]byte(text), &want))
	require.Equal(t, want, got)
	applicant := reflect.ValueOf(got.Applicant)
	for i := range applicant.NumField() {
		if applicant.Type().Field(i).IsExported() {
			require.NotEmpty(t, applicant.Field(i).String(), "a new member, %s, is not read", applicant.Type().Field(i).Name)
		}
	}
}

func TestRead_WhatIsWrong_IsToldAllAtOnceWithoutValues(t *testing.T) {
	const hidden = " has a member of a name that is not known, and not shown because it may be personal: use applicant, language, reference, setup"
	for text, want := range map[string][]string{
		"":                                  {" is missing: give one JSON object"},
		"  \n":                              {" is missing: give one JSON object"},
		"{\"a\":\"\xff\"}":                  {" is not valid UTF-8: encode it as UTF-8"},
		`{"reference":"` + secret:           {" is not valid JSON at byte 22: give one JSON object"},
		`{"reference" "` + secret + `"}`:    {" is not valid JSON at byte 14: give one JSON object"},
		`{} {}`:                             {" is not valid JSON at byte 4: give one JSON object"},
		`["` + secret + `"]`:                {" is an array: give one JSON object"},
		`"` + secret + `"`:                  {" is a string: give one JSON object"},
		`null`:                              {" is null: give one JSON object"},
		`4711`:                              {" is a number: give one JSON object"},
		`{"surname":"` + secret + `"}`:      {"surname is not a member of this object: use applicant, language, reference, setup"},
		`{"Reference":"a"}`:                 {"Reference is not a member of this object: use applicant, language, reference, setup"},
		`{"reference":"a","reference":"b"}`: {"reference is given twice: give it once"},
		`{"reference":4711,"setup":["` + secret + `"],"language":null,"applicant":{"firstName":true,"email":{}}}`: {
			"reference is a number: give a string, or leave it out", "setup is an array: give a string, or leave it out",
			"language is null: give a string, or leave it out", "applicant.firstName is a boolean: give a string, or leave it out",
			"applicant.email is an object: give a string, or leave it out",
		},
		`{"applicant":"` + secret + `"}`:          {"applicant is a string: give an object, or leave it out"},
		`{"a\u0000b":1}`:                          {hidden},
		`{"":1}`:                                  {hidden},
		`{"` + secret + ` 3800":1}`:               {hidden},
		`{"` + strings.Repeat("x", 5000) + `":1}`: {hidden},
		`{"applicant":{"` + secret + ` 3800":1}}`: {
			"applicant has a member of a name that is not known, and not shown because it may be personal: " +
				"use countryCode, dateOfBirth, email, firstName, lastName, middleName, personalCode, phone",
		},
		`{"applicant":` + strings.Repeat(`[`, 20000) + `}`: {" is not valid JSON at byte 10013: give one JSON object"},
	} {
		var r onboarding.Request
		var got []string
		for _, f := range OfRequest(&r).Read([]byte(text)) {
			got = append(got, f.Error())
		}
		require.Equal(t, want, got)
		require.NotContains(t, strings.Join(got, "\n"), secret)
	}
}

func TestRead_ByteOrderMark_IsSkipped(t *testing.T) {
	var r onboarding.Request
	require.Empty(t, OfRequest(&r).Read([]byte("\ufeff{\"reference\":\"a\"}")))
	require.Equal(t, onboarding.Reference("a"), r.Reference)
	require.EqualError(t, OfRequest(&r).Read([]byte("\ufeff")), " is missing: give one JSON object")
}

func TestRead_HalfOfASurrogatePair_IsNoReadableString(t *testing.T) {
	for _, value := range []string{`a\ud800b`, `\ud800`, `\uDC00`, `\udc00\ud800`, `\ud800\ud800\udc00`, `\ud800\\udc00`, `\ud800\n`, `\ud83d\ude00\ud83d`} {
		var r onboarding.Request
		require.EqualError(t, OfRequest(&r).Read([]byte(`{"applicant":{"lastName":"`+value+`"}}`)),
			"applicant.lastName is not a readable string: give plain text", value)
		require.Empty(t, r.Applicant.LastName)
	}
	for value, want := range map[string]string{`\ud83d\ude00`: "😀", `a\uD83D\uDE00b`: "a😀b", `\\ud800`: `\ud800`, `\\\\ud800`: `\\ud800`, `\u017d`: "Ž", `\ufffd`: "\ufffd", `\"\n`: "\"\n"} {
		var r onboarding.Request
		require.Empty(t, OfRequest(&r).Read([]byte(`{"reference":"`+value+`"}`)), value)
		require.Equal(t, want, string(r.Reference))
	}
}

func TestRead_Boolean_IsTaken(t *testing.T) {
	var yes, no bool
	require.Empty(t, Members{"yes": &yes, "no": &no}.Read([]byte(`{"yes": true, "no": false}`)))
	require.True(t, yes)
	require.False(t, no)
	require.EqualError(t, Members{"yes": &yes}.Read([]byte(`{"yes": "true"}`)), "yes is a string: give true or false, or leave it out")
}

func FuzzRead_AnyText_EndsWithoutAPanic(f *testing.F) {
	f.Add([]byte(`{"reference":"a","applicant":{"email":null}}`))
	f.Add([]byte(`{"":1,"":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r onboarding.Request
		_ = OfRequest(&r).Read(text)
	})
}
