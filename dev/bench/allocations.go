package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"

	"kyc/onboarding"
	"kyc/ondato"
	"kyc/privacy"
	"kyc/webhookbridge"
)

// AllocationFigures are what the bridge's handler allocates for one webhook, from the parsed request head to the answer,
// without the network on either side.
type AllocationFigures struct {
	Way         string  `json:"way"`
	PerWebhook  float64 `json:"allocationsPerWebhook"`
	Bytes       float64 `json:"bytesPerWebhook"`
	Nanoseconds float64 `json:"nanosecondsPerWebhook"`
}

var allocationWays = []struct {
	name string
	with credentials
}{{"Basic", basic}, {"HMAC", signed}}

func (r *rig) allocations(webhooks int) ([]AllocationFigures, error) {
	var out []AllocationFigures
	for _, w := range allocationWays {
		handle, err := handler(w.with, privacy.DataConverter(r.house.Codec))
		if err != nil {
			return nil, err
		}
		if err := handle(); err != nil { // what the first one sets up is not counted
			return nil, err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range webhooks {
			if err := handle(); err != nil {
				return nil, err
			}
		}
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		n := float64(webhooks)
		out = append(out, AllocationFigures{
			Way: w.name, PerWebhook: float64(after.Mallocs-before.Mallocs) / n, Bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
			Nanoseconds: float64(took.Nanoseconds()) / n,
		})
	}
	return out, nil
}

// handler returns what has the bridge's handler take one webhook of a known session, with a line in a log that goes
// nowhere.
func handler(with credentials, sealing converter.DataConverter) (handle func() error, err error) {
	bridge, err := webhookbridge.New(webhookbridge.Config{
		Temporal: idleTemporal{}, DataConverter: sealing, Ondato: idleOndato{}, ApplicationID: applicationID,
		Setups: map[string]onboarding.Deliver{setupID: onboarding.DeliverAll},
		Credentials: webhookbridge.Credentials{
			Basic: []ondato.Credential{{Username: webhookUser, Password: webhookPassword}}, HMACSecrets: []string{webhookSecret},
		},
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	if err != nil {
		return nil, err
	}
	t := newTarget()
	body := t.body(t.event(0))
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(append(requestHead(nil, len(body), with(body)), body...))))
	if err != nil {
		return nil, err
	}
	answer := &bareAnswer{header: http.Header{}}
	reader := bytes.NewReader(nil)
	serve := bridge.Handler()
	return func() error {
		reader.Reset(body)
		request.Body = io.NopCloser(reader)
		clear(answer.header)
		answer.status = 0
		serve.ServeHTTP(answer, request)
		if answer.status != http.StatusOK {
			return fmt.Errorf("the handler answers %d", answer.status)
		}
		return nil
	}, nil
}

// bareAnswer is a response without a network.
type bareAnswer struct {
	header http.Header
	status int
}

func (a *bareAnswer) Header() http.Header             { return a.header }
func (a *bareAnswer) WriteHeader(status int)          { a.status = status }
func (a *bareAnswer) Write(p []byte) (int, error)     { return len(p), nil }
func (a *bareAnswer) SetReadDeadline(time.Time) error { return nil }

// idleTemporal accepts every signal.
type idleTemporal struct{ client.Client }

func (idleTemporal) WorkflowService() workflowservice.WorkflowServiceClient { return idleService{} }

type idleService struct {
	workflowservice.WorkflowServiceClient
}

var takenByRun = &workflowservice.SignalWorkflowExecutionResponse{Link: &commonpb.Link{Variant: &commonpb.Link_WorkflowEvent_{
	WorkflowEvent: &commonpb.Link_WorkflowEvent{RunId: "5f0d2c35-1be1-4a39-9ab5-0c7f16a1b2c4"},
}}}

func (idleService) SignalWorkflowExecution(context.Context, *workflowservice.SignalWorkflowExecutionRequest, ...grpc.CallOption) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	return takenByRun, nil
}
