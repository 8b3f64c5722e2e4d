package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"kyc/app"
	"kyc/onboarding"
)

// visibility is a frontend with lists. It does not read queries; the tests on a real server do that.
type visibility struct {
	frontend
	// open are the setups that the lists show, one after another.
	open []string
	// fail is what counting, or with nothing open listing, fails with.
	fail    error
	queries []string
}

func (v *visibility) ListWorkflowExecutions(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	v.queries = append(v.queries, r.GetQuery())
	if len(v.open) == 0 {
		return &workflowservice.ListWorkflowExecutionsResponse{}, v.fail
	}
	setup, err := converter.GetDefaultDataConverter().ToPayload(v.open[0])
	v.open = v.open[1:]
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{{
		SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{onboarding.AttributeSetup: setup}},
	}}}, err
}

func (v *visibility) CountWorkflowExecutions(_ context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	v.queries = append(v.queries, r.GetQuery())
	return &workflowservice.CountWorkflowExecutionsResponse{Count: 7}, v.fail
}

// checkSetups checks the setup "standard" of task queue kyc against what the lists show.
func checkSetups(t *testing.T, ctx context.Context, v *visibility) (log string, err error) {
	t.Helper()
	cfg, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with("TEMPORAL_ADDRESS", serveService(t, v)).with("PRIVACY_PLAINTEXT", "1"))
	require.NoError(t, err)
	temporal, err := app.Connect(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	defer temporal.Close()
	var b strings.Builder
	err = app.CheckSetupsInUse(ctx, cfg, temporal.Client, slog.New(slog.NewTextHandler(&b, nil)))
	return b.String(), err
}

func TestCheckSetupsInUse_AllConfigured_TakesOneQuestion(t *testing.T) {
	v := &visibility{}
	log, err := checkSetups(t, t.Context(), v)
	require.NoError(t, err)
	require.Empty(t, log)
	require.Equal(t, []string{
		"ExecutionStatus = 'Running' AND WorkflowType = 'Onboarding' AND TaskQueue = 'kyc' AND OnboardingSetup IS NOT NULL AND OnboardingSetup NOT IN ('standard')",
	}, v.queries)
}

func TestCheckSetupsInUse_Vanished_AreNamedWithTheRemedy(t *testing.T) {
	v := &visibility{open: []string{"fast", `o'dd\`}}
	_, err := checkSetups(t, t.Context(), v)
	require.ErrorContains(t, err, "fast: 7 open onboardings")
	require.ErrorContains(t, err, `o'dd\: 7 open onboardings`)
	require.ErrorContains(t, err, "put them back")
	require.NotContains(t, err.Error(), "perhaps more")
	require.Len(t, v.queries, 5)
	require.Contains(t, v.queries[1], "AND OnboardingSetup = 'fast'")
	require.Contains(t, v.queries[4], `NOT IN ('standard', 'fast', 'o\'dd\\')`)
}

func TestCheckSetupsInUse_ManyVanished_NamesTen(t *testing.T) {
	v := &visibility{}
	for i := range 30 {
		v.open = append(v.open, fmt.Sprintf("s%d", i))
	}
	_, err := checkSetups(t, t.Context(), v)
	require.ErrorContains(t, err, "s9: 7")
	require.NotContains(t, err.Error(), "s10")
	require.ErrorContains(t, err, "perhaps more")
}

func TestCheckSetupsInUse_ListsOutOfOrder_WarnsAndGoesOn(t *testing.T) {
	refused := status.Error(codes.PermissionDenied, "no lists for you")
	for name, v := range map[string]*visibility{
		"listing fails":              {fail: refused},
		"counting fails":             {open: []string{"fast"}, fail: refused},
		"a name cannot be left out":  {open: []string{"standard"}},
		"a name that is none at all": {open: []string{""}, fail: refused},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := checkSetups(t, t.Context(), v)
			require.NoError(t, err)
			require.Contains(t, log, "level=WARN")
			require.Contains(t, log, "going on without this check")
		})
	}
	_, err := checkSetups(t, t.Context(), &visibility{open: []string{"fast", "fast"}})
	require.ErrorContains(t, err, "fast: 7", "what was seen counts")
}

func TestCheckSetupsInUse_Interrupted_SaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log, err := checkSetups(t, ctx, &visibility{})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, log)
}
