package temporalserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kyc/dev/temporalserver"
)

const taskQueue = "temporalserver-test"

func TestStart_InMemory_RunsWorkflowThatSearchAttributeFinds(t *testing.T) {
	ctx := testContext(t)
	server := start(t, temporalserver.Config{UIPort: temporalserver.NoUI})
	require.Empty(t, server.UIURL())
	c := dial(t, server)
	work(t, c)

	_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace:        "default",
		SearchAttributes: map[string]enumspb.IndexedValueType{"Stage": enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	})
	require.NoError(t, err)

	var run client.WorkflowRun
	require.Eventually(t, func() bool {
		run, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID:                    "greeting",
			TaskQueue:             taskQueue,
			TypedSearchAttributes: temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("Stage").ValueSet("Opening")),
		}, greet, "Ada")
		return err == nil
	}, 5*time.Second, 20*time.Millisecond, "the new search attribute was not accepted")
	var greeting string
	require.NoError(t, run.Get(ctx, &greeting))
	require.Equal(t, "Hello, Ada", greeting)

	require.Eventually(t, func() bool {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: `Stage = "Opening" AND ExecutionStatus = "Completed"`,
		})
		return err == nil && len(list.GetExecutions()) == 1 && list.GetExecutions()[0].GetExecution().GetWorkflowId() == "greeting"
	}, 10*time.Second, 20*time.Millisecond)
}

func TestStart_NamespaceAndRetention_AreAsConfigured(t *testing.T) {
	server := start(t, temporalserver.Config{UIPort: temporalserver.NoUI, Namespace: "onboarding", Retention: 36 * time.Hour})
	ns, err := dialNamespace(t, server, "onboarding").WorkflowService().DescribeNamespace(testContext(t),
		&workflowservice.DescribeNamespaceRequest{Namespace: "onboarding"})
	require.NoError(t, err)
	require.Equal(t, 36*time.Hour, ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
}

func TestUpdateWithStart_OnNewWorkflow_StartsItAndAnswers(t *testing.T) {
	ctx := testContext(t)
	c := dial(t, start(t, temporalserver.Config{UIPort: temporalserver.NoUI}))
	work(t, c)

	begin := c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID:                       "till-closed",
		TaskQueue:                taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, untilClosed)
	handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: begin,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: "count", Args: []any{3}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	require.NoError(t, err)
	var total int
	require.NoError(t, handle.Get(ctx, &total))
	require.Equal(t, 3, total)
}

func TestStart_OnFileOfStoppedServer_WorkflowContinues(t *testing.T) {
	ctx := testContext(t)
	cfg := temporalserver.Config{DB: filepath.Join(t.TempDir(), "with space & 100%.db")}
	first := start(t, cfg)
	_, err := dial(t, first).ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "kept", TaskQueue: taskQueue}, untilClosed)
	require.NoError(t, err)
	require.NoError(t, first.Stop())

	cfg.FrontendPort, cfg.UIPort = portOf(t, first.FrontendAddr()), portOf(t, strings.TrimPrefix(first.UIURL(), "http://"))
	second := start(t, cfg)
	require.Equal(t, first.FrontendAddr(), second.FrontendAddr())
	require.Equal(t, first.UIURL(), second.UIURL())
	requireContinues(t, second, "kept")
	require.NoError(t, second.Stop())

	t.Run("and on other ports", func(t *testing.T) {
		third := start(t, temporalserver.Config{DB: cfg.DB})
		require.NotEqual(t, first.FrontendAddr(), third.FrontendAddr())
		desc, err := dial(t, third).DescribeWorkflowExecution(ctx, "kept", "")
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, desc.GetWorkflowExecutionInfo().GetStatus())
	})
}

func TestStart_TwoServersInOneProcess_ShareNothing(t *testing.T) {
	ctx := testContext(t)
	servers := make([]*temporalserver.Server, 2)
	errs := make(chan error, len(servers))
	for i := range servers { // at the same moment, so that they compete for ports
		go func() {
			var err error
			servers[i], err = temporalserver.Start(ctx, temporalserver.Config{})
			errs <- err
		}()
	}
	for range servers {
		require.NoError(t, <-errs)
	}
	for _, s := range servers {
		t.Cleanup(func() { require.NoError(t, s.Stop()) })
	}
	require.NotEqual(t, servers[0].FrontendAddr(), servers[1].FrontendAddr())
	require.NotEqual(t, servers[0].UIURL(), servers[1].UIURL())

	for i, s := range servers {
		c := dial(t, s)
		work(t, c)
		name := fmt.Sprintf("server %d", i)
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "same-id", TaskQueue: taskQueue, WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			WorkflowExecutionErrorWhenAlreadyStarted: true,
		}, greet, name)
		require.NoError(t, err)
		var greeting string
		require.NoError(t, run.Get(ctx, &greeting))
		require.Equal(t, "Hello, "+name, greeting)
	}

	require.NoError(t, servers[0].Stop())
	_, err := dial(t, servers[1]).DescribeWorkflowExecution(ctx, "same-id", "")
	require.NoError(t, err, "stopping one server must not disturb the other")
}

func TestStart_PortTaken_ErrorNamesPortPurposeAndRemedy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	port := taken.Addr().(*net.TCPAddr).Port

	for _, tc := range []struct {
		name string
		cfg  temporalserver.Config
		want string
	}{
		{
			"frontend", temporalserver.Config{FrontendPort: port},
			"port %d for the Temporal frontend is taken: stop what listens there, or choose another with --port",
		},
		{
			"UI", temporalserver.Config{UIPort: port},
			"port %d for the Temporal UI is taken: stop what listens there, or choose another with --ui-port",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := temporalserver.Start(testContext(t), tc.cfg)
			require.ErrorContains(t, err, fmt.Sprintf(tc.want, port))
		})
	}
}

func TestStart_ContextEnded_FailsAndLeavesFileUsable(t *testing.T) {
	cfg := temporalserver.Config{DB: filepath.Join(t.TempDir(), "temporal.db"), UIPort: temporalserver.NoUI}
	ended, cancel := context.WithCancel(testContext(t))
	cancel()
	_, err := temporalserver.Start(ended, cfg)
	require.ErrorIs(t, err, context.Canceled)
	start(t, cfg)
}

func TestStop_WithPollingWorkerAndOpenUI_TakesLessThan5SecondsAndFreesPorts(t *testing.T) {
	server := start(t, temporalserver.Config{})
	c := dial(t, server)
	work(t, c)
	_, err := c.ExecuteWorkflow(testContext(t), client.StartWorkflowOptions{ID: "open", TaskQueue: taskQueue}, untilClosed)
	require.NoError(t, err)
	get(t, server.UIURL()+"/") // leaves a connection open

	began := time.Now()
	require.NoError(t, server.Stop())
	took := time.Since(began)
	t.Logf("stopped in %s", took)
	require.Less(t, took, 5*time.Second)
	require.NoError(t, server.Stop(), "a second Stop")

	for _, addr := range []string{server.FrontendAddr(), strings.TrimPrefix(server.UIURL(), "http://")} {
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}

func TestStart_AllInterfaces_IsReachedOnLoopback(t *testing.T) {
	server := start(t, temporalserver.Config{Host: "0.0.0.0"})
	require.True(t, strings.HasPrefix(server.FrontendAddr(), "127.0.0.1:"), server.FrontendAddr())
	_, body := get(t, server.UIURL()+"/healthz")
	require.NotEmpty(t, body)
}

// greet is the least a workflow can do.
func greet(_ workflow.Context, name string) (string, error) {
	return "Hello, " + name, nil
}

// untilClosed adds up the updates "count" until the signal "close", and returns the sum.
func untilClosed(ctx workflow.Context) (int, error) {
	var total int
	if err := workflow.SetUpdateHandler(ctx, "count", func(_ workflow.Context, n int) (int, error) {
		total += n
		return total, nil
	}); err != nil {
		return 0, err
	}
	workflow.GetSignalChannel(ctx, "close").Receive(ctx, nil)
	return total, nil
}

func requireContinues(t *testing.T, server *temporalserver.Server, workflowID string) {
	t.Helper()
	ctx := testContext(t)
	c := dial(t, server)
	work(t, c)
	update, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: "count", Args: []any{2}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	require.NoError(t, update.Get(ctx, nil))
	require.NoError(t, c.SignalWorkflow(ctx, workflowID, "", "close", nil))
	var total int
	require.NoError(t, c.GetWorkflow(ctx, workflowID, "").Get(ctx, &total))
	require.Equal(t, 2, total)
}

func start(t *testing.T, cfg temporalserver.Config) *temporalserver.Server {
	t.Helper()
	began := time.Now()
	server, err := temporalserver.Start(testContext(t), cfg)
	require.NoError(t, err)
	t.Logf("started in %s", time.Since(began))
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func dial(t *testing.T, server *temporalserver.Server) client.Client {
	t.Helper()
	return dialNamespace(t, server, "default")
}

func dialNamespace(t *testing.T, server *temporalserver.Server, namespace string) client.Client {
	t.Helper()
	c, err := client.DialContext(testContext(t), client.Options{HostPort: server.FrontendAddr(), Namespace: namespace, Logger: quiet{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func work(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflow(greet)
	w.RegisterWorkflow(untilClosed)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(testContext(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, string(body))
	return resp, string(body)
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	require.NoError(t, err)
	return tcp.Port
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
