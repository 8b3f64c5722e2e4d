package webhookbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	routeWebhook = "/webhooks/ondato"
	routeToken   = "/oauth2/token"
	routeHealth  = "/healthz"
	routeReady   = "/readyz"
	routeMetrics = "/metrics"

	// patience is how long a webhook may take; Ondato waits six times as long (contract 5.5).
	patience        = 5 * time.Second
	requestIDHeader = "X-Request-Id"
	visitKey        = "webhookbridge.visit"
)

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// routes builds the HTTP surface. Handlers only attach errors; answerErrors is the one place that renders them.
func (b *Bridge) routes() http.Handler {
	if gin.Mode() == gin.DebugMode { // prints the routes to standard output, which belongs to results
		gin.SetMode(gin.ReleaseMode)
	}
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // a webhook does not follow redirects
	engine.Use(b.observe, b.answerErrors, b.recoverPanics)
	engine.NoRoute(failing(func(*gin.Context) error { return notFound() }))
	engine.NoMethod(failing(func(*gin.Context) error {
		return &refusal{status: http.StatusMethodNotAllowed, reason: "method", detail: "this path does not take that method; see the Allow header"}
	}))
	engine.POST(routeWebhook, b.limit, failing(b.webhook))
	engine.POST(routeToken, b.limit, failing(b.token))
	engine.GET(routeHealth, func(c *gin.Context) { renderJSON(c, http.StatusOK, "application/json", gin.H{"status": "alive"}) })
	engine.GET(routeReady, failing(b.ready))
	engine.GET(routeMetrics, gin.WrapH(promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{})))
	return engine
}

// result is the body of every answer 200 to a webhook.
type result struct {
	Reason string `json:"reason,omitempty"`
	Result string `json:"result"`
}

func failing(handle func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handle(c); err != nil {
			_ = c.Error(err) // returns what it was given
		}
	}
}

// webhook is the four steps. The event outlives the connection: what Ondato gave up waiting for is still delivered.
func (b *Bridge) webhook(c *gin.Context) error {
	v := visited(c)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), patience)
	defer cancel()

	body, err := b.verifier.verify(c.Writer, c.Request)
	if err != nil {
		return err
	}
	if v.event, err = b.decoder.decode(body); err != nil {
		return err
	}
	to, err := b.router.route(ctx, v.event)
	if err != nil {
		return err
	}
	if err := b.deliverer.deliver(ctx, to, v.event); err != nil {
		return err
	}
	v.outcome = "accepted"
	b.metrics.accepted.WithLabelValues(typeLabel(v.event)).Inc()
	renderJSON(c, http.StatusOK, "application/json", result{Result: "accepted"})
	return nil
}

func (b *Bridge) token(c *gin.Context) error {
	answer, err := tokenEndpoint{&b.verifier}.issue(c.Writer, c.Request)
	if err != nil {
		return err
	}
	b.metrics.tokens.Inc()
	c.Header("Cache-Control", "no-store")
	c.Header("Pragma", "no-cache")
	renderJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

func (b *Bridge) ready(c *gin.Context) error {
	if err := b.readiness.ready(c.Request.Context()); err != nil {
		return err
	}
	renderJSON(c, http.StatusOK, "application/json", gin.H{"status": "ready"})
	return nil
}

// observe gives the request its id and leaves a log line and the latency.
func (b *Bridge) observe(c *gin.Context) {
	began := time.Now()
	v := &visit{requestID: c.GetHeader(requestIDHeader), outcome: "answered"}
	if !requestIDForm.MatchString(v.requestID) {
		v.requestID = uuid.NewString()
	}
	c.Set(visitKey, v)
	c.Header(requestIDHeader, v.requestID)
	c.Next()

	route := c.FullPath()
	took := time.Since(began)
	if route == routeWebhook && c.Request.Method == http.MethodPost {
		b.metrics.latency.WithLabelValues(v.outcome).Observe(took.Seconds())
	}
	if route == "" {
		route = "unmatched"
	}
	logVisit(c.Request.Context(), b.log, v, c.Request.Method, route, c.Writer.Status(), took)
}

// answerErrors turns the error of a handler into the answer and counts it.
func (b *Bridge) answerErrors(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last == nil || c.Writer.Written() {
		return
	}
	v := visited(c)
	var dropped *ignored
	if errors.As(last.Err, &dropped) {
		v.outcome, v.reason = "ignored", dropped.reason
		b.metrics.ignored.WithLabelValues(dropped.reason, typeLabel(v.event)).Inc()
		renderJSON(c, http.StatusOK, "application/json", result{Reason: dropped.reason, Result: "ignored"})
		return
	}
	r := asRefusal(last.Err)
	v.outcome, v.reason, v.cause = "refused", r.reason, r.cause
	if c.FullPath() == routeWebhook || c.FullPath() == routeToken {
		b.metrics.refusedWith(r)
	}
	renderRefusal(c, r, v.requestID)
}

// recoverPanics makes a panic our own trouble: 503, so that the event is sent again.
func (b *Bridge) recoverPanics(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) // net/http's own way to drop a connection
		}
		// Not the value, which may quote the request.
		b.log.LogAttrs(c.Request.Context(), slog.LevelError, "panic", slog.String("request_id", visited(c).requestID),
			slog.String("value_type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
		_ = c.Error(unavailable("panic", "the request could not be processed; send it again later", nil))
		c.Abort()
	}()
	c.Next()
}

// limit keeps the number of requests in memory bounded.
func (b *Bridge) limit(c *gin.Context) {
	select {
	case b.slots <- struct{}{}:
	default:
		_ = c.Error(unavailable("busy", "too many requests are being worked on; send it again later", nil))
		c.Abort()
		return
	}
	b.metrics.inFlight.Inc()
	defer func() {
		b.metrics.inFlight.Dec()
		<-b.slots
	}()
	c.Next()
}

// visited returns the request's record; observe runs first, so there always is one.
func visited(c *gin.Context) *visit {
	if v, ok := c.MustGet(visitKey).(*visit); ok {
		return v
	}
	return &visit{}
}
