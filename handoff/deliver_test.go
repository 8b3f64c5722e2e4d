package handoff

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

func TestDeliver_Decision_ArrivesSignedWithTheWholeMessage(t *testing.T) {
	b := newBackend(t, nil)
	id, err := deliverer(t, b.config()).Deliver(t.Context(), crm, approved(), json.RawMessage(record))
	require.NoError(t, err)

	got := b.deliveries()
	require.Len(t, got, 1)
	verifier, err := standardwebhooks.NewWebhook(secretOf('a'))
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(got[0].body, got[0].header))
	require.Equal(t, http.MethodPost, got[0].method)
	require.Equal(t, "application/json", got[0].header.Get("Content-Type"))
	require.Equal(t, defaultUserAgent, got[0].header.Get("User-Agent"))
	require.Equal(t, id, got[0].header.Get("webhook-id"))
	require.Regexp(t, `^`+string(reference.ID())+`\.1\.[0-9a-f]{8}$`, id)
	require.NotContains(t, got[0].header, "X-Idempotency-Key")

	require.Equal(t, `{"type":"onboarding.decided","timestamp":"2026-03-02T10:15:00.123Z","data":{"id":"`+string(reference.ID())+
		`","reference":"order-4711","setup":"retail","outcome":"Approved","reason":"AutomaticallyIdentified","attempt":2,`+
		`"decidedAt":"2026-03-02T10:15:00.123Z","decidedBy":"ondato","version":1,"ondato":{"identityVerificationId":"`+sessionID+
		`","identificationId":"7c9e6679-7425-40de-944b-e07fc1f90ae7"},"identification":`+record+`}}`, string(got[0].body))
	require.True(t, json.Valid(got[0].body))
}

func TestDeliver_OutcomeWithoutIdentification_LeavesOutWhatThereIsNot(t *testing.T) {
	b := newBackend(t, nil)
	h := approved()
	h.Decision = onboarding.Decision{Outcome: onboarding.OutcomeCancelled, By: "api:crm", At: decidedAt, Attempt: 1, Version: 3}
	h.Amendment = true
	_, err := deliverer(t, b.config()).Deliver(t.Context(), crm, h, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"onboarding.amended","timestamp":"2026-03-02T10:15:00.123Z","data":{"id":"`+string(reference.ID())+
		`","reference":"order-4711","setup":"retail","outcome":"Cancelled","attempt":1,"decidedAt":"2026-03-02T10:15:00.123Z",`+
		`"decidedBy":"api:crm","version":3,"ondato":{}}}`, string(b.deliveries()[0].body))
}

func TestDeliver_Repeat_IsTheSameToTheByte(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	first, err := d.Deliver(t.Context(), crm, approved(), json.RawMessage(record))
	require.NoError(t, err)
	// A retry comes from a workflow history, which writes times in another way.
	again := approved()
	again.Decision.At = again.Decision.At.UTC()
	second, err := d.Deliver(t.Context(), crm, again, json.RawMessage(record))
	require.NoError(t, err)

	got := b.deliveries()
	require.Equal(t, first, second)
	require.Equal(t, got[0].body, got[1].body)
	require.Equal(t, got[0].header.Get("webhook-id"), got[1].header.Get("webhook-id"))
}

func TestDeliver_BodySize_IsBounded(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	empty, err := encode(approved(), json.RawMessage(`{"x":""}`))
	require.NoError(t, err)
	fits := strings.Repeat("x", MaxBodySize-len(empty))

	_, err = d.Deliver(t.Context(), crm, approved(), json.RawMessage(`{"x":"`+fits+`"}`))
	require.NoError(t, err)
	_, err = d.Deliver(t.Context(), crm, approved(), json.RawMessage(`{"x":"`+fits+`x"}`))
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, CodeTooLarge, failed.Code)
	require.True(t, failed.Permanent)
	require.Contains(t, err.Error(), strconv.Itoa(MaxBodySize))
	require.Len(t, b.deliveries(), 1)
}

func TestDeliver_UnusableInput_IsRefusedByFieldBeforeAnythingIsSent(t *testing.T) {
	b := newBackend(t, nil)
	d := deliverer(t, b.config())
	table := map[string]struct {
		change func(*onboarding.HandOff)
		record string
		field  string
	}{
		"id":                 {change: func(h *onboarding.HandOff) { h.ID = "private words" }, field: "id"},
		"reference":          {change: func(h *onboarding.HandOff) { h.Reference = "" }, field: "reference"},
		"outcome":            {change: func(h *onboarding.HandOff) { h.Decision.Outcome = "private words" }, field: "decision.outcome"},
		"by":                 {change: func(h *onboarding.HandOff) { h.Decision.By = "" }, field: "decision.by"},
		"no time":            {change: func(h *onboarding.HandOff) { h.Decision.At = time.Time{} }, field: "decision.at"},
		"time out of range":  {change: func(h *onboarding.HandOff) { h.Decision.At = decidedAt.AddDate(9000, 0, 0) }, field: "decision.at"},
		"version":            {change: func(h *onboarding.HandOff) { h.Decision.Version = 0 }, field: "decision.version"},
		"record not JSON":    {record: `{"private words`, field: "record"},
		"record not object":  {record: `["private words"]`, field: "record"},
		"record null":        {record: `null`, field: "record"},
		"record white space": {record: " \n", field: "record"},
	}
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			h := approved()
			if row.change != nil {
				row.change(&h)
			}
			_, err := d.Deliver(t.Context(), crm, h, json.RawMessage(row.record))
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, CodeInvalid, failed.Code)
			require.True(t, failed.Permanent)
			fields := onboarding.Fields(err)
			require.Len(t, fields, 1)
			require.Equal(t, row.field, fields[0].Field)
			requireSilent(t, err)
		})
	}
	require.Empty(t, b.deliveries())
}
