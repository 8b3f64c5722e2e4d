package app

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Bucket bounds in seconds. OpenTelemetry's own are meant for milliseconds and would put every call into the first one.
var (
	callSeconds = []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	// An onboarding lives between a second (the sandbox) and a month.
	lifeSeconds = []float64{1, 10, 60, 600, 3600, 6 * 3600, 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400}
)

// NewMetrics returns a metrics handler for the Temporal client and the registry it writes to, which also has the
// process's own metrics. Counters are named temporal_…_total, latencies temporal_…_seconds.
func NewMetrics(logger *slog.Logger) (client.MetricsHandler, *prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithoutScopeInfo(), // one scope: its labels would be on every series and tell nothing
		otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("metrics: %w", err)
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(bucketsInSeconds))
	handler := opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                provider.Meter("temporal-sdk-go"),
		UseMonotonicCounters: true,
		OnError:              func(err error) { logger.Warn("a metric was not recorded", "error", err) },
	})
	return handler, registry, nil
}

func bucketsInSeconds(i metric.Instrument) (metric.Stream, bool) {
	if i.Kind != metric.InstrumentKindHistogram {
		return metric.Stream{}, false
	}
	bounds := callSeconds
	if i.Name == "temporal_workflow_endtoend_latency" {
		bounds = lifeSeconds
	}
	return metric.Stream{
		Name: i.Name, Description: i.Description, Unit: i.Unit,
		Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: bounds},
	}, true
}
