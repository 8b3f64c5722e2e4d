package sandbox

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestToken_ClientCredentials(t *testing.T) {
	h := serve(t)
	a := h.tokenCall(clientForm())
	require.Equal(t, 200, a.status)
	body := a.decode(t)
	require.EqualValues(t, 86400, body["expires_in"])
	require.Equal(t, "Bearer", body["token_type"])
	require.Equal(t, "idv_api kyc_identifications_api", body["scope"])
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))

	req, err := http.NewRequest("POST", h.server.URL+"/connect/token", strings.NewReader("grant_type=client_credentials&scope=idv_api"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("app.example", "made-up+secret") // form-encoded, as RFC 6749 asks
	resp, err := h.server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)
}

func TestToken_BadRequests_GetRFC6749Errors(t *testing.T) {
	h := serve(t)
	for _, tc := range []struct {
		name   string
		answer answer
		status int
		code   string
	}{
		{"wrong secret", h.tokenCall(clientForm("client_secret", "wrong")), 400, "invalid_client"},
		{"wrong client", h.tokenCall(clientForm("client_id", "other")), 400, "invalid_client"},
		{"no grant", h.call("POST", "/connect/token", "a=b", "Content-Type", "application/x-www-form-urlencoded"), 400, "invalid_request"},
		{"other grant", h.tokenCall(clientForm("grant_type", "password")), 400, "unsupported_grant_type"},
		{"unknown scope", h.tokenCall(clientForm("scope", "idv_api nonsense")), 400, "invalid_scope"},
		{"JSON", h.call("POST", "/connect/token", "{}"), 400, "invalid_request"},
		{"credentials twice", h.tokenCall(clientForm(), "Authorization", "Basic YTpi"), 400, "invalid_request"},
		{"wrong basic", h.call("POST", "/connect/token", "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded",
			"Authorization", "Basic YTpi"), 401, "invalid_client"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.status, tc.answer.status)
			require.Equal(t, tc.code, tc.answer.decode(t)["error"])
		})
	}
}

func TestAPI_WithoutLivingToken_Is401_AndWithoutScope403(t *testing.T) {
	var ahead atomic.Int64
	sb, err := newSandbox(testConfig(func(c *Config) { c.TokenLifetime = time.Minute }),
		func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	require.NoError(t, err)
	h := hostSandbox(t, sb)
	id := h.create("")
	path := "/v1/identity-verifications/" + id

	require.Equal(t, 401, h.call("GET", path, "").status)
	require.Equal(t, 401, h.call("GET", path, "", "Authorization", "Bearer nonsense").status)
	require.Equal(t, 401, h.call("GET", path, "", "Authorization", "Bearer a.b.c").status)
	require.Equal(t, 401, h.call("GET", path, "", "Authorization", "Basic YTpi").status)
	a := h.call("GET", path, "", "Authorization", "Bearer "+h.token[:len(h.token)-2])
	require.Equal(t, 401, a.status)
	require.Contains(t, a.header.Get("WWW-Authenticate"), "invalid_token")

	other := h.newToken("scope", scopeKYC)
	require.Equal(t, 403, h.call("GET", path, "", "Authorization", "Bearer "+other).status)
	reader := h.newToken("scope", scopeIDVRead)
	require.Equal(t, 200, h.call("GET", path, "", "Authorization", "Bearer "+reader).status)
	require.Equal(t, 403, h.call("POST", "/v1/identity-verifications", "{}", "Authorization", "Bearer "+reader).status)

	require.Equal(t, 200, h.api("GET", path, "").status)
	require.Equal(t, 204, h.call("DELETE", "/_sandbox/tokens", "").status)
	require.Equal(t, 401, h.api("GET", path, "").status, "revoked")

	h.token = h.newToken()
	require.Equal(t, 200, h.api("GET", path, "").status)
	ahead.Store(int64(time.Minute))
	require.Equal(t, 401, h.api("GET", path, "").status, "expired")
}

func TestCreate_AnswersOnlyTheID(t *testing.T) {
	h := serve(t)
	a := h.api("POST", "/v1/identity-verifications",
		`{"setupId":"`+strings.ToUpper(testSetup)+`","successUrl":"https://example.test","language":null,"registration":{}}`)
	require.Equal(t, 201, a.status, "%s", a.body)
	require.Regexp(t, `^\{"id":"[0-9a-f-]{36}"\}$`, string(a.body))
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
}

func TestCreate_NoSetupsConfigured_AnyUUIDIsAccepted(t *testing.T) {
	h := serve(t, func(c *Config) { c.Setups = nil })
	a := h.api("POST", "/v1/identity-verifications", `{"setupId":"11111111-2222-4333-8444-555555555555"}`)
	require.Equal(t, 201, a.status)
}

func TestCreate_BadInput_GetsValidationProblemThatNamesTheMember(t *testing.T) {
	h := serve(t)
	with := func(members string) string { return `{"setupId":"` + testSetup + `",` + members + `}` }
	for _, tc := range []struct{ name, body, member string }{
		{"no setup", `{}`, "SetupId"},
		{"null setup", `{"setupId":null}`, "SetupId"},
		{"setup is no UUID", `{"setupId":"abc"}`, "$.setupId"},
		{"setup without dashes", `{"setupId":"7d1f6f0a8f534a7e9a550b6f1f7c2f11"}`, "$.setupId"},
		{"setup is a number", `{"setupId":1}`, "$.setupId"},
		{"foreign setup", `{"setupId":"11111111-2222-4333-8444-555555555555"}`, "SetupId"},
		{"long reference", with(`"externalReferenceId":"` + strings.Repeat("ž", 49) + `"`), "ExternalReferenceId"},
		{"reference is a number", with(`"externalReferenceId":1`), "$.externalReferenceId"},
		{"registration is a list", with(`"registration":[]`), "$.registration"},
		{"birth date", with(`"registration":{"dateOfBirth":"17.04.1991"}`), "$.registration.dateOfBirth"},
		{"phone is a string", with(`"registration":{"phoneNumber":"37060000001"}`), "$.registration.phoneNumber"},
		{"phone is a fraction", with(`"registration":{"phoneNumber":1.5}`), "$.registration.phoneNumber"},
		{"phone is negative", with(`"registration":{"phoneNumber":-1}`), "$.registration.phoneNumber"},
		{"email", with(`"registration":{"email":"nobody"}`), "Registration.Email"},
		{"country", with(`"registration":{"countryCode":"LTU"}`), "Registration.CountryCode"},
		{"long name", with(`"registration":{"firstName":"` + strings.Repeat("a", 257) + `"}`), "Registration.FirstName"},
		{"name is an object", with(`"registration":{"firstName":{}}`), "$.registration.firstName"},
		{"unknown script", with(`"registration":{"lastName":"AutoAprove"}`), "Registration.LastName"},
		{"unknown reason", with(`"registration":{"lastName":"AutoReject-Nonsense"}`), "Registration.LastName"},
		{"critical retry", with(`"registration":{"lastName":"AutoRejectThenApprove-Sanctioned"}`), "Registration.LastName"},
		{"face authentication", with(`"faceAuthentication":{}`), "$.faceAuthentication.identityVerificationId"},
		{"no JSON", `{"setupId"`, "$"},
		{"null", `null`, "$"},
		{"a list", `[]`, "$"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := h.api("POST", "/v1/identity-verifications", tc.body)
			require.Equal(t, 400, a.status, "%s", a.body)
			require.Equal(t, "application/problem+json; charset=utf-8", a.header.Get("Content-Type"))
			p := a.decode(t)
			require.Equal(t, "One or more validation errors occurred.", p["title"])
			require.EqualValues(t, 400, p["status"])
			require.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`, p["traceId"])
			require.Contains(t, p["errors"], tc.member)
		})
	}
	require.Equal(t, 201, h.api("POST", "/v1/identity-verifications", with(`"externalReferenceId":"`+strings.Repeat("ž", 48)+`"`)).status)
	require.Equal(t, 413, h.api("POST", "/v1/identity-verifications", with(`"x":"`+strings.Repeat("a", maxBody)+`"`)).status)
	require.Equal(t, 415, h.call("POST", "/v1/identity-verifications", "a=b", "Authorization", "Bearer "+h.token, "Content-Type", "text/plain").status)
	require.Equal(t, 404, h.api("GET", "/v1/identity-verifications/nonsense", "").status)
	require.Equal(t, 404, h.api("GET", "/v1/identifications/"+testSetup, "").status)
	require.Equal(t, 405, h.api("DELETE", "/v1/identity-verifications", "").status)
	require.Equal(t, 404, h.api("GET", "/v2", "").status)
}

const fullRegistration = `{"firstName":"Ona","middleName":"Rūta","lastName":"Pavyzdė","dateOfBirth":"1991-04-17","email":"ona@example.test",` +
	`"phoneNumber":37060000001,"personalCode":"49104170000","countryCode":"LV","unknown":1}`

var trimmedTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z$`)

func TestVerification_WireForm_FollowsTheRun(t *testing.T) {
	h := serve(t)
	id := h.create(fullRegistration)
	get := func() map[string]any {
		a := h.api("GET", "/v1/identity-verifications/"+strings.ToUpper(id), "")
		require.Equal(t, 200, a.status)
		require.NotContains(t, string(a.body), "null")
		return a.decode(t)
	}
	v := get()
	require.Equal(t, "Pending", v["status"])
	require.Equal(t, DefaultApplicationID, v["applicationId"])
	require.Equal(t, "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001", v["externalReferenceId"])
	require.Equal(t, map[string]any{}, v["step"], "nothing before the customer starts")
	require.NotContains(t, v, "statusReason")
	require.NotContains(t, v, "redaction")
	require.Regexp(t, trimmedTime, v["createdUtc"])
	require.Equal(t, testSetup, v["setup"].(map[string]any)["id"])
	require.Equal(t, map[string]any{"firstName": "Ona", "middleName": "Rūta", "lastName": "Pavyzdė", "dateOfBirth": "1991-04-17",
		"email": "ona@example.test", "phoneNumber": 37060000001.0, "personalCode": "49104170000", "countryCode": "LV"}, v["registration"])

	h.act(id, "start")
	require.Equal(t, "InProgress", get()["status"])
	h.act(id, "consent")
	step := get()["step"].(map[string]any)
	require.Equal(t, true, step["consent"].(map[string]any)["isConsented"])
	require.Regexp(t, trimmedTime, step["consent"].(map[string]any)["consentedUtc"])
	require.NotContains(t, step["kycIdentification"], "isSuccess")
	kyc := "/v1/identifications/" + step["kycIdentification"].(map[string]any)["id"].(string)
	a := h.api("GET", kyc, "")
	require.Equal(t, 200, a.status)
	k := a.decode(t)
	require.Equal(t, "Awaiting", k["status"])
	for _, absent := range []string{"statusReason", "document", "face", "completedUtc", "externalReferenceId"} {
		require.NotContains(t, k, absent)
	}
	require.Equal(t, []any{}, k["rules"])
	require.Equal(t, id, k["identityVerificationId"])

	h.act(id, `submit {"documentType":"Passport"}`, `approve {"automatic":true}`)
	v = get()
	require.Equal(t, "Completed", v["status"])
	require.Equal(t, true, v["step"].(map[string]any)["kycIdentification"].(map[string]any)["isSuccess"])
	a = h.api("GET", kyc, "")
	require.NotContains(t, string(a.body), "null")
	k = a.decode(t)
	require.Equal(t, "Approved", k["status"])
	require.Equal(t, "AutomaticallyIdentified", k["statusReason"])
	require.Equal(t, false, k["isCrossChecked"])
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, k["completedUtc"])
	require.NotEqual(t, testSetup, k["setup"].(map[string]any)["id"], "the KYC setup is another one")
	d := k["document"].(map[string]any)
	require.Equal(t, "ONA RUTA PAVYZDE", d["fullName"])
	require.Equal(t, "ONA RUTA", d["firstName"], "the middle name is in the first name")
	require.Equal(t, "LVA", d["countryIso3"])
	require.Equal(t, "1991-04-17", d["dateOfBirth"])
	require.Equal(t, "49104170000", d["personalCode"])
	file := d["files"].([]any)[0].(map[string]any)
	require.Equal(t, "DataPage", file["part"])
	require.Regexp(t, `^[0-9a-f]{32}_datapage_\d{9}\.jpeg$`, file["fileName"])
	require.Equal(t, "Age30AndOver", k["face"].(map[string]any)["ageEstimation"])
	require.Contains(t, k["rules"], map[string]any{"name": "DocumentNotExpired", "status": "Success"})
	require.Equal(t, []any{map[string]any{"name": "DocumentManipulation", "status": "Success"}}, k["fraudChecks"])
	require.Equal(t, []any{}, k["registries"])
	require.Equal(t, []any{}, k["scores"])
}

func TestIdentification_ReferenceSwitch(t *testing.T) {
	h := serve(t, func(c *Config) { c.ReferenceInIdentifications = true })
	id := h.create("")
	h.act(id, "start", "consent")
	a := h.api("GET", "/v1/identifications/"+h.session(id).IdentificationID, "")
	require.Equal(t, "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001", a.decode(t)["externalReferenceId"])
}

func TestIdentification_Rejected_RecordFitsTheReason(t *testing.T) {
	h := serve(t)
	for _, reason := range Reasons() {
		t.Run(reason.Name, func(t *testing.T) {
			id := h.create(fullRegistration)
			h.act(id, "start", "consent", "submit", `reject {"reason":"`+reason.Name+`"}`)
			s := h.session(id)
			require.Equal(t, reason.Name, s.IdentificationReason)
			want := "InProgress"
			if reason.Critical {
				want = "Completed"
			}
			require.Equal(t, want, s.Status)
			k := h.api("GET", "/v1/identifications/"+s.IdentificationID, "").decode(t)
			require.Equal(t, "Rejected", k["status"])
			require.Equal(t, reason.Name, k["statusReason"])
			require.Equal(t, true, k["isCrossChecked"], "a person rejected")
			rules := k["rules"].([]any)
			if rule := failingRule[reason.Name]; rule != "" {
				require.Contains(t, rules, map[string]any{"name": rule, "status": "Fail"})
			}
			d := k["document"].(map[string]any)
			if reason.Name == "BlurredPhoto" {
				require.ElementsMatch(t, []string{"type", "mrzVerified", "files", "ocrValidations"}, keys(d), "sparse")
			}
			if reason.Name == "DocumentIsExpired" {
				require.Less(t, d["dateOfExpiration"], time.Now().Format(time.DateOnly))
			}
		})
	}
}

func TestSetup_AndLocalisation(t *testing.T) {
	h := serve(t, func(c *Config) { c.PublicURL = "https://idv.example.test/"; c.Live = true })
	id := h.create("")
	path := "/v1/identity-verifications/" + id
	a := h.api("PUT", path+"/setup-localisations", `{"defaultLanguage":"en-GB","localisationSettings":[{"language":"en-GB","pageTitle":"Example",`+
		`"successRedirectUrl":"https://shop.example.test/ok","failureRedirectUrl":"https://shop.example.test/no","consentDeclinedRedirectUrl":"https://shop.example.test/declined"}]}`)
	require.Equal(t, 204, a.status, "%s", a.body)
	require.Empty(t, a.body)
	setup := h.api("GET", path+"/setup", "").decode(t)
	require.Equal(t, true, setup["isLive"])
	require.Equal(t, "https://idv.example.test", setup["webAppSetting"].(map[string]any)["baseUrl"])
	require.Equal(t, "Example", setup["webAppSetting"].(map[string]any)["defaultLocalisationSetting"].(map[string]any)["pageTitle"])
	step := setup["steps"].([]any)[0].(map[string]any)
	require.Equal(t, "KycIdentification", step["type"])

	h.act(id, "start", "consent")
	kyc := h.api("GET", "/v1/identifications/"+h.session(id).IdentificationID+"/setup", "").decode(t)
	require.Equal(t, step["setupId"], kyc["id"])
	require.Equal(t, false, kyc["face"].(map[string]any)["activeLivenessEnabled"])

	for _, body := range []string{`{}`, `{"defaultLanguage":"en-GB"}`, `{"defaultLanguage":"en-GB","localisationSettings":{}}`,
		`{"defaultLanguage":"en-GB","localisationSettings":[1]}`, `{"defaultLanguage":"en-GB","localisationSettings":[{"language":"lt-LT"}]}`,
		`{"defaultLanguage":"en-GB","localisationSettings":[{"language":"en-GB","successRedirectUrl":"javascript:alert(1)"}]}`} {
		require.Equal(t, 400, h.api("PUT", path+"/setup-localisations", body).status, body)
	}
	require.Equal(t, 404, h.api("PUT", "/v1/identity-verifications/"+testSetup+"/setup-localisations",
		`{"defaultLanguage":"en","localisationSettings":[{"language":"en"}]}`).status)
}

func TestRedact_RemovesDataAndTellsProgress(t *testing.T) {
	h := serve(t)
	h.clock(`{"scale":0}`)
	id := h.create(fullRegistration)
	h.act(id, "start", "consent", "submit", "approve")
	path := "/v1/identity-verifications/" + id
	for _, body := range []string{`{}`, `{"scope":"Everything"}`, `{"scope":1}`} {
		require.Equal(t, 400, h.api("PUT", path+"/redact", body).status, body)
	}
	require.Equal(t, 404, h.api("PUT", "/v1/identity-verifications/"+testSetup+"/redact", `{"scope":"PersonalData"}`).status)
	for _, scope := range []string{scopePersonal, scopeBiometric} {
		require.Equal(t, 204, h.api("PUT", path+"/redact", `{"scope":"`+scope+`"}`).status)
	}
	first := h.api("GET", path, "").decode(t)["redaction"].([]any)[0].(map[string]any)
	require.Equal(t, "InProgress", first["status"])
	require.Equal(t, "OnDemand", first["source"])
	require.NotContains(t, first, "completedUtc")
	h.clock(`{"advance":"1s"}`)
	v := h.api("GET", path, "").decode(t)
	require.NotContains(t, v, "registration")
	for i, scope := range []string{scopePersonal, scopeBiometric} {
		r := v["redaction"].([]any)[i].(map[string]any)
		require.Equal(t, "Completed", r["status"])
		require.Equal(t, scope, r["scope"])
		require.Equal(t, "app.example", r["clientId"])
	}
	k := h.api("GET", "/v1/identifications/"+h.session(id).IdentificationID, "")
	require.NotContains(t, string(k.body), "PAVYZDE")
	require.NotContains(t, k.decode(t), "face")
	require.NotContains(t, string(h.api("GET", path+"/webhooks", "").body), "Pavyzd")
	require.NotContains(t, string(h.api("GET", path+"/webhooks", "").body), "PAVYZDE")
}

func keys(m map[string]any) []string {
	list := []string{}
	for k := range m {
		list = append(list, k)
	}
	return list
}
