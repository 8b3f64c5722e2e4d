package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"kyc/activities"
	"kyc/onboarding"
	"kyc/ondato"
	"kyc/privacy"
)

// redacting is an Ondato that answers redactions with the statuses, one after the other, the last one from then on, and
// quotes what it was asked; it notes the scopes.
func redacting(t *testing.T, statuses ...int) (client *ondato.Client, scopes *[]string) {
	t.Helper()
	scopes = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connect/token" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token":"t","token_type":"Bearer","expires_in":3600}`))
			return
		}
		var body struct{ Scope string }
		if r.Method != http.MethodPut || r.URL.Path != "/v1/identity-verifications/"+session+"/redact" || json.NewDecoder(r.Body).Decode(&body) != nil {
			http.Error(w, "something else was expected", http.StatusTeapot)
			return
		}
		*scopes = append(*scopes, body.Scope)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(statuses[0])
		_, _ = w.Write([]byte(`{"detail":"` + r.URL.Path + `"}`))
		if len(statuses) > 1 {
			statuses = statuses[1:]
		}
	}))
	t.Cleanup(server.Close)
	cfg := ondato.Production()
	cfg.ClientID, cfg.ClientSecret = "id", "secret"
	cfg.TokenURL, cfg.IDVURL, cfg.KYCURL, cfg.LinkURL = server.URL+"/connect/token", server.URL, server.URL, "https://idv.example.test"
	client, err := ondato.New(cfg)
	require.NoError(t, err)
	return client, scopes
}

func TestRedactSession_EachAnswer_IsDoneOrTriedOn(t *testing.T) {
	both := []string{"PersonalData", "BiometricData"}
	for name, c := range map[string]struct {
		statuses []int
		scopes   []string
		kind     string // of the error; empty: done
		after    time.Duration
	}{
		"accepted":                    {[]int{204}, both, "", 0},
		"known no more":               {[]int{404}, both, "", 0},
		"gone":                        {[]int{410}, both, "", 0},
		"biometrics known no more":    {[]int{204, 404}, both, "", 0},
		"down":                        {[]int{503}, both[:1], "ondato-transient", 7 * time.Second},
		"down at the second scope":    {[]int{204, 500}, both, "ondato-transient", 7 * time.Second},
		"too many requests":           {[]int{429}, both[:1], "ondato-throttled", 7 * time.Second},
		"no such permission":          {[]int{403}, both[:1], "ondato-unauthorized", 0},
		"refused as invalid":          {[]int{400}, both[:1], "ondato-permanent", 0},
		"refused at the second scope": {[]int{204, 409}, both, "ondato-permanent", 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, scopes := redacting(t, c.statuses...)
			err := (&activities.Erasure{Ondato: client}).RedactSession(t.Context(), onboarding.Look{SessionID: session})
			require.Equal(t, c.scopes, *scopes)
			if c.kind == "" {
				require.NoError(t, err)
				return
			}
			var app *temporal.ApplicationError
			require.ErrorAs(t, err, &app)
			require.Equal(t, c.kind, app.Type())
			require.False(t, app.NonRetryable(), "an erasure does not give up")
			require.Equal(t, c.after, app.NextRetryDelay())
			require.NotContains(t, err.Error(), session)
			require.NoError(t, app.Unwrap(), "it keeps no cause")
		})
	}
}

// somebody stands in for Temporal and the key store; every call fails with err.
type somebody struct {
	err  error
	said []string
}

func (s *somebody) does(what string) error { s.said = append(s.said, what); return s.err }

func (s *somebody) Survey(context.Context, onboarding.ID) (onboarding.Survey, error) {
	return onboarding.Survey{Known: true}, s.does("survey")
}
func (s *somebody) Cancel(_ context.Context, e onboarding.Erasure) error {
	return s.does("cancel for " + e.Actor)
}
func (s *somebody) End(_ context.Context, id onboarding.ID) error { return s.does("end " + string(id)) }
func (s *somebody) Delete(_ context.Context, id onboarding.ID) error {
	return s.does("delete " + string(id))
}
func (s *somebody) Erase(_ context.Context, workflowID string) error {
	return s.does("drop " + workflowID)
}

func TestErasureParts_EachError_IsTriedAgainAndSaysWhy(t *testing.T) {
	const id = onboarding.ID("8f2c8f3e-6a55-5f0e-9a53-6e2f0d9f0c11")
	all := func(e *activities.Erasure) []error {
		_, survey := e.SurveyForErasure(t.Context(), id)
		_, drop := e.DropKey(t.Context(), id)
		return []error{
			survey, e.CancelBeforeErasure(t.Context(), onboarding.Erasure{ID: id, Actor: "officer"}), e.EndRun(t.Context(), id), drop,
			e.DeleteRuns(t.Context(), id),
		}
	}
	well := &somebody{}
	for _, err := range all(&activities.Erasure{Runs: well, Keys: well}) {
		require.NoError(t, err)
	}
	require.Equal(t, []string{"survey", "drop " + id.WorkflowID(), "cancel for officer", "end " + string(id), "delete " + string(id)}, well.said)

	ill := &somebody{err: errors.Join(errors.New("out of order"), privacy.ErrUnavailable)}
	for _, err := range all(&activities.Erasure{Runs: ill, Keys: ill}) {
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.Equal(t, "unavailable", app.Type())
		require.False(t, app.NonRetryable())
		require.ErrorContains(t, err, "the key store does not answer")
		require.NoError(t, app.Unwrap())
	}
}

func TestDropKey_NoEncryption_SaysThatThereWasNoKey(t *testing.T) {
	dropped, err := (&activities.Erasure{Runs: &somebody{}}).DropKey(t.Context(), "8f2c8f3e-6a55-5f0e-9a53-6e2f0d9f0c11")
	require.NoError(t, err)
	require.False(t, dropped)
	dropped, err = (&activities.Erasure{Runs: &somebody{}, Keys: &somebody{}}).DropKey(t.Context(), "8f2c8f3e-6a55-5f0e-9a53-6e2f0d9f0c11")
	require.NoError(t, err)
	require.True(t, dropped)
}
