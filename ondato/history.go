package ondato

import (
	"context"
	"net/http"
	"time"
)

// WebhookRecord is one entry of a session's webhook history (contract 2.4). Its Webhook is read as by [ParseWebhook], but
// nothing is demanded of it.
type WebhookRecord struct {
	Webhook
	IsDelivered  bool
	DeliveredUtc time.Time // zero where absent
}

// Webhooks lists the webhooks that Ondato has made for a session, in Ondato's order, delivered or not (contract 2.4).
func (c *Client) Webhooks(ctx context.Context, id string) ([]WebhookRecord, error) {
	const op = "get webhooks"
	address, err := resource(op, c.idvURL, identityVerifications, id, "/webhooks")
	if err != nil {
		return nil, err
	}
	answer, err := c.do(ctx, request{op: op, method: http.MethodGet, url: address, limit: recordAnswer})
	if err != nil {
		return nil, err
	}
	var wire []struct {
		wireWebhook
		IsDelivered  bool   `json:"isDelivered"`
		DeliveredUtc string `json:"deliveredUtc"`
	}
	if !opensWith(answer, '[') || decodeLenient(answer, &wire) != nil {
		return nil, unreadable(op, "the answer is not a JSON array")
	}
	records := make([]WebhookRecord, 0, len(wire))
	for i := range wire {
		records = append(records, WebhookRecord{
			Webhook:      wire[i].webhook(),
			IsDelivered:  wire[i].IsDelivered,
			DeliveredUtc: timeOrZero(wire[i].DeliveredUtc),
		})
	}
	return records, nil
}
