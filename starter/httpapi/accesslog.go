package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"kyc/onboarding"
)

// visit is what one request left behind, for log and metrics.
type visit struct {
	requestID     string
	caller        string        // the name of its token
	id            onboarding.ID // which onboarding it is about
	code          string        // why it was refused
	cause         error         // of a refusal
	method, route string
	status        int
	took          time.Duration
}

// logVisit writes one line per request: no body, query, reference, link or token.
func logVisit(ctx context.Context, log *slog.Logger, v *visit) {
	attributes := append(make([]slog.Attr, 0, 9),
		slog.String("method", v.method),
		slog.String("route", v.route),
		slog.Int("status", v.status),
		slog.Duration("duration", v.took),
		slog.String("request_id", v.requestID),
	)
	if v.caller != "" {
		attributes = append(attributes, slog.String("caller", v.caller))
	}
	if v.id != "" {
		attributes = append(attributes, slog.String("onboarding", string(v.id)))
	}
	if v.code != "" {
		attributes = append(attributes, slog.String("code", v.code))
	}
	level := slog.LevelInfo
	switch {
	case v.status >= http.StatusInternalServerError:
		level = slog.LevelError
		if v.cause != nil {
			attributes = append(attributes, slog.String("error", v.cause.Error()))
		}
	case v.status >= http.StatusBadRequest:
		level = slog.LevelWarn
	case v.route == routeHealth || v.route == routeReady || v.route == routeMetrics:
		level = slog.LevelDebug // probes every few seconds
	}
	log.LogAttrs(ctx, level, "request", attributes...)
}

// knownMethod keeps what a sender made up out of logs and metrics.
func knownMethod(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace}, method) {
		return method
	}
	return "OTHER"
}
