package webhookbridge

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the bridge's own. Labels come from closed lists: no ids, nothing that a sender could make up.
type metrics struct {
	accepted       *prometheus.CounterVec   // type
	ignored        *prometheus.CounterVec   // reason, type
	refused        *prometheus.CounterVec   // status, reason
	latency        *prometheus.HistogramVec // outcome
	inFlight       prometheus.Gauge
	tokens         prometheus.Counter
	temporalErrors *prometheus.CounterVec // class
	ondatoErrors   *prometheus.CounterVec // class
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "onboarding", Subsystem: "bridge", Name: name, Help: help}, labels)
	}
	m := &metrics{
		accepted: counter("webhooks_accepted_total", "Webhooks that are durable in Temporal, by event type.", "type"),
		ignored:  counter("webhooks_ignored_total", "Webhooks answered 200 without being delivered, by reason and event type.", "reason", "type"),
		refused:  counter("webhooks_refused_total", "Requests answered 4xx or 503, by status and reason.", "status", "reason"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "onboarding", Subsystem: "bridge",
			Name: "webhook_duration_seconds", Help: "Time to answer a webhook, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 7.5}}, []string{"outcome"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "onboarding", Subsystem: "bridge",
			Name: "webhooks_in_flight", Help: "Webhooks and token requests being worked on."}),
		tokens: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "onboarding", Subsystem: "bridge",
			Name: "oauth2_tokens_issued_total", Help: "Bearer tokens issued to Ondato."}),
		temporalErrors: counter("temporal_errors_total", "Failed tries to reach Temporal, by class.", "class"),
		ondatoErrors:   counter("ondato_errors_total", "Failed look-ups at Ondato, by class.", "class"),
	}
	for _, c := range []prometheus.Collector{m.accepted, m.ignored, m.refused, m.latency, m.inFlight, m.tokens, m.temporalErrors, m.ondatoErrors} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering the bridge's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) temporalFailed(class string) { m.temporalErrors.WithLabelValues(class).Inc() }
func (m *metrics) ondatoFailed(class string)   { m.ondatoErrors.WithLabelValues(class).Inc() }

func (m *metrics) refusedWith(r *refusal) {
	m.refused.WithLabelValues(strconv.Itoa(r.status), r.reason).Inc()
}
