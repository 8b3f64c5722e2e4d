package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
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

var examples = regexp.MustCompile("(?s)```console\n(.*?)\n# ([0-9|]+) ([^\n]+)\n```")

func TestAPIPage_EveryExample_AnswersAsThePageSays(t *testing.T) {
	t.Parallel()
	r := rig{shared}
	page, err := os.ReadFile("../../docs/api.md")
	require.NoError(t, err)
	found := examples.FindAllStringSubmatch(string(page), -1)
	require.Len(t, found, strings.Count(string(page), "```console"), "each example ends with what it answers")
	require.NotEmpty(t, found)
	id := onboarding.Reference("customer-4711").ID()
	for _, example := range found {
		command, status, text := example[1], example[2], example[3]
		// A shell runs what the page says; only the status is added to what curl prints.
		script := strings.Replace(command, "curl -sS", `curl -sS -w '\n%{http_code}'`, 1)
		run := exec.CommandContext(timed(t), "sh", "-c", script)
		run.Env = append(os.Environ(), "API="+r.APIURL, "TOKEN="+r.APIToken(), "ID="+string(id))
		out, err := run.Output()
		if !strings.Contains(command, "--max-time") { // curl calls an interrupted stream a failure
			require.NoError(t, err, "%s\n%s", command, out)
		}
		got, code := string(out), ""
		if at := strings.LastIndexByte(got, '\n'); at >= 0 {
			got, code = got[:at], got[at+1:]
		}
		require.Contains(t, strings.Split(status, "|"), code, "%s\n%s", command, got)
		require.Contains(t, got, text, command)
	}
}
