package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"kyc/activities"
	"kyc/handoff"
	"kyc/notify"
	"kyc/onboarding"
	"kyc/ondato"
)

const (
	session = "0e2a7f0e-1d7e-4f7a-8d3b-3a4c5d6e7f80"
	kyc     = "9a7b6c5d-4e3f-4a2b-8c1d-0e9f8a7b6c5d"
	record  = `{"id":"` + kyc + `","identityVerificationId":"` + session + `","status":"Rejected","statusReason":"BlurredPhoto","completedUtc":"2026-11-03T09:15:58Z","document":{"lastName":"PAVYZDE"}}`
)

// api is an Ondato that answers with the given bodies by path; a path that is not there is 404.
func api(t *testing.T, bodies map[string]string, status int) *ondato.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/connect/token" {
			_, _ = w.Write([]byte(`{"access_token":"t","token_type":"Bearer","expires_in":3600}`))
			return
		}
		body, ok := bodies[r.URL.Path]
		switch {
		case status != 0:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
			fallthrough
		default:
			_, _ = w.Write([]byte(body))
		}
	}))
	t.Cleanup(server.Close)
	cfg := ondato.Production()
	cfg.ClientID, cfg.ClientSecret = "id", "secret"
	cfg.TokenURL, cfg.IDVURL, cfg.KYCURL, cfg.LinkURL = server.URL+"/connect/token", server.URL, server.URL, "https://idv.example.test"
	client, err := ondato.New(cfg)
	require.NoError(t, err)
	return client
}

func identityVerification(more string) string {
	return `{"id":"` + session + `","status":"InProgress","modifiedUtc":"2026-11-03T09:16:02.551Z"` + more + `}`
}

func TestLookAtSession_EachAnswer_IsSeenWithoutPersonalData(t *testing.T) {
	idv, id := "/v1/identity-verifications/"+session, "/v1/identifications/"+kyc
	for name, c := range map[string]struct {
		bodies map[string]string
		check  func(t *testing.T, seen onboarding.Sight)
	}{
		"no identification yet": {map[string]string{idv: identityVerification("")}, func(t *testing.T, seen onboarding.Sight) {
			require.Equal(t, onboarding.SessionInProgress, seen.Session)
			require.Empty(t, seen.Identification)
			require.Equal(t, 2026, seen.ModifiedUtc.Year())
		}},
		"rejected, retryable": {map[string]string{idv: identityVerification(`,"step":{"kycIdentification":{"id":"` + kyc + `"}}`), id: record}, func(t *testing.T, seen onboarding.Sight) {
			require.Equal(t, onboarding.IdentificationRejected, seen.Identification)
			require.Equal(t, "BlurredPhoto", seen.Reason)
			require.True(t, seen.RetryableReason)
			require.Len(t, seen.RecordDigest, 64)
			require.False(t, seen.CompletedUtc.IsZero())
		}},
		"session unknown to Ondato": {nil, func(t *testing.T, seen onboarding.Sight) {
			require.Equal(t, onboarding.SessionGone, seen.Session)
		}},
		"identification unknown to Ondato": {map[string]string{idv: identityVerification(`,"step":{"kycIdentification":{"id":"` + kyc + `"}}`)}, func(t *testing.T, seen onboarding.Sight) {
			require.Equal(t, onboarding.SessionInProgress, seen.Session)
			require.Empty(t, seen.Identification)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := &activities.Ondato{API: api(t, c.bodies, 0)}
			seen, err := o.LookAtSession(t.Context(), onboarding.Look{SessionID: session})
			require.NoError(t, err)
			c.check(t, seen)
			text, err := json.Marshal(seen)
			require.NoError(t, err)
			require.NotContains(t, string(text), "PAVYZDE")
		})
	}
}

func TestOpenSession_Created_GivesTheCustomersLink(t *testing.T) {
	o := &activities.Ondato{API: api(t, map[string]string{"/v1/identity-verifications": `{"id":"` + session + `"}`}, 0)}
	opened, err := o.OpenSession(t.Context(), onboarding.OpenSession{ID: "x", OndatoSetupID: "s"})
	require.NoError(t, err)
	require.Equal(t, onboarding.OpenedSession{SessionID: session, Link: "https://idv.example.test/?id=" + session}, opened)
}

func TestActivities_OndatoFails_IsClassifiedForTemporal(t *testing.T) {
	for status, c := range map[int]struct {
		kind      string
		permanent bool
		after     time.Duration
	}{
		400: {"ondato-permanent", true, 0},
		403: {"ondato-unauthorized", true, 0},
		429: {"ondato-throttled", false, 7 * time.Second},
		503: {"ondato-transient", false, 7 * time.Second},
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			o := &activities.Ondato{API: api(t, nil, status)}
			_, err := o.LookAtSession(t.Context(), onboarding.Look{SessionID: session})
			requireFailure(t, err, c.kind, c.permanent, c.after)
			require.NotContains(t, err.Error(), session)
		})
	}
}

func requireFailure(t *testing.T, err error, kind string, permanent bool, after time.Duration) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, kind, app.Type())
	require.Equal(t, permanent, app.NonRetryable())
	require.Equal(t, after, app.NextRetryDelay())
}

// backend records what is delivered, or fails.
type backend struct {
	fail   error
	record json.RawMessage
	count  int
}

func (b *backend) Deliver(_ context.Context, _ string, _ onboarding.HandOff, record json.RawMessage) (string, error) {
	if b.fail != nil {
		return "", b.fail
	}
	b.count++
	b.record = record
	return "id.1.abc", nil
}

func TestHandOffDecision_OfOndato_CarriesTheRecordOrSaysThatItHasChanged(t *testing.T) {
	client := api(t, map[string]string{
		"/v1/identity-verifications/" + session: identityVerification(`,"step":{"kycIdentification":{"id":"` + kyc + `"}}`),
		"/v1/identifications/" + kyc:            record,
	}, 0)
	seen, err := (&activities.Ondato{API: client}).LookAtSession(t.Context(), onboarding.Look{SessionID: session})
	require.NoError(t, err)
	to := &backend{}
	hand := &activities.HandOff{Ondato: &activities.Ondato{API: client}, Deliverer: to}
	decision := onboarding.Decision{Outcome: onboarding.OutcomeRejected, By: onboarding.DecidedByOndato, SessionID: session, RecordDigest: seen.RecordDigest, Version: 1}

	out, err := hand.HandOffDecision(t.Context(), onboarding.HandOff{Decision: decision})
	require.NoError(t, err)
	require.Equal(t, onboarding.HandedOff{Version: 1, WebhookID: "id.1.abc"}, out)
	require.JSONEq(t, record, string(to.record))

	decision.RecordDigest = strings.Repeat("0", 64)
	out, err = hand.HandOffDecision(t.Context(), onboarding.HandOff{Decision: decision})
	require.NoError(t, err)
	require.True(t, out.Changed)
	require.Equal(t, 1, to.count, "something stale was delivered")

	decision.By = "ops"
	_, err = hand.HandOffDecision(t.Context(), onboarding.HandOff{Decision: decision})
	require.NoError(t, err)
	require.Equal(t, 2, to.count)
	require.Nil(t, to.record, "a person's decision carries no record")
}

func TestActivities_CollaboratorsFail_KeepTheirCodeAndNothingElse(t *testing.T) {
	hand := &activities.HandOff{Deliverer: &backend{fail: &handoff.Error{Code: handoff.CodeRefused, Status: 410, Permanent: true}}}
	_, err := hand.HandOffDecision(t.Context(), onboarding.HandOff{Decision: onboarding.Decision{By: "ops"}})
	requireFailure(t, err, "refused", true, 0)

	hand.Deliverer = &backend{fail: errors.New("dial https://backend.example/secret-path: refused")}
	_, err = hand.HandOffDecision(t.Context(), onboarding.HandOff{Decision: onboarding.Decision{By: "ops"}})
	requireFailure(t, err, "unavailable", false, 0)
	require.NotContains(t, err.Error(), "secret-path")

	_, err = (&activities.Messages{}).SendMessage(t.Context(), onboarding.Message{})
	requireFailure(t, err, "no-channel", true, 0)
	sender, err := notify.New(notify.Config{SMTPURL: "smtp://127.0.0.1:1?starttls=none", From: "a@bank.example"})
	require.NoError(t, err)
	_, err = (&activities.Messages{Sender: sender}).SendMessage(t.Context(), onboarding.Message{To: "not an address"})
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.True(t, app.NonRetryable())
}
