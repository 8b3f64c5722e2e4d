package httpapi

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the API's own. Labels come from closed lists: no ids, nothing that a sender could make up.
type metrics struct {
	requests *prometheus.CounterVec   // method, route, status
	refused  *prometheus.CounterVec   // status, code
	latency  *prometheus.HistogramVec // method, route
	inFlight prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "onboarding", Subsystem: "api", Name: name, Help: help}
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts(name("requests_total", "Requests answered, by method, route and status.")),
			[]string{"method", "route", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts(name("requests_refused_total", "Requests answered 4xx or 5xx, by status and the answer's code.")),
			[]string{"status", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "onboarding", Subsystem: "api",
			Name: "request_duration_seconds", Help: "Time to answer a request, streams of events excluded, by method and route.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts(name("requests_in_flight", "Requests being worked on, streams of events included."))),
	}
	for _, c := range []prometheus.Collector{m.requests, m.refused, m.latency, m.inFlight} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering the API's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) observe(v *visit) {
	m.requests.WithLabelValues(v.method, v.route, strconv.Itoa(v.status)).Inc()
	if v.code != "" {
		m.refused.WithLabelValues(strconv.Itoa(v.status), v.code).Inc()
	}
	if v.route != routeEvents {
		m.latency.WithLabelValues(v.method, v.route).Observe(v.took.Seconds())
	}
}
