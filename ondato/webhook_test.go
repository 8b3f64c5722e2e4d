package ondato_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

const webhookID = "e0f1a2b3-c4d5-4e6f-8a7b-9c0d1e2f3a4b"

// Two deliveries in full, as in contract 5.2.
const (
	rejectedWebhook = `{ "id": "` + webhookID + `", "applicationId": "` + applicationID + `",
  "createdUtc": "2026-11-03T09:16:00.1284417Z", "type": "KycIdentification.Rejected",
  "payload": { "id": "` + identificationID + `", "applicationId": "` + applicationID + `",
    "createdUtc": "2026-11-03T09:13:41.18Z", "identityVerificationId": "` + sessionID + `",
    "setup": { "id": "31d0c3b7-6a0f-4a64-9f0e-2b7a9c1d5e01", "versionId": "f1e2d3c4-b5a6-4788-99aa-bbccddeeff00" },
    "status": "Rejected", "statusReason": "BlurredPhoto", "isCrossChecked": true,
    "document": { "type": "IdCard", "mrzVerified": false, "files": [], "ocrValidations": [] },
    "rules": [ { "name": "DocumentHasFace", "status": "Fail" } ], "registries": [], "fraudChecks": [],
    "completedUtc": "2026-11-03T09:15:58Z" } }`
	expiredWebhook = `{ "id": "1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809", "applicationId": "` + applicationID + `",
  "createdUtc": "2026-11-10T09:12:45.0031254Z", "type": "IdentityVerification.StatusChanged",
  "payload": { "id": "` + sessionID + `", "applicationId": "` + applicationID + `",
    "externalReferenceId": "` + reference + `", "status": "Expired",
    "createdUtc": "2026-11-03T09:12:44.120Z", "modifiedUtc": "2026-11-10T09:12:44.980Z",
    "setup": { "id": "` + setupID + `", "versionId": "c2b6a1e4-2f9f-4ff8-a0b1-0f7b7d0c9e12" },
    "step": { "kycIdentification": { "id": "` + identificationID + `" } } } }`
)

func TestParseWebhook_Identification_IsRead(t *testing.T) {
	got, err := ondato.ParseWebhook([]byte(rejectedWebhook))
	require.NoError(t, err)
	require.Equal(t, ondato.Webhook{
		ID: webhookID, ApplicationID: applicationID, CreatedUtc: time.Date(2026, 11, 3, 9, 16, 0, 128441700, time.UTC),
		Type: ondato.KycIdentificationRejected, RawType: "KycIdentification.Rejected",
		SessionID: sessionID, IdentificationID: identificationID, SetupID: "31d0c3b7-6a0f-4a64-9f0e-2b7a9c1d5e01", Status: "Rejected",
		PayloadCreatedUtc:   time.Date(2026, 11, 3, 9, 13, 41, 180e6, time.UTC),
		PayloadCompletedUtc: time.Date(2026, 11, 3, 9, 15, 58, 0, time.UTC),
	}, got)
}

func TestParseWebhook_Session_IsRead(t *testing.T) {
	got, err := ondato.ParseWebhook([]byte(expiredWebhook))
	require.NoError(t, err)
	require.Equal(t, ondato.Webhook{
		ID: "1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809", ApplicationID: applicationID,
		CreatedUtc: time.Date(2026, 11, 10, 9, 12, 45, 3125400, time.UTC),
		Type:       ondato.IdentityVerificationStatusChanged, RawType: "IdentityVerification.StatusChanged",
		SessionID: sessionID, IdentificationID: identificationID, ExternalReferenceID: reference, SetupID: setupID, Status: "Expired",
		PayloadCreatedUtc:  time.Date(2026, 11, 3, 9, 12, 44, 120e6, time.UTC),
		PayloadModifiedUtc: time.Date(2026, 11, 10, 9, 12, 44, 980e6, time.UTC),
	}, got)
}

// delivery is a good session event whose members a case replaces; "" leaves one out.
type delivery struct{ id, applicationID, createdUtc, typ, payload string }

func session(change func(*delivery)) string {
	d := delivery{
		id: `"` + webhookID + `"`, applicationID: `"` + applicationID + `"`, createdUtc: `"2026-11-03T09:16:00.1284417Z"`,
		typ: `"IdentityVerification.StatusChanged"`, payload: `{"id":"` + sessionID + `","status":"InProgress"}`,
	}
	change(&d)
	var members []string
	for _, m := range [][2]string{
		{"id", d.id}, {"applicationId", d.applicationID}, {"createdUtc", d.createdUtc}, {"type", d.typ}, {"payload", d.payload},
	} {
		if m[1] != "" {
			members = append(members, `"`+m[0]+`":`+m[1])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func withID(v string) string          { return session(func(d *delivery) { d.id = v }) }
func withApplication(v string) string { return session(func(d *delivery) { d.applicationID = v }) }
func withCreated(v string) string     { return session(func(d *delivery) { d.createdUtc = v }) }
func withType(v string) string        { return session(func(d *delivery) { d.typ = v }) }
func withPayload(v string) string     { return session(func(d *delivery) { d.payload = v }) }
func kyc(payload string) string {
	return session(func(d *delivery) { d.typ, d.payload = `"KycIdentification.Approved"`, payload })
}

func TestParseWebhook_Accepted(t *testing.T) {
	type check = func(*testing.T, ondato.Webhook)
	sessionIs := func(want string) check {
		return func(t *testing.T, w ondato.Webhook) { require.Equal(t, want, w.SessionID) }
	}
	ours := sessionIs(sessionID)
	typeIs := func(want ondato.EventType, known bool) check {
		return func(t *testing.T, w ondato.Webhook) {
			require.Equal(t, want, w.Type)
			require.Equal(t, known, w.Known())
		}
	}
	unknown := func(t *testing.T, w ondato.Webhook) {
		require.False(t, w.Known())
		require.Equal(t, string(w.Type), w.RawType)
		require.Empty(t, w.SessionID)
	}
	idIs := func(want string) check {
		return func(t *testing.T, w ondato.Webhook) { require.Equal(t, want, w.ID) }
	}
	createdIs := func(nanoseconds int) check {
		return func(t *testing.T, w ondato.Webhook) {
			require.Equal(t, time.Date(2026, 11, 3, 9, 16, 0, nanoseconds, time.UTC), w.CreatedUtc)
		}
	}
	applicationIs := func(want string) check {
		return func(t *testing.T, w ondato.Webhook) { require.Equal(t, want, w.ApplicationID) }
	}
	noIdentification := func(t *testing.T, w ondato.Webhook) {
		require.Equal(t, sessionID, w.SessionID)
		require.Empty(t, w.IdentificationID)
	}
	ourKYC := `"identityVerificationId":"` + sessionID + `"`

	for name, tc := range map[string]struct {
		body  string
		check check
	}{
		"type StatusChanged": {withType(`"IdentityVerification.StatusChanged"`), typeIs(ondato.IdentityVerificationStatusChanged, true)},
		"type Consented":     {withType(`"IdentityVerification.Consented"`), typeIs(ondato.IdentityVerificationConsented, true)},
		"type Created":       {strings.Replace(kyc(`{`+ourKYC+`}`), "Approved", "Created", 1), typeIs(ondato.KycIdentificationCreated, true)},
		"type Processed":     {strings.Replace(kyc(`{`+ourKYC+`}`), "Approved", "Processed", 1), typeIs(ondato.KycIdentificationProcessed, true)},
		"type Approved":      {kyc(`{` + ourKYC + `}`), typeIs(ondato.KycIdentificationApproved, true)},
		"type Rejected":      {strings.Replace(kyc(`{`+ourKYC+`}`), "Approved", "Rejected", 1), typeIs(ondato.KycIdentificationRejected, true)},
		"type Updated":       {strings.Replace(kyc(`{`+ourKYC+`}`), "Approved", "Updated", 1), typeIs(ondato.KycIdentificationUpdated, true)},
		"old name of StatusChanged": {withType(`"Idv.StatusChanged"`), func(t *testing.T, w ondato.Webhook) {
			require.Equal(t, ondato.IdentityVerificationStatusChanged, w.Type)
			require.Equal(t, "Idv.StatusChanged", w.RawType)
			require.Equal(t, sessionID, w.SessionID)
		}},
		"old name of Consented": {withType(`"Idv.Consented"`), typeIs(ondato.IdentityVerificationConsented, true)},

		"unknown type KYB":                    {withType(`"KybIdentification.Approved"`), unknown},
		"unknown type KYB document":           {withType(`"KybIdentification.Document.Uploaded"`), unknown},
		"unknown type Form":                   {withType(`"Form.Completed"`), unknown},
		"unknown type in another casing":      {withType(`"kycidentification.approved"`), unknown},
		"unknown type of the first drafts":    {withType(`"KycIDentification.Cross_checked"`), unknown},
		"unknown type, no payload":            {session(func(d *delivery) { d.typ, d.payload = `"New.Thing"`, "" }), unknown},
		"unknown type, payload a list":        {session(func(d *delivery) { d.typ, d.payload = `"New.Thing"`, "[1,2]" }), unknown},
		"unknown type, ids numbers":           {session(func(d *delivery) { d.typ, d.payload = `"New.Thing"`, `{"id":7}` }), unknown},
		"unknown type, no application":        {session(func(d *delivery) { d.typ, d.applicationID = `"New.Thing"`, "" }), unknown},
		"unknown type, time of another form":  {session(func(d *delivery) { d.typ, d.createdUtc = `"New.Thing"`, `"1 May"` }), unknown},
		"unknown type, session id not a UUID": {session(func(d *delivery) { d.typ, d.payload = `"New.Thing"`, `{"id":"x"}` }), unknown},
		"envelope in PascalCase":              {strings.NewReplacer(`"id":"e0`, `"Id":"e0`, `"applicationId"`, `"ApplicationId"`, `"createdUtc"`, `"CreatedUtc"`, `"type"`, `"Type"`, `"payload"`, `"Payload"`).Replace(withPayload(`{"id":"` + sessionID + `"}`)), ours},
		"all in PascalCase":                   {strings.NewReplacer(`"id"`, `"Id"`, `"applicationId"`, `"ApplicationId"`, `"createdUtc"`, `"CreatedUtc"`, `"type"`, `"Type"`, `"payload"`, `"Payload"`, `"identityVerificationId"`, `"IdentityVerificationId"`).Replace(kyc(`{` + ourKYC + `,"id":"k"}`)), ours},
		"ids in capitals": {strings.NewReplacer(sessionID, strings.ToUpper(sessionID), applicationID, strings.ToUpper(applicationID), webhookID, strings.ToUpper(webhookID)).Replace(withPayload(`{"id":"` + sessionID + `","externalReferenceId":"B3C0"}`)), func(t *testing.T, w ondato.Webhook) {
			require.Equal(t, []string{webhookID, applicationID, sessionID, "b3c0"}, []string{w.ID, w.ApplicationID, w.SessionID, w.ExternalReferenceID})
		}},
		"white space around":    {" \r\n\t" + withID(`"a"`) + " \n", idIs("a")},
		"byte order mark":       {"\ufeff" + withID(`"a"`), idIs("a")},
		"id not a UUID":         {withID(`"Event 7/x"`), idIs("event 7/x")},
		"id of one character":   {withID(`"ė"`), idIs("ė")},
		"id of 200 characters":  {withID(`"` + strings.Repeat("ė", 200) + `"`), idIs(strings.Repeat("ė", 200))},
		"id with escapes":       {withID(`"\u0061\u0117"`), idIs("aė")},
		"members repeated":      {strings.Replace(withID(`"a"`), "{", `{"id":"first","Id":"second",`, 1), idIs("a")},
		"repeated, other types": {strings.TrimSuffix(withID(`"a"`), "}") + `,"ID":7,"iD":null}`, idIs("a")},
		"payload repeated":      {strings.Replace(withID(`"a"`), "{", `{"payload":{"id":"x"},`, 1), ours},

		"time without fraction":    {withCreated(`"2026-11-03T09:16:00Z"`), createdIs(0)},
		"time with 1 digit":        {withCreated(`"2026-11-03T09:16:00.7Z"`), createdIs(700e6)},
		"time with 7 digits":       {withCreated(`"2026-11-03T09:16:00.1234567Z"`), createdIs(123456700)},
		"time with 9 digits":       {withCreated(`"2026-11-03T09:16:00.123456789Z"`), createdIs(123456789)},
		"time with 12 digits":      {withCreated(`"2026-11-03T09:16:00.123456789999Z"`), createdIs(123456789)},
		"time without zone":        {withCreated(`"2026-11-03T09:16:00.5"`), createdIs(500e6)},
		"time with offset":         {withCreated(`"2026-11-03T11:16:00+02:00"`), createdIs(0)},
		"payload times unreadable": {withPayload(`{"id":"` + sessionID + `","createdUtc":"x","modifiedUtc":7,"completedUtc":null}`), func(t *testing.T, w ondato.Webhook) { require.True(t, w.PayloadCreatedUtc.IsZero()) }},
		"application of another":   {withApplication(`"Not a UUID"`), applicationIs("not a uuid")},
		"application absent":       {withApplication(""), applicationIs("")},
		"application a number":     {withApplication("7"), applicationIs("")},
		"application in payload": {session(func(d *delivery) {
			d.applicationID, d.payload = "", `{"id":"`+sessionID+`","applicationId":"`+applicationID+`"}`
		}), applicationIs(applicationID)},
		"application in both":        {withPayload(`{"id":"` + sessionID + `","applicationId":"other"}`), applicationIs(applicationID)},
		"unneeded ids numbers":       {withPayload(`{"id":"` + sessionID + `","externalReferenceId":7,"setup":{"id":1e999},"step":{"kycIdentification":{"id":-0}}}`), noIdentification},
		"unneeded ids null":          {withPayload(`{"id":"` + sessionID + `","externalReferenceId":null,"setup":null,"step":{"kycIdentification":null}}`), noIdentification},
		"unneeded ids objects":       {withPayload(`{"id":"` + sessionID + `","externalReferenceId":{},"setup":{"id":{}},"step":[]}`), noIdentification},
		"KYC id absent":              {kyc(`{` + ourKYC + `}`), noIdentification},
		"KYC id a number":            {kyc(`{"id":7,` + ourKYC + `}`), noIdentification},
		"KYC id null":                {kyc(`{"id":null,` + ourKYC + `}`), noIdentification},
		"KYC id an object":           {kyc(`{"id":{"a":[1]},` + ourKYC + `}`), noIdentification},
		"KYC id not a UUID":          {kyc(`{"id":"K-7",` + ourKYC + `}`), func(t *testing.T, w ondato.Webhook) { require.Equal(t, "k-7", w.IdentificationID) }},
		"KYC event with a reference": {kyc(`{"externalReferenceId":"` + reference + `",` + ourKYC + `}`), func(t *testing.T, w ondato.Webhook) { require.Equal(t, reference, w.ExternalReferenceID) }},
		"session event, KYC members": {withPayload(`{"id":"` + sessionID + `","identityVerificationId":"` + identificationID + `"}`), ours},
		"status unknown":             {withPayload(`{"id":"` + sessionID + `","status":"Dreaming"}`), func(t *testing.T, w ondato.Webhook) { require.Equal(t, "Dreaming", w.Status) }},
		"status a number":            {withPayload(`{"id":"` + sessionID + `","status":7}`), func(t *testing.T, w ondato.Webhook) { require.Empty(t, w.Status) }},
		"huge number skipped":        {withPayload(`{"id":"` + sessionID + `","n":1` + strings.Repeat("0", 5000) + `e99999}`), ours},
		"invalid UTF-8 elsewhere":    {withPayload(`{"id":"` + sessionID + `","document":{"fullName":"` + "\xff\xfe" + `"}}`), ours},
		"escaped NUL elsewhere":      {withPayload(`{"id":"` + sessionID + `","document":{"fullName":"\u0000"}}`), ours},
		"lone surrogate elsewhere":   {withPayload(`{"id":"` + sessionID + `","document":{"fullName":"\ud800"}}`), ours},
		"deep but allowed":           {withPayload(`{"id":"` + sessionID + `","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`), ours},
		"documented extra members":   {strings.Replace(withID(`"a"`), "{", `{"deliveredUtc":null,"isDelivered":false,`, 1), idIs("a")},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := ondato.ParseWebhook([]byte(tc.body))
			require.NoError(t, err)
			tc.check(t, w)
		})
	}
}

func TestParseWebhook_Refused(t *testing.T) {
	for name, tc := range map[string]struct {
		body, field, problem string
	}{
		"empty":                {"", "body", "is empty"},
		"white space":          {" \r\n\t ", "body", "is empty"},
		"byte order mark only": {"\ufeff", "body", "is empty"},
		"text":                 {"LEAK", "body", "not valid JSON"},
		"page":                 {"<html>LEAK</html>", "body", "not valid JSON"},
		"cut":                  {rejectedWebhook[:200], "body", "not valid JSON"},
		"trailing garbage":     {withID(`"a"`) + "LEAK", "body", "not valid JSON"},
		"two objects":          {withID(`"a"`) + withID(`"b"`), "body", "not valid JSON"},
		"NUL":                  {"\x00", "body", "not valid JSON"},
		"NUL after it":         {withID(`"a"`) + "\x00", "body", "not valid JSON"},
		"raw NUL in a string":  {withID("\"LEAK\x00\""), "body", "not valid JSON"},
		"too deep":             {withPayload(strings.Repeat("[", 100000) + strings.Repeat("]", 100000)), "body", "not valid JSON"},
		"too deep, cut":        {strings.Repeat(`{"payload":`, 100000), "body", "not valid JSON"},
		"array":                {"[" + rejectedWebhook + "]", "body", "not a JSON object"},
		"string":               {`"LEAK"`, "body", "not a JSON object"},
		"number":               {"7", "body", "not a JSON object"},
		"huge number":          {"1e999999", "body", "not a JSON object"},
		"null":                 {"null", "body", "not a JSON object"},
		"true":                 {"true", "body", "not a JSON object"},
		"nothing in it":        {"{}", "id", "missing"},

		"id absent":                     {withID(""), "id", "missing"},
		"id null":                       {withID("null"), "id", "missing"},
		"id empty":                      {withID(`""`), "id", "missing"},
		"id a number":                   {withID("7"), "id", "not a string"},
		"id an object":                  {withID(`{"LEAK":1}`), "id", "not a string"},
		"id of 201 characters":          {withID(`"` + strings.Repeat("x", 201) + `"`), "id", "printable"},
		"id with newline":               {withID(`"LEAK\n"`), "id", "printable"},
		"id with NUL":                   {withID(`"LEAK\u0000"`), "id", "printable"},
		"id with bidi override":         {withID(`"LEAK\u202e"`), "id", "printable"},
		"id with invalid UTF-8":         {withID("\"LEAK\xff\""), "id", "printable"},
		"type absent":                   {withType(""), "type", "missing"},
		"type null":                     {withType("null"), "type", "missing"},
		"type empty":                    {withType(`""`), "type", "missing"},
		"type a list":                   {withType(`["LEAK"]`), "type", "not a string"},
		"createdUtc absent":             {withCreated(""), "createdUtc", "missing"},
		"createdUtc null":               {withCreated("null"), "createdUtc", "missing"},
		"createdUtc a number":           {withCreated("1700000000"), "createdUtc", "not a string"},
		"createdUtc text":               {withCreated(`"LEAK"`), "createdUtc", "timestamp"},
		"createdUtc a date":             {withCreated(`"2026-11-03"`), "createdUtc", "timestamp"},
		"createdUtc 30 February":        {withCreated(`"2026-02-30T00:00:00Z"`), "createdUtc", "timestamp"},
		"createdUtc before year 1":      {withCreated(`"0000-06-01T00:00:00Z"`), "createdUtc", "timestamp"},
		"createdUtc after year 9999":    {withCreated(`"9999-12-31T23:59:59-14:00"`), "createdUtc", "timestamp"},
		"unknown type, createdUtc gone": {session(func(d *delivery) { d.typ, d.createdUtc = `"New.Thing"`, "" }), "createdUtc", "missing"},
		"id before type":                {session(func(d *delivery) { d.id, d.typ, d.createdUtc, d.payload = "", "", "", "" }), "id", "missing"},
		"type before createdUtc":        {session(func(d *delivery) { d.typ, d.createdUtc, d.payload = "", "", "" }), "type", "missing"},
		"createdUtc before payload":     {session(func(d *delivery) { d.createdUtc, d.payload = "", "" }), "createdUtc", "missing"},

		"payload absent":              {withPayload(""), "payload.id", "missing"},
		"payload null":                {withPayload("null"), "payload.id", "missing"},
		"payload a list":              {withPayload(`[{"id":"` + sessionID + `"}]`), "payload.id", "missing"},
		"payload a string":            {withPayload(`"LEAK"`), "payload.id", "missing"},
		"session id a number":         {withPayload(`{"id":7}`), "payload.id", "not a string"},
		"session id null":             {withPayload(`{"id":null}`), "payload.id", "missing"},
		"session id not a UUID":       {withPayload(`{"id":"LEAK"}`), "payload.id", "UUID"},
		"session id without dashes":   {withPayload(`{"id":"` + strings.ReplaceAll(sessionID, "-", "") + `"}`), "payload.id", "UUID"},
		"session id in braces":        {withPayload(`{"id":"{` + sessionID + `}"}`), "payload.id", "UUID"},
		"session id with white space": {withPayload(`{"id":" ` + sessionID + `"}`), "payload.id", "UUID"},
		"session id one digit wrong":  {withPayload(`{"id":"g` + sessionID[1:] + `"}`), "payload.id", "UUID"},
		"session id misplaced dash":   {withPayload(`{"id":"` + strings.Replace(sessionID, "e-1", "-e1", 1) + `"}`), "payload.id", "UUID"},
		"old name, session id absent": {session(func(d *delivery) { d.typ, d.payload = `"Idv.Consented"`, "{}" }), "payload.id", "missing"},
		"KYC without its session":     {kyc(`{"id":"` + identificationID + `"}`), "payload.identityVerificationId", "missing"},
		"KYC session a number":        {kyc(`{"identityVerificationId":7}`), "payload.identityVerificationId", "not a string"},
		"KYC session not a UUID":      {kyc(`{"identityVerificationId":"LEAK"}`), "payload.identityVerificationId", "UUID"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := ondato.ParseWebhook([]byte(tc.body))
			var field *ondato.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, tc.field, field.Field)
			require.Contains(t, field.Problem, tc.problem)
			requireDiscreet(t, err)
			require.Empty(t, w.SessionID)
			if strings.HasPrefix(tc.field, "payload.") { // for dropping another application's events first
				require.True(t, w.Known())
				require.Equal(t, applicationID, w.ApplicationID)
			} else {
				require.Zero(t, w)
			}
		})
	}
}

func FuzzParseWebhook(f *testing.F) {
	for _, seed := range []string{
		rejectedWebhook, expiredWebhook, withType(`"Form.Created"`), withID(`"\ud800"`), withPayload("[[{}]]"),
		kyc(`{"identityVerificationId":"` + strings.ToUpper(sessionID) + `"}`), "\ufeff{}", `{"id":1e999}`, "null", "{\"ID\":\"\xff\"}",
		withCreated(`"9999-12-31T23:59:59-14:00"`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := ondato.ParseWebhook(body)
		if err != nil {
			var field *ondato.FieldError
			require.ErrorAs(t, err, &field)
			require.NotEmpty(t, field.Field)
			require.NotEmpty(t, field.Problem)
			require.Empty(t, w.SessionID)
			return
		}
		require.True(t, json.Valid([]byte(strings.TrimPrefix(string(body), "\ufeff"))))
		require.NotEmpty(t, w.ID)
		require.NotEmpty(t, w.RawType)
		require.Equal(t, ondato.ParseEventType(w.RawType), w.Type)
		for _, id := range []string{w.ID, w.ApplicationID, w.SessionID, w.IdentificationID, w.ExternalReferenceID, w.SetupID} {
			require.Equal(t, strings.ToLower(id), id)
		}
		if w.Known() {
			require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, w.SessionID)
		} else {
			require.Empty(t, w.SessionID)
		}
		// Whatever is accepted can be passed on as JSON.
		_, err = json.Marshal(w)
		require.NoError(t, err)
	})
}

func BenchmarkParseWebhook(b *testing.B) {
	large := strings.Replace(rejectedWebhook, `"rules": [`, `"rules": [`+strings.Repeat(`{"name":"DocumentHasBothSides","status":"Success"},`, 200), 1)
	for name, body := range map[string]string{"identification": rejectedWebhook, "session": expiredWebhook, "unknown": withType(`"Form.Created"`), "11KiB": large} {
		b.Run(name, func(b *testing.B) {
			data := []byte(body)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ondato.ParseWebhook(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
