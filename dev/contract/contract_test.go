package contract_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/dev/contract"
	"kyc/onboarding"
	"kyc/starter"
	"kyc/starter/httpapi"
)

const (
	token      = "made-up-token-of-the-example-backend"
	otherToken = "made-up-token-of-the-branch-office-1"
	needle     = "Pavyzdinskienė"
)

var id = onboarding.Reference("customer-4711").ID()

// fake is what the API stands on, told what to answer.
type fake struct {
	err      error
	how      starter.How
	status   onboarding.Status
	page     starter.Page
	looks    []starter.Overview
	block    chan struct{}
	receipt  *onboarding.ErasureReceipt
	requests []onboarding.Request
	began    int
	commands []onboarding.Command
	erasures []onboarding.Erasure
	filters  []starter.Filter
	toTheEnd bool
	panics   bool
}

func (f *fake) Start(_ context.Context, r onboarding.Request) (starter.Started, error) {
	f.requests = append(f.requests, r)
	if f.panics {
		panic(needle)
	}
	out := starter.Started{ID: r.Reference.ID(), How: f.how, Stage: onboarding.StageAwaitingStart, Attempt: 1, Link: "https://link.example/?id=1"}
	return out, f.err
}

func (f *fake) Begin(ctx context.Context, r onboarding.Request) (starter.Started, error) {
	f.began++
	out, err := f.Start(ctx, r)
	out.Link, out.Why = "", "not waited for"
	return out, err
}

func (f *fake) Status(context.Context, onboarding.ID) (onboarding.Status, error) {
	return f.status, f.err
}

func (f *fake) List(_ context.Context, filter starter.Filter) (starter.Page, error) {
	f.filters = append(f.filters, filter)
	if err := filter.Validate(); err != nil {
		return starter.Page{}, &starter.Error{Code: starter.Invalid, Message: err.Error(), Fields: onboarding.Fields(err)}
	}
	return f.page, f.err
}

func (f *fake) Watch(ctx context.Context, _ onboarding.ID, toTheEnd bool) iter.Seq2[starter.Overview, error] {
	f.toTheEnd = toTheEnd
	return func(yield func(starter.Overview, error) bool) {
		for _, o := range f.looks {
			if !yield(o, nil) {
				return
			}
		}
		if f.block != nil {
			select {
			case <-f.block:
			case <-ctx.Done():
				return
			}
		}
		if f.err != nil {
			yield(starter.Overview{}, f.err)
		}
	}
}

func (f *fake) Obey(_ context.Context, _ onboarding.ID, c onboarding.Command) (onboarding.CommandReceipt, error) {
	f.commands = append(f.commands, c)
	if err := c.Validate(); err != nil {
		return onboarding.CommandReceipt{}, &starter.Error{Code: starter.Invalid, Message: err.Error(), Fields: onboarding.Fields(err)}
	}
	return onboarding.CommandReceipt{Stage: onboarding.StageInProgress}, f.err
}

func (f *fake) Erase(_ context.Context, e onboarding.Erasure) (starter.Erasing, error) {
	f.erasures = append(f.erasures, e)
	return starter.Erasing{ID: e.ID, Receipt: f.receipt}, f.err
}

// rig is a served API.
type rig struct {
	*fake
	api    *httpapi.API
	url    string
	client *http.Client
	log    *bytes.Buffer
}

func serve(t *testing.T, f *fake, adjust ...func(*httpapi.Config)) rig {
	t.Helper()
	r := rig{fake: f, log: &bytes.Buffer{}}
	if f.how == "" {
		f.how = starter.HowStarted
	}
	cfg := httpapi.Config{
		Onboardings: f, Tokens: []httpapi.Token{{Name: "backend", Secret: token}, {Name: "branch", Secret: otherToken}},
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, a := range adjust {
		a(&cfg)
	}
	var err error
	r.api, err = httpapi.New(cfg)
	require.NoError(t, err)
	server := httptest.NewServer(r.api.Handler())
	t.Cleanup(server.Close)
	r.url, r.client = server.URL, contract.Client(t, token)
	return r
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) problem(t *testing.T) (p struct {
	Code, Detail, RequestID string
	Status                  int
	Errors                  []onboarding.FieldError
}) {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	require.Equal(t, a.status, p.Status)
	require.Equal(t, a.header.Get("X-Request-Id"), p.RequestID)
	return p
}

func (r rig) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Del(headers[i])
		if headers[i+1] != "" {
			q.Header.Add(headers[i], headers[i+1])
		}
	}
	got, err := r.client.Do(q)
	require.NoError(t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return answer{got.StatusCode, got.Header, string(text)}
}

const valid = `{"reference":"customer-4711","setup":"standard","language":"en","applicant":{"firstName":"Ona","lastName":"` + needle + `","email":"ona@customer.example"}}`

func TestStart_EachWayItCanEnd_HasItsStatus(t *testing.T) {
	for how, want := range map[starter.How]int{
		starter.HowStarted: 201, starter.HowAlreadyRunning: 200, starter.HowAlreadyDecided: 200, starter.HowTerminated: 200, starter.HowUnanswered: 202,
	} {
		r := serve(t, &fake{how: how})
		got := r.send(t, "POST", "/v1/onboardings", valid)
		require.Equal(t, want, got.status, how)
		require.Equal(t, "/v1/onboardings/"+string(id), got.header.Get("Location"))
		require.Equal(t, "Ona", r.requests[0].Applicant.FirstName)
		require.Equal(t, "en", r.requests[0].Language)
	}
}

func TestStart_WaitNone_DoesNotWaitForTheLink(t *testing.T) {
	r := serve(t, &fake{})
	require.Equal(t, 201, r.send(t, "POST", "/v1/onboardings?wait=none", valid).status)
	require.Equal(t, 1, r.began)
}

func TestErrors_EachCode_HasItsStatusAndShowsNoCause(t *testing.T) {
	for code, want := range map[starter.Code]int{
		starter.Invalid: 422, starter.Conflict: 409, starter.Erased: 410, starter.Unavailable: 503,
	} {
		r := serve(t, &fake{err: &starter.Error{Code: code, Message: "dial tcp 10.0.0.3:7233"}})
		got := r.send(t, "POST", "/v1/onboardings", valid)
		require.Equal(t, want, got.status)
		require.Equal(t, string(code), got.problem(t).Code)
		if code == starter.Unavailable {
			require.NotContains(t, got.body, "10.0.0.3")
			require.Contains(t, r.log.String(), "10.0.0.3")
			require.Equal(t, "2", got.header.Get("Retry-After"))
		}
	}
	for code, want := range map[starter.Code]int{starter.Refused: 409, starter.Ended: 409, starter.NotFound: 404, starter.Unavailable: 503} {
		r := serve(t, &fake{err: &starter.Error{Code: code, Message: "not now"}})
		got := r.send(t, "POST", "/v1/onboardings/"+string(id)+"/renew", `{"reason":"lost it"}`)
		require.Equal(t, want, got.status)
		require.Equal(t, string(code), got.problem(t).Code)
	}
	r := serve(t, &fake{err: errors.New(needle)})
	got := r.send(t, "GET", "/v1/onboardings/"+string(id), "")
	require.Equal(t, 500, got.status)
	require.NotContains(t, got.body, needle)
}

func TestStart_Panic_IsAnswered500WithoutItsValue(t *testing.T) {
	r := serve(t, &fake{panics: true})
	got := r.send(t, "POST", "/v1/onboardings", valid)
	require.Equal(t, "internal", got.problem(t).Code)
	require.NotContains(t, got.body+r.log.String(), needle)
}

func TestStart_HostileBodies_AreRefusedByFieldWithoutTheirValues(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
		fields []string
		header []string
	}{
		"nothing":                    {body: " ", status: 400, fields: []string{"body"}},
		"not JSON":                   {body: `{"reference":`, status: 400, fields: []string{"body"}},
		"two objects":                {body: valid + valid, status: 400, fields: []string{"body"}},
		"an array":                   {body: `["` + needle + `"]`, status: 400, fields: []string{"body"}},
		"null":                       {body: `null`, status: 400, fields: []string{"body"}},
		"a string":                   {body: `"` + needle + `"`, status: 400, fields: []string{"body"}},
		"invalid UTF-8":              {body: "{\"reference\":\"\xff\"}", status: 400, fields: []string{"body"}},
		"unknown member":             {body: `{"reference":"a","setup":"s","surname":"` + needle + `"}`, status: 400, fields: []string{"surname"}},
		"another case":               {body: `{"Reference":"a","setup":"s"}`, status: 400, fields: []string{"Reference"}},
		"member twice":               {body: `{"reference":"a","reference":"b","setup":"s"}`, status: 400, fields: []string{"reference"}},
		"unknown below":              {body: `{"reference":"a","setup":"s","applicant":{"name":"` + needle + `"}}`, status: 400, fields: []string{"applicant.name"}},
		"wrong types, all at once":   {body: `{"reference":4711,"setup":["s"],"language":null,"applicant":{"firstName":true,"email":{}}}`, status: 400, fields: []string{"reference", "setup", "language", "applicant.firstName", "applicant.email"}},
		"applicant a string":         {body: `{"reference":"a","setup":"s","applicant":"` + needle + `"}`, status: 400, fields: []string{"applicant"}},
		"unreadable name of member":  {body: `{"a\u0000b":1}`, status: 400, fields: []string{"body"}},
		"a value for a name":         {body: `{"reference":"a","setup":"s","applicant":{"` + needle + ` 3800":"x"}}`, status: 400, fields: []string{"applicant"}},
		"half a character":           {body: `{"reference":"a\ud800b","setup":"s"}`, status: 400, fields: []string{"reference"}},
		"long name of member":        {body: `{"` + strings.Repeat("x", 5000) + `":1}`, status: 400, fields: []string{"body"}},
		"deeply nested":              {body: `{"applicant":` + strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000) + `}`, status: 400, fields: []string{"body"}},
		"too large":                  {body: `{"reference":"` + strings.Repeat("x", 70_000) + `"}`, status: 413},
		"no content type":            {body: valid, status: 415, header: []string{"Content-Type", ""}},
		"a form":                     {body: "reference=a", status: 415, header: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"key differs from reference": {body: valid, status: 400, fields: []string{"Idempotency-Key"}, header: []string{"Idempotency-Key", "customer-4712"}},
		"key that is not UTF-8":      {body: valid, status: 400, fields: []string{"Idempotency-Key"}, header: []string{"Idempotency-Key", "\xff"}},
		"key of nothing":             {body: valid, status: 400, fields: []string{"Idempotency-Key"}, header: []string{"Idempotency-Key", `""`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, &fake{})
			got := r.send(t, "POST", "/v1/onboardings", c.body, c.header...)
			require.Equal(t, c.status, got.status, got.body)
			p := got.problem(t)
			var fields []string
			for _, e := range p.Errors {
				fields = append(fields, e.Field)
				require.NotEmpty(t, e.Problem)
				require.NotEmpty(t, e.Remedy)
			}
			require.Equal(t, c.fields, fields)
			require.NotContains(t, got.body+r.log.String(), needle)
			require.Empty(t, r.requests, "nothing may be started")
		})
	}
}

func TestStart_IdempotencyKey_IsTheReference(t *testing.T) {
	for _, key := range []string{"customer-4711", `"customer-4711"`} {
		for _, body := range []string{`{"setup":"standard"}`, `{"setup":"standard","reference":"customer-4711"}`} {
			r := serve(t, &fake{})
			require.Equal(t, 201, r.send(t, "POST", "/v1/onboardings", body, "Idempotency-Key", key).status)
			require.EqualValues(t, "customer-4711", r.requests[0].Reference)
		}
	}
}

func TestAuthorization_AnythingButAKnownToken_Is401EverywhereBelowV1(t *testing.T) {
	r := serve(t, &fake{})
	paths := map[string]string{"/v1/onboardings": "GET", "/v1/onboardings/" + string(id): "GET", "/v1/onboardings/" + string(id) + "/events": "GET",
		"/v1/onboardings/" + string(id) + "/cancel": "POST", "/v1/onboardings/" + string(id) + "/personal-data": "DELETE"}
	for path, method := range paths {
		for _, header := range []string{"Bearer " + token[1:], "Bearer " + token + "x", "Bearer ", "Basic " + token, token, "Bearer " + token + ", Bearer " + otherToken} {
			got := r.send(t, method, path, "", "Authorization", header)
			require.Equal(t, 401, got.status, header)
			require.Equal(t, "unauthorized", got.problem(t).Code)
			require.Contains(t, got.header.Get("WWW-Authenticate"), "Bearer")
			require.NotContains(t, got.body+r.log.String(), token[1:])
		}
	}
	r.client = contract.Client(t, "")
	require.Equal(t, 401, r.send(t, "GET", "/v1/onboardings", "").status, "without a header")
	require.Empty(t, r.filters)
}

func TestRate_TooManyRequestsOfOneName_LeaveOthersAlone(t *testing.T) {
	r := serve(t, &fake{status: fullStatus()}, func(c *httpapi.Config) { c.Rate, c.Burst = 0.001, 2 })
	path := "/v1/onboardings/" + string(id)
	require.Equal(t, 200, r.send(t, "GET", path, "").status)
	require.Equal(t, 200, r.send(t, "GET", path, "").status)
	got := r.send(t, "GET", path, "")
	require.Equal(t, "rate", got.problem(t).Code)
	require.Equal(t, "2", got.header.Get("Retry-After"))
	require.Equal(t, 200, r.send(t, "GET", path, "", "Authorization", "bearer "+otherToken).status)
}

// fullStatus has every member set, so that what may be shown is shown.
func fullStatus() onboarding.Status {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	decision := onboarding.Decision{Outcome: onboarding.OutcomeApproved, Reason: "checked", By: "ondato", At: at, Attempt: 1,
		SessionID: "hidden-session", IdentificationID: "identification-1", RecordDigest: "hidden-digest", Version: 1}
	return onboarding.Status{
		ID: id, Reference: "customer-4711", RequestDigest: "hidden-request", Setup: "standard", Stage: onboarding.StageWatching, Outcome: onboarding.OutcomeApproved,
		Attempt: 1, MaxAttempts: 3, StartedAt: at, Deadline: at, Link: "https://link.example/?id=1", Session: onboarding.SessionCompleted,
		Identification: onboarding.IdentificationApproved, Decision: &decision, HandedOff: &onboarding.HandedDecision{Decision: decision, HandedAt: at, WebhookID: "w"},
		Awaited: "changes", AwaitedSince: at, Next: "the end", NextAt: at, Attention: []onboarding.Attention{onboarding.AttentionOverdue},
		Terminated: true, Allowed: onboarding.CommandKinds(), LastEvent: &onboarding.SeenEvent{Type: "hidden-event", CreatedUtc: at}, Noted: []onboarding.Note{{EventID: "hidden-note"}}, NotedTotal: 1,
		Trail: []onboarding.TrailEntry{{At: at, Actor: "jonas", What: "extended", Reason: "on holiday"}},
	}
}

func TestStatus_Everything_IsShownWithoutDigestsAndSessions(t *testing.T) {
	r := serve(t, &fake{status: fullStatus()})
	got := r.send(t, "GET", "/v1/onboardings/"+strings.ToUpper(string(id)), "")
	require.Equal(t, 200, got.status, got.body)
	require.NotContains(t, got.body, "hidden")
	for _, shown := range []string{"identification-1", `"link"`, `"jonas"`, `"webhookId":"w"`, "decision-overdue", "retry-handoff", `"terminated":true`} {
		require.Contains(t, got.body, shown)
	}
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	byReference := r.send(t, "GET", "/v1/onboardings?reference=customer-4711", "")
	require.Equal(t, got.body, byReference.body)
	require.NotContains(t, r.log.String(), "customer-4711")
	require.Contains(t, r.log.String(), "onboarding="+string(id))
}

func TestQuery_Wrong_IsRefusedByName(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/onboardings?stages=Done": "stages", "/v1/onboardings?stage=Done&stage=Done": "stage", "/v1/onboardings?stage=": "stage", "/v1/onboardings?stage=Sleeping": "stage",
		"/v1/onboardings?pageSize=many": "pageSize", "/v1/onboardings?pageSize=0": "pageSize", "/v1/onboardings?pageSize=1001": "pageSize", "/v1/onboardings?pageToken=x": "pageToken",
		"/v1/onboardings?attention=x": "attention", "/v1/onboardings?setup=A%20B": "setup", "/v1/onboardings?standing=up": "standing", "/v1/onboardings?outcome=Good": "outcome",
		"/v1/onboardings?reference=a&stage=Done": "reference", "/v1/onboardings?reference=ona@customer.example": "reference",
		"/v1/onboardings/" + string(id) + "?x=1": "x", "/v1/onboardings/4711": "id", "/v1/onboardings/6b1ba1f4-4c6c-4a3e-9f0e-2f6a3f0b7c11": "id",
		"/v1/onboardings/" + string(id) + "/events?until=later": "until",
	} {
		r := serve(t, &fake{status: fullStatus()})
		got := r.send(t, "GET", path, "")
		require.Contains(t, []int{400, 422}, got.status, path)
		require.Equal(t, want, got.problem(t).Errors[0].Field, path)
		require.NotContains(t, got.body, "ona@customer")
	}
}

func TestList_Filters_ArePassedOnAndThePageIsAnswered(t *testing.T) {
	o := starter.Overview{ID: id, RunID: "run", Setup: "standard", Stage: onboarding.StageWatching, Outcome: onboarding.OutcomeApproved, Attempt: 1,
		Attention: []string{"decision-overdue"}, StartedAt: time.Now(), Deadline: time.Now()}
	r := serve(t, &fake{page: starter.Page{Onboardings: []starter.Overview{o}, NextPageToken: "next"}})
	got := r.send(t, "GET", "/v1/onboardings?stage=Watching&outcome=Approved&attention=any&setup=standard&standing=open&pageSize=7", "")
	require.Equal(t, 200, got.status, got.body)
	require.Contains(t, got.body, `"nextPageToken":"next"`)
	require.Equal(t, starter.Filter{Stage: onboarding.StageWatching, Outcome: onboarding.OutcomeApproved, Attention: starter.AttentionAny,
		Setup: "standard", Standing: starter.StandingOpen, PageSize: 7}, r.filters[0])
	r.page = starter.Page{}
	require.JSONEq(t, `{"onboardings":[]}`, r.send(t, "GET", "/v1/onboardings", "").body)
}

func TestCommands_Each_HasTheTokensNameAsItsActor(t *testing.T) {
	r := serve(t, &fake{})
	for i, kind := range onboarding.CommandKinds() {
		body := `{"reason":"asked","commandId":"c-1"}`
		switch kind {
		case onboarding.CommandExtend:
			body = `{"reason":"asked","commandId":"c-1","by":"1d12h"}`
		case onboarding.CommandDecide:
			body = `{"reason":"asked","commandId":"c-1","outcome":"Rejected"}`
		}
		got := r.send(t, "POST", "/v1/onboardings/"+string(id)+"/"+string(kind), body, "Idempotency-Key", "c-1")
		require.Equal(t, 200, got.status, got.body)
		c := r.commands[i]
		require.Equal(t, kind, c.Kind)
		require.Equal(t, "backend", c.Actor)
		require.Equal(t, "c-1", c.ID)
	}
	require.Equal(t, 36*time.Hour, r.commands[3].By.Std())
	require.Equal(t, onboarding.OutcomeRejected, r.commands[5].Outcome)

	r.send(t, "POST", "/v1/onboardings/"+string(id)+"/cancel", `{"reason":"asked"}`)
	require.NotEmpty(t, r.commands[7].ID, "one is made")
}

func TestCommands_Wrong_AreRefusedByField(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body, field string
		status            int
	}{
		"no reason":         {"cancel", `{}`, "reason", 422},
		"an actor":          {"cancel", `{"reason":"x","actor":"ondato"}`, "actor", 400},
		"outcome of remind": {"remind", `{"reason":"x","outcome":"Approved"}`, "outcome", 400},
		"no duration":       {"extend", `{"reason":"x","by":"long"}`, "by", 400},
		"number":            {"extend", `{"reason":"x","by":7}`, "by", 400},
		"nothing to extend": {"extend", `{"reason":"x"}`, "by", 422},
		"other outcome":     {"decide", `{"reason":"x","outcome":"Expired"}`, "outcome", 422},
		"reason is a list":  {"renew", `{"reason":["x"]}`, "reason", 400},
		"two ids":           {"renew", `{"reason":"x","commandId":"b"}`, "Idempotency-Key", 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, &fake{})
			var header []string
			if name == "two ids" {
				header = []string{"Idempotency-Key", "a"}
			}
			got := r.send(t, "POST", "/v1/onboardings/"+string(id)+"/"+c.kind, c.body, header...)
			require.Equal(t, c.status, got.status, got.body)
			require.Equal(t, c.field, got.problem(t).Errors[0].Field)
		})
	}
}

func TestErase_DoneOrUnderWay_HasItsStatus(t *testing.T) {
	path := "/v1/onboardings/" + string(id) + "/personal-data"
	r := serve(t, &fake{})
	require.Equal(t, 202, r.send(t, "DELETE", path, `{"reason":"asked","cancelFirst":true,"keepHistory":false}`).status)
	require.Equal(t, onboarding.Erasure{ID: id, Actor: "backend", Reason: "asked", CancelFirst: true}, r.erasures[0])
	r.receipt = &onboarding.ErasureReceipt{ID: id, ErasedAt: time.Now(), Sessions: 1, KeyDropped: true, HistoryDeleted: true}
	require.Equal(t, 200, r.send(t, "DELETE", path, `{"reason":"asked"}`).status)
	got := r.send(t, "DELETE", path, `{"reason":"asked","cancelFirst":"yes"}`)
	require.Equal(t, "cancelFirst", got.problem(t).Errors[0].Field)
}

// event is a server-sent one.
type event struct{ kind, data string }

func (r rig) follow(t *testing.T, query string) (*bufio.Reader, *http.Response) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), "GET", r.url+"/v1/onboardings/"+string(id)+"/events"+query, nil)
	require.NoError(t, err)
	got, err := r.client.Do(q)
	require.NoError(t, err)
	t.Cleanup(func() { got.Body.Close() })
	return bufio.NewReader(got.Body), got
}

func readEvents(t *testing.T, from *bufio.Reader) (events []event) {
	t.Helper()
	text, err := io.ReadAll(from)
	require.NoError(t, err)
	for _, block := range strings.Split(string(text), "\n\n") {
		kind, data, ok := strings.Cut(block, "\ndata: ")
		if ok {
			events = append(events, event{strings.TrimPrefix(kind, "event: "), data})
		}
	}
	return events
}

func overview(stage onboarding.Stage) starter.Overview {
	return starter.Overview{ID: id, RunID: "run", Setup: "standard", Stage: stage, Attempt: 1, StartedAt: time.Now(), Deadline: time.Now()}
}

func TestEvents_ToTheEnd_AreAsDocumentedAndEnd(t *testing.T) {
	r := serve(t, &fake{looks: []starter.Overview{overview(onboarding.StageInProgress), overview(onboarding.StageWatching)}})
	from, got := r.follow(t, "")
	require.Equal(t, "text/event-stream", got.Header.Get("Content-Type"))
	events := readEvents(t, from)
	require.Len(t, events, 3)
	for _, e := range events[:2] {
		require.Equal(t, "stage", e.kind)
		contract.Overview(t, e.data)
	}
	require.Equal(t, event{"end", "{}"}, events[2])
	require.True(t, r.toTheEnd)

	from, _ = r.follow(t, "?until=handoff")
	readEvents(t, from)
	require.False(t, r.toTheEnd)
}

func TestEvents_Trouble_IsAProblemBeforeOrWithinTheStream(t *testing.T) {
	r := serve(t, &fake{err: &starter.Error{Code: starter.NotFound, Message: "there is no such onboarding"}})
	require.Equal(t, 404, r.send(t, "GET", "/v1/onboardings/"+string(id)+"/events", "").status)

	r = serve(t, &fake{looks: []starter.Overview{overview(onboarding.StageInProgress)}, err: &starter.Error{Code: starter.Unavailable, Message: needle}})
	from, _ := r.follow(t, "")
	events := readEvents(t, from)
	require.Equal(t, "problem", events[1].kind)
	require.NotContains(t, events[1].data, needle)
}

func TestEvents_Quiet_ShowThatTheyLiveAndEndWhenTheProgramStops(t *testing.T) {
	r := serve(t, &fake{looks: []starter.Overview{overview(onboarding.StageInProgress)}, block: make(chan struct{})},
		func(c *httpapi.Config) { c.Heartbeat, c.MaxStreams = 5*time.Millisecond, 1 })
	from, _ := r.follow(t, "")
	for {
		line, err := from.ReadString('\n')
		require.NoError(t, err)
		if strings.HasPrefix(line, ":") {
			break
		}
	}
	require.Equal(t, "busy", r.send(t, "GET", "/v1/onboardings/"+string(id)+"/events", "").problem(t).Code, "streams are bounded")
	r.api.Stopping()
	for _, e := range readEvents(t, from) {
		require.NotEqual(t, "end", e.kind, "it has not ended, it was cut off")
	}
	require.Equal(t, "not-ready", r.send(t, "GET", "/readyz", "").problem(t).Code)
}

func TestService_Paths_AreOpenAndDocumented(t *testing.T) {
	ready := errors.New("down")
	r := serve(t, &fake{}, func(c *httpapi.Config) { c.Ready = func(context.Context) error { return ready } })
	r.client = contract.Client(t, "")
	require.Equal(t, 200, r.send(t, "GET", "/healthz", "").status)
	require.Equal(t, 503, r.send(t, "GET", "/readyz", "").status)
	r.send(t, "GET", "/v1/onboardings", "")
	require.Contains(t, r.send(t, "GET", "/metrics", "").body, `onboarding_api_requests_total{method="GET",route="/v1/onboardings",status="401"} 1`)
	require.Equal(t, string(httpapi.OpenAPI()), r.send(t, "GET", "/openapi.yaml", "").body)
	got := r.send(t, "PUT", "/v1/onboardings", "", "X-Request-Id", "mine-1")
	require.Equal(t, "method", got.problem(t).Code)
	require.Equal(t, "mine-1", got.header.Get("X-Request-Id"))
	require.NotEqual(t, "a b", r.send(t, "GET", "/healthz", "", "X-Request-Id", "a b").header.Get("X-Request-Id"))
}

func TestDocument_AnswerThatItDoesNotKnow_IsFound(t *testing.T) {
	document := contract.Document(t)
	for body, want := range map[string]bool{`{"status":"alive"}`: true, `{"status":"alive","more":1}`: false, `{"status":"well"}`: false, `{}`: false} {
		q := httptest.NewRequest("GET", "http://localhost:8081/healthz", nil)
		ok, _ := document.ValidateHttpResponse(q, &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: q})
		require.Equal(t, want, ok, body)
	}
}
