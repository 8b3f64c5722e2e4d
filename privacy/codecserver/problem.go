package codecserver

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// retryAfter is what is asked for with 503; the Temporal UI tries twice more within two seconds by itself.
const retryAfter = 5 * time.Second

// challenge goes with 401; browsers do not ask for a password because of it.
const challenge = `Bearer realm="codec server"`

// refusal ends a request with an HTTP status of 4xx or 5xx.
type refusal struct {
	status int
	reason string // a metric label: from a closed list, never from the request
	detail string // what is wrong, and the remedy

	retryAfter time.Duration // with 429 and 503; 0 means retryAfter
	cause      error         // for the log only
}

func (r *refusal) Error() string {
	text := r.reason + ": " + r.detail
	if r.cause != nil {
		text += ": " + r.cause.Error()
	}
	return text
}

func (r *refusal) Unwrap() error { return r.cause }

func unauthorized(reason, detail string) *refusal {
	return &refusal{status: http.StatusUnauthorized, reason: reason, detail: detail}
}

// asRefusal makes a refusal of every error that is not one: whatever a handler did not foresee is our own trouble.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return &refusal{status: http.StatusInternalServerError, reason: "internal", detail: "the request could not be processed", cause: err}
}

// problem is the body of every error answer (RFC 9457).
type problem struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"requestId,omitempty"`
}

func renderRefusal(c *gin.Context, r *refusal, requestID string) {
	switch r.status {
	case http.StatusUnauthorized:
		c.Header("WWW-Authenticate", challenge)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		wait := r.retryAfter
		if wait <= 0 {
			wait = retryAfter
		}
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	renderJSON(c, r.status, "application/problem+json", problem{
		Title: http.StatusText(r.status), Status: r.status, Detail: r.detail, RequestID: requestID,
	})
}

func renderJSON(c *gin.Context, status int, contentType string, body any) {
	encoded, err := json.Marshal(body)
	if err != nil { // strings and numbers always encode; an empty answer is still better than a wrong status
		encoded = nil
	}
	c.Data(status, contentType, encoded)
}
