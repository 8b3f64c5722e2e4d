package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"kyc/activities"
	"kyc/handoff"
	"kyc/onboarding"
)

// backends fail by target, and keep who has taken what.
type backends struct {
	mu    sync.Mutex
	fail  map[string]error
	taken []string
}

func (b *backends) Deliver(_ context.Context, target string, h onboarding.HandOff, _ json.RawMessage) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fail[target]; err != nil {
		return "", err
	}
	b.taken = append(b.taken, target)
	return handoff.WebhookID(h), nil
}

// tries runs the activity as Temporal does: each try finds the heartbeat details of the one before.
type tries struct {
	hand       *activities.HandOff
	in         onboarding.HandOff
	details    []string
	heartbeats int
}

func (r *tries) try(t *testing.T) (onboarding.HandedOff, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(r.hand.HandOffDecision, activity.RegisterOptions{Name: onboarding.ActivityHandOff})
	if r.details != nil {
		env.SetHeartbeatDetails(r.details)
	}
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		r.heartbeats++
		require.NoError(t, details.Get(&r.details))
	})
	result, err := env.ExecuteActivity(onboarding.ActivityHandOff, r.in)
	if err != nil {
		return onboarding.HandedOff{}, err
	}
	var out onboarding.HandedOff
	require.NoError(t, result.Get(&out))
	return out, nil
}

func namedIn(t *testing.T, err error) []string {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	if !app.HasDetails() {
		return nil
	}
	var taken []string
	require.NoError(t, app.Details(&taken))
	return taken
}

func overridden(targets ...string) onboarding.HandOff {
	return onboarding.HandOff{
		ID: onboarding.Reference("order-4711").ID(), Targets: targets,
		Decision: onboarding.Decision{Outcome: onboarding.OutcomeApproved, By: "ops", Version: 1},
	}
}

func busy(after time.Duration) error {
	return &handoff.Error{Name: "handoff", Code: handoff.CodeUnavailable, Status: 503, RetryAfter: after}
}

func refusing() error {
	return &handoff.Error{Name: "handoff", Code: handoff.CodeRefused, Status: 410, Permanent: true}
}

func TestHandOffDecision_NoTargetNamed_GoesToTheDefaultWithoutAHeartbeat(t *testing.T) {
	to := &backends{}
	run := tries{hand: &activities.HandOff{Deliverer: to}, in: overridden()}
	out, err := run.try(t)
	require.NoError(t, err)
	require.Equal(t, onboarding.HandedOff{Version: 1, WebhookID: handoff.WebhookID(run.in)}, out)
	require.Equal(t, []string{onboarding.DefaultTarget}, to.taken)
	require.Zero(t, run.heartbeats)

	to.fail = map[string]error{onboarding.DefaultTarget: busy(0)}
	_, err = run.try(t)
	requireFailure(t, err, "unavailable", false, 0)
	require.Nil(t, namedIn(t, err))
	require.Zero(t, run.heartbeats, "nobody has taken it")
}

func TestHandOffDecision_OneTargetFails_TheOthersGetItOnceAndATryMoreResumes(t *testing.T) {
	to := &backends{fail: map[string]error{"ledger": busy(7 * time.Second)}}
	run := tries{hand: &activities.HandOff{Deliverer: to}, in: overridden("crm", "ledger", "mail")}
	_, err := run.try(t)
	requireFailure(t, err, "unavailable (ledger)", false, 7*time.Second)
	require.Equal(t, []string{"crm", "mail"}, namedIn(t, err))
	require.Equal(t, []string{"crm", "mail"}, run.details)
	require.ElementsMatch(t, []string{"crm", "mail"}, to.taken)

	_, err = run.try(t)
	require.Equal(t, []string{"crm", "mail"}, namedIn(t, err), "what earlier tries achieved was lost")
	require.Equal(t, 1, run.heartbeats, "a try that achieved nothing is not worth a heartbeat")

	to.fail = nil
	out, err := run.try(t)
	require.NoError(t, err)
	require.Equal(t, handoff.WebhookID(run.in), out.WebhookID)
	require.ElementsMatch(t, []string{"crm", "mail", "ledger"}, to.taken, "a target got it twice")
}

func TestHandOffDecision_SeveralFail_IsOneErrorThatIsPermanentOnlyIfAllAre(t *testing.T) {
	to := &backends{fail: map[string]error{"crm": refusing(), "ledger": busy(3 * time.Second), "mail": busy(9 * time.Second)}}
	run := tries{hand: &activities.HandOff{Deliverer: to}, in: overridden("crm", "ledger", "mail")}
	_, err := run.try(t)
	requireFailure(t, err, "refused (crm), unavailable (ledger), unavailable (mail)", false, 9*time.Second)
	require.Contains(t, err.Error(), "handoff: refused, status 410; handoff: unavailable, status 503")

	to.fail = map[string]error{"crm": refusing(), "ledger": refusing()}
	_, err = run.try(t)
	requireFailure(t, err, "refused (crm), refused (ledger)", true, 0)
	require.Equal(t, []string{"mail"}, namedIn(t, err))
	require.Zero(t, run.heartbeats, "after a permanent error there is no further try to tell")

	run.in.Targets = []string{"crm"}
	_, err = run.try(t)
	requireFailure(t, err, "refused (crm)", true, 0)
}

func TestHandOffDecision_OndatoFailsOnAFurtherTry_StillSaysWhoHasTakenIt(t *testing.T) {
	run := tries{
		hand: &activities.HandOff{Ondato: &activities.Ondato{API: api(t, nil, 503)}, Deliverer: &backends{}},
		in:   overridden("crm", "ledger"), details: []string{"crm"},
	}
	run.in.Decision.By, run.in.Decision.SessionID = onboarding.DecidedByOndato, session
	_, err := run.try(t)
	requireFailure(t, err, "ondato-transient", false, 7*time.Second)
	require.Equal(t, []string{"crm"}, namedIn(t, err))
}

func TestHandOffDecision_ChangedBetweenTries_SaysWhoHasTakenWhatIsStaleNow(t *testing.T) {
	to := &backends{}
	run := tries{
		hand: &activities.HandOff{Ondato: &activities.Ondato{API: api(t, map[string]string{
			"/v1/identity-verifications/" + session: identityVerification(`,"step":{"kycIdentification":{"id":"` + kyc + `"}}`),
			"/v1/identifications/" + kyc:            record,
		}, 0)}, Deliverer: to},
		in: overridden("crm", "ledger"), details: []string{"crm"},
	}
	run.in.Decision.By, run.in.Decision.SessionID = onboarding.DecidedByOndato, session
	run.in.Decision.RecordDigest = strings.Repeat("0", 64)
	for _, before := range [][]string{{"crm"}, nil} {
		run.details = before
		out, err := run.try(t)
		require.NoError(t, err)
		require.Equal(t, onboarding.HandedOff{Version: 1, Changed: true, Taken: before}, out)
	}
	require.Empty(t, to.taken, "something stale was delivered")
}

func TestHandOffDecision_UnknownFailure_SaysNothingOfIt(t *testing.T) {
	to := &backends{fail: map[string]error{"crm": errors.New("dial https://backend.example/secret-path: refused")}}
	run := tries{hand: &activities.HandOff{Deliverer: to}, in: overridden("crm")}
	_, err := run.try(t)
	requireFailure(t, err, "unavailable (crm)", false, 0)
	require.NotContains(t, err.Error(), "secret-path")
}

// inTurn delivers to the ledger only after the CRM has it, and to the CRM only after the ledger was begun.
type inTurn struct{ begun, taken chan struct{} }

func (d inTurn) Deliver(ctx context.Context, target string, h onboarding.HandOff, _ json.RawMessage) (string, error) {
	mine, other := d.begun, d.taken
	if target == "crm" {
		mine, other = d.taken, d.begun
	}
	if target == "ledger" {
		close(mine)
	}
	select {
	case <-other:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if target == "crm" {
		close(mine)
	}
	return handoff.WebhookID(h), nil
}

func TestHandOffDecision_SlowTarget_KeepsNoOtherWaiting(t *testing.T) {
	for _, targets := range [][]string{{"crm", "ledger"}, {"ledger", "crm"}} {
		run := tries{hand: &activities.HandOff{Deliverer: inTurn{make(chan struct{}), make(chan struct{})}}, in: overridden(targets...)}
		out, err := run.try(t)
		require.NoError(t, err)
		require.Equal(t, handoff.WebhookID(run.in), out.WebhookID)
	}
}

// hanging answers only for one target; the other leaves it until the caller gives up.
type hanging struct{}

func (hanging) Deliver(ctx context.Context, target string, h onboarding.HandOff, _ json.RawMessage) (string, error) {
	if target == "crm" {
		return handoff.WebhookID(h), nil
	}
	<-ctx.Done()
	return "", &handoff.Error{Code: handoff.CodeTimeout}
}

func TestHandOffDecision_TargetThatHangs_LeavesTimeForTellingWhoHasTakenIt(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	hand := &activities.HandOff{Deliverer: hanging{}}
	_, err := hand.HandOffDecision(ctx, overridden("crm", "ledger"))
	require.NoError(t, ctx.Err(), "Temporal does not hear what is said after the activity's time")
	require.Equal(t, []string{"crm"}, namedIn(t, err))
}
