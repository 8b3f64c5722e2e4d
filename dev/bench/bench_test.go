package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/dev/temporalserver"
)

// The test's own binary is also the two programs that the benchmark starts, so that nothing has to be built for it.
func TestMain(m *testing.M) {
	programs := map[string]func(context.Context) error{"temporal": runTemporal, "webhookbridge": runBridge}
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := programs[os.Args[1]](ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runTemporal(ctx context.Context) error {
	// Timers are up to a second late unless told otherwise.
	cfg := temporalserver.Config{DynamicConfig: map[string]any{"history.timerProcessorMaxTimeShift": "1ms"}}
	flags := flag.NewFlagSet("temporal", flag.ContinueOnError)
	flags.IntVar(&cfg.FrontendPort, "port", 0, "")
	flags.IntVar(&cfg.UIPort, "ui-port", 0, "")
	flags.StringVar(&cfg.DB, "db", "", "")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	server, err := temporalserver.Start(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Println("Temporal Server ", server.FrontendAddr())
	<-ctx.Done()
	return server.Stop()
}

func runBridge(ctx context.Context) error {
	cfg, err := app.Load(app.ProgramBridge, os.LookupEnv, os.Environ())
	if err != nil {
		return err
	}
	return app.RunBridge(ctx, cfg, app.NewLogger(cfg.Log, os.Stderr))
}

func config(t *testing.T) Config {
	return Config{
		Dir: t.TempDir(), Temporal: []string{os.Args[0], "temporal"}, Bridge: []string{os.Args[0], "webhookbridge"},
		Effort: Effort{
			Segment: 20 * time.Millisecond, Targets: 5, Callers: []Load{{1, 1}, {3, 2}}, Compared: 3,
			Onboardings: 2, AtOnce: 2, OnboardingRounds: 1, Watch: 300 * time.Millisecond, Handled: 10,
		},
	}
}

func TestRun_WithLittleEffort_MeasuresEverything(t *testing.T) {
	report, err := Run(t.Context(), config(t))
	require.NoError(t, err)

	require.Len(t, report.Allocations, 2)
	for _, f := range report.Allocations {
		require.Positive(t, f.PerWebhook)
		require.Positive(t, f.Nanoseconds)
	}
	require.Len(t, report.Signals, len(ways)+len(ways)+len(moreWays))
	for _, f := range report.Signals {
		require.Positive(t, f.PerSecond.Min, f.Way)
		require.Positive(t, f.P99Ratio.Min, f.Way)
		require.LessOrEqual(t, f.P50.Median, f.P99.Median, f.Way)
		if f.Way == waySDK {
			require.Equal(t, Spread{1, 1, 1}, f.Throughput)
		}
	}
	events := map[string]float64{}
	require.Len(t, report.Onboardings, len(paces)*len(shapes))
	for _, f := range report.Onboardings {
		require.Positive(t, f.PerSecond.Min, f.Shape)
		events[f.Shape+", "+f.Pace] = f.Events
	}
	// Counts, unlike speeds, are the same on every machine.
	require.Less(t, events["bare, one by one"], events["the product, one by one"])
	require.Less(t, events["the product, one by one"], events["straightforward, one by one"])

	var text bytes.Buffer
	require.NoError(t, report.Write(&text))
	for _, part := range []string{"cores", waySDK, wayBridgeNew, wayRepeat, "HMAC", shapeBare, shapeStraightforward, "≤ 200"} {
		require.Contains(t, text.String(), part)
	}
	_, err = json.Marshal(report)
	require.NoError(t, err)
}

func TestMeasure_SignalsThatAreNotThere_AreAnError(t *testing.T) {
	r, err := startRig(t.Context(), config(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.stop()) })
	to, err := r.newTargets(t.Context(), 2)
	require.NoError(t, err)
	require.NoError(t, sdkCaller{with: r.client}.send(t.Context(), to[1], 0))
	require.NoError(t, r.arrived(t.Context(), to, 1))
	require.EqualError(t, r.arrived(t.Context(), to, 2), "2 signals should be in the histories, 1 are")

	post, err := newPoster(t.Context(), r.bridgeAddr)
	require.NoError(t, err)
	defer post.close()
	body := to[0].body(to[0].event(0))
	require.ErrorContains(t, post.post(body, "Authorization: Basic bm90OnJpZ2h0\r\n"), "the bridge answers 401")
	require.NoError(t, post.post(body, signed(body)))
	elsewhere := newTarget()
	require.ErrorContains(t, post.post(elsewhere.body(elsewhere.event(0)), basicLine), `"closed-or-unknown"`)
}

func TestProcess_ThatEndsByItself_IsReportedWithItsLog(t *testing.T) {
	p, err := launch("oven", []string{"sh", "-c", "echo out of gas; exit 3"}, environ(nil), filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	err = p.until(t.Context(), func(context.Context) error { return errors.New("not ready") })
	require.ErrorContains(t, err, "the oven ended by itself (exit status 3); its log ends with:\nout of gas")
	require.ErrorContains(t, p.stop(), "exit status 3")
}

func TestSpread_OfRounds_IsMedianLeastAndGreatest(t *testing.T) {
	require.Equal(t, Spread{Median: 2, Min: 1, Max: 9}, spreadOf([]float64{9, 1, 2}))
	require.Equal(t, Spread{Median: 2.5, Min: 1, Max: 9}, spreadOf([]float64{9, 1, 2, 3}))
	require.Equal(t, []float64{2, 0.5}, ratios([]float64{4, 5}, []float64{2, 10}))
	require.Equal(t, "1.20 (1.00 to 1.50)", Spread{1.2, 1, 1.5}.String())
	require.Equal(t, "190 (180 to 201)", Spread{190.4, 180, 200.6}.String())
}

func TestQuantile_OfASortedList_IsTheValueThatSoManyDoNotExceed(t *testing.T) {
	var list []time.Duration
	for i := range 200 {
		list = append(list, time.Duration(i+1))
	}
	require.Equal(t, time.Duration(100), quantile(list, .50))
	require.Equal(t, time.Duration(198), quantile(list, .99))
	require.Equal(t, time.Duration(7), quantile([]time.Duration{7}, .99))
	require.Zero(t, quantile(nil, .5))
}
