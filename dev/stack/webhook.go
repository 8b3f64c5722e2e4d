package stack

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"kyc/app"
)

// Configuration is that of one of the programs, as the stack runs it.
func (s *Stack) Configuration(program string) (*app.Config, error) {
	cfg, _, err := s.load(program)
	return cfg, err
}

// webhooks keeps its connections, as a delivery engine does.
var webhooks = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// SendWebhook sends a body to a bridge with Ondato's credentials, and returns the status of the answer. BridgeURL is the
// stack's own bridge.
func (s *Stack) SendWebhook(ctx context.Context, bridgeURL string, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, bridgeURL+"/webhooks/ondato", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.SetBasicAuth("ondato", s.secrets.WebhookPassword)
	r.Header.Set("Content-Type", "application/json")
	answer, err := webhooks.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, nil
}
