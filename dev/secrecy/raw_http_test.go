package secrecy

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"kyc/dev/stack"
	"kyc/onboarding"
)

// request asks one of the programs over HTTP, with a bearer token.
func (c *cast) request(ctx context.Context, t *testing.T, token, method, address string, body any) (status int, answer string) {
	t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		text = asJSON(t, body)
	}
	q, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(text))
	require.NoError(t, err)
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer got.Body.Close()
	all, _ := io.ReadAll(got.Body) // a stream is cut off
	return got.StatusCode, string(all)
}

// throughAPI has everything done by the HTTP API: asked for rightly, wrongly, and by nobody.
func (c *cast) throughAPI(t *testing.T, q onboarding.Request) {
	ask := func(want int, method, path string, body any) string {
		t.Helper()
		status, answer := c.request(timed(t), t, c.APIToken(), method, c.APIURL+path, body)
		require.Equal(t, want, status, "%s %s: %s", method, path, answer)
		return answer
	}
	// refused is for wrong requests, whose answers quote nothing of them.
	refused := func(method, path string, body any) {
		t.Helper()
		status, answer := c.request(timed(t), t, c.APIToken(), method, c.APIURL+path, body)
		require.GreaterOrEqual(t, status, 400, answer)
		require.Less(t, status, 500, answer)
		c.quotesNothing(t, answer)
	}
	a := q.Applicant
	for _, wrong := range []any{
		`{"reference": "` + string(q.Reference) + `", "setup": "watched", "applicant": {"email": "` + a.Email + `", "dateOfBirth": "` + a.LastName + `", "phone": "` + a.PersonalCode + `"}}`,
		`{"reference": "` + string(q.Reference) + `", "applicant": {"name": "` + a.LastName + `", "email": {"` + a.Email + `": 1}}}`,
		`{"reference": "` + a.Email + `", "setup": "` + a.LastName + `"}`,
		`{"reference": ["` + string(q.Reference) + `"]}`,
		a.LastName,
	} {
		refused(http.MethodPost, "/v1/onboardings", wrong)
		status, _ := c.request(timed(t), t, "nobody's", http.MethodPost, c.APIURL+"/v1/onboardings", wrong)
		require.Equal(t, http.StatusUnauthorized, status)
	}
	var started struct {
		ID   onboarding.ID
		Link string
	}
	require.NoError(t, json.Unmarshal([]byte(ask(http.StatusCreated, http.MethodPost, "/v1/onboardings", q)), &started))
	c.expectLink(t, started.Link)
	other := q
	other.Applicant.PersonalCode = ""
	refused(http.MethodPost, "/v1/onboardings", other)
	ask(http.StatusOK, http.MethodGet, "/v1/onboardings?reference="+url.QueryEscape(string(q.Reference)), nil)
	refused(http.MethodGet, "/v1/onboardings?stage="+url.QueryEscape(a.LastName), nil)
	refused(http.MethodGet, "/"+url.PathEscape(a.LastName), nil)
	session := stack.SessionOf(started.Link)
	refused(http.MethodGet, "/v1/onboardings/"+url.PathEscape(string(q.Reference)), nil)
	at := "/v1/onboardings/" + string(started.ID)
	_, reason := c.operator(t, q, "pratęsti")
	ask(http.StatusOK, http.MethodPost, at+"/extend", map[string]any{"by": "7d", "reason": reason})
	refused(http.MethodPost, at+"/extend", map[string]any{"by": reason, "reason": reason})
	refused(http.MethodPost, at+"/retry-handoff", map[string]any{"reason": reason})
	watching, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	status, events := c.request(watching, t, c.APIToken(), http.MethodGet, c.APIURL+at+"/events", nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, events, "AwaitingStart")

	c.play(t, session, approve...)
	c.decided(t, started.ID, 1, onboarding.OutcomeApproved)
	_, reason = c.operator(t, q, "ištrinti per API")
	status, answer := c.request(timed(t), t, c.APIToken(), http.MethodDelete, c.APIURL+at+"/personal-data", map[string]any{"reason": reason, "keepHistory": true})
	require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, status, answer)
	require.NotContains(t, answer, reason)
}

// quotesNothing looks for everybody's data in an answer.
func (c *cast) quotesNothing(t *testing.T, answer string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(t, c.needles.in([]byte(answer)), answer)
}

// showPayloads has the codec server open payloads, as the Temporal UI does: what somebody may see, what somebody may not,
// and what is no payload.
func (c *cast) showPayloads(t *testing.T) {
	t.Helper()
	id := c.ids[0]
	for i, mark := range c.marks {
		if mark == "approved" {
			id = c.ids[i]
		}
	}
	var all []*commonpb.Payload
	for _, e := range c.history(t, id, "") {
		all = append(all, payloadsOf(t, e)...)
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: all})
	require.NoError(t, err)
	at := c.CodecURL + "/" + namespace + "/decode"
	status, answer := c.request(timed(t), t, c.CodecToken(), http.MethodPost, at, string(body))
	require.Equal(t, http.StatusOK, status, answer)
	var shown commonpb.Payloads
	require.NoError(t, protojson.Unmarshal([]byte(answer), &shown))
	var text bytes.Buffer
	for _, p := range shown.GetPayloads() {
		text.Write(p.GetData())
	}
	require.NotEmpty(t, c.needles.in(text.Bytes()), "it shows what it is asked for")
	for _, wrong := range []string{text.String(), `{"payloads": [{"data": "` + text.String() + `"}]}`, ""} {
		status, _ = c.request(timed(t), t, c.CodecToken(), http.MethodPost, at, wrong)
		require.GreaterOrEqual(t, status, 400)
	}
	status, _ = c.request(timed(t), t, "nobody's", http.MethodPost, at+"?"+url.QueryEscape(text.String()[:200]), string(body))
	require.Equal(t, http.StatusUnauthorized, status)
}
