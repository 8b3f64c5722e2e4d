package webhookbridge

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"kyc/ondato"
)

// visit is what one request left behind, for log and metrics.
type visit struct {
	requestID string
	event     ondato.Webhook
	outcome   string // accepted, ignored, refused; answered for the other routes
	reason    string
	cause     error // why it was answered 503
}

// logVisit writes one line per request: no body, query, address or session id.
func logVisit(ctx context.Context, log *slog.Logger, v *visit, method, route string, status int, took time.Duration) {
	attributes := append(make([]slog.Attr, 0, 9),
		slog.String("method", knownMethod(method)),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Duration("duration", took),
		slog.String("request_id", v.requestID),
		slog.String("outcome", v.outcome),
	)
	if v.reason != "" {
		attributes = append(attributes, slog.String("reason", v.reason))
	}
	if v.event.Type != "" {
		attributes = append(attributes, slog.String("event_type", typeLabel(v.event)))
	}
	// Only what looks like an id: a sender could write anything there, a customer's name included.
	if isUUID(v.event.ID) {
		attributes = append(attributes, slog.String("event_id", v.event.ID))
	}
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
		if v.cause != nil {
			attributes = append(attributes, slog.String("error", v.cause.Error()))
		}
	case status >= http.StatusBadRequest:
		level = slog.LevelWarn
	case route == routeHealth || route == routeReady || route == routeMetrics:
		level = slog.LevelDebug // probes every few seconds
	}
	log.LogAttrs(ctx, level, "request", attributes...)
}

// knownMethod keeps what a sender made up out of the log.
func knownMethod(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace}, method) {
		return method
	}
	return "OTHER"
}
