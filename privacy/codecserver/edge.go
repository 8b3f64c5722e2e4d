package codecserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/converter"
)

const (
	operationDecode = "decode"
	operationEncode = "encode"

	routeDecode  = "/decode"
	routeEncode  = "/encode"
	routeOf      = "/:namespace" // the Temporal CLI puts the namespace into an endpoint that holds {namespace}
	routeLogin   = "/login"
	routeLogout  = "/logout"
	routeHealth  = "/healthz"
	routeReady   = "/readyz"
	routeMetrics = "/metrics"

	// queuePatience is how long a request waits for others of its holder.
	queuePatience   = 10 * time.Second
	requestIDHeader = "X-Request-Id"
	visitKey        = "codecserver.visit"
)

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// routes builds the HTTP surface. Handlers only attach errors; answerErrors is the one place that renders them.
func (s *Server) routes() http.Handler {
	if gin.Mode() == gin.DebugMode { // prints the routes to standard output, which belongs to results
		gin.SetMode(gin.ReleaseMode)
	}
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.RemoveExtraSlash = true // an endpoint that ends with a slash makes //decode
	engine.Use(s.observe, s.answerErrors, s.recoverPanics, s.refuseForeign)
	if len(s.origins) > 0 {
		engine.Use(s.cors())
	}
	engine.NoRoute(failing(func(*gin.Context) error {
		return &refusal{status: http.StatusNotFound, reason: "path", detail: "there is nothing at this path; a codec server's are /decode and /encode"}
	}))
	engine.NoMethod(failing(func(*gin.Context) error {
		return &refusal{status: http.StatusMethodNotAllowed, reason: "method", detail: "this path does not take that method; see the Allow header"}
	}))
	for _, under := range []string{"", routeOf} {
		engine.POST(under+routeDecode, failing(s.payloads(operationDecode)))
		engine.POST(under+routeEncode, failing(s.payloads(operationEncode)))
	}
	engine.GET(routeLogin, failing(s.showSignIn))
	engine.POST(routeLogin, failing(s.signIn))
	engine.POST(routeLogout, failing(s.signOut))
	engine.GET(routeHealth, func(c *gin.Context) { renderJSON(c, http.StatusOK, "application/json", gin.H{"status": "alive"}) })
	engine.GET(routeReady, failing(s.ready))
	engine.GET(routeMetrics, gin.WrapH(promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})))
	return engine
}

func failing(handle func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handle(c); err != nil {
			_ = c.Error(err) // returns what it was given
		}
	}
}

// cors tells browsers that the allowed pages may ask and read the answer, with the headers that the Temporal UI sends.
func (s *Server) cors() gin.HandlerFunc {
	return cors.New(cors.Config{
		AllowOrigins: s.origins, AllowCredentials: true, AllowMethods: []string{http.MethodPost},
		AllowHeaders:  []string{"Authorization", "Authorization-Extras", "Content-Type", "X-Namespace", requestIDHeader},
		ExposeHeaders: []string{requestIDHeader, "Retry-After"},
		MaxAge:        10 * time.Minute,
	})
}

// refuseForeign turns pages away that are neither allowed nor our own, preflight or not.
func (s *Server) refuseForeign(c *gin.Context) {
	origin, host := c.GetHeader("Origin"), c.Request.Host
	if origin == "" || s.allows(origin) || origin == "http://"+host || origin == "https://"+host {
		return
	}
	_ = c.Error(&refusal{status: http.StatusForbidden, reason: "origin",
		detail: "pages of this origin may not ask here; add the Temporal UI's own address to CODEC_ORIGINS, exactly as the browser shows it"})
	c.Abort()
}

// payloads answers for a list of payloads.
func (s *Server) payloads(operation string) func(*gin.Context) error {
	return func(c *gin.Context) error {
		v := visited(c)
		v.operation, v.namespace = operation, namespaceOf(c)
		of, via, err := s.authenticate(c.Request)
		if err != nil {
			return err
		}
		v.by, v.via = of.name, via
		release, err := s.turn(c.Request.Context(), of)
		if err != nil {
			return err
		}
		defer release()
		body, err := readBody(c)
		if err != nil {
			return err
		}
		r := &request{codec: s.codec, admit: func(n int) error { return s.admit(c.Request.Context(), of, n) }}
		answer, err := answerOf(operation, r, body)
		v.tally = r.tally
		if err != nil {
			return err
		}
		// Before the answer leaves: nothing is shown that is not written down.
		v.outcome = operation + "d"
		s.audit(c, v)
		s.metrics.answered(r.tally)
		c.Data(http.StatusOK, "application/json", answer)
		return nil
	}
}

// authenticate finds out who asks: by the bearer token, or by the cookie of one who has signed in.
func (s *Server) authenticate(r *http.Request) (of *holder, via string, err error) {
	if headers := r.Header.Values("Authorization"); len(headers) > 0 {
		of, err = s.holders.withBearer(headers)
		return of, "token", err
	}
	of, _ = s.holders.withCookie(r, s.now())
	switch {
	case of == nil:
		return nil, "", unauthorized("anonymous", "there is no token; programs send Authorization: Bearer TOKEN, people sign in at /login of this server")
	case !s.allows(r.Header.Get("Origin")):
		// The browser sends the cookie whoever's page asks, so the page has to be one that may.
		return nil, "", unauthorized("cookie-origin", "a cookie counts for pages of CODEC_ORIGINS only; send Authorization: Bearer TOKEN")
	}
	return of, "cookie", nil
}

// turn waits for one of the holder's slots.
func (s *Server) turn(ctx context.Context, of *holder) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, queuePatience)
	defer cancel()
	select {
	case of.slots <- struct{}{}:
		return func() { <-of.slots }, nil
	case <-ctx.Done():
		return nil, &refusal{status: http.StatusServiceUnavailable, reason: "busy", detail: "too many requests with this token are being worked on; try again in a moment"}
	}
}

// admit waits until the holder's rate allows so many payloads, unless that takes too long.
func (s *Server) admit(ctx context.Context, of *holder, payloads int) error {
	reserved := of.rate.ReserveN(time.Now(), payloads)
	wait := reserved.Delay()
	if !reserved.OK() || wait > s.patience {
		reserved.Cancel()
		return tooMany(wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		reserved.Cancel()
		return tooMany(wait)
	}
}

func readBody(c *gin.Context) ([]byte, error) {
	tooLarge := &refusal{status: http.StatusRequestEntityTooLarge, reason: "body", detail: "the body is larger than 8 MiB; ask for the payloads in parts"}
	if c.Request.ContentLength > MaxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody))
	var exceeded *http.MaxBytesError
	switch {
	case errors.As(err, &exceeded):
		return nil, tooLarge
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, reason: "body", detail: "the body did not arrive as a whole; send it again", cause: err}
	}
	return body, nil
}

// answerOf has the SDK's own handler do the work, so that requests and answers are as Temporal's programs write them.
func answerOf(operation string, r *request, body []byte) ([]byte, error) {
	inner, err := http.NewRequest(http.MethodPost, "/"+operation, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var answer captured
	converter.NewPayloadCodecHTTPHandler(r).ServeHTTP(&answer, inner)
	switch {
	case r.failed != nil:
		return nil, r.failed
	case answer.status >= http.StatusBadRequest:
		// Not the handler's own text: it may quote the body.
		return nil, &refusal{status: http.StatusBadRequest, reason: "json",
			detail: `the body is not {"payloads": [{"metadata": {…}, "data": "…"}]} with values in base64, as Temporal's programs send it`}
	}
	return answer.body.Bytes(), nil
}

// captured keeps an answer, so that it can be replaced.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *captured) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *captured) WriteHeader(status int)         { a.status = status }
func (a *captured) Write(part []byte) (int, error) { return a.body.Write(part) }

func (s *Server) ready(c *gin.Context) error {
	if err := s.readiness.ready(c.Request.Context()); err != nil {
		return err
	}
	renderJSON(c, http.StatusOK, "application/json", gin.H{"status": "ready"})
	return nil
}

// observe gives the request its id and the answer what all answers have, and leaves a log line and the latency.
func (s *Server) observe(c *gin.Context) {
	began := time.Now()
	v := &visit{requestID: c.GetHeader(requestIDHeader), outcome: "answered"}
	if !requestIDForm.MatchString(v.requestID) {
		v.requestID = uuid.NewString()
	}
	c.Set(visitKey, v)
	c.Header(requestIDHeader, v.requestID)
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Vary", "Origin")
	c.Next()

	took := time.Since(began)
	if v.operation != "" {
		s.metrics.latency.WithLabelValues(v.operation, v.outcome).Observe(took.Seconds())
	}
	if !v.audited {
		s.logVisit(c, v, took)
	}
}

// answerErrors turns the error of a handler into the answer and counts it.
func (s *Server) answerErrors(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last == nil || c.Writer.Written() {
		return
	}
	v := visited(c)
	r := asRefusal(last.Err)
	v.outcome, v.reason, v.cause = "refused", r.reason, r.cause
	s.metrics.refusedWith(r)
	renderRefusal(c, r, v.requestID)
}

// recoverPanics makes a panic our own trouble.
func (s *Server) recoverPanics(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) // net/http's own way to drop a connection
		}
		// Not the value, which may quote a payload.
		s.log.LogAttrs(c.Request.Context(), slog.LevelError, "panic", slog.String("request_id", visited(c).requestID),
			slog.String("value_type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
		_ = c.Error(&refusal{status: http.StatusInternalServerError, reason: "panic", detail: "the request could not be processed"})
		c.Abort()
	}()
	c.Next()
}
