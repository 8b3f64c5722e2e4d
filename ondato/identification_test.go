package ondato_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

const approvedRecord = `{ "id": "` + identificationID + `", "applicationId": "` + applicationID + `",
  "createdUtc": "2026-11-03T09:13:41.18Z",
  "setup": { "id": "31d0c3b7-6a0f-4a64-9f0e-2b7a9c1d5e01", "versionId": "f1e2d3c4-b5a6-4788-99aa-bbccddeeff00" },
  "identityVerificationId": "` + sessionID + `",
  "status": "Approved", "statusReason": "AutomaticallyIdentified", "isCrossChecked": false,
  "document": { "fullName": "ONA PAVYZDĖ", "documentNumber": "10000001", "mrzVerified": true, "files": [] },
  "scores": [ 1.50, 12345678901234567890123 ], "registries": [], "completedUtc": "2026-11-03T09:15:58Z" }`

func TestIdentification_AsInTheContract_IsReadAndKeptRaw(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/identifications/"+identificationID {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		answer(200, approvedRecord)(w, r)
	})
	got, err := f.client(t).Identification(context.Background(), identificationID)
	require.NoError(t, err)
	require.Equal(t, approvedRecord, string(got.Raw))
	got.Raw = nil
	require.Equal(t, &ondato.Identification{
		ID: identificationID, ApplicationID: applicationID, IdentityVerificationID: sessionID,
		CreatedUtc:   time.Date(2026, 11, 3, 9, 13, 41, 180e6, time.UTC),
		CompletedUtc: time.Date(2026, 11, 3, 9, 15, 58, 0, time.UTC),
		Setup:        ondato.SetupRef{ID: "31d0c3b7-6a0f-4a64-9f0e-2b7a9c1d5e01", VersionID: "f1e2d3c4-b5a6-4788-99aa-bbccddeeff00"},
		Status:       ondato.IdentificationApproved, StatusReason: ondato.AutomaticallyIdentified,
	}, got)
}

func TestIdentification_OddAnswers_AreReadAsFarAsTheyGo(t *testing.T) {
	for name, tc := range map[string]struct {
		members string
		status  ondato.IdentificationStatus
		reason  ondato.Reason
		checked bool
	}{
		"bare":           {`"x":1`, "", "", false},
		"null":           {`"status":null,"statusReason":null,"isCrossChecked":null,"setup":null`, "", "", false},
		"unknown values": {`"status":"Reviewing","statusReason":"SomethingNew"`, "Reviewing", "SomethingNew", false},
		"other types":    {`"setup":[],"createdUtc":5,"isCrossChecked":"yes","status":"Awaiting"`, "Awaiting", "", false},
		"SDK's reason":   {`"status":"Rejected","statusReason":"POSSIBLE_FRAUD_ATTEMPT","isCrossChecked":true`, "Rejected", ondato.PossibleFraudAttempt, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, answer(200, `{"id":"`+strings.ToUpper(identificationID)+`",`+tc.members+`}`))
			got, err := f.client(t).Identification(context.Background(), identificationID)
			require.NoError(t, err)
			require.Equal(t, identificationID, got.ID)
			require.Equal(t, tc.status, got.Status)
			require.Equal(t, tc.reason, got.StatusReason)
			require.Equal(t, tc.checked, got.IsCrossChecked)
		})
	}
}

func TestIdentification_AboutAnother_IsRefused(t *testing.T) {
	f := newFake(t, answer(200, approvedRecord))
	_, err := f.client(t).Identification(context.Background(), sessionID)
	requireError(t, f, err, ondato.Transient)
}

func digest(raw string) string {
	return (&ondato.Identification{Raw: json.RawMessage(raw)}).Digest()
}

func TestDigest_SameRecordWrittenDifferently_IsTheSame(t *testing.T) {
	want := digest(`{"a":"é<","b":{"c":[1.50,null,true],"d":12345678901234567890123}}`)
	require.Len(t, want, 64)
	require.Equal(t, want, digest(` { "b" : {"d":12345678901234567890123, "c":[ 1.50 , null,true ]} ,
		"a":"\u00e9\u003c" } `))
	// printf '%s' '{"a":1}' | sha256sum
	require.Equal(t, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", digest(` {"a" : 1}`))
}

func TestDigest_AnyDifference_Shows(t *testing.T) {
	seen := map[string]string{}
	for _, raw := range []string{
		`{"a":1}`, `{"a":1.0}`, `{"a":"1"}`, `{"A":1}`, `{"a":null}`, `{}`, `{"a":[1,2]}`, `{"a":[2,1]}`, `{"a":{"b":1}}`, `{"a.b":1}`,
		`{"a":12345678901234567890123}`, `{"a":12345678901234567890124}`, `{"a":1}x`, `{"a":1} {}`, `{`, ``,
	} {
		d := digest(raw)
		require.Len(t, d, 64)
		require.NotContains(t, seen, d, "%s and %s", raw, seen[d])
		seen[d] = raw
	}
}
