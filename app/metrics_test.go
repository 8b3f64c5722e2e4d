package app_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"kyc/app"
)

func gathered(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch {
			case m.GetCounter() != nil:
				out[f.GetName()] += m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				out[f.GetName()] += m.GetGauge().GetValue()
			case m.GetHistogram() != nil:
				out[f.GetName()] += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return out
}

func TestNewMetrics_WhatTheSDKRecords_IsInTheRegistry(t *testing.T) {
	handler, registry, err := app.NewMetrics(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	tagged := handler.WithTags(map[string]string{"namespace": "default"})
	tagged.Counter("temporal_request").Inc(2)
	tagged.Counter("temporal_request").Inc(3)
	tagged.Gauge("temporal_num_pollers").Update(4)
	tagged.Timer("temporal_request_latency").Record(70 * time.Millisecond)

	values := gathered(t, registry)
	require.EqualValues(t, 5, values["temporal_request_total"])
	require.EqualValues(t, 4, values["temporal_num_pollers"])
	require.EqualValues(t, 1, values["temporal_request_latency_seconds"])
	require.Contains(t, values, "go_goroutines")
	require.NotContains(t, values, "target_info")
}

func TestNewMetrics_Latencies_HaveBucketsInSeconds(t *testing.T) {
	handler, registry, err := app.NewMetrics(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	handler.Timer("temporal_request_latency").Record(70 * time.Millisecond)
	handler.Timer("temporal_workflow_endtoend_latency").Record(2 * 24 * time.Hour)
	families, err := registry.Gather()
	require.NoError(t, err)
	for name, want := range map[string]float64{
		"temporal_request_latency_seconds":           .1,
		"temporal_workflow_endtoend_latency_seconds": 3 * 86400,
	} {
		var found bool
		for _, f := range families {
			if f.GetName() != name {
				continue
			}
			for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
				if b.GetCumulativeCount() == 1 {
					require.Equal(t, want, b.GetUpperBound())
					found = true
					break
				}
			}
		}
		require.True(t, found, name)
	}
}

func TestNewMetrics_MetricThatCannotBeRecorded_IsLoggedAndNoMore(t *testing.T) {
	var log bytes.Buffer
	handler, _, err := app.NewMetrics(slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	handler.Counter("no name for a metric").Inc(1)
	require.Contains(t, log.String(), "a metric was not recorded")
}
