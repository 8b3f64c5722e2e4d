package codecserver

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the codec server's own. Labels come from closed lists.
type metrics struct {
	payloads *prometheus.CounterVec   // outcome
	refused  *prometheus.CounterVec   // status, reason
	signIns  *prometheus.CounterVec   // outcome
	latency  *prometheus.HistogramVec // operation, outcome
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "onboarding", Subsystem: "codec", Name: name, Help: help}, labels)
	}
	m := &metrics{
		payloads: counter("payloads_total", "Payloads that were answered for: opened, erased, unreadable, passed (not sealed by us, or sealed already) or sealed.", "outcome"),
		refused:  counter("requests_refused_total", "Requests answered 4xx or 5xx, by status and reason.", "status", "reason"),
		signIns:  counter("sign_ins_total", "Sign-ins of people, by outcome.", "outcome"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "onboarding", Subsystem: "codec",
			Name: "request_duration_seconds", Help: "Time to answer for payloads, by operation and outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"operation", "outcome"}),
	}
	for _, c := range []prometheus.Collector{m.payloads, m.refused, m.signIns, m.latency} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering the codec server's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) refusedWith(r *refusal) {
	m.refused.WithLabelValues(strconv.Itoa(r.status), r.reason).Inc()
}

func (m *metrics) answered(t tally) {
	for outcome, n := range t.byOutcome() {
		m.payloads.WithLabelValues(outcome).Add(float64(n))
	}
}
