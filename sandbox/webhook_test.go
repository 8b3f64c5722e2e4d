package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var wholeRun = []string{"start", "consent", "submit", "approve"}

var wholeRunTypes = []string{eventStatusChanged, eventConsented, eventCreated, eventProcessed, eventApproved, eventStatusChanged}

func TestWebhooks_WholeRun_TypicalOrderAndWireForm(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to)
	id := h.create(fullRegistration)
	h.act(id, wholeRun...)
	eventually(t, func() bool { return len(r.all()) == 6 }, "six webhooks")
	require.Equal(t, wholeRunTypes, r.types())

	envelopeForm := regexp.MustCompile(`^\{"id":"[0-9a-f-]{36}","applicationId":"` + DefaultApplicationID +
		`","createdUtc":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z","type":"[A-Za-z.]+","payload":\{.*\}\}$`)
	ids := map[string]bool{}
	var last time.Time
	for _, g := range r.all() {
		require.Regexp(t, envelopeForm, string(g.body))
		require.NotContains(t, string(g.body), "null")
		require.Equal(t, "application/json; charset=utf-8", g.header.Get("Content-Type"))
		ids[g.hook.ID] = true
		created := at(t, g.hook.CreatedUTC)
		require.True(t, created.After(last), "each has its own time, in order")
		last = created
		var payload map[string]any
		require.NoError(t, json.Unmarshal(g.hook.Payload, &payload))
		if strings.HasPrefix(g.hook.Type, "Kyc") {
			require.Equal(t, id, payload["identityVerificationId"])
			require.NotContains(t, payload, "externalReferenceId")
		} else {
			require.Equal(t, id, payload["id"])
			require.Equal(t, "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001", payload["externalReferenceId"])
		}
	}
	require.Len(t, ids, 6)
	all := r.all()
	require.Contains(t, string(all[0].body), `"status":"InProgress"`)
	require.Contains(t, string(all[4].body), `"status":"Approved","statusReason":"ManuallyIdentified","isCrossChecked":true`)
	require.Contains(t, string(all[5].body), `"status":"Completed"`)

	s := h.session(id)
	require.True(t, equalJSON(h.api("GET", "/v1/identity-verifications/"+id, "").body, all[5].hook.Payload), "the payload is what the GET returns")
	require.True(t, equalJSON(h.api("GET", "/v1/identifications/"+s.IdentificationID, "").body, all[4].hook.Payload))

	eventually(t, func() bool { return h.session(id).Webhooks.Delivered == 6 }, "the log knows")
	var history []map[string]any
	require.NoError(t, json.Unmarshal(h.api("GET", "/v1/identity-verifications/"+id+"/webhooks", "").body, &history))
	require.Len(t, history, 6)
	for i, record := range history {
		require.Equal(t, true, record["isDelivered"])
		require.Regexp(t, `\.\d{7}Z$`, record["deliveredUtc"])
		require.Equal(t, wholeRunTypes[i], record["type"])
	}
}

func TestWebhooks_OtherEndings(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to)
	expect := func(from int, types ...string) {
		t.Helper()
		eventually(t, func() bool { return len(r.all()) == from+len(types) }, strings.Join(types, " "))
		require.Equal(t, types, r.types()[from:])
	}
	id := h.create("")
	h.act(id, "start", "decline-consent")
	expect(0, eventStatusChanged, eventStatusChanged)
	require.Contains(t, string(r.all()[1].body), `"status":"Aborted"`)
	require.Contains(t, string(r.all()[1].body), `"isConsented":false`)

	id = h.create("")
	h.act(id, "expire")
	expect(2, eventStatusChanged)
	require.Contains(t, string(r.all()[2].body), `"status":"Expired"`)

	id = h.create("")
	h.act(id, "start", "consent", "submit", `reject {"reason":"Sanctioned"}`)
	expect(3, eventStatusChanged, eventConsented, eventCreated, eventProcessed, eventRejected, eventStatusChanged)
	require.Contains(t, string(r.all()[8].body), `"isSuccess":false`)

	h.act(id, "approve", `update {"document":{"lastName":"CHANGED"}}`)
	expect(9, eventApproved, eventUpdated)
	require.Contains(t, string(r.all()[10].body), `"lastName":"CHANGED"`)
}

func TestWebhooks_CompleteBeforeDecision_DecisionComesAfterwards(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to, func(c *Config) { c.CompleteBeforeDecision = true })
	id := h.create("")
	h.act(id, "start", "consent", "submit")
	eventually(t, func() bool { return len(r.all()) == 5 }, "completed")
	require.Contains(t, string(r.all()[4].body), `"status":"Completed"`)
	require.NotContains(t, string(r.all()[4].body), "isSuccess")
	h.act(id, `reject {"reason":"BlurredPhoto"}`)
	eventually(t, func() bool { return len(r.all()) == 6 }, "decided")
	require.Equal(t, eventRejected, r.types()[5])
}

func TestWebhookAuth_Basic(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to, func(c *Config) {
		c.WebhookAuth = WebhookAuth{Scheme: SchemeBasic, Username: "ondato", Password: "pass:word"}
	})
	h.act(h.create(""), "start")
	eventually(t, func() bool { return len(r.all()) == 1 }, "a webhook")
	require.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("ondato:pass:word")), r.all()[0].header.Get("Authorization"))
}

func TestWebhookAuth_HMAC_SignsEachAttemptAnew(t *testing.T) {
	r := receive(t, func(n int) int { return map[bool]int{true: 503, false: 200}[n == 1] })
	h := serve(t, r.to, func(c *Config) { c.WebhookAuth = WebhookAuth{Scheme: SchemeHMAC, Secret: "žodis"} })
	h.act(h.create(""), "start")
	eventually(t, func() bool { return len(r.all()) == 1 }, "a webhook")
	eventually(t, func() bool { return h.deliveries("")[0].NextUTC != "" }, "a retry is planned")
	h.clock(`{"advance":"1m"}`)
	eventually(t, func() bool { return len(r.all()) == 2 }, "the retry")
	form := regexp.MustCompile(`^t=(\d{10}), s=([0-9a-f]{64})$`)
	for _, g := range r.all() {
		parts := form.FindStringSubmatch(g.header.Get("Ondato-Signature"))
		require.Len(t, parts, 3, g.header.Get("Ondato-Signature"))
		mac := hmac.New(sha256.New, []byte("žodis"))
		mac.Write([]byte(parts[1]))
		mac.Write([]byte{'.'})
		mac.Write(g.body)
		require.Equal(t, hex.EncodeToString(mac.Sum(nil)), parts[2])
		seconds, err := strconv.ParseInt(parts[1], 10, 64)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), time.Unix(seconds, 0), time.Minute, "real time, whatever the virtual clock says")
	}
	require.Equal(t, r.all()[0].body, r.all()[1].body, "a redelivery repeats the body, and so the id")
}

func TestWebhookAuth_OAuth2_FetchesAndRenewsTheToken(t *testing.T) {
	var fetched atomic.Int32
	var refuse atomic.Bool
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		n := fetched.Add(1)
		_ = req.ParseForm()
		if refuse.Load() || req.PostForm.Get("grant_type") != "client_credentials" || req.PostForm.Get("client_id") != "id" || req.PostForm.Get("client_secret") != "secret" {
			w.WriteHeader(500)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"token-` + strconv.Itoa(int(n)) + `","token_type":"bearer","expires_in":3600}`))
	}))
	defer tokens.Close()
	r := receive(t, func(n int) int { return map[bool]int{true: 401, false: 200}[n == 3] })
	h := serve(t, r.to, func(c *Config) {
		c.WebhookAuth = WebhookAuth{Scheme: SchemeOAuth2, ClientID: "id", ClientSecret: "secret", TokenURL: tokens.URL}
	})
	id := h.create("")
	h.act(id, "start", "suspend")
	eventually(t, func() bool { return len(r.all()) == 2 }, "two webhooks")
	require.EqualValues(t, 1, fetched.Load(), "the token is kept")
	h.act(id, "resume") // the third request is refused: the token is renewed and the webhook sent again
	eventually(t, func() bool { return len(r.all()) == 4 }, "two more requests")
	require.Equal(t, "Bearer token-1", r.all()[2].header.Get("Authorization"))
	require.Equal(t, "Bearer token-2", r.all()[3].header.Get("Authorization"))
	eventually(t, func() bool { return h.session(id).Webhooks.Delivered == 3 }, "delivered in one attempt")

	refuse.Store(true)
	h.sb.world.courier.credentials.drop()
	h.act(id, "abort")
	eventually(t, func() bool { return len(h.deliveries("session=" + id)[0].Attempts) == 1 }, "an attempt")
	require.Contains(t, h.deliveries("session=" + id)[0].Attempts[0].Error, "the token endpoint answered 500")
}

func TestWebhookRetry_FollowsTheSchedule_UntilADayHasPassed(t *testing.T) {
	r := receive(t, func(int) int { return 503 })
	h := serve(t, r.to)
	h.clock(`{"scale":0}`)
	id := h.create("")
	h.act(id, "expire")
	for n := 1; ; n++ {
		eventually(t, func() bool { return len(h.deliveries("")[0].Attempts) == n }, "attempt "+strconv.Itoa(n))
		d := h.deliveries("")[0]
		if d.State != deliveryPending {
			require.Equal(t, deliveryDropped, d.State)
			require.Equal(t, "24 hours have passed", d.Why)
			require.Equal(t, 11, n, "10 s … 6 h and one of 12 h fit into a day")
			break
		}
		last := d.Attempts[n-1]
		require.Equal(t, 503, last.Status)
		wait := at(t, d.NextUTC).Sub(at(t, last.AtUTC))
		step := retrySteps[min(n, len(retrySteps))-1]
		require.GreaterOrEqual(t, wait, step)
		require.LessOrEqual(t, wait, step+step/20+time.Microsecond)
		h.clock(`{"advance":"` + (wait + time.Microsecond).String() + `"}`)
	}
	ids := map[string]bool{}
	for _, g := range r.all() {
		ids[g.hook.ID] = true
	}
	require.Len(t, ids, 1, "the same id on each redelivery")
	h.clock(`{"advance":"48h"}`)
	require.Len(t, r.all(), 11)
	history := h.api("GET", "/v1/identity-verifications/"+id+"/webhooks", "")
	require.Contains(t, string(history.body), `"isDelivered":false`)
	require.NotContains(t, string(history.body), "deliveredUtc")
}

func TestWebhookRetry_OnScaledTime_ComesByItself(t *testing.T) {
	r := receive(t, func(n int) int { return map[bool]int{true: 500, false: 202}[n <= 5] })
	h := serve(t, r.to, func(c *Config) { c.TimeScale = 5000 })
	id := h.create("")
	h.act(id, "expire")
	eventually(t, func() bool { return h.session(id).Webhooks.Delivered == 1 }, "delivered with the sixth attempt")
	attempts := h.deliveries("")[0].Attempts
	require.Len(t, attempts, 6)
	for i := 1; i < len(attempts); i++ {
		require.GreaterOrEqual(t, at(t, attempts[i].AtUTC).Sub(at(t, attempts[i-1].AtUTC)), retrySteps[i-1])
	}
}

func TestWebhookRetry_EventGridRule(t *testing.T) {
	for _, tc := range []struct {
		status  int
		dropped bool
	}{{400, true}, {401, true}, {403, true}, {404, true}, {413, true}, {302, false}, {409, false}, {429, false}, {500, false}} {
		for _, off := range []bool{false, true} {
			t.Run(strconv.Itoa(tc.status)+" switched off "+strconv.FormatBool(off), func(t *testing.T) {
				r := receive(t, func(int) int { return tc.status })
				h := serve(t, r.to, func(c *Config) { c.RetryClientErrors = off })
				h.act(h.create(""), "start")
				eventually(t, func() bool { return len(h.deliveries("")[0].Attempts) == 1 }, "an attempt")
				d := h.deliveries("")[0]
				if tc.dropped && !off {
					require.Equal(t, deliveryDropped, d.State)
					require.Contains(t, d.Why, strconv.Itoa(tc.status))
					return
				}
				require.Equal(t, deliveryPending, d.State)
				require.NotEmpty(t, d.NextUTC)
			})
		}
	}
}

func TestWebhookRetry_AnswerTooLate_TakesTheEventOffTheQueue(t *testing.T) {
	release := make(chan struct{})
	var calls atomic.Int32
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		calls.Add(1)
		<-release
	}))
	defer slow.Close()
	h := serve(t, func(c *Config) {
		c.WebhookURL, c.WebhookAuth, c.DeliveryTimeout = slow.URL, WebhookAuth{Scheme: SchemeNone}, 500*time.Millisecond
	})
	h.clock(`{"scale":0}`)
	h.act(h.create(""), "start")
	eventually(t, func() bool { return len(h.deliveries("")[0].Attempts) == 1 }, "the wait is over")
	d := h.deliveries("")[0]
	require.Contains(t, d.Attempts[0].Error, "no answer within 500ms")
	require.Equal(t, deliveryPending, d.State)
	close(release)
	eventually(t, func() bool { return h.deliveries("")[0].State == deliveryDelivered }, "the late answer counts")
	require.EqualValues(t, 1, calls.Load())
}

func TestWebhooks_ReceiverDown_ErrorIsNotedWithoutAddress(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	address := gone.URL
	gone.Close()
	h := serve(t, func(c *Config) { c.WebhookURL, c.WebhookAuth = address+"/secret-path", WebhookAuth{Scheme: SchemeNone} })
	h.act(h.create(""), "start")
	eventually(t, func() bool { return len(h.deliveries("")[0].Attempts) == 1 }, "an attempt")
	a := h.deliveries("")[0].Attempts[0]
	require.Contains(t, a.Error, "refused")
	require.NotContains(t, a.Error, "secret-path")
	require.Zero(t, a.Status)
}

func TestWebhooks_InFlightIsBounded(t *testing.T) {
	release := make(chan struct{})
	var now, most atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-release
		now.Add(-1)
	}))
	defer server.Close()
	h := serve(t, func(c *Config) {
		c.WebhookURL, c.WebhookAuth, c.MaxInFlight = server.URL, WebhookAuth{Scheme: SchemeNone}, 3
	})
	for range 10 {
		h.act(h.create(""), "start")
	}
	eventually(t, func() bool { return now.Load() == 3 }, "as many as may")
	close(release)
	eventually(t, func() bool { return len(h.deliveries("state=delivered")) == 10 }, "all of them")
	require.EqualValues(t, 3, most.Load())
}

func TestDeliveryLog_IsBounded(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to, func(c *Config) { c.MaxDeliveries = 4 })
	id := h.create("")
	h.act(id, wholeRun...)
	eventually(t, func() bool { return len(r.all()) >= 4 }, "webhooks")
	require.Len(t, h.deliveries(""), 4)
	require.Len(t, h.deliveries("session="+id), 4)
}

func TestSessions_AreBounded_FinishedOnesLeaveFirst(t *testing.T) {
	h := serve(t, func(c *Config) { c.MaxSessions = 2 })
	first := h.create("")
	second := h.create("")
	a := h.api("POST", "/v1/identity-verifications", `{"setupId":"`+testSetup+`"}`)
	require.Equal(t, 503, a.status)
	h.act(second, "expire")
	h.create("")
	require.Equal(t, 404, h.call("GET", "/_sandbox/sessions/"+second, "").status)
	require.Equal(t, "Pending", h.session(first).Status)
}

func TestClose_CutsOffARequestInFlight_WhenItsTimeIsUp(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	h := serve(t, func(c *Config) { c.WebhookURL, c.WebhookAuth = server.URL, WebhookAuth{Scheme: SchemeNone} })
	h.act(h.create(""), "start")
	w := h.sb.world
	eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.courier.inFlight == 1 }, "in flight")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, h.sb.Close(ctx))
	require.NoError(t, h.sb.Close(ctx), "again")
	require.Equal(t, 503, h.call("GET", "/healthz", "").status)
	require.Equal(t, 503, h.call("POST", "/v1/identity-verifications", "{}").status)
}
