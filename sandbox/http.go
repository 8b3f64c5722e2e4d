package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

const maxBody = 64 << 10

// routes puts everything on one port.
func (s *Sandbox) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.HandleMethodNotAllowed = true
	g.RedirectTrailingSlash = false
	g.Use(s.guard)
	g.NoRoute(func(c *gin.Context) { problem(c, http.StatusNotFound, "There is nothing at this address.") })
	g.NoMethod(func(c *gin.Context) {
		problem(c, http.StatusMethodNotAllowed, "This address does not know the method "+c.Request.Method+".")
	})

	g.POST("/connect/token", s.spoil(opToken), s.token)
	g.POST("/v1/identity-verifications", s.spoil(opCreate), s.authorise(scopeIDV), s.create)
	g.GET("/v1/identity-verifications/:id", s.spoil(opGet), s.authorise(scopeIDV, scopeIDVRead), s.getVerification)
	g.GET("/v1/identity-verifications/:id/setup", s.spoil(opSetup), s.authorise(scopeIDV, scopeIDVRead), s.getVerificationSetup)
	g.PUT("/v1/identity-verifications/:id/setup-localisations", s.spoil(opLocalise), s.authorise(scopeIDV), s.putLocalisation)
	g.GET("/v1/identity-verifications/:id/webhooks", s.spoil(opWebhooks), s.authorise(scopeIDV, scopeIDVRead), s.getWebhooks)
	g.PUT("/v1/identity-verifications/:id/redact", s.spoil(opRedact), s.authorise(scopeIDV), s.putRedact)
	g.GET("/v1/identifications/:id", s.spoil(opIdentification), s.authorise(scopeKYC, scopeKYCRead), s.getIdentification)
	g.GET("/v1/identifications/:id/setup", s.spoil(opIdentificationSetup), s.authorise(scopeKYC, scopeKYCRead), s.getIdentificationSetup)

	g.GET("/healthz", s.health)
	control := g.Group("/_sandbox", s.sameOrigin)
	control.GET("/openapi.yaml", s.openAPI)
	control.GET("/sessions", s.listSessions)
	control.GET("/sessions/:id", s.getSession)
	control.POST("/sessions/:id/:action", s.act)
	control.GET("/deliveries", s.listDeliveries)
	control.GET("/reasons", func(c *gin.Context) { reply(c, http.StatusOK, Reasons()) })
	control.GET("/faults", s.getFaults)
	control.PUT("/faults", s.putFaults)
	control.DELETE("/faults", s.deleteFaults)
	control.GET("/clock", s.getClock)
	control.POST("/clock", s.postClock)
	control.DELETE("/tokens", s.deleteTokens)

	g.GET("/", s.hostedPage)
	g.GET("/_sandbox", func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, "/_sandbox/") })
	control.GET("/", s.officePage)
	control.GET("/assets/:name", s.asset)
	control.GET("/page/sessions/:id", s.pageSession)
	control.POST("/page/sessions/:id/:action", s.pageAct)
	return g
}

// guard bounds bodies, refuses work after Close and turns a panic into a 500 (http.ErrAbortHandler stays what it is:
// the way to cut a connection).
func (s *Sandbox) guard(c *gin.Context) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			s.world.log.Error("a request ended in a panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			problem(c, http.StatusInternalServerError, "The sandbox has made a mistake, see its log.")
		}
	}()
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Referrer-Policy", "no-referrer") // session ids are in addresses
	c.Header("Cache-Control", "no-store")
	select {
	case <-s.closing:
		problem(c, http.StatusServiceUnavailable, "The sandbox is shutting down.")
		return
	default:
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
	c.Next()
}

// sameOrigin keeps other web sites from driving the control API through the browser of the person at this machine.
func (s *Sandbox) sameOrigin(c *gin.Context) {
	origin := c.GetHeader("Origin")
	site := c.GetHeader("Sec-Fetch-Site")
	foreign := site == "cross-site" && c.Request.Method != http.MethodGet
	if origin != "" {
		_, host, _ := strings.Cut(origin, "://")
		foreign = foreign || (host != c.Request.Host && !strings.HasPrefix(s.world.cfg.PublicURL+"/", origin+"/"))
	}
	if foreign {
		problem(c, http.StatusForbidden, "The control API cannot be used from another web site.")
		return
	}
	c.Next()
}

// spoil applies the API faults to an operation.
func (s *Sandbox) spoil(operation string) gin.HandlerFunc {
	return func(c *gin.Context) {
		w := s.world
		w.mu.Lock()
		strike := func(name string) (*faultRule, bool) { return w.faults.strike(w.faults.API, name, operation) }
		slow, isSlow := strike(faultSlow)
		busy, isBusy := strike(fault429)
		down, isDown := strike(fault503)
		_, isBroken := strike(fault500)
		w.mu.Unlock()
		if isSlow && !s.pause(c, slow.by) {
			c.Abort()
			return
		}
		switch {
		case isBusy:
			c.Header("Retry-After", wholeSeconds(busy.retryAfter))
			problem(c, http.StatusTooManyRequests, "")
		case isDown:
			c.Header("Retry-After", wholeSeconds(down.retryAfter))
			problem(c, http.StatusServiceUnavailable, "")
		case isBroken:
			problem(c, http.StatusInternalServerError, "")
		default:
			c.Next()
		}
	}
}

// pause waits in real time; false if the caller or the sandbox went away meanwhile.
func (s *Sandbox) pause(c *gin.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.Request.Context().Done():
	case <-s.closing:
	}
	return false
}

func wholeSeconds(d time.Duration) string {
	return fmt.Sprint(int64((d + time.Second - 1) / time.Second))
}

// problemBody is ASP.NET's problem details (contract 6).
type problemBody struct {
	Type    string              `json:"type"`
	Title   string              `json:"title"`
	Status  int                 `json:"status"`
	Detail  string              `json:"detail,omitempty"`
	TraceID string              `json:"traceId"`
	Errors  map[string][]string `json:"errors,omitempty"`
}

func problem(c *gin.Context, status int, detail string) {
	write(c, problemBody{Title: http.StatusText(status), Status: status, Detail: detail})
}

func write(c *gin.Context, p problemBody) {
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	p.Type = "https://www.rfc-editor.org/rfc/rfc9110#name-" + strings.ToLower(fmt.Sprintf("%d-%s", p.Status, strings.ReplaceAll(http.StatusText(p.Status), " ", "-")))
	p.TraceID = "00-" + id + "-" + id[:16] + "-00"
	c.Abort()
	c.Data(p.Status, "application/problem+json; charset=utf-8", mustJSON(p))
}

// invalid collects what is wrong with a body, by member.
type invalid map[string][]string

func (v invalid) add(member, format string, args ...any) {
	v[member] = append(v[member], fmt.Sprintf(format, args...))
}

func (v invalid) write(c *gin.Context) {
	write(c, problemBody{Title: "One or more validation errors occurred.", Status: http.StatusBadRequest, Errors: v})
}

func reply(c *gin.Context, status int, body any) {
	c.Data(status, "application/json; charset=utf-8", mustJSON(body))
}

// fail answers for an error of the world.
func fail(c *gin.Context, err error) {
	var no *notAllowedError
	switch {
	case errors.Is(err, errNotFound):
		problem(c, http.StatusNotFound, "There is no such session.")
	case errors.As(err, &no):
		problem(c, http.StatusConflict, no.Error())
	case errors.Is(err, errFull), errors.Is(err, errClosed):
		problem(c, http.StatusServiceUnavailable, err.Error())
	default:
		problem(c, http.StatusInternalServerError, "The sandbox cannot keep its state, see its log.")
	}
}

// readBody reads a JSON object; it has answered when it returns false. An empty body is taken as {} if optional.
func readBody(c *gin.Context, optional bool) (object, bool) {
	raw, err := io.ReadAll(c.Request.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		problem(c, http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is larger than %d bytes.", maxBody))
		return nil, false
	case err != nil:
		problem(c, http.StatusBadRequest, "The body could not be read.")
		return nil, false
	case len(raw) == 0 && optional:
		return object{}, true
	}
	if kind := c.ContentType(); kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		problem(c, http.StatusUnsupportedMediaType, "The body has to be JSON: send Content-Type: application/json.")
		return nil, false
	}
	o, err := readObject(raw)
	if err != nil {
		invalid{"$": {"The body is no JSON object: " + err.Error()}}.write(c)
		return nil, false
	}
	return o, true
}

// object is a JSON object with its members' names in lower case: ASP.NET does not mind the case of names.
type object map[string]json.RawMessage

func readObject(raw []byte) (object, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("it is null")
	}
	o := object{}
	for name, value := range members {
		o[strings.ToLower(name)] = value
	}
	return o, nil
}

// has tells whether a member is there and not null.
func (o object) has(name string) bool {
	v, ok := o[strings.ToLower(name)]
	return ok && string(v) != "null"
}

// text reads a string member; a wrong type is noted under $.path as ASP.NET does.
func (o object) text(v invalid, path, name string) string {
	if !o.has(name) {
		return ""
	}
	var s string
	if json.Unmarshal(o[strings.ToLower(name)], &s) != nil {
		v.add(jsonPath(path, name), "The JSON value could not be converted to System.String. Give a string.")
	}
	return s
}

func jsonPath(path, name string) string {
	if path != "" {
		name = path + "." + name
	}
	return "$." + name
}
