package stack

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// webhooks keeps its connections, as a delivery engine does.
var webhooks = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// SendWebhook sends a body to the bridge with Ondato's credentials, and returns the status of the answer.
func (s *Stack) SendWebhook(ctx context.Context, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.BridgeURL+"/webhooks/ondato", bytes.NewReader(body))
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
