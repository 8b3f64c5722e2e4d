package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/dev/contract"
	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// ask calls the API; what passes is held against its document.
func (r rig) ask(t *testing.T, method, path string, body, into any) (status int) {
	t.Helper()
	encoded := ""
	if body != nil {
		data, err := json.Marshal(body)
		require.NoError(t, err)
		encoded = string(data)
	}
	q, err := http.NewRequestWithContext(timed(t), method, r.APIURL+path, strings.NewReader(encoded))
	require.NoError(t, err)
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	got, err := contract.Client(t, r.APIToken()).Do(q)
	require.NoError(t, err)
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, json.Unmarshal(data, into), string(data))
	}
	return got.StatusCode
}

func TestAPI_WholeLife_StartsSteersFollowsAndErases(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	q := request(t, "standard")
	var began, again, quick starter.Started
	require.Equal(t, 201, r.ask(t, "POST", "/v1/onboardings", q, &began))
	require.NotEmpty(t, began.Link)
	require.Equal(t, 200, r.ask(t, "POST", "/v1/onboardings", q, &again))
	require.Equal(t, starter.HowAlreadyRunning, again.How)
	require.Equal(t, began.Link, again.Link)
	require.Equal(t, 200, r.ask(t, "POST", "/v1/onboardings?wait=none", q, &quick))
	require.Equal(t, began.Link, quick.Link)
	other := q
	other.Applicant.LastName = "Kitokia"
	require.Equal(t, 409, r.ask(t, "POST", "/v1/onboardings", other, nil))
	require.Equal(t, 409, r.ask(t, "POST", "/v1/onboardings?wait=none", other, nil))

	path := "/v1/onboardings/" + string(began.ID)
	var receipt struct{ Repeated bool }
	extend := map[string]string{"by": "2d", "reason": "on holiday", "commandId": "ticket-1"}
	require.Equal(t, 200, r.ask(t, "POST", path+"/extend", extend, &receipt))
	require.False(t, receipt.Repeated)
	require.Equal(t, 200, r.ask(t, "POST", path+"/extend", extend, &receipt))
	require.Equal(t, 409, r.ask(t, "POST", path+"/retry-handoff", map[string]string{"reason": "now"}, nil))
	var status struct {
		Trail []struct{ Actor, Reason string }
		Stage onboarding.Stage
	}
	require.Equal(t, 200, r.ask(t, "GET", "/v1/onboardings?reference="+strings.ReplaceAll(string(q.Reference), "/", "%2F"), nil, &status))
	actors := ""
	for _, entry := range status.Trail {
		actors += entry.Actor + " "
	}
	require.Contains(t, actors, stack.APICaller)
	require.Equal(t, 409, r.ask(t, "DELETE", path+"/personal-data", map[string]any{"reason": "asked"}, nil), "not decided yet")

	events := r.stream(t, path+"/events")
	r.play(t, stack.SessionOf(began.Link), "start", "consent", "submit", "approve")
	kinds, last := events()
	require.Equal(t, "end", kinds[len(kinds)-1])
	require.Equal(t, onboarding.OutcomeApproved, last.Outcome)
	require.True(t, last.Closed)
	require.Equal(t, 409, r.ask(t, "POST", path+"/cancel", map[string]string{"reason": "too late"}, nil))
	require.Equal(t, 200, r.ask(t, "POST", "/v1/onboardings", q, &again))
	require.Equal(t, starter.HowAlreadyDecided, again.How)

	require.Eventually(t, func() bool {
		var page starter.Page
		require.Equal(t, 200, r.ask(t, "GET", "/v1/onboardings?setup=standard&outcome=Approved&pageSize=100", nil, &page))
		for _, o := range page.Onboardings {
			if o.ID == began.ID {
				return true
			}
		}
		return false
	}, patience, tick)

	require.Eventually(t, func() bool {
		return r.ask(t, "DELETE", path+"/personal-data", map[string]any{"reason": "asked"}, nil) == 200
	}, patience, tick)
	require.Equal(t, 410, r.ask(t, "POST", "/v1/onboardings", q, nil))
	require.Equal(t, 410, r.ask(t, "POST", "/v1/onboardings?wait=none", q, nil))
	require.Equal(t, 404, r.ask(t, "GET", "/v1/onboardings/"+string(onboarding.Reference("never started").ID()), nil, nil))
}

// stream follows an onboarding; the function it returns reads to the end.
func (r rig) stream(t *testing.T, path string) func() (kinds []string, last starter.Overview) {
	t.Helper()
	q, err := http.NewRequestWithContext(timed(t), "GET", r.APIURL+path, nil)
	require.NoError(t, err)
	got, err := contract.Client(t, r.APIToken()).Do(q)
	require.NoError(t, err)
	require.Equal(t, 200, got.StatusCode)
	return func() (kinds []string, last starter.Overview) {
		defer got.Body.Close()
		for lines := bufio.NewScanner(got.Body); lines.Scan(); {
			if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				kinds = append(kinds, kind)
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && kinds[len(kinds)-1] == "stage" {
				contract.Overview(t, data)
				last = starter.Overview{}
				require.NoError(t, json.Unmarshal([]byte(data), &last))
			}
		}
		return kinds, last
	}
}

func TestAPI_WaitNoneWithoutWorker_StartsAtOnce(t *testing.T) {
	t.Parallel()
	r := ownRig(t, stack.Config{NoWorker: true})
	q := request(t, "single")
	var began starter.Started
	require.Equal(t, 201, r.ask(t, "POST", "/v1/onboardings?wait=none", q, &began))
	require.Equal(t, starter.HowStarted, began.How)
	require.Empty(t, began.Link)
	require.Equal(t, 202, r.ask(t, "POST", "/v1/onboardings", q, nil), "no worker answers within the wait")
	_, err := r.StartWorker(t.Context())
	require.NoError(t, err)
	require.Equal(t, 200, r.ask(t, "POST", "/v1/onboardings", q, &began))
	require.NotEmpty(t, began.Link)
}

func TestAPI_Terminated_SaysSoAndPromisesNothing(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	q := request(t, "watched")
	var began, again starter.Started
	require.Equal(t, 201, r.ask(t, "POST", "/v1/onboardings", q, &began))
	path := "/v1/onboardings/" + string(began.ID)
	require.NoError(t, r.Client.TerminateWorkflow(timed(t), began.ID.WorkflowID(), "", "by a test"))

	require.Equal(t, 200, r.ask(t, "POST", "/v1/onboardings", q, &again))
	require.Equal(t, starter.HowTerminated, again.How)
	require.Empty(t, again.Link)
	var status struct {
		Terminated          bool
		Awaited, Link, Next string
		Commands            []string
	}
	require.Equal(t, 200, r.ask(t, "GET", path, nil, &status))
	require.True(t, status.Terminated)
	require.Contains(t, status.Awaited, "terminated in Temporal and nothing was handed off")
	require.Empty(t, status.Link+status.Next)
	require.Empty(t, status.Commands)
	var problem struct{ Code, Detail string }
	require.Equal(t, 409, r.ask(t, "POST", path+"/renew", map[string]string{"reason": "lost it"}, &problem))
	require.Equal(t, "ended", problem.Code)
	require.Contains(t, problem.Detail, "terminated in Temporal")

	// One that has been handed off before says what the backend has.
	q = request(t, "watched")
	require.Equal(t, 201, r.ask(t, "POST", "/v1/onboardings", q, &began))
	r.play(t, stack.SessionOf(began.Link), "start", "consent", "submit", "approve")
	r.until(t, began.ID, "the handoff", func(s onboarding.Status) bool { return s.Stage == onboarding.StageWatching })
	require.NoError(t, r.Client.TerminateWorkflow(timed(t), began.ID.WorkflowID(), "", "by a test"))
	require.Equal(t, 200, r.ask(t, "GET", "/v1/onboardings/"+string(began.ID), nil, &status))
	require.True(t, status.Terminated)
	require.Contains(t, status.Awaited, "what the backend has is version 1")
}
