package httpapi

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kyc/onboarding"
)

const (
	routeAll     = "/v1/onboardings"
	routeOne     = routeAll + "/:id"
	routeData    = routeOne + "/personal-data"
	routeEvents  = routeOne + "/events"
	routeOpenAPI = "/openapi.yaml"
	routeHealth  = "/healthz"
	routeReady   = "/readyz"
	routeMetrics = "/metrics"

	// patience bounds the work on a request that is not a stream: above the ten seconds that a start waits for the link,
	// below the twenty that a program waits for when it stops.
	patience        = 18 * time.Second
	requestIDHeader = "X-Request-Id"
	visitKey        = "httpapi.visit"
)

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI is the document, in YAML, that says what is asked and answered.
func OpenAPI() []byte { return slices.Clone(openAPI) }

// routes builds the HTTP surface. Handlers only attach errors; answerErrors is the one place that renders them.
func (a *API) routes() http.Handler {
	if gin.Mode() == gin.DebugMode { // prints the routes to standard output, which belongs to results
		gin.SetMode(gin.ReleaseMode)
	}
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.Use(a.observe, a.answerErrors, a.recoverPanics)
	engine.NoRoute(failing(func(*gin.Context) error {
		return &refusal{status: http.StatusNotFound, code: codePath, detail: "there is nothing at this path; /openapi.yaml lists those there are"}
	}))
	engine.NoMethod(failing(func(*gin.Context) error {
		return &refusal{status: http.StatusMethodNotAllowed, code: codeMethod, detail: "this path does not take that method; see the Allow header"}
	}))
	brief := engine.Group("", a.authenticate, a.limit(a.slots), hurry)
	brief.POST(routeAll, failing(a.start))
	brief.GET(routeAll, failing(a.list))
	brief.GET(routeOne, failing(a.status))
	for _, kind := range onboarding.CommandKinds() {
		brief.POST(routeOne+"/"+string(kind), failing(a.obey(kind)))
	}
	brief.DELETE(routeData, failing(a.erase))
	engine.GET(routeEvents, a.authenticate, a.limit(a.streams), failing(a.events))

	engine.GET(routeOpenAPI, func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", openAPI) })
	engine.GET(routeHealth, func(c *gin.Context) { renderJSON(c, http.StatusOK, "application/json", gin.H{"status": "alive"}) })
	engine.GET(routeReady, failing(a.ready))
	engine.GET(routeMetrics, gin.WrapH(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{})))
	return engine
}

func failing(handle func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handle(c); err != nil {
			_ = c.Error(err) // returns what it was given
		}
	}
}

// authenticate lets pass who has a token, as often as that allows.
func (a *API) authenticate(c *gin.Context) {
	who, err := a.callers.identify(c.Request)
	if err == nil {
		visited(c).caller = who.name
		if !who.rate.Allow() {
			err = &refusal{status: http.StatusTooManyRequests, code: codeRate, detail: "this token makes too many requests; send them more slowly"}
		}
	}
	if err != nil {
		_ = c.Error(err)
		c.Abort()
	}
}

// limit keeps the number of requests in memory bounded.
func (a *API) limit(slots chan struct{}) gin.HandlerFunc {
	return func(c *gin.Context) {
		select {
		case slots <- struct{}{}:
		default:
			_ = c.Error(&refusal{status: http.StatusServiceUnavailable, code: codeBusy, detail: "too many requests are being worked on; send it again later"})
			c.Abort()
			return
		}
		a.metrics.inFlight.Inc()
		defer func() {
			a.metrics.inFlight.Dec()
			<-slots
		}()
		c.Next()
	}
}

// hurry bounds the time of a request.
func hurry(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), patience)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

func (a *API) ready(c *gin.Context) error {
	if err := a.readiness.ready(c.Request.Context()); err != nil {
		return err
	}
	renderJSON(c, http.StatusOK, "application/json", gin.H{"status": "ready"})
	return nil
}

// observe gives the request its id and leaves a log line and the latency.
func (a *API) observe(c *gin.Context) {
	began := time.Now()
	v := &visit{requestID: c.GetHeader(requestIDHeader)}
	if !requestIDForm.MatchString(v.requestID) {
		v.requestID = uuid.NewString()
	}
	c.Set(visitKey, v)
	c.Header(requestIDHeader, v.requestID)
	c.Next()

	route := c.FullPath()
	if route == "" {
		route = "unmatched"
	}
	v.method, v.route, v.status, v.took = knownMethod(c.Request.Method), route, c.Writer.Status(), time.Since(began)
	if strings.HasPrefix(route, routeAll) {
		a.metrics.observe(v)
	}
	logVisit(c.Request.Context(), a.log, v)
}

// answerErrors turns the error of a handler into the answer.
func (a *API) answerErrors(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last == nil || c.Writer.Written() {
		return
	}
	v, r := visited(c), asRefusal(last.Err)
	v.code, v.cause = r.code, r.cause
	renderRefusal(c, r, v.requestID)
}

// recoverPanics makes a panic our own trouble.
func (a *API) recoverPanics(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) // net/http's own way to drop a connection
		}
		// Not the value, which may quote the request.
		a.log.LogAttrs(c.Request.Context(), slog.LevelError, "panic", slog.String("request_id", visited(c).requestID),
			slog.String("value_type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
		_ = c.Error(&refusal{status: http.StatusInternalServerError, code: codeInternal, detail: "the request could not be processed"})
		c.Abort()
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
