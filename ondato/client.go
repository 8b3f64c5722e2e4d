package ondato

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	smallAnswer  = 1 << 20 // 1 MiB
	recordAnswer = 8 << 20 // 8 MiB: identification records and webhook histories
	errorAnswer  = 64 << 10
)

// Client calls Ondato's APIs; it is safe for concurrent use. Every error of its methods is an [*Error].
type Client struct {
	idvURL, kycURL, linkURL string
	userAgent               string
	timeout                 time.Duration
	http                    *http.Client
	tokens                  *tokens
	now                     func() time.Time
}

// New returns a client, or all problems of cfg at once; it makes no request.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("ondato configuration: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = defaultUserAgent
	}
	if cfg.Transport == nil {
		cfg.Transport = pooledTransport()
	}
	c := &Client{
		idvURL:    strings.TrimRight(cfg.IDVURL, "/"),
		kycURL:    strings.TrimRight(cfg.KYCURL, "/"),
		linkURL:   linkBase(cfg.LinkURL),
		userAgent: cfg.UserAgent,
		timeout:   cfg.Timeout,
		now:       time.Now,
		http: &http.Client{
			Transport: cfg.Transport,
			// A redirect would carry the token to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.tokens = &tokens{exchange: newTokenExchange(cfg, c.http), now: func() time.Time { return c.now() }}
	return c, nil
}

func pooledTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody has replaced the default on purpose
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 32 // the default of 2 makes concurrent activities connect anew
	t.MaxResponseHeaderBytes = 256 << 10
	return t
}

func linkBase(address string) string {
	u, err := url.Parse(address)
	if err == nil && u.Path == "" {
		return address + "/"
	}
	return address
}

// Link returns the address of the customer's page for a session; it is a bearer secret (contract 4).
func (c *Client) Link(sessionID string) string {
	return c.linkURL + "?id=" + url.QueryEscape(sessionID)
}

type request struct {
	op     string
	method string
	url    string
	body   any // sent as JSON; nil sends none
	limit  int64
}

// do sends the request with a token and returns the body of a success answer. A refused token is dropped and
// the request sent once more with a fresh one: tokens may be revoked before they expire.
func (c *Client) do(ctx context.Context, r request) ([]byte, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, &Error{Op: r.op, Class: Permanent, Problem: "the request cannot be written as JSON"}
		}
	}
	for retried := false; ; retried = true {
		token, err := c.tokens.get(ctx, r.op)
		if err != nil {
			return nil, err
		}
		answer, failure := c.send(ctx, r, body, token)
		if failure == nil {
			return answer, nil
		}
		if failure.Status != http.StatusUnauthorized {
			return nil, failure
		}
		c.tokens.drop(token)
		if retried {
			return nil, failure
		}
	}
}

// send makes one HTTP exchange within the client's time-out.
func (c *Client) send(ctx context.Context, r request, body []byte, token string) ([]byte, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Op: r.op, Class: Permanent, Problem: "the request cannot be built from the configured address"}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Authorization", "Bearer "+token)

	resp, err := c.http.Do(req)
	if err != nil {
		return nil, transportError(ctx, r.op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		// A body that cannot be read only costs the field names.
		complaint, _ := io.ReadAll(io.LimitReader(resp.Body, errorAnswer))
		return nil, statusError(r.op, resp.StatusCode, resp.Header, complaint, c.now())
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, r.limit+1))
	if err != nil {
		return nil, transportError(ctx, r.op, err)
	}
	if int64(len(answer)) > r.limit {
		return nil, &Error{Op: r.op, Class: Permanent, Status: resp.StatusCode,
			Problem: fmt.Sprintf("the answer is larger than %d MiB", r.limit>>20)}
	}
	return answer, nil
}

// get fetches a JSON object about the resource id and decodes it leniently.
func (c *Client) get(ctx context.Context, op, base, collection, id, suffix string, limit int64, into any) ([]byte, error) {
	address, err := resource(op, base, collection, id, suffix)
	if err != nil {
		return nil, err
	}
	answer, err := c.do(ctx, request{op: op, method: http.MethodGet, url: address, limit: limit})
	if err != nil {
		return nil, err
	}
	if !decodeObject(answer, into) {
		return nil, unreadable(op, "the answer is not a JSON object")
	}
	return answer, nil
}

// resource builds base/v1/collection/id/suffix. Ids that a path cannot carry are refused: "." and ".." would
// address something else, even escaped.
func resource(op, base, collection, id, suffix string) (string, error) {
	switch {
	case id == "":
		return "", invalidInput(op, "id", "the id is empty")
	case id == ".", id == "..", len(id) > 200:
		return "", invalidInput(op, "id", "the id is not one that Ondato could have given")
	}
	return base + "/v1/" + collection + "/" + url.PathEscape(id) + suffix, nil
}

// decodeObject decodes a JSON object; members of an unexpected type stay at their zero value.
func decodeObject(data []byte, into any) bool {
	return opensWith(data, '{') && decodeLenient(data, into) == nil
}

// decodeLenient is json.Unmarshal without its complaint about types: it goes on after one, so the rest is decoded.
// Types given to it must not have UnmarshalJSON methods that fail, which would end the decoding.
func decodeLenient(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// opensWith reports whether the first byte after white space is b.
func opensWith(data []byte, b byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == b
}
