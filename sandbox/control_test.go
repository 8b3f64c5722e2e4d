package sandbox

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestConfig_AllProblemsAtOnce_ByField(t *testing.T) {
	err := Config{
		ApplicationID: "x", Setups: []string{"y"}, WebhookURL: "ftp://example.test", TimeScale: -1, TokenLifetime: 1500, StepDelay: -1, DecisionDelay: -1,
		DeliveryTimeout: -1, ReferenceLimit: -1, MaxInFlight: -1, MaxDeliveries: -1, MaxSessions: -1, AutoDecision: "reject:Nonsense", PublicURL: "here",
	}.Validate()
	for _, field := range []string{"ClientID", "ClientSecret", "ApplicationID", "Setups[0]", "WebhookURL", "WebhookAuth.Scheme", "TimeScale", "TokenLifetime",
		"StepDelay", "DecisionDelay", "DeliveryTimeout", "ReferenceLimit", "MaxInFlight", "MaxDeliveries", "MaxSessions", "AutoDecision", "PublicURL"} {
		require.ErrorContains(t, err, field)
	}
	_, err = New(Config{})
	require.ErrorContains(t, err, "ClientSecret")
}

func TestConfig_WebhookAuth_NamesWhatTheSchemeNeeds(t *testing.T) {
	for scheme, fields := range map[string][]string{
		SchemeBasic: {"Username", "Password"}, SchemeOAuth2: {"ClientID", "ClientSecret", "TokenURL"}, SchemeHMAC: {"Secret"}, "digest": {"Scheme"},
	} {
		err := testConfig(func(c *Config) { c.WebhookURL = "http://localhost/x"; c.WebhookAuth.Scheme = scheme }).Validate()
		for _, field := range fields {
			require.ErrorContains(t, err, "WebhookAuth."+field)
		}
	}
	require.NoError(t, testConfig().Validate())
	require.ErrorContains(t, testConfig(func(c *Config) {
		c.WebhookAuth = WebhookAuth{Scheme: SchemeBasic, Username: "a:b", Password: "c"}
	}).Validate(), "colon")
}

func TestControl_ActionsThatDoNotFit_Are409WithTheReason(t *testing.T) {
	h := serve(t)
	id := h.create("")
	a := h.call("POST", "/_sandbox/sessions/"+id+"/approve", "")
	require.Equal(t, 409, a.status)
	require.Contains(t, string(a.body), "no submitted identification")
	require.Equal(t, "Pending", h.session(id).Status)
	require.ElementsMatch(t, []string{actStart, actExpire}, h.session(id).Allowed)
}

func TestControl_TableOfBadInput(t *testing.T) {
	h := serve(t)
	id := h.create("")
	h.act(id, "start", "consent")
	on := "/_sandbox/sessions/" + id
	for _, tc := range []struct {
		method, path, body string
		status             int
		names              string
	}{
		{"POST", on + "/dance", "", 404, "decline-consent"},
		{"POST", "/_sandbox/sessions/" + testSetup + "/start", "", 404, "no such session"},
		{"GET", "/_sandbox/sessions/nonsense", "", 404, ""},
		{"POST", on + "/reject", "", 400, "reason"},
		{"POST", on + "/reject", `{"reason":"Nonsense"}`, 400, "reasons"},
		{"POST", on + "/reject", `{"reason":1}`, 400, "reason"},
		{"POST", on + "/reject", `{"reason":"BlurredPhoto","final":"yes"}`, 400, "final"},
		{"POST", on + "/approve", `{"reason":"BlurredPhoto"}`, 400, "reason"},
		{"POST", on + "/submit", `{"documentType":"Library"}`, 400, "documentType"},
		{"POST", on + "/submit", `{"decision":"perhaps"}`, 400, "decision"},
		{"POST", on + "/update", `{"document":{"files":"x"}}`, 400, "document.files"},
		{"POST", on + "/update", `{"document":{"lastName":1}}`, 400, "document"},
		{"POST", on + "/update", `{"document":{"lastName":"` + strings.Repeat("a", 257) + `"}}`, 400, "document.lastName"},
		{"POST", on + "/submit", `{`, 400, "$"},
		{"GET", "/_sandbox/sessions?limit=0", "", 400, "limit"},
		{"GET", "/_sandbox/sessions?limit=x", "", 400, "limit"},
		{"GET", "/_sandbox/sessions?offset=-1", "", 400, "offset"},
		{"GET", "/_sandbox/sessions?status=Odd", "", 400, "status"},
		{"GET", "/_sandbox/deliveries?state=odd", "", 400, "state"},
		{"GET", "/_sandbox/deliveries?type=odd", "", 400, "type"},
		{"GET", "/_sandbox/deliveries?limit=-1", "", 400, "limit"},
	} {
		t.Run(tc.method+" "+tc.path+" "+tc.body[:min(len(tc.body), 40)], func(t *testing.T) {
			a := h.call(tc.method, tc.path, tc.body)
			require.Equal(t, tc.status, a.status, "%s", a.body)
			require.Equal(t, "application/problem+json; charset=utf-8", a.header.Get("Content-Type"))
			require.Contains(t, string(a.body), tc.names)
		})
	}
	require.Equal(t, 415, h.call("POST", on+"/submit", "x", "Content-Type", "text/plain").status)
}

func TestControl_OtherWebSites_AreRefused(t *testing.T) {
	h := serve(t)
	id := h.create("")
	path := "/_sandbox/sessions/" + id + "/start"
	require.Equal(t, 403, h.call("POST", path, "", "Origin", "https://evil.example").status)
	require.Equal(t, 403, h.call("POST", path, "", "Origin", "null").status)
	require.Equal(t, 403, h.call("POST", path, "", "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, 200, h.call("POST", path, "", "Origin", h.server.URL, "Sec-Fetch-Site", "same-origin").status)
}

func TestControl_ListsTheTruth_NewestFirst(t *testing.T) {
	h := serve(t)
	first := h.create("")
	second := h.create("")
	h.act(first, "start", "consent", "submit", `reject {"reason":"NameMismatch","final":true}`)
	a := h.call("GET", "/_sandbox/sessions", "").decode(t)
	list := a["sessions"].([]any)
	require.EqualValues(t, 2, a["total"])
	require.Equal(t, second, list[0].(map[string]any)["id"])
	s := list[1].(map[string]any)
	require.Equal(t, "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001", s["externalReferenceId"])
	require.Equal(t, "Completed", s["status"])
	require.Equal(t, "Rejected", s["identificationStatus"])
	require.Equal(t, "NameMismatch", s["identificationReason"])
	require.Equal(t, h.server.URL+"/?id="+first, s["link"])
	history := s["history"].([]any)
	require.Len(t, history, 7)
	last := history[6].(map[string]any)
	require.Equal(t, "Completed", last["status"])
	require.Regexp(t, `\.\d{7}Z$`, last["atUtc"])

	require.EqualValues(t, 1, h.call("GET", "/_sandbox/sessions?status=Pending", "").decode(t)["total"])
	page := h.call("GET", "/_sandbox/sessions?limit=1&offset=1", "").decode(t)
	require.EqualValues(t, 2, page["total"])
	require.Equal(t, first, page["sessions"].([]any)[0].(map[string]any)["id"])
}

func TestControl_Submit_WithDecision_IsDecidedByItself(t *testing.T) {
	h := serve(t)
	h.clock(`{"scale":0}`)
	id := h.create("")
	h.act(id, "start", "consent", `submit {"decision":"reject:BlurredPhoto"}`)
	require.NotEmpty(t, h.session(id).DecisionUTC)
	h.clock(`{"advance":"3s"}`)
	require.Equal(t, "Rejected", h.session(id).IdentificationStatus)
	h.act(id, "resubmit", `submit {"decision":"approve"}`, "approve")
	require.Empty(t, h.session(id).DecisionUTC, "decided already")
	require.Equal(t, reasonManual, h.session(id).IdentificationReason)
}

func TestHealth(t *testing.T) {
	h := serve(t)
	a := h.call("GET", "/healthz", "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "ok", a.decode(t)["status"])
}

func TestOpenAPI_DescribesExactlyTheControlRoutes(t *testing.T) {
	h := serve(t)
	a := h.call("GET", "/_sandbox/openapi.yaml", "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "application/yaml; charset=utf-8", a.header.Get("Content-Type"))
	var doc struct {
		OpenAPI string                    `yaml:"openapi"`
		Paths   map[string]map[string]any `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal(a.body, &doc))
	require.Equal(t, "3.1.0", doc.OpenAPI)
	described := []string{}
	for path, item := range doc.Paths {
		for method := range item {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	pages := []string{"GET /_sandbox", "GET /_sandbox/", "GET /_sandbox/assets/{name}"}
	served := []string{}
	for _, r := range h.sb.handler.(*gin.Engine).Routes() {
		path := strings.NewReplacer(":id", "{id}", ":action", "{action}", ":name", "{name}").Replace(r.Path)
		if route := r.Method + " " + path; (strings.HasPrefix(path, "/_sandbox") || path == "/healthz") && !slices.Contains(pages, route) {
			served = append(served, route)
		}
	}
	require.ElementsMatch(t, served, described)
	raw, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	for _, word := range slices.Concat(allActions, webhookFaults, apiFaults, operations, eventTypes) {
		require.Contains(t, string(raw), word)
	}
	for _, sc := range scripts {
		require.Contains(t, string(raw), "`"+sc.name)
	}
}

func TestPages_AreServedWithStrictPolicy(t *testing.T) {
	h := serve(t)
	for path, kind := range map[string]string{
		"/?id=x": "text/html", "/_sandbox/": "text/html", "/_sandbox/assets/sandbox.css": "text/css", "/_sandbox/assets/customer.js": "text/javascript",
		"/_sandbox/assets/office.js": "text/javascript", "/_sandbox/assets/dom.js": "text/javascript", "/_sandbox/assets/pictures.js": "text/javascript",
		"/_sandbox/assets/icon.svg": "image/svg+xml",
	} {
		a := h.call("GET", path, "")
		require.Equal(t, 200, a.status, path)
		require.True(t, strings.HasPrefix(a.header.Get("Content-Type"), kind), path)
		policy := a.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.NotContains(t, policy, "unsafe")
		require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		body := string(a.body)
		for _, outside := range []string{`src="http`, `href="http`, "@import", "url(http", " style=", "onclick=", "innerHTML"} {
			require.NotContains(t, body, outside, path)
		}
	}
	for _, path := range []string{"/_sandbox/assets/none.css", "/_sandbox/assets/office.html", "/_sandbox/assets/..%2Fdoc.go"} {
		require.Equal(t, 404, h.call("GET", path, "").status, path)
	}
	redirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := redirect.Get(h.server.URL + "/_sandbox")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "/_sandbox/", resp.Header.Get("Location"))
}

func TestPage_WholeRun_WithEachChoice(t *testing.T) {
	for _, tc := range []struct{ choice, stage, status string }{
		{"", stageApproved, "Completed"},
		{"approve", stageApproved, "Completed"},
		{"reject:BlurredPhoto", stageRetry, "InProgress"},
		{"reject:PossibleFraudAttempt", stageRejected, "Completed"},
		{"manual", stageProcessing, "InProgress"},
	} {
		t.Run(tc.choice, func(t *testing.T) {
			h := serve(t)
			h.clock(`{"scale":0}`)
			id := h.create("")
			page := "/_sandbox/page/sessions/" + id
			see := func(a answer) map[string]any {
				t.Helper()
				require.Equal(t, 200, a.status, "%s", a.body)
				return a.decode(t)
			}
			require.Equal(t, stageWelcome, see(h.call("GET", page, ""))["stage"])
			if tc.choice != "" {
				require.Equal(t, tc.choice, see(h.call("POST", page+"/choose", `{"decision":"`+tc.choice+`"}`))["decision"])
			}
			require.Equal(t, stageConsent, see(h.call("POST", page+"/start", ""))["stage"])
			require.Equal(t, stageCapture, see(h.call("POST", page+"/consent", ""))["stage"])
			require.Equal(t, stageProcessing, see(h.call("POST", page+"/submit", `{"documentType":"DriverLicense"}`))["stage"])
			h.clock(`{"advance":"2100ms"}`)
			v := see(h.call("GET", page, ""))
			require.Equal(t, tc.stage, v["stage"])
			require.Equal(t, tc.status, h.session(id).Status)
			if tc.stage == stageRetry {
				require.Contains(t, v["advice"], "blurred")
				require.Equal(t, stageCapture, see(h.call("POST", page+"/resubmit", ""))["stage"])
			}
			if tc.stage == stageRejected {
				require.NotContains(t, v, "advice", "critical reasons are not told")
			}
		})
	}
}

func TestPage_CanOnlyDoWhatACustomerCan(t *testing.T) {
	h := serve(t)
	id := h.create("")
	page := "/_sandbox/page/sessions/" + id
	for _, action := range []string{"approve", "reject", "expire", "update", "dance"} {
		require.Equal(t, 404, h.call("POST", page+"/"+action, "").status, action)
	}
	require.Equal(t, 409, h.call("POST", page+"/submit", "").status)
	require.Equal(t, 400, h.call("POST", page+"/choose", `{"decision":"x"}`).status)
	require.Equal(t, 404, h.call("GET", "/_sandbox/page/sessions/"+testSetup, "").status)
}

func TestPage_ReturnAddress_FitsTheEnding(t *testing.T) {
	h := serve(t)
	for action, want := range map[string]string{"decline-consent": "https://a.example/declined", "abort": "https://a.example/no"} {
		id := h.create("")
		require.Equal(t, 204, h.api("PUT", "/v1/identity-verifications/"+id+"/setup-localisations", `{"defaultLanguage":"en-GB","localisationSettings":[
			{"language":"en-GB","successRedirectUrl":"https://a.example/yes","failureRedirectUrl":"https://a.example/no","consentDeclinedRedirectUrl":"https://a.example/declined"}]}`).status)
		h.act(id, "start")
		require.NotContains(t, h.call("GET", "/_sandbox/page/sessions/"+id, "").decode(t), "returnUrl")
		require.Equal(t, want, h.call("POST", "/_sandbox/page/sessions/"+id+"/"+action, "").decode(t)["returnUrl"])
	}
}
