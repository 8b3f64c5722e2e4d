package app_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"kyc/app"
)

// frontend is a gRPC server with as much of Temporal's frontend as a client needs to connect and to call.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	refuse error
	seen   chan string // identity of who starts a workflow
	header chan metadata.MD
}

func (f *frontend) GetSystemInfo(ctx context.Context, _ *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	md, _ := metadata.FromIncomingContext(ctx)
	select {
	case f.header <- md:
	default:
	}
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (f *frontend) SignalWorkflowExecution(_ context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	f.seen <- r.GetIdentity()
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func serveFrontend(t *testing.T, refuse error) (*frontend, string) {
	t.Helper()
	f := &frontend{refuse: refuse, seen: make(chan string, 1), header: make(chan metadata.MD, 1)}
	return f, serveService(t, f)
}

func serveService(t *testing.T, service workflowservice.WorkflowServiceServer) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, service)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func operatorConfig(t *testing.T, e env) *app.Config {
	t.Helper()
	c, err := load(t, app.ProgramOperator, e.with("PRIVACY_PLAINTEXT", "1"))
	require.NoError(t, err)
	return c
}

func TestConnect_ServerRuns_ConnectsUnderTheProgramsName(t *testing.T) {
	f, address := serveFrontend(t, nil)
	metrics, registry, err := app.NewMetrics(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	c := operatorConfig(t, env{"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "kyc", "TEMPORAL_GRPC_META_TEAM": "onboarding"})
	temporal, err := app.Connect(t.Context(), c, slog.New(slog.DiscardHandler), metrics)
	require.NoError(t, err)
	defer temporal.Close()

	require.Equal(t, []string{"onboarding"}, (<-f.header).Get("team"))
	require.NoError(t, temporal.Client.SignalWorkflow(t.Context(), "some-id", "", "some-signal", nil))
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, "onboarding-operator@"+host, <-f.seen)
	require.NotZero(t, gathered(t, registry)["temporal_request_total"])
}

func TestConnect_NobodyListens_SaysWhereAndWhatToSetWithinTenSeconds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	begin := time.Now()
	_, err = app.Connect(t.Context(), operatorConfig(t, env{"TEMPORAL_ADDRESS": address}), slog.New(slog.DiscardHandler), nil)
	require.ErrorContains(t, err, "cannot reach Temporal at "+address)
	require.ErrorContains(t, err, "TEMPORAL_ADDRESS")
	require.Less(t, time.Since(begin), 10*time.Second)
}

func TestConnect_ServerIsSilent_GivesUpWithinTenSeconds(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	begin := time.Now()
	_, err = app.Connect(t.Context(), operatorConfig(t, env{"TEMPORAL_ADDRESS": silent.Addr().String()}), slog.New(slog.DiscardHandler), nil)
	require.ErrorContains(t, err, "TEMPORAL_ADDRESS")
	require.Less(t, time.Since(begin), 10*time.Second)
}

func TestConnect_CredentialsRefused_NamesTheirVariable(t *testing.T) {
	_, address := serveFrontend(t, status.Error(codes.PermissionDenied, "no"))
	_, err := app.Connect(t.Context(), operatorConfig(t, env{"TEMPORAL_ADDRESS": address}), slog.New(slog.DiscardHandler), nil)
	require.ErrorContains(t, err, "TEMPORAL_API_KEY")
}

func TestConnect_Interrupted_SaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := app.Connect(ctx, operatorConfig(t, env{}), slog.New(slog.DiscardHandler), nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestLoad_TemporalProfile_IsUsed(t *testing.T) {
	f, address := serveFrontend(t, nil)
	path := file(t, "temporal.toml", "[profile.prod]\naddress = \""+address+"\"\nnamespace = \"kyc\"\n[profile.prod.grpc_meta]\nteam = \"onboarding\"\n")
	c := operatorConfig(t, env{"TEMPORAL_CONFIG_FILE": path, "TEMPORAL_PROFILE": "prod"})
	temporal, err := app.Connect(t.Context(), c, slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	defer temporal.Close()
	require.Equal(t, []string{"onboarding"}, (<-f.header).Get("team"))
}

func TestLoad_TemporalConfigurationWrong_IsReportedByVariable(t *testing.T) {
	for _, c := range []struct {
		name, variable string
		env            env
	}{
		{"file missing", "TEMPORAL_CONFIG_FILE", env{"TEMPORAL_CONFIG_FILE": "/nowhere/temporal.toml"}},
		{"file malformed", "TEMPORAL_CONFIG_FILE", env{"TEMPORAL_CONFIG_FILE": file(t, "a.toml", "[profile.default]\napi_key = "+someSecret+"\n")}},
		{"unknown key", "TEMPORAL_CONFIG_FILE", env{"TEMPORAL_CONFIG_FILE": file(t, "b.toml", "[profile.default]\nadress = \""+someSecret+"\"\n")}},
		{"profile missing", "TEMPORAL_CONFIG_FILE", env{"TEMPORAL_PROFILE": "prod"}},
		{"switch", "TEMPORAL_TLS", env{"TEMPORAL_TLS": "yes"}},
		{"no port", "TEMPORAL_ADDRESS", env{"TEMPORAL_ADDRESS": "temporal.example"}},
		{"certificate missing", "TEMPORAL_TLS_*", env{"TEMPORAL_TLS_CLIENT_CERT_PATH": "/nowhere/c.pem", "TEMPORAL_TLS_CLIENT_KEY_PATH": "/nowhere/k.pem"}},
		{"key malformed", "TEMPORAL_TLS_*", env{"TEMPORAL_TLS_CLIENT_CERT_DATA": "x", "TEMPORAL_TLS_CLIENT_KEY_DATA": someSecret}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, app.ProgramOperator, c.env.with("PRIVACY_PLAINTEXT", "1"))
			require.Equal(t, []string{c.variable}, variablesOf(t, err), "%v", err)
			require.NotContains(t, err.Error(), someSecret)
		})
	}
}
