package signedpost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kyc/onboarding"
)

// maxAnswer is how much of an answer is read, so that the connection can be used again; nothing in it counts.
const maxAnswer = 64 << 10

// Poster posts messages to one address. It is safe for concurrent use.
type Poster struct {
	name      string
	url       string
	userAgent string
	timeout   time.Duration
	refused   error // what a refused address is told with
	signers   atomic.Pointer[[]*standardwebhooks.Webhook]
	client    *http.Client
	now       func() time.Time
}

// New returns a Poster, or what Config.Validate finds wrong.
func New(cfg Config) (*Poster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Poster{
		name: orDefault(cfg.Name, defaultName), url: cfg.URL, userAgent: orDefault(cfg.UserAgent, defaultUserAgent),
		timeout: cfg.Timeout, refused: fmt.Errorf("%w: %s", errAddress, cfg.networksRemedy()), now: time.Now,
	}
	if p.timeout == 0 {
		p.timeout = defaultTimeout
	}
	if err := p.SetSecrets(cfg.Secrets); err != nil {
		return nil, err
	}
	transport := cfg.Transport
	if transport == nil {
		transport = cfg.fence().transport()
	}
	p.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

// SetSecrets signs everything from here on with these secrets instead. On an error, onboarding.FieldErrors named as in
// Config, those at hand stay.
func (p *Poster) SetSecrets(secrets []string) error {
	if err := validateSecrets(secrets); err != nil {
		return err
	}
	signers := make([]*standardwebhooks.Webhook, len(secrets))
	for i, secret := range secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil { // the library's text may quote the secret
			return onboarding.FieldErrors{{
				Field: fmt.Sprintf("Secrets[%d]", i), Problem: "cannot be used for signing", Remedy: "make a new one"}}
		}
		signers[i] = signer
	}
	p.signers.Store(&signers)
	return nil
}

// Post sends a body of JSON under a webhook id, once; only an answer of 2xx is success. Every error is an *Error. Who
// posts the same again repeats id and body: timestamp and signatures are those of the try.
func (p *Poster) Post(ctx context.Context, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	failed := p.post(ctx, id, body)
	if failed == nil {
		return nil
	}
	failed.Name = p.name
	if errors.Is(failed, errAddress) {
		failed.Cause = p.refused
	}
	return failed
}

func (p *Poster) post(ctx context.Context, id string, body []byte) *Error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil { // the address was checked in New
		return &Error{Code: CodeInvalid, Permanent: true}
	}
	sentAt := p.now()
	signatures, err := p.sign(id, sentAt, body)
	if err != nil {
		return &Error{Code: CodeInvalid, Permanent: true}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", p.userAgent)
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(sentAt.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	// Tells the transport, and nobody else, that it may repeat the request when a kept connection proves to be dead.
	request.Header["X-Idempotency-Key"] = nil

	response, err := p.client.Do(request)
	if err != nil {
		return transportError(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	// The status is the answer; a body that breaks off changes nothing. After 101, what follows is no body but another
	// protocol, and no time-out would end the reading of it.
	if response.StatusCode >= http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	}
	return statusError(response.StatusCode, response.Header, p.now())
}

func (p *Poster) sign(id string, at time.Time, body []byte) (string, error) {
	signers := *p.signers.Load()
	signatures := make([]string, len(signers))
	for i, signer := range signers {
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		signatures[i] = signature
	}
	return strings.Join(signatures, " "), nil
}
