package handoff

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kyc/onboarding"
)

// maxAnswer is how much of an answer is read, so that the connection can be used again; nothing in it counts.
const maxAnswer = 64 << 10

// Deliverer hands decisions to one backend. It is safe for concurrent use.
type Deliverer struct {
	url       string
	userAgent string
	timeout   time.Duration
	signers   []*standardwebhooks.Webhook
	client    *http.Client
	now       func() time.Time
}

// New returns a Deliverer, or what Config.Validate finds wrong.
func New(cfg Config) (*Deliverer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("handoff configuration: %w", err)
	}
	d := &Deliverer{url: cfg.URL, userAgent: cfg.UserAgent, timeout: cfg.Timeout, now: time.Now}
	if d.timeout == 0 {
		d.timeout = defaultTimeout
	}
	if d.userAgent == "" {
		d.userAgent = defaultUserAgent
	}
	for i, secret := range cfg.Secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil { // the library's text may quote the secret
			return nil, fmt.Errorf("handoff configuration: %w", &onboarding.FieldError{
				Field: fmt.Sprintf("Secrets[%d]", i), Problem: "cannot be used for signing", Remedy: "make a new one"})
		}
		d.signers = append(d.signers, signer)
	}
	transport := cfg.Transport
	if transport == nil {
		transport = pooled()
	}
	d.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return d, nil
}

func pooled() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody has replaced it for the whole process
		return http.DefaultTransport
	}
	own := standard.Clone()
	own.MaxIdleConnsPerHost = 16 // all deliveries go to one host
	return own
}

// Deliver posts the decision, with the identification record if there is one, and returns the id under which the
// backend has accepted it. Every error is an *Error. Delivering the same again repeats body and id to the byte.
func (d *Deliverer) Deliver(ctx context.Context, h onboarding.HandOff, record json.RawMessage) (webhookID string, err error) {
	if err := check(h, record); err != nil {
		return "", &Error{Code: CodeInvalid, Permanent: true, cause: err}
	}
	body, err := encode(h, record)
	if err != nil { // strings, numbers and a checked time: nothing that cannot be encoded
		return "", &Error{Code: CodeInvalid, Permanent: true}
	}
	if len(body) > MaxBodySize {
		return "", &Error{Code: CodeTooLarge, Permanent: true, cause: fmt.Errorf("the body has %d bytes, at most %d are sent", len(body), MaxBodySize)}
	}
	id := WebhookID(h)
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := d.post(ctx, id, body); err != nil {
		return "", err
	}
	return id, nil
}

func (d *Deliverer) post(ctx context.Context, id string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil { // the address was checked in New
		return &Error{Code: CodeInvalid, Permanent: true}
	}
	sentAt := d.now()
	signatures, err := d.sign(id, sentAt, body)
	if err != nil {
		return &Error{Code: CodeInvalid, Permanent: true}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", d.userAgent)
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(sentAt.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	// Tells the transport, and nobody else, that it may repeat the request when a kept connection proves to be dead.
	request.Header["X-Idempotency-Key"] = nil

	response, err := d.client.Do(request)
	if err != nil {
		return transportError(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	// The status is the answer; a body that breaks off changes nothing.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if refused := statusError(response.StatusCode, response.Header, d.now()); refused != nil {
		return refused
	}
	return nil
}

func (d *Deliverer) sign(id string, at time.Time, body []byte) (string, error) {
	signatures := make([]string, len(d.signers))
	for i, signer := range d.signers {
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		signatures[i] = signature
	}
	return strings.Join(signatures, " "), nil
}
