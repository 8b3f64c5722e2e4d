package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// faulty runs a whole session with webhook faults on and returns what arrived.
func faulty(t *testing.T, faults string, want int) (*hand, *receiver, string) {
	t.Helper()
	r := receive(t, nil)
	h := serve(t, r.to)
	h.faults(faults)
	id := h.create("")
	h.act(id, wholeRun...)
	eventually(t, func() bool { return len(r.all()) == want }, fmt.Sprintf("%d webhooks", want))
	return h, r, id
}

func TestFault_Drop(t *testing.T) {
	h, r, id := faulty(t, `{"webhooks":{"drop":{"count":1,"only":["KycIdentification.Approved"]}}}`, 5)
	require.NotContains(t, r.types(), eventApproved)
	d := h.deliveries("session=" + id + "&state=dropped")
	require.Len(t, d, 1)
	require.Equal(t, eventApproved, d[0].Type)
	require.Contains(t, d[0].Why, "fault")
	require.Contains(t, string(h.api("GET", "/v1/identity-verifications/"+id+"/webhooks", "").body), `"isDelivered":false`)
}

func TestFault_Duplicate_SameID(t *testing.T) {
	h, r, id := faulty(t, `{"webhooks":{"duplicate":{"count":1,"copies":2}}}`, 8)
	require.Equal(t, r.all()[0].body, r.all()[1].body)
	require.Equal(t, r.all()[0].body, r.all()[2].body)
	history := h.api("GET", "/v1/identity-verifications/"+id+"/webhooks", "")
	require.Equal(t, 6, strings.Count(string(history.body), `"isDelivered"`), "one record per webhook")
}

func TestFault_NewID_SameState(t *testing.T) {
	_, r, _ := faulty(t, `{"webhooks":{"newId":{"count":1}}}`, 7)
	a, b := r.all()[0], r.all()[1]
	require.NotEqual(t, a.hook.ID, b.hook.ID)
	require.Equal(t, a.hook.Payload, b.hook.Payload)
}

func TestFault_Delay_OnVirtualTime(t *testing.T) {
	h, r, _ := faulty(t, `{"webhooks":{"delay":{"count":1,"by":"1h"}}}`, 5)
	require.Equal(t, wholeRunTypes[1:], r.types())
	h.clock(`{"advance":"1h"}`)
	eventually(t, func() bool { return len(r.all()) == 6 }, "the late one")
	require.Equal(t, eventStatusChanged, r.types()[5])
	require.Less(t, r.all()[5].hook.CreatedUTC, r.all()[0].hook.CreatedUTC, "its createdUtc is that of the event")
}

func TestFault_Reorder_OvertakenByTheNext(t *testing.T) {
	_, r, _ := faulty(t, `{"webhooks":{"reorder":{"count":1,"only":["KycIdentification.Processed"]}}}`, 6)
	require.Equal(t, []string{eventStatusChanged, eventConsented, eventCreated, eventApproved, eventProcessed, eventStatusChanged}, r.types())
}

func TestFault_Reorder_NothingFollows_ComesByItself(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to)
	h.clock(`{"scale":0}`)
	h.faults(`{"webhooks":{"reorder":{"count":1}}}`)
	id := h.create("")
	h.act(id, "expire")
	require.Equal(t, deliveryPending, h.deliveries("")[0].State)
	h.clock(`{"advance":"6s"}`)
	eventually(t, func() bool { return len(r.all()) == 1 }, "released")
}

func TestFault_PascalCaseEnvelope_PayloadStays(t *testing.T) {
	_, r, _ := faulty(t, `{"webhooks":{"pascalCase":{"count":1}}}`, 6)
	require.Regexp(t, `^\{"Id":"[0-9a-f-]{36}","ApplicationId":"[0-9a-f-]{36}","CreatedUtc":"[^"]+\.\d{7}Z","Type":"IdentityVerification.StatusChanged","Payload":\{"id":`,
		string(r.all()[0].body))
	require.Regexp(t, `^\{"id":`, string(r.all()[1].body))
}

func TestFault_OldNames(t *testing.T) {
	_, r, _ := faulty(t, `{"webhooks":{"oldNames":{"probability":1}}}`, 6)
	require.Equal(t, []string{"Idv.StatusChanged", "Idv.Consented", eventCreated, eventProcessed, eventApproved, "Idv.StatusChanged"}, r.types())
}

func TestFault_SwitchedOff(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to)
	h.faults(`{"webhooks":{"drop":{"probability":1}},"api":{"unavailable":{"probability":1}}}`)
	require.Equal(t, 200, h.call("DELETE", "/_sandbox/faults", "").status)
	h.act(h.create(""), wholeRun...)
	eventually(t, func() bool { return len(r.all()) == 6 }, "all six")
}

func TestFault_Seeded_IsRepeatable(t *testing.T) {
	strikes := func(seed string) string {
		h := serve(t)
		h.faults(`{"seed":` + seed + `,"webhooks":{"drop":{"probability":0.5},"duplicate":{"probability":0.5}}}`)
		for range 5 {
			h.act(h.create(""), wholeRun...)
		}
		var b strings.Builder
		for _, d := range h.deliveries("") {
			fmt.Fprint(&b, d.Type, d.Why, ";")
		}
		return b.String()
	}
	require.Equal(t, strikes("1"), strikes("1"))
	require.NotEqual(t, strikes("1"), strikes("2"))
}

func TestFault_API(t *testing.T) {
	h := serve(t)
	id := h.create("")
	path := "/v1/identity-verifications/" + id
	for _, tc := range []struct {
		fault, retryAfter string
		status            int
	}{
		{`"tooManyRequests":{"count":1,"retryAfter":"2500ms"}`, "3", 429},
		{`"unavailable":{"count":1}`, "1", 503},
		{`"internalError":{"count":1}`, "", 500},
	} {
		h.faults(`{"api":{` + tc.fault + `}}`)
		a := h.api("GET", path, "")
		require.Equal(t, tc.status, a.status)
		require.Equal(t, tc.retryAfter, a.header.Get("Retry-After"))
		require.Equal(t, 200, h.api("GET", path, "").status, "only the next one")
		require.Contains(t, string(h.call("GET", "/_sandbox/faults", "").body), `"fired":1`)
	}
	h.faults(`{"api":{"unavailable":{"probability":1,"only":["create"]}}}`)
	require.Equal(t, 200, h.api("GET", path, "").status)
	require.Equal(t, 503, h.api("POST", "/v1/identity-verifications", `{}`).status)
	h.faults(`{"api":{"internalError":{"count":1,"only":["token"]}}}`)
	require.Equal(t, 500, h.tokenCall(clientForm()).status)
}

func TestFault_Slow(t *testing.T) {
	h := serve(t)
	id := h.create("")
	h.faults(`{"api":{"slow":{"count":1,"by":"80ms"}}}`)
	start := time.Now()
	require.Equal(t, 200, h.api("GET", "/v1/identity-verifications/"+id, "").status)
	require.GreaterOrEqual(t, time.Since(start), 80*time.Millisecond)
}

func TestFault_TimeoutAfterCreate_SessionStandsAnswerNeverComes(t *testing.T) {
	h := serve(t)
	h.token = h.newToken()
	h.faults(`{"api":{"timeoutAfterCreate":{"count":1}}}`)
	_, err := h.try("POST", "/v1/identity-verifications", `{"setupId":"`+testSetup+`","externalReferenceId":"orphan"}`, "Authorization", "Bearer "+h.token)
	require.Error(t, err)
	a := h.call("GET", "/_sandbox/sessions?externalReferenceId=ORPHAN", "").decode(t)
	require.EqualValues(t, 1, a["total"])
	require.Equal(t, 201, h.api("POST", "/v1/identity-verifications", `{"setupId":"`+testSetup+`"}`).status)
}

func TestFault_TableOfBadInput(t *testing.T) {
	h := serve(t)
	for _, tc := range []struct{ body, names string }{
		{`{"webhooks":{"explode":{"count":1}}}`, "webhooks.explode"},
		{`{"webhooks":{"drop":{"count":-1}}}`, "webhooks.drop"},
		{`{"webhooks":{"drop":{"probability":1.5}}}`, "webhooks.drop"},
		{`{"webhooks":{"drop":{"probability":0.5,"count":1}}}`, "webhooks.drop"},
		{`{"webhooks":{"drop":{"count":1,"only":["Nonsense"]}}}`, "Nonsense"},
		{`{"webhooks":{"drop":{"often":1}}}`, "often"},
		{`{"webhooks":{"drop":{"count":"1"}}}`, "count"},
		{`{"webhooks":[]}`, "webhooks"},
		{`{"webhooks":{"delay":{"count":1,"by":"soon"}}}`, "webhooks.delay"},
		{`{"webhooks":{"duplicate":{"count":1,"copies":11}}}`, "copies"},
		{`{"api":{"slow":{"count":1,"by":"1h"}}}`, "api.slow"},
		{`{"api":{"tooManyRequests":{"count":1,"retryAfter":"-1s"}}}`, "retryAfter"},
		{`{"api":{"slow":{"only":["fly"]}}}`, "fly"},
		{`{"seed":-1}`, "seed"},
		{`{"weather":{}}`, "weather"},
		{`[]`, "object"},
	} {
		a := h.call("PUT", "/_sandbox/faults", tc.body)
		require.Equal(t, 400, a.status, tc.body)
		require.Contains(t, string(a.body), tc.names, tc.body)
	}
	h.faults(`{"webhooks":{"drop":null}}`)
}
