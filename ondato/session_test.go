package ondato_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

func TestCreate_EverythingKnown_IsSentAsInTheContract(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/identity-verifications" ||
			r.Header.Get("Content-Type") != "application/json" || !strings.Contains(r.Header.Get("Accept"), "application/json") {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		got, want := readJSON(t, r), `map[externalReferenceId:`+reference+` registration:map[countryCode:LT dateOfBirth:1991-04-17 `+
			`email:ona@example.test firstName:Ona lastName:Pavyzdė middleName:Marija personalCode:49104170000 phoneNumber:37060000001] setupId:`+setupID+`]`
		requireSame(t, want, got)
		if _, isText := got["registration"].(map[string]any)["phoneNumber"].(string); isText {
			t.Error("the phone number must be a JSON number")
		}
		answer(201, `{"id":"`+strings.ToUpper(sessionID)+`","more":[1]}`)(w, r)
	})
	id, err := f.client(t).CreateIdentityVerification(context.Background(), ondato.CreateRequest{
		SetupID: setupID, ExternalReferenceID: reference,
		Registration: ondato.Registration{
			FirstName: "Ona", MiddleName: "Marija", LastName: "Pavyzdė", DateOfBirth: "1991-04-17", Email: "ona@example.test",
			PhoneNumber: "+370 600-00001", PersonalCode: "49104170000", CountryCode: "LT",
		},
	})
	require.NoError(t, err)
	require.Equal(t, sessionID, id)
}

func TestCreate_NothingKnown_SendsTheSetupOnly(t *testing.T) {
	for name, registration := range map[string]ondato.Registration{
		"no registration":        {},
		"only an unusable phone": {PhoneNumber: "call me"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				requireSame(t, "map[setupId:"+setupID+"]", readJSON(t, r))
				answer(201, `{"id":"not-a-uuid"}`)(w, r)
			})
			id, err := f.client(t).CreateIdentityVerification(context.Background(),
				ondato.CreateRequest{SetupID: setupID, Registration: registration})
			require.NoError(t, err)
			require.Equal(t, "not-a-uuid", id)
		})
	}
}

func TestCreate_AnswerWithoutID_IsTransient(t *testing.T) {
	for _, body := range []string{`{}`, `{"id":null}`, `{"id":""}`, `{"id":7}`, `[]`, ``, `<html>`} {
		f := newFake(t, answer(201, body))
		_, err := f.client(t).CreateIdentityVerification(context.Background(), ondato.CreateRequest{SetupID: setupID})
		requireError(t, f, err, ondato.Transient)
	}
}

func TestParsePhoneNumber(t *testing.T) {
	for in, want := range map[string]string{
		"+37060000001": "37060000001", "0037060000001": "37060000001", "37060000001": "37060000001",
		"+370 (600) 000-01": "37060000001", " +370.600/00001 ": "37060000001", "+123456789012345": "123456789012345",
		"": "", "+": "", "060000001": "", "+0601234567": "", "123456": "", "+1234567890123456": "", "call me": "",
		"+370 600 00001 ext 5": "", "++37060000001": "", "٣٧٠٦٠٠٠٠٠٠١": "", "1e10": "", "-37060000001": "37060000001",
	} {
		got, ok := ondato.ParsePhoneNumber(in)
		require.Equal(t, want, got, "%q", in)
		require.Equal(t, want != "", ok, "%q", in)
	}
}

func TestSession_AsInTheContract_IsRead(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/identity-verifications/"+sessionID || r.ContentLength > 0 {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		answer(200, `{ "id": "`+strings.ToUpper(sessionID)+`",
			"applicationId": "`+strings.ToUpper(applicationID)+`",
			"createdUtc": "2026-11-03T09:12:44.120Z", "modifiedUtc": "2026-11-03T09:16:02.5512345Z",
			"externalReferenceId": "`+reference+`", "status": "Completed", "statusReason": "x",
			"setup": { "id": "`+setupID+`", "versionId": "c2b6a1e4-2f9f-4ff8-a0b1-0f7b7d0c9e12" },
			"registration": { "firstName": "Ona" },
			"step": { "consent": { "id": "c1", "isConsented": true, "consentedUtc": "2026-11-03T09:13:30.004Z" },
			          "kycIdentification": { "id": "`+identificationID+`", "isSuccess": true } },
			"redaction": { "redactedUtc": "2026-12-01T00:00:00Z" } }`)(w, r)
	})
	got, err := f.client(t).IdentityVerification(context.Background(), sessionID)
	require.NoError(t, err)
	require.Equal(t, &ondato.IdentityVerification{
		ID: sessionID, ApplicationID: applicationID, ExternalReferenceID: reference,
		CreatedUtc:  time.Date(2026, 11, 3, 9, 12, 44, 120e6, time.UTC),
		ModifiedUtc: time.Date(2026, 11, 3, 9, 16, 2, 551234500, time.UTC),
		Status:      ondato.SessionCompleted, StatusReason: "x",
		Setup:             ondato.SetupRef{ID: setupID, VersionID: "c2b6a1e4-2f9f-4ff8-a0b1-0f7b7d0c9e12"},
		Consent:           &ondato.ConsentStep{ID: "c1", IsConsented: true, ConsentedUtc: time.Date(2026, 11, 3, 9, 13, 30, 4e6, time.UTC)},
		KycIdentification: &ondato.KycStep{ID: identificationID, IsSuccess: new(true)},
		Redaction:         &ondato.Redaction{RedactedUtc: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
	}, got)
}

func TestSession_OddAnswers_AreReadAsFarAsTheyGo(t *testing.T) {
	for name, tc := range map[string]struct {
		members string
		check   func(*testing.T, *ondato.IdentityVerification)
	}{
		"bare": {`"status":"Pending"`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Equal(t, &ondato.IdentityVerification{ID: sessionID, Status: ondato.SessionPending}, s)
		}},
		"all null": {`"applicationId":null,"createdUtc":null,"status":null,"setup":null,"step":null,"redaction":null`,
			func(t *testing.T, s *ondato.IdentityVerification) {
				require.Equal(t, &ondato.IdentityVerification{ID: sessionID}, s)
			}},
		"null steps": {`"step":{"consent":null,"kycIdentification":null}`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Nil(t, s.Consent)
			require.Nil(t, s.KycIdentification)
		}},
		"empty steps": {`"step":{"consent":{},"kycIdentification":{}}`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Nil(t, s.Consent)
			require.Nil(t, s.KycIdentification)
		}},
		"success null": {`"step":{"kycIdentification":{"id":"k","isSuccess":null}}`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Equal(t, &ondato.KycStep{ID: "k"}, s.KycIdentification)
		}},
		"success false": {`"step":{"kycIdentification":{"id":"k","isSuccess":false}}`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Equal(t, &ondato.KycStep{ID: "k", IsSuccess: new(false)}, s.KycIdentification)
		}},
		"success of another type": {`"step":{"kycIdentification":{"id":"k","isSuccess":"yes"}}`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Equal(t, &ondato.KycStep{ID: "k"}, s.KycIdentification)
		}},
		"other types, the rest is read": {`"applicationId":7,"createdUtc":{},"setup":"x","step":[1],"modifiedUtc":[],"status":"Suspended"`,
			func(t *testing.T, s *ondato.IdentityVerification) {
				require.Equal(t, &ondato.IdentityVerification{ID: sessionID, Status: ondato.SessionSuspended}, s)
			}},
		"unknown status": {`"status":"Paused"`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Equal(t, ondato.SessionStatus("Paused"), s.Status)
			require.False(t, s.Status.Known())
			require.False(t, s.Status.Terminal())
		}},
		"times of all lengths": {`"createdUtc":"2026-11-03T09:12:44Z","modifiedUtc":"2026-11-03T09:12:44.7"`,
			func(t *testing.T, s *ondato.IdentityVerification) {
				require.Equal(t, time.Date(2026, 11, 3, 9, 12, 44, 0, time.UTC), s.CreatedUtc)
				require.Equal(t, time.Date(2026, 11, 3, 9, 12, 44, 700e6, time.UTC), s.ModifiedUtc)
			}},
		"unreadable times": {`"createdUtc":"yesterday","modifiedUtc":"0000-01-01T00:00:00+14:00"`,
			func(t *testing.T, s *ondato.IdentityVerification) {
				require.True(t, s.CreatedUtc.IsZero())
				require.True(t, s.ModifiedUtc.IsZero())
			}},
		"ids that are no UUIDs": {`"setup":{"id":"Setup-A","versionId":"3"},"externalReferenceId":"Order 7"`,
			func(t *testing.T, s *ondato.IdentityVerification) {
				require.Equal(t, ondato.SetupRef{ID: "Setup-A", VersionID: "3"}, s.Setup)
				require.Equal(t, "Order 7", s.ExternalReferenceID)
			}},
		"PascalCase": {`"Status":"Expired","ApplicationId":"a"`, func(t *testing.T, s *ondato.IdentityVerification) {
			require.Equal(t, ondato.SessionExpired, s.Status)
			require.Equal(t, "a", s.ApplicationID)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, answer(200, `{"id":"`+sessionID+`",`+tc.members+`}`))
			s, err := f.client(t).IdentityVerification(context.Background(), sessionID)
			require.NoError(t, err)
			tc.check(t, s)
		})
	}
}

func TestSession_IDWithSlashes_StaysInItsPathSegment(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/base/v1/identity-verifications/..%2F..%2Fx%3Fy%23z" {
			t.Errorf("path %s", r.URL.EscapedPath())
		}
		answer(200, `{"id":"../../x?y#z"}`)(w, r)
	})
	c := f.client(t, func(cfg *ondato.Config) { cfg.IDVURL += "/base/" })
	_, err := c.IdentityVerification(context.Background(), "../../x?y#z")
	require.NoError(t, err)
}

func TestRedaction_AllShapes_AreRead(t *testing.T) {
	done := `{"clientId":"c","scope":"PersonalData","source":"OnDemand","status":"Completed","createdUtc":"2026-12-01T00:00:00Z","completedUtc":"2026-12-01T00:01:00Z"}`
	running := `{"scope":"BiometricData","status":"InProgress","createdUtc":"2026-12-01T00:00:00Z"}`
	for name, tc := range map[string]struct {
		json                string
		personal, biometric bool
		events              int
		absent              bool
	}{
		"absent":               {`null`, false, false, 0, true},
		"empty object":         {`{}`, false, false, 0, true},
		"empty list":           {`[]`, false, false, 0, true},
		"text":                 {`"soon"`, false, false, 0, true},
		"2023":                 {`{"redactedUtc":"2026-12-01T00:00:00Z"}`, true, true, 0, false},
		"list":                 {`[` + done + `,` + running + `]`, true, false, 2, false},
		"list of other things": {`[5,null,` + running + `]`, false, false, 1, false},
		"one event":            {done, true, false, 1, false},
		"events in an object":  {`{"events":[` + running + `]}`, false, false, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, answer(200, `{"id":"`+sessionID+`","redaction":`+tc.json+`}`))
			s, err := f.client(t).IdentityVerification(context.Background(), sessionID)
			require.NoError(t, err)
			require.Equal(t, tc.absent, s.Redaction == nil)
			require.Equal(t, tc.personal, s.Redaction.Completed(ondato.PersonalData))
			require.Equal(t, tc.biometric, s.Redaction.Completed(ondato.BiometricData))
			if !tc.absent {
				require.Len(t, s.Redaction.Events, tc.events)
			}
		})
	}
}

func TestRedact_Scope_IsSent(t *testing.T) {
	for _, status := range []int{200, 202, 204} {
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPut || r.URL.Path != "/v1/identity-verifications/"+sessionID+"/redact" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			requireSame(t, "map[scope:BiometricData]", readJSON(t, r))
			w.WriteHeader(status)
		})
		require.NoError(t, f.client(t).Redact(context.Background(), sessionID, ondato.BiometricData))
	}
}

func TestSetup_AsInTheContract_IsRead(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/identity-verifications/"+sessionID+"/setup" {
			t.Errorf("path %s", r.URL)
		}
		answer(200, `{"id":"`+setupID+`","versionId":"v","applicationId":"`+applicationID+`","name":"Retail","isLive":true,"isDisabled":false,
			"steps":[{"order":1,"setupId":"31D0C3B7-6A0F-4A64-9F0E-2B7A9C1D5E01","type":"KycIdentification"},{"order":"2","type":"Form"}],
			"omnichannel":{"enabled":true},"webAppSetting":{"baseUrl":"https://idv.example.test"}}`)(w, r)
	})
	got, err := f.client(t).IdentityVerificationSetup(context.Background(), sessionID)
	require.NoError(t, err)
	require.Equal(t, &ondato.Setup{
		ID: setupID, VersionID: "v", ApplicationID: applicationID, Name: "Retail", IsLive: true,
		Steps: []ondato.SetupStep{{Order: 1, SetupID: "31d0c3b7-6a0f-4a64-9f0e-2b7a9c1d5e01", Type: "KycIdentification"}, {Type: "Form"}},
	}, got)

	f = newFake(t, answer(200, `{"name":"LEAK"}`))
	_, err = f.client(t).IdentityVerificationSetup(context.Background(), sessionID)
	requireError(t, f, err, ondato.Transient)
}

func TestWebhooks_History_IsRead(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/identity-verifications/"+sessionID+"/webhooks" {
			t.Errorf("path %s", r.URL)
		}
		answer(200, `[{"id":"W1","applicationId":"`+applicationID+`","createdUtc":"2026-11-03T09:13:00.1234567Z","type":"Idv.StatusChanged",
				"isDelivered":true,"deliveredUtc":"2026-11-03T09:13:01Z","payload":{"id":"`+sessionID+`","status":"InProgress"}},
			{"id":"W2","type":"KycIdentification.Approved","isDelivered":false}, {"type":"Form.Created"}, null, 7]`)(w, r)
	})
	got, err := f.client(t).Webhooks(context.Background(), sessionID)
	require.NoError(t, err)
	require.Len(t, got, 5)
	require.Equal(t, ondato.WebhookRecord{
		Webhook: ondato.Webhook{
			ID: "w1", ApplicationID: applicationID, CreatedUtc: time.Date(2026, 11, 3, 9, 13, 0, 123456700, time.UTC),
			Type: ondato.IdentityVerificationStatusChanged, RawType: "Idv.StatusChanged", SessionID: sessionID, Status: "InProgress",
		},
		IsDelivered: true, DeliveredUtc: time.Date(2026, 11, 3, 9, 13, 1, 0, time.UTC),
	}, got[0])
	require.Equal(t, ondato.KycIdentificationApproved, got[1].Type)
	require.False(t, got[1].IsDelivered)
	require.False(t, got[3].Known())

	f = newFake(t, answer(200, `[]`))
	got, err = f.client(t).Webhooks(context.Background(), sessionID)
	require.NoError(t, err)
	require.Empty(t, got)

	for _, body := range []string{`{}`, `null`, ``, `[{]`} {
		f = newFake(t, answer(200, body))
		_, err = f.client(t).Webhooks(context.Background(), sessionID)
		requireError(t, f, err, ondato.Transient)
	}
}
