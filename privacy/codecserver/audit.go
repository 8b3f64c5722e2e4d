package codecserver

import (
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
)

// visit is what one request left behind, for log and metrics.
type visit struct {
	requestID string
	operation string // decode or encode
	by        string // the holder's name
	via       string // token or cookie
	namespace string // as the request says
	tally     tally
	outcome   string // decoded, encoded, refused, signed-in, signed-out; answered for the other routes
	reason    string
	cause     error // why it was answered 5xx
	audited   bool
}

// audit writes down who sees what. It is called when the answer is ready and has not left.
func (s *Server) audit(c *gin.Context, v *visit) {
	v.audited = true
	s.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "payloads shown or sealed", v.attributes()...)
}

// attributes tell who, what and how many; never a payload.
func (v *visit) attributes() []slog.Attr {
	out := []slog.Attr{slog.String("request_id", v.requestID), slog.String("outcome", v.outcome)}
	if v.reason != "" {
		out = append(out, slog.String("reason", v.reason))
	}
	if v.by != "" {
		out = append(out, slog.String("by", v.by))
	}
	if v.via != "" {
		out = append(out, slog.String("via", v.via))
	}
	if v.operation == "" {
		return out
	}
	if v.namespace != "" {
		out = append(out, slog.String("namespace", v.namespace))
	}
	t := v.tally
	if v.outcome == "refused" && t.payloads() == 0 {
		return out // it did not come so far
	}
	return append(out, slog.Int("payloads", t.payloads()),
		slog.Int("opened", t.opened), slog.Int("erased", t.erased), slog.Int("unreadable", t.unreadable),
		slog.Int("passed", t.passed), slog.Int("sealed", t.sealed), slog.Any("onboardings", slices.Clip(t.onboardings)))
}

// logVisit writes one line for a request that audit has not written down: no query, body or address.
func (s *Server) logVisit(c *gin.Context, v *visit, took time.Duration) {
	route, status := c.FullPath(), c.Writer.Status()
	if route == "" {
		route = "unmatched"
	}
	level := slog.LevelInfo
	attributes := append([]slog.Attr{slog.String("method", knownMethod(c.Request.Method)), slog.String("route", route),
		slog.Int("status", status), slog.Duration("duration", took)}, v.attributes()...)
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
		if v.cause != nil {
			attributes = append(attributes, slog.String("error", v.cause.Error()))
		}
	case status >= http.StatusBadRequest:
		level = slog.LevelWarn
	case v.outcome == "answered":
		level = slog.LevelDebug // probes, preflights
	}
	s.log.LogAttrs(c.Request.Context(), level, "request", attributes...)
}

var namespaceForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}$`)

// namespaceOf is the namespace that the path or the Temporal UI's header names, if it looks like one. Nothing depends on
// it: what a payload belongs to is sealed into it.
func namespaceOf(c *gin.Context) string {
	for _, given := range []string{c.Param("namespace"), c.GetHeader("X-Namespace")} {
		if namespaceForm.MatchString(given) {
			return given
		}
	}
	return ""
}

// knownMethod keeps what a sender made up out of the log.
func knownMethod(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace}, method) {
		return method
	}
	return "OTHER"
}

// visited returns the request's record; observe runs first, so there always is one.
func visited(c *gin.Context) *visit {
	if v, ok := c.MustGet(visitKey).(*visit); ok {
		return v
	}
	return &visit{}
}
