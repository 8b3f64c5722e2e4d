package contract_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/dev/contract"
	"kyc/onboarding"
	"kyc/starter"
	"kyc/starter/batch"
	"kyc/starter/httpapi"
)

// offline is a Starter that can refuse and nothing else: it has no Temporal, so that a request it lets pass would panic.
func offline() *starter.Starter {
	setups := map[string]onboarding.Setup{"standard": {Name: "standard", Notify: []onboarding.Channel{onboarding.ChannelEmail}}}
	return starter.New(nil, setups, starter.Options{Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }})
}

// oneBadValue are requests with one value that cannot be used, by field, and what is said of it.
var oneBadValue = []struct{ field, value, problem string }{
	{"reference", "", "is missing"},
	{"reference", " customer-1", "begins or ends with white space"},
	{"reference", "customer\t1", "holds unprintable characters"},
	{"reference", strings.Repeat("customer-", 25), "is longer than 200 characters"},
	{"reference", "ona@customer.example", "looks like an e-mail address, which is personal data"},
	{"setup", "", "is missing"},
	{"setup", "Standard", "is not a setup's name"},
	{"setup", "premium", "is not configured"},
	{"language", "english", "is not a language tag"},
	{"language", "lt_LT", "is not a language tag"},
	{"language", "zz", "is not the tag of a language"},
	{"language", "en-en", "is not the tag of a language"},
	{"language", "und", "is not the tag of a language"},
	{"applicant.firstName", "   ", "is blank"},
	{"applicant.firstName", "Ona\u0007Marija", "holds control characters or invalid UTF-8"},
	{"applicant.middleName", strings.Repeat("Marija ", 30), "is longer than 200 characters"},
	{"applicant.lastName", strings.Repeat("Pavyzdė-", 30), "is longer than 200 characters"},
	{"applicant.personalCode", strings.Repeat("0042", 60), "is longer than 200 characters"},
	{"applicant.dateOfBirth", "17.04.1991", "is not a date"},
	{"applicant.dateOfBirth", "1991-04-31", "is not a date"},
	{"applicant.dateOfBirth", "2001-02-29", "is not a date"},
	{"applicant.dateOfBirth", "91-04-17", "is not a date"},
	{"applicant.dateOfBirth", "1991-04-17T00:00:00Z", "is not a date"},
	{"applicant.dateOfBirth", "1899-12-31", "lies before 1900"},
	{"applicant.dateOfBirth", "2026-03-03", "lies in the future"},
	{"applicant.dateOfBirth", "9999-01-01", "lies in the future"},
	{"applicant.email", "", "is missing"},
	{"applicant.email", "ona.customer.example", "is not an e-mail address"},
	{"applicant.email", "Ona <ona@customer.example>", "is not an e-mail address"},
	{"applicant.email", "ona@customer.example, jonas@customer.example", "is not an e-mail address"},
	{"applicant.email", "ona@" + strings.Repeat("customer.", 30) + "example", "is not an e-mail address"},
	{"applicant.email", strings.Repeat("ona.", 17) + "a@customer.example", "has more than 64 characters before the @"},
	{"applicant.email", "ona@localhost", "is not an e-mail address on the internet"},
	{"applicant.email", "ona@customer.123", "is not an e-mail address on the internet"},
	{"applicant.email", "ona@192.0.2.1", "is not an e-mail address on the internet"},
	{"applicant.email", "ona@-customer.example", "has a host that cannot exist"},
	{"applicant.email", "ona@customer_bank.example", "has a host that cannot exist"},
	{"applicant.email", "ona@" + strings.Repeat("k", 64) + ".example", "has a host that cannot exist"},
	{"applicant.phone", "860000001", "is not an E.164 number"},
	{"applicant.phone", "+370 600 00001", "is not an E.164 number"},
	{"applicant.phone", "0037060000001", "is not an E.164 number"},
	{"applicant.phone", "+37060000001;ext=1", "is not an E.164 number"},
	{"applicant.phone", "+999123456789", "begins with a country calling code that no country has"},
	{"applicant.phone", "+210123456789", "begins with a country calling code that no country has"},
	{"applicant.phone", "+3706000000", "is too short for its country"},
	{"applicant.phone", "+370600000012", "is too long for its country"},
	{"applicant.phone", "+4407700900123", "has a national prefix after the country calling code"},
	{"applicant.countryCode", "lt", "is not an ISO 3166-1 alpha-2 code"},
	{"applicant.countryCode", "LTU", "is not an ISO 3166-1 alpha-2 code"},
	{"applicant.countryCode", "UK", "is not an ISO 3166-1 alpha-2 code"},
	{"applicant.countryCode", "EU", "is not an ISO 3166-1 alpha-2 code"},
	{"applicant.countryCode", "SU", "is not an ISO 3166-1 alpha-2 code"},
}

// withValue is a request that is right but for one value, as an object of JSON.
func withValue(t *testing.T, field, value string) []byte {
	t.Helper()
	applicant := map[string]string{"lastName": needle, "email": "ona@customer.example"}
	request := map[string]any{"reference": "customer-1", "setup": "standard", "applicant": applicant}
	if name, below := strings.CutPrefix(field, "applicant."); below {
		applicant[name] = value
	} else {
		request[field] = value
	}
	body, err := json.Marshal(request)
	require.NoError(t, err)
	return body
}

// asCSV is a request as a file of one line, which is the second.
func asCSV(t *testing.T, r onboarding.Request) string {
	t.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	a := r.Applicant
	require.NoError(t, w.WriteAll([][]string{
		batch.Columns(),
		{string(r.Reference), r.Setup, r.Language, a.FirstName, a.MiddleName, a.LastName, a.DateOfBirth, a.Email, a.Phone, a.PersonalCode, a.CountryCode},
	}))
	return text.String()
}

// problemOf is the one problem that a batch finds in a file.
func problemOf(t *testing.T, f batch.Format, text string) batch.Problem {
	t.Helper()
	found := problemsOf(t, f, text)
	require.Len(t, found, 1)
	return found[0]
}

func problemsOf(t *testing.T, f batch.Format, text string) (found []batch.Problem) {
	t.Helper()
	_, err := batch.Check(t.Context(), offline(), batch.Config{Format: f,
		Open:    func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		Problem: func(p batch.Problem) { found = append(found, p) },
	})
	var invalid *batch.InvalidError
	require.ErrorAs(t, err, &invalid)
	return found
}

// serveOffline serves an API on a Starter that can only refuse.
func serveOffline(t *testing.T) rig {
	t.Helper()
	api, err := httpapi.New(httpapi.Config{Onboardings: offline(), Tokens: []httpapi.Token{{Name: "backend", Secret: token}}, Rate: 1000, Burst: 1000})
	require.NoError(t, err)
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	return rig{fake: &fake{}, url: server.URL, client: contract.Client(t, token)}
}

func TestBadValue_ThroughEachDoor_IsRefusedByFieldWithARemedyAndWithoutItself(t *testing.T) {
	r := serveOffline(t)
	for _, c := range oneBadValue {
		body := withValue(t, c.field, c.value)
		var q onboarding.Request
		require.NoError(t, json.Unmarshal(body, &q))

		_, err := offline().Start(t.Context(), q)
		var mine *starter.Error
		require.ErrorAs(t, err, &mine, "%s %q", c.field, c.value)
		require.Equal(t, starter.Invalid, mine.Code)
		require.Len(t, mine.Fields, 1, "%s %q", c.field, c.value)
		want := *mine.Fields[0]
		require.Equal(t, onboarding.FieldError{Field: c.field, Problem: c.problem, Remedy: want.Remedy}, want, c.value)
		require.NotEmpty(t, want.Remedy)
		_, err = offline().Begin(t.Context(), q)
		require.EqualError(t, err, mine.Error())

		got := r.send(t, "POST", "/v1/onboardings", string(body))
		require.Equal(t, 422, got.status, got.body)
		p := got.problem(t)
		require.Equal(t, "invalid", p.Code)
		require.Equal(t, []onboarding.FieldError{want}, p.Errors)

		inJSON := problemOf(t, batch.FormatJSONL, "\n"+string(body)+"\n")
		require.Equal(t, batch.Problem{Line: 2, Column: c.field, Problem: want.Problem, Remedy: want.Remedy}, inJSON)
		inCSV := problemOf(t, batch.FormatCSV, asCSV(t, q))
		column := strings.TrimPrefix(c.field, "applicant.")
		require.Equal(t, batch.Problem{Line: 2, Column: column, Problem: want.Problem, Remedy: want.Remedy}, inCSV)

		if said := mine.Error() + got.body + inJSON.String() + inCSV.String(); len(c.value) > 4 {
			require.NotContains(t, said, c.value)
			require.NotContains(t, said, needle)
		}
	}
}

func TestUnreadableRequest_ThroughHTTPAndJSONL_IsToldAlike(t *testing.T) {
	r := serveOffline(t)
	for body, fields := range map[string][]string{
		`{"reference":"a","setup":"standard","surname":"` + needle + `"}`:                                                {"surname"},
		`{"Reference":"a","setup":"standard"}`:                                                                           {"Reference"},
		`{"reference":"a","reference":"b","setup":"standard"}`:                                                           {"reference"},
		`{"reference":4711,"setup":["s"],"language":null,"applicant":{"firstName":true,"email":{},"phone":37060000001}}`: {"reference", "setup", "language", "applicant.firstName", "applicant.email", "applicant.phone"},
		`{"reference":"a","setup":"standard","applicant":"` + needle + `"}`:                                              {"applicant"},
		`{"reference":"a","setup":"standard","applicant":{"name":"` + needle + `"}}`:                                     {"applicant.name"},
		`["` + needle + `"]`: {""},
		`{"reference":"a",`:  {""},
	} {
		got := r.send(t, "POST", "/v1/onboardings", body)
		require.Equal(t, 400, got.status, body)
		require.NotContains(t, got.body, needle)
		var inHTTP []batch.Problem
		for i, e := range got.problem(t).Errors {
			if e.Field == "body" {
				e.Field = ""
			}
			require.Equal(t, fields[i], e.Field)
			require.NotEmpty(t, e.Remedy)
			inHTTP = append(inHTTP, batch.Problem{Line: 1, Column: e.Field, Problem: e.Problem, Remedy: e.Remedy})
		}
		require.Len(t, inHTTP, len(fields), body)
		require.Equal(t, inHTTP, problemsOf(t, batch.FormatJSONL, body), body)
	}
}
