package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kyc/onboarding"
	"kyc/starter"
)

// retryAfter is what is asked for with 429 and 503.
const retryAfter = 2 * time.Second

// challenge goes with 401.
const challenge = `Bearer realm="onboardings"`

// The codes of problems, beyond those of starter.Error.
const (
	codeUnauthorized = "unauthorized"
	codeMalformed    = "malformed"
	codeTooLarge     = "too-large"
	codeMediaType    = "media-type"
	codeRate         = "rate"
	codeBusy         = "busy"
	codePath         = "path"
	codeMethod       = "method"
	codeNotReady     = "not-ready"
	codeInternal     = "internal"
)

// refusal ends a request with an HTTP status of 4xx or 5xx.
type refusal struct {
	status int
	code   string // a metric label: from a closed list, never from the request
	detail string // what is wrong, and the remedy
	fields onboarding.FieldErrors
	cause  error // for the log only
}

func (r *refusal) Error() string { return r.code + ": " + r.detail }

func (r *refusal) Unwrap() error { return r.cause }

func unauthorized(detail string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: codeUnauthorized, detail: detail}
}

// malformed is a request that cannot be read; the fields say where.
func malformed(fields ...*onboarding.FieldError) *refusal {
	return &refusal{status: http.StatusBadRequest, code: codeMalformed, detail: "the request cannot be read; errors lists what to change", fields: fields}
}

func field(name, problem, remedy string) *onboarding.FieldError {
	return &onboarding.FieldError{Field: name, Problem: problem, Remedy: remedy}
}

// asRefusal gives every error its status. What no handler foresaw is our own trouble.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var e *starter.Error
	if !errors.As(err, &e) {
		return &refusal{status: http.StatusInternalServerError, code: codeInternal, detail: "the request could not be processed", cause: err}
	}
	r = &refusal{code: string(e.Code), detail: e.Message, fields: e.Fields, cause: err}
	switch e.Code {
	case starter.Invalid:
		r.status, r.detail = http.StatusUnprocessableEntity, "the request has values that cannot be used; errors lists what to change"
		if len(e.Fields) == 0 {
			r.detail = e.Message
		}
	case starter.Conflict, starter.Refused, starter.Ended:
		r.status = http.StatusConflict
	case starter.NotFound:
		r.status = http.StatusNotFound
	case starter.Erased:
		r.status = http.StatusGone
	default: // the message may hold addresses of machines: it goes to the log
		r.status, r.code = http.StatusServiceUnavailable, string(starter.Unavailable)
		r.detail = "Temporal, the worker or the key store does not answer; repeat the same call later"
	}
	return r
}

// problem is the body of every error answer (RFC 9457).
type problem struct {
	Title     string                 `json:"title"`
	Status    int                    `json:"status"`
	Detail    string                 `json:"detail"`
	Code      string                 `json:"code"`
	Errors    onboarding.FieldErrors `json:"errors,omitempty"`
	RequestID string                 `json:"requestId"`
}

// renderRefusal writes the one form that errors have.
func renderRefusal(c *gin.Context, r *refusal, requestID string) {
	switch r.status {
	case http.StatusUnauthorized:
		c.Header("WWW-Authenticate", challenge)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		c.Header("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	renderJSON(c, r.status, "application/problem+json", problem{
		Title: http.StatusText(r.status), Status: r.status, Detail: r.detail, Code: r.code, Errors: r.fields, RequestID: requestID,
	})
}

func renderJSON(c *gin.Context, status int, contentType string, body any) {
	c.Header("Cache-Control", "no-store") // statuses are personal data
	encoded, err := json.Marshal(body)
	if err != nil { // plain structs always encode; an empty answer is still better than a wrong status
		encoded = nil
	}
	c.Data(status, contentType, encoded)
}
