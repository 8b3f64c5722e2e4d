package webhookbridge

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"kyc/onboarding"
	"kyc/ondato"
)

// Made-up ids of the tests.
const (
	ourApplication   = "5a1e0c52-7b1d-4a0e-8a26-33c1c6a0d9aa"
	otherApplication = "99999999-7b1d-4a0e-8a26-33c1c6a0d9aa"
	allSetup         = "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11"
	decisiveSetup    = "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f22"
	otherSetup       = "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f33"
	kycSetup         = "31d0c3b7-6a0f-4a64-9f0e-2b7a9c1d5e01"
	eventID          = "e0f1a2b3-c4d5-4e6f-8a7b-9c0d1e2f3a4b"
	sessionID        = "0e2a7f0e-1d7e-4f7a-8d3b-3a4c5d6e7f80"
	kycID            = "9a7b6c5d-4e3f-4a2b-8c1d-0e9f8a7b6c5d"
	testNamespace    = "kyc-test"

	basicUser, basicPassword = "ondato", "correct horse battery"
	hmacSecret               = "shared-secret-of-the-tests"
	oauthID, oauthSecret     = "ondato-webhooks", "oauth-secret-of-the-tests"
)

var ourID = onboarding.Reference("customer-1").ID()

// temporalServer is a real gRPC server with the few calls that the bridge makes.
type temporalServer struct {
	workflowservice.UnimplementedWorkflowServiceServer
	address string
	health  *health.Server

	mu       sync.Mutex
	signals  []*workflowservice.SignalWorkflowExecutionRequest
	behave   func(ctx context.Context, call int, r *workflowservice.SignalWorkflowExecutionRequest) error
	accepted int
	run      string // named in answers, unless empty
}

func startTemporal(t *testing.T) *temporalServer {
	t.Helper()
	s := &temporalServer{health: health.NewServer()}
	s.health.SetServingStatus(workflowservice.WorkflowService_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, s)
	grpc_health_v1.RegisterHealthServer(server, s.health)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	s.address = listener.Addr().String()
	return s
}

func (s *temporalServer) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (s *temporalServer) SignalWorkflowExecution(ctx context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	s.mu.Lock()
	s.signals = append(s.signals, r)
	call, behave := len(s.signals), s.behave
	s.mu.Unlock()
	if behave != nil {
		if err := behave(ctx, call, r); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted++
	if s.run == "" {
		return &workflowservice.SignalWorkflowExecutionResponse{}, nil
	}
	return &workflowservice.SignalWorkflowExecutionResponse{Link: &commonpb.Link{Variant: &commonpb.Link_WorkflowEvent_{
		WorkflowEvent: &commonpb.Link_WorkflowEvent{WorkflowId: r.GetWorkflowExecution().GetWorkflowId(), RunId: s.run},
	}}}, nil
}

// runs names the run that takes signals from now on, as newer servers do.
func (s *temporalServer) runs(run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
}

func (s *temporalServer) does(behave func(ctx context.Context, call int, r *workflowservice.SignalWorkflowExecutionRequest) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behave = behave
}

func (s *temporalServer) received() []*workflowservice.SignalWorkflowExecutionRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*workflowservice.SignalWorkflowExecutionRequest(nil), s.signals...)
}

func (s *temporalServer) dial(t *testing.T, dc converter.DataConverter) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: s.address, Namespace: testNamespace, DataConverter: dc,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// ondatoServer answers GET /v1/identity-verifications/{id} as the IDV API does.
type ondatoServer struct {
	*httptest.Server
	asked atomic.Int64
	gate  chan struct{} // if set, requests wait for it to be closed

	mu       sync.Mutex
	sessions map[string]string // id → body
	status   int               // if not 0, the answer to every look-up
	header   http.Header
}

func startOndato(t *testing.T) *ondatoServer {
	t.Helper()
	s := &ondatoServer{sessions: map[string]string{}, header: http.Header{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /connect/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"api-token","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("GET /v1/identity-verifications/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if s.gate != nil {
			select {
			case <-s.gate:
			case <-r.Context().Done():
				return
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for name, values := range s.header {
			w.Header()[name] = values
		}
		body, known := s.sessions[strings.ToLower(r.PathValue("id"))]
		switch {
		case r.Header.Get("Authorization") != "Bearer api-token":
			w.WriteHeader(http.StatusUnauthorized)
		case s.status != 0:
			w.WriteHeader(s.status)
		case !known:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, body)
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *ondatoServer) knows(id, application, setup, reference string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[id] = fmt.Sprintf(`{"id":%q,"applicationId":%q,"externalReferenceId":%q,"status":"InProgress","setup":{"id":%q}}`,
		strings.ToUpper(id), application, reference, setup)
}

func (s *ondatoServer) fails(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *ondatoServer) client(t *testing.T) *ondato.Client {
	t.Helper()
	c, err := ondato.New(ondato.Config{ClientID: "app.ondato.tests", ClientSecret: "api-secret",
		TokenURL: s.URL, IDVURL: s.URL, KYCURL: s.URL, LinkURL: s.URL})
	require.NoError(t, err)
	return c
}

// fixture is a bridge on a real HTTP server, with a Temporal and an Ondato.
type fixture struct {
	t        *testing.T
	url      string
	bridge   *Bridge
	temporal *temporalServer
	ondato   *ondatoServer
	logs     *logBuffer
	config   Config
}

// logBuffer collects what the bridge logs.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func start(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	return startWith(t, startTemporal(t), startOndato(t), change...)
}

func startWith(t *testing.T, temporal *temporalServer, vendor *ondatoServer, change ...func(*Config)) *fixture {
	t.Helper()
	logs := &logBuffer{}
	cfg := Config{
		Temporal:      temporal.dial(t, nil),
		Namespace:     testNamespace,
		Identity:      "bridge-under-test",
		Ondato:        vendor.client(t),
		ApplicationID: ourApplication,
		Setups:        map[string]onboarding.Deliver{allSetup: onboarding.DeliverAll, decisiveSetup: onboarding.DeliverDecisive},
		Credentials: Credentials{
			Basic:        []ondato.Credential{{Username: "before", Password: "rotation"}, {Username: basicUser, Password: basicPassword}},
			HMACSecrets:  []string{"an-older-shared-secret", hmacSecret},
			OAuthClients: []ondato.OAuth2Client{{ID: oauthID, Secret: oauthSecret}},
		},
		Log: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&cfg)
	}
	bridge, err := New(cfg)
	require.NoError(t, err)
	return &fixture{t: t, url: serve(t, bridge), bridge: bridge, temporal: temporal, ondato: vendor, logs: logs, config: cfg}
}

// serve runs the bridge's own server on a free port.
func serve(t *testing.T, bridge *Bridge) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := bridge.Server("")
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return "http://" + listener.Addr().String()
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// said is what the answer's JSON says: the result, why it was ignored, or the field at fault.
func (a answer) said() string {
	var body struct{ Result, Reason, Field, Error string }
	_ = json.Unmarshal([]byte(a.body), &body)
	for _, word := range []string{body.Reason, body.Result, body.Field, body.Error} {
		if word != "" {
			return fmt.Sprintf("%d %s", a.status, word)
		}
	}
	return fmt.Sprint(a.status)
}

func (f *fixture) do(r *http.Request) answer {
	f.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(r)
	require.NoError(f.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

func (f *fixture) request(method, path, body string) *http.Request {
	f.t.Helper()
	r, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	require.NoError(f.t, err)
	return r
}

// in is the fixture for a subtest, so that it is the subtest that fails.
func (f *fixture) in(t *testing.T) *fixture {
	inner := *f
	inner.t = t
	return &inner
}

// post delivers an event with Basic credentials.
func (f *fixture) post(body string) answer {
	f.t.Helper()
	r := f.request(http.MethodPost, routeWebhook, body)
	r.SetBasicAuth(basicUser, basicPassword)
	return f.do(r)
}

func (f *fixture) get(path string) answer {
	f.t.Helper()
	return f.do(f.request(http.MethodGet, path, ""))
}

// metric reads one series, written as /metrics shows it without the prefix; 0 if there is none.
func (f *fixture) metric(series string) float64 {
	f.t.Helper()
	for line := range strings.Lines(f.get(routeMetrics).body) {
		if value, found := strings.CutPrefix(line, "onboarding_bridge_"+series+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(f.t, err)
			return number
		}
	}
	return 0
}

func (f *fixture) ignored(reason, label string) float64 {
	f.t.Helper()
	return f.metric(fmt.Sprintf("webhooks_ignored_total{reason=%q,type=%q}", reason, label))
}

const acceptedStatusChanges = `webhooks_accepted_total{type="IdentityVerification.StatusChanged"}`

// event is a webhook to be changed by a test: set and drop take dotted paths.
type event map[string]any

func idvEvent() event {
	return event{
		"id": eventID, "applicationId": ourApplication, "createdUtc": "2026-11-03T09:16:00.1284417Z", "type": "IdentityVerification.StatusChanged",
		"payload": event{"id": sessionID, "applicationId": ourApplication, "externalReferenceId": string(ourID), "status": "InProgress",
			"createdUtc": "2026-11-03T09:12:44.120Z", "setup": event{"id": allSetup}, "step": event{}},
	}
}

func kycEvent() event {
	return event{
		"id": eventID, "applicationId": ourApplication, "createdUtc": "2026-11-03T09:16:00.1284417Z", "type": "KycIdentification.Rejected",
		"payload": event{"id": kycID, "applicationId": ourApplication, "identityVerificationId": sessionID, "status": "Rejected",
			"statusReason": "BlurredPhoto", "setup": event{"id": kycSetup}, "document": event{"firstName": "ONA"}},
	}
}

func (e event) set(path string, value any) event {
	parent, name := e.parent(path)
	parent[name] = value
	return e
}

func (e event) drop(path string) event {
	parent, name := e.parent(path)
	delete(parent, name)
	return e
}

func (e event) parent(path string) (event, string) {
	parts := strings.Split(path, ".")
	at := e
	for _, p := range parts[:len(parts)-1] {
		at = at[p].(event)
	}
	return at, parts[len(parts)-1]
}

func (e event) String() string {
	encoded, err := json.Marshal(e)
	if err != nil {
		panic(err) // a mistake in a test
	}
	return string(encoded)
}

// sign is Ondato's signature header (contract 5.3).
func sign(secret string, at time.Time, body string) string {
	t := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "." + body))
	return "t=" + t + ", s=" + hex.EncodeToString(mac.Sum(nil))
}

func TestBridge_EventOfOurs_BecomesASignal(t *testing.T) {
	t.Parallel()
	f := start(t)

	got := f.post(idvEvent().String())
	require.Equal(t, "200 accepted", got.said())
	signals := f.temporal.received()
	require.Len(t, signals, 1)
	s := signals[0]
	require.Equal(t, testNamespace, s.GetNamespace())
	require.Equal(t, ourID.WorkflowID(), s.GetWorkflowExecution().GetWorkflowId())
	require.Empty(t, s.GetWorkflowExecution().GetRunId())
	require.Equal(t, onboarding.SignalEvent, s.GetSignalName())
	require.Equal(t, "bridge-under-test", s.GetIdentity())
	require.Len(t, s.GetRequestId(), 36)
	require.Equal(t, 1.0, f.metric(acceptedStatusChanges))

	var e onboarding.Event
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(s.GetInput(), &e))
	require.Equal(t, onboarding.Event{ID: eventID, Type: onboarding.EventStatusChanged, SessionID: sessionID, Status: "InProgress",
		CreatedUtc: time.Date(2026, 11, 3, 9, 16, 0, 128441700, time.UTC)}, e)
}

func TestBridge_IdsInUpperCase_AreTheSameEvent(t *testing.T) {
	t.Parallel()
	f := start(t)
	plain := idvEvent()
	upper := idvEvent().set("id", strings.ToUpper(eventID)).set("applicationId", strings.ToUpper(ourApplication)).
		set("payload.id", strings.ToUpper(sessionID)).set("payload.externalReferenceId", strings.ToUpper(string(ourID))).
		set("payload.setup.id", strings.ToUpper(allSetup))
	require.Equal(t, "200 accepted", f.post(plain.String()).said())
	require.Equal(t, "200 accepted", f.post(upper.String()).said())
	s := f.temporal.received()
	require.Len(t, s, 2)
	require.Equal(t, s[0].GetRequestId(), s[1].GetRequestId())
	require.Equal(t, s[0].GetWorkflowExecution().GetWorkflowId(), s[1].GetWorkflowExecution().GetWorkflowId())
}

func TestBridges_TwoReplicas_BehaveAsOne(t *testing.T) {
	t.Parallel()
	temporal, vendor := startTemporal(t), startOndato(t)
	vendor.knows(sessionID, ourApplication, allSetup, string(ourID))
	first, second := startWith(t, temporal, vendor), startWith(t, temporal, vendor)
	for _, e := range []event{idvEvent(), kycEvent()} {
		require.Equal(t, "200 accepted", first.post(e.String()).said())
		require.Equal(t, "200 accepted", second.post(e.String()).said())
	}
	s := temporal.received()
	require.Len(t, s, 4)
	require.Equal(t, s[0].GetRequestId(), s[1].GetRequestId())
	require.Equal(t, s[2].GetRequestId(), s[3].GetRequestId())
	require.NotEqual(t, s[0].GetRequestId(), s[2].GetRequestId())
	require.Equal(t, s[0].GetInput().String(), s[1].GetInput().String())

	token := first.fetchToken(oauthID, oauthSecret)
	r := second.request(http.MethodPost, routeWebhook, idvEvent().String())
	r.Header.Set("Authorization", "Bearer "+token)
	require.Equal(t, "200 accepted", second.do(r).said(), "a token of one replica is accepted by the other")
}

func TestBridge_Stopping_FinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	f := start(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	f.temporal.does(func(context.Context, int, *workflowservice.SignalWorkflowExecutionRequest) error {
		close(arrived)
		<-release
		return nil
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := f.bridge.Server("")
	go func() { _ = server.Serve(listener) }()

	r, err := http.NewRequest(http.MethodPost, "http://"+listener.Addr().String()+routeWebhook, strings.NewReader(idvEvent().String()))
	require.NoError(t, err)
	r.SetBasicAuth(basicUser, basicPassword)
	answered := make(chan answer, 1)
	go func() { answered <- f.do(r) }()
	<-arrived

	f.bridge.Stopping()
	require.Equal(t, http.StatusServiceUnavailable, f.get(routeReady).status)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, 10*time.Millisecond, "no new connections")
	close(release)
	require.Equal(t, "200 accepted", (<-answered).said())
	require.NoError(t, <-stopped)
}

func TestBridge_CallerHangsUp_EventIsDeliveredAllTheSame(t *testing.T) {
	t.Parallel()
	f := start(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	f.temporal.does(func(ctx context.Context, call int, _ *workflowservice.SignalWorkflowExecutionRequest) error {
		if call == 1 {
			close(arrived)
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	ctx, hangUp := context.WithCancel(context.Background())
	r := f.request(http.MethodPost, routeWebhook, idvEvent().String()).WithContext(ctx)
	r.SetBasicAuth(basicUser, basicPassword)
	gone := make(chan error, 1)
	go func() {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = response.Body.Close()
		}
		gone <- err
	}()
	<-arrived
	hangUp()
	require.Error(t, <-gone)
	close(release)
	require.Eventually(t, func() bool {
		return f.metric(acceptedStatusChanges) == 1
	}, 5*time.Second, 10*time.Millisecond)
}
