package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/starter"
)

// offline checks as a Starter does that has the setup standard, and starts nothing.
type offline struct{ *starter.Starter }

func newOffline() offline {
	setup := onboarding.Setup{Name: "standard", Notify: []onboarding.Channel{onboarding.ChannelEmail}}
	return offline{starter.New(nil, map[string]onboarding.Setup{"standard": setup}, starter.Options{})}
}

func (offline) Start(context.Context, onboarding.Request) (starter.Started, error) {
	panic("nothing is to be started")
}

func fileOf(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// problemsIn checks a file.
func problemsIn(t *testing.T, f Format, text string) (total int, found []string, err error) {
	t.Helper()
	c := Config{Open: fileOf(text), Format: f, Problem: func(p Problem) { found = append(found, p.String()) }}
	total, err = Check(t.Context(), newOffline(), c)
	return total, found, err
}

// read reads all requests of a file.
func read(t *testing.T, f Format, text string) (all []line) {
	t.Helper()
	in, problems, err := open(strings.NewReader(text), f)
	require.NoError(t, err, problems)
	for {
		l, err := in.next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		require.Empty(t, l.problems)
		all = append(all, l)
	}
}

func TestCSV_AsSpreadsheetsWriteIt_IsRead(t *testing.T) {
	text := "\ufeffsetup,reference, lastName ,firstName,email,dateOfBirth,phone,countryCode,language,middleName,personalCode\r\n" +
		"standard,c-1,\"Pavyzdė, \"\"Jr\"\"\",Ona,ona@customer.example,1991-04-17,+37060000001,LT,lt,Marija,0042\r\n" +
		"\r\n" +
		"standard,c-2,,,a@customer.example,,,,,,"
	all := read(t, FormatCSV, text)
	require.Len(t, all, 2)
	require.Equal(t, onboarding.Request{
		Reference: "c-1", Setup: "standard", Language: "lt", Applicant: onboarding.Applicant{
			FirstName: "Ona", MiddleName: "Marija", LastName: `Pavyzdė, "Jr"`, DateOfBirth: "1991-04-17", Email: "ona@customer.example",
			Phone: "+37060000001", PersonalCode: "0042", CountryCode: "LT",
		},
	}, all[0].request)
	require.Equal(t, []int{2, 4}, []int{all[0].number, all[1].number})
}

func TestJSONL_WithBlankLinesAndWithoutALastLineEnd_IsRead(t *testing.T) {
	text := "\ufeff{\"reference\":\"c-1\",\"setup\":\"standard\",\"applicant\":{\"email\":\"ona@customer.example\"}}\r\n\n" +
		"{\"reference\":\"c-2\",\"setup\":\"standard\"}"
	all := read(t, FormatJSONL, text)
	require.Len(t, all, 2)
	require.Equal(t, "ona@customer.example", all[0].request.Applicant.Email)
	require.Equal(t, []int{1, 3}, []int{all[0].number, all[1].number})
}

// secret stands for personal data in the files of these tests; no problem may repeat it.
const secret = "Slaptoji"

func TestCheck_BadLines_AllAreTold(t *testing.T) {
	const head = "reference,setup,email,lastName,dateOfBirth\n"
	for name, c := range map[string]struct {
		format Format
		text   string
		want   []string
	}{
		"every bad line of several": {FormatCSV, head + "a,standard," + secret + ",x,17.4.1991\n" + "b,standard,b@customer.example,x,\n" + ",standard,c@customer.example,x,\n" + "d,other,d@customer.example,,\n", []string{
			"line 2, dateOfBirth: is not a date: write it as YYYY-MM-DD",
			"line 2, email: is not an e-mail address: write it as name@example.com, without a display name",
			"line 4, reference: is missing: give your own id of this customer's onboarding, 1 to 200 printable characters",
			"line 5, setup: is not configured: use one of: standard",
		}},
		"what the setup demands": {FormatCSV, "reference,setup\na,standard\n", []string{"line 2, email: is missing: setup standard reaches its customers by e-mail"}},
		"a field too many, and on": {FormatCSV, head + "a,standard,a@customer.example," + secret + ",,\nb,standard," + secret + ",,\n", []string{
			"line 2: has 6 fields, and the header has 5: put values that hold a comma in quotes",
			"line 3, email: is not an e-mail address: write it as name@example.com, without a display name",
		}},
		"a quote in the wrong place, and on": {FormatCSV, head + "a,standard,a@customer.example," + secret + "\"x,\nb,standard," + secret + ",,\n", []string{
			"line 2: has a quote in the wrong place (line 2, character 39): put the whole value in quotes, and write a quote within it twice",
			"line 3, email: is not an e-mail address: write it as name@example.com, without a display name",
		}},
		"a record over two lines": {FormatCSV, head + "a,standard,a@customer.example,\"" + secret + "\nx\",tomorrow\n", []string{
			"line 2, lastName: holds control characters or invalid UTF-8: send plain text",
			"line 3, dateOfBirth: is not a date: write it as YYYY-MM-DD",
		}},
		"references twice": {FormatCSV, head + "a,standard,a@customer.example,,\nb,standard,b@customer.example,,\na,standard,a@customer.example,,\n", []string{
			"line 4, reference: is that of line 2, too: give every onboarding a reference of its own, or remove the line",
		}},
		"no header": {FormatCSV, "c-1,standard," + secret + "\n", []string{
			"line 1, column 1: the header has a name that is not known: use only: " + strings.Join(Columns(), ", "),
			"line 1, column 2: the header has a name that is not known: use only: " + strings.Join(Columns(), ", "),
			"line 1, column 3: the header has a name that is not known: use only: " + strings.Join(Columns(), ", "),
		}},
		"a header without setup":    {FormatCSV, "reference,email\n", []string{"line 1: the header has no column setup: add it"}},
		"a header with email twice": {FormatCSV, "reference,setup,email,email\n", []string{"line 1, column 4: the header names email twice: remove one of the columns"}},
		"semicolons":                {FormatCSV, "reference;setup\n", []string{"line 1, column 1: the columns are not separated by commas: save the file as comma-separated values in UTF-8"}},
		"an empty file":             {FormatCSV, "", []string{"line 1: the file is empty: begin with a header: " + strings.Join(Columns(), ",")}},
		"JSON": {FormatJSONL, strings.Join([]string{
			`{"reference":"a","setup":"standard","applicant":{"email":"` + secret + `"}}`,
			`{"reference":"b","setup":"standard","surname":"` + secret + `"}`,
			`{"reference":"b","setup":"standard","` + secret + `@customer.example":"x"}`,
			`{"reference":12345678,"setup":"standard"}`,
			`{"reference":"b","setup":"standard","applicant":{"lastName":["` + secret + `"]}}`,
			`["` + secret + `"]`,
			`{"reference":"` + secret + `",`,
			`{"reference" "` + secret + `"}`,
			`{"reference":"b"} {"reference":"c"}`,
			`null`,
			`{"reference":"a","reference":"b","setup":"standard"}`,
			`{"reference":"a","Setup":"standard","applicant":"` + secret + `"}`,
			`{"reference":"a","setup":"standard","applicant":{"email":null,"age":"` + secret + `"}}`,
			"{\"reference\":\"\xff\"}",
			`{}`,
		}, "\n"), []string{
			"line 1, applicant.email: is not an e-mail address: write it as name@example.com, without a display name",
			"line 2, surname: is not a member of this object: use applicant, language, reference, setup",
			"line 3: has a member of a name that is not known, and not shown because it may be personal: use applicant, language, reference, setup",
			"line 4, reference: is a number: give a string, or leave it out",
			"line 5, applicant.lastName: is an array: give a string, or leave it out",
			"line 6: is an array: give one JSON object",
			"line 7: is not valid JSON at byte 24: give one JSON object",
			"line 8: is not valid JSON at byte 14: give one JSON object",
			"line 9: is not valid JSON at byte 19: give one JSON object",
			"line 10: is null: give one JSON object",
			"line 11, reference: is given twice: give it once",
			"line 12, Setup: is not a member of this object: use applicant, language, reference, setup",
			"line 12, applicant: is a string: give an object, or leave it out",
			"line 13, applicant.email: is null: give a string, or leave it out",
			"line 13, applicant.age: is not a member of this object: use countryCode, dateOfBirth, email, firstName, lastName, middleName, personalCode, phone",
			"line 14: is not valid UTF-8: encode it as UTF-8",
			"line 15, reference: is missing: give your own id of this customer's onboarding, 1 to 200 printable characters",
			"line 15, setup: is missing: name one of the configured setups",
		}},
		"a line too long, and on": {FormatJSONL, `{"reference":"` + strings.Repeat(secret, maxLine) + "\"}\n[]\n", []string{
			fmt.Sprintf("line 1: is longer than %d bytes: write one request a line", maxLine),
			"line 2: is an array: give one JSON object",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, found, err := problemsIn(t, c.format, c.text)
			require.Equal(t, c.want, found)
			var wrong *InvalidError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, len(c.want), wrong.Problems)
			require.NotContains(t, strings.Join(found, "\n"), secret)
		})
	}
}

func TestCheck_QuoteNeverClosed_EndsInBoundedMemoryAndSaysWhere(t *testing.T) {
	_, _, err := problemsIn(t, FormatCSV, "reference,setup,email\nok,standard,a@customer.example\nb,standard,\""+strings.Repeat("x,y\n", maxLine))
	require.EqualError(t, err, "file has a record after line 2 that is longer than 65536 bytes: look there for a quote that is not closed")
}

func TestCheck_HeaderAlone_IsRefused(t *testing.T) {
	_, _, err := problemsIn(t, FormatCSV, "reference,setup\n")
	require.EqualError(t, err, "file has no requests: write one request a line")
}

func TestFormatOf_KnowsTheNames(t *testing.T) {
	for name, want := range map[string]Format{"a.csv": FormatCSV, "b.CSV": FormatCSV, "c.jsonl": FormatJSONL, "d.ndjson": FormatJSONL} {
		got, err := FormatOf(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := FormatOf("e.xlsx")
	require.EqualError(t, err, "file has a name that tells no format: name it .csv or .jsonl")
}

func FuzzCheck_AnyFile_EndsWithoutAPanic(f *testing.F) {
	f.Add("reference,setup\na,standard\n", true)
	f.Add("{\"reference\":\"a\"}\n", false)
	f.Add("\ufeff\"\n\"\"", true)
	s := newOffline()
	f.Fuzz(func(t *testing.T, text string, isCSV bool) {
		format := FormatJSONL
		if isCSV {
			format = FormatCSV
		}
		_, _ = Check(t.Context(), s, Config{Open: fileOf(text), Format: format})
	})
}
