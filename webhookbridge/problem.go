package webhookbridge

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// retryAfter is Ondato's own first step of redelivery (contract 5.5): asking for less has no effect, for more loses time.
	retryAfter = 10 * time.Second
	// longestRetryAfter bounds what a throttling API can make us ask for: redelivery ends after 24 hours.
	longestRetryAfter = 5 * time.Minute
)

// ignored ends the way of an event that deliberately goes no further: answered 200 and counted by reason.
type ignored struct{ reason string }

func (i *ignored) Error() string { return "ignored: " + i.reason }

// refusal ends a request with an HTTP status of 4xx or 503.
type refusal struct {
	status int
	reason string // a metric label: from a closed list, never from the request
	field  string // what is wrong, where it is one thing
	detail string // what is wrong with it, and the remedy

	challenges []string      // WWW-Authenticate, with 401
	oauth      string        // RFC 6749 error code: rendered in that form instead
	reasons    []string      // readiness
	retryAfter time.Duration // with 503; 0 means retryAfter
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

// unavailable is our own trouble, which must never be answered 4xx: Ondato's delivery engine may drop an event for good
// after one (contract 5.5).
func unavailable(reason, detail string, cause error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, reason: reason, detail: detail, cause: cause}
}

// asRefusal makes a refusal of every error that is not one: whatever a handler did not foresee is our own trouble.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return unavailable("internal", "the request could not be processed; send it again later", err)
}

// problem is the body of every error answer (RFC 9457).
type problem struct {
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	Field     string   `json:"field,omitempty"`
	Reasons   []string `json:"reasons,omitempty"`
	RequestID string   `json:"requestId,omitempty"`
}

// oauthProblem is the body of an error of the token endpoint (RFC 6749 section 5.2).
type oauthProblem struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// renderRefusal writes the one form that errors have; only the token endpoint's protocol demands another.
func renderRefusal(c *gin.Context, r *refusal, requestID string) {
	for _, challenge := range r.challenges {
		c.Writer.Header().Add("WWW-Authenticate", challenge)
	}
	if r.status == http.StatusServiceUnavailable {
		wait := r.retryAfter
		if wait <= 0 {
			wait = retryAfter
		}
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	c.Header("Cache-Control", "no-store")
	if r.oauth != "" {
		renderJSON(c, r.status, "application/json", oauthProblem{Error: r.oauth, Description: r.detail})
		return
	}
	detail := r.detail
	if r.field != "" {
		detail = r.field + " " + detail
	}
	renderJSON(c, r.status, "application/problem+json", problem{
		Title: http.StatusText(r.status), Status: r.status, Detail: detail, Field: r.field, Reasons: r.reasons, RequestID: requestID,
	})
}

func renderJSON(c *gin.Context, status int, contentType string, body any) {
	encoded, err := json.Marshal(body)
	if err != nil { // strings and numbers always encode; an empty answer is still better than a wrong status
		encoded = nil
	}
	c.Data(status, contentType, encoded)
}
