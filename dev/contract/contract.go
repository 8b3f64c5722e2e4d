// Package contract holds what passes over the HTTP API against its OpenAPI document.
package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	problems "github.com/pb33f/libopenapi-validator/errors"
	"github.com/stretchr/testify/require"

	"kyc/starter/httpapi"
)

// Client is an HTTP client for tests, with a bearer token. Every answer must be as the document says, and so must every
// request that was not refused as wrong (400, 401, 413, 415, 422, 429).
func Client(t testing.TB, token string) *http.Client {
	t.Helper()
	return &http.Client{Transport: &transport{t: t, token: token, document: Document(t)}}
}

// Document is the validator of the API's document, which has been held against the schema of OpenAPI 3.1.
func Document(t testing.TB) validator.Validator {
	t.Helper()
	document, err := libopenapi.NewDocument(httpapi.OpenAPI())
	require.NoError(t, err)
	v, errs := validator.NewValidator(document, config.WithFormatAssertions())
	require.Empty(t, errs)
	ok, found := v.ValidateDocument()
	require.True(t, ok, "the document is no OpenAPI 3.1:\n%s", text(found))
	return v
}

// transport validates what passes.
type transport struct {
	t        testing.TB
	token    string
	document validator.Validator
}

// RoundTrip sends the request, unless it has an Authorization of its own, with the token.
func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" && tr.token != "" {
		r.Header.Set("Authorization", "Bearer "+tr.token)
	}
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	again := func() *http.Request {
		c := r.Clone(r.Context())
		c.Body, c.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
		return c
	}
	answer, err := http.DefaultTransport.RoundTrip(again())
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		tr.asked(again(), answer.StatusCode)
		return answer, nil // its events are validated one by one: see Overview
	}
	got, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(got))
	tr.asked(again(), answer.StatusCode)
	tr.answered(again(), answer, got)
	answer.Body = io.NopCloser(bytes.NewReader(got))
	return answer, nil
}

// asked holds a request against the document.
func (tr *transport) asked(r *http.Request, status int) {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusMethodNotAllowed:
		return
	}
	if ok, found := tr.document.ValidateHttpRequestSync(r); !ok {
		tr.t.Errorf("%s %s was answered %d, but the document does not know the request:\n%s", r.Method, r.URL.Path, status, text(found))
	}
}

// answered holds an answer against the document.
func (tr *transport) answered(r *http.Request, answer *http.Response, body []byte) {
	if answer.StatusCode == http.StatusMethodNotAllowed {
		return // the document has no operation for it
	}
	if ok, found := tr.document.ValidateHttpResponse(r, answer); !ok {
		tr.t.Errorf("%s %s: the answer %d is not as the document says:\n%s\n%s", r.Method, r.URL.Path, answer.StatusCode, text(found), body)
	}
}

// Overview holds the data of an event against the document, by way of a page that has it as its one entry.
func Overview(t testing.TB, data string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8081/v1/onboardings", nil)
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"onboardings":[` + data + `]}`)), Request: r}
	ok, found := Document(t).ValidateHttpResponse(r, answer)
	require.True(t, ok, "%s\n%s", text(found), data)
}

func text(found []*problems.ValidationError) string {
	var lines []string
	for _, f := range found {
		lines = append(lines, f.Message+": "+f.Reason)
		for _, s := range f.SchemaValidationErrors {
			lines = append(lines, fmt.Sprintf("  %s: %s", s.FieldPath, s.Reason))
		}
	}
	return strings.Join(lines, "\n")
}
