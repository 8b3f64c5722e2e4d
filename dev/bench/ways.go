package bench

import (
	"context"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"

	"kyc/onboarding"
)

// way is one way for an event to become a signal.
type way struct {
	name string
	// repeats: all sendings to a target are the same event, of which the server keeps one.
	repeats bool
	// open makes one caller, who sends one thing at a time.
	open func(context.Context, *rig) (caller, error)
}

// caller sends the nth event of a target, counted from 0. Who calls first of all sends number 0 to every target.
type caller interface {
	send(ctx context.Context, t target, n int) error
	close()
}

const (
	waySDK       = "SDK SignalWorkflow"
	waySDKRun    = "SDK, run id given"
	waySDKBest   = "SDK, run id given, no gzip"
	wayBridge    = "bridge, run id known"
	wayBridgeNew = "bridge, run id not known"
	wayHMAC      = "bridge, HMAC"
	wayRepeat    = "bridge, same event again"
)

// ways: the first is what the others are compared with, moreWays show what makes the difference. A bridge learns run ids from the server's answers; it knows none
// for a session's first event, so a way in which every event is of a new session shows what it does without.
var (
	sdkWay = way{name: waySDK, open: func(_ context.Context, r *rig) (caller, error) { return sdkCaller{with: r.client}, nil }}
	ways   = []way{
		sdkWay,
		{name: wayBridge, open: bridgeCaller(func(t target, n int) []byte { return t.body(t.event(n)) }, basic)},
		{name: wayBridgeNew, open: bridgeCaller(func(t target, _ int) []byte {
			t.session = uuid.NewString()
			return t.body(t.event(0))
		}, basic)},
	}
	moreWays = []way{
		{name: waySDKRun, open: func(_ context.Context, r *rig) (caller, error) { return sdkCaller{with: r.client, named: true}, nil }},
		{name: waySDKBest, open: func(_ context.Context, r *rig) (caller, error) {
			return sdkCaller{with: r.uncompressed, named: true}, nil
		}},
		{name: wayHMAC, open: bridgeCaller(func(t target, n int) []byte { return t.body(t.event(n)) }, signed)},
		{name: wayRepeat, repeats: true, open: bridgeCaller(func(t target, _ int) []byte { return t.body(t.sameEvent()) }, basic)},
	}
)

type sdkCaller struct {
	with  client.Client
	named bool
}

func (c sdkCaller) send(ctx context.Context, t target, n int) error {
	runID := ""
	if c.named {
		runID = t.runID
	}
	return c.with.SignalWorkflow(ctx, t.id.WorkflowID(), runID, onboarding.SignalEvent, t.event(n))
}

func (sdkCaller) close() {}

type httpCaller struct {
	*poster
	body        func(t target, n int) []byte
	credentials credentials
}

func bridgeCaller(body func(target, int) []byte, with credentials) func(context.Context, *rig) (caller, error) {
	return func(ctx context.Context, r *rig) (caller, error) {
		p, err := newPoster(ctx, r.bridgeAddr)
		return httpCaller{p, body, with}, err
	}
}

func (c httpCaller) send(_ context.Context, t target, n int) error {
	body := c.body(t, n)
	return c.post(body, c.credentials(body))
}
