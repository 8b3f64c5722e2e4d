package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// The aims, printed beside what was measured. Nothing fails when one is missed: a busy machine is no defect.
const (
	aimThroughput      = 1.0  // of the SDK's call, at Effort.Compared callers
	aimP99             = 1.10 // times the SDK's call's, likewise
	aimBridgeCPU       = 200  // microseconds a webhook, likewise
	aimBare            = 0.8  // of its onboardings a second
	aimStraightforward = 1.3  // times its onboardings a second
)

// Report is everything that was measured.
type Report struct {
	Machine     Machine             `json:"machine"`
	Allocations []AllocationFigures `json:"allocations"`
	Signals     []SignalFigures     `json:"signals"`
	Onboardings []OnboardingFigures `json:"onboardings"`
	// Targets is how many workflows took the signals of a segment in turn.
	Targets int `json:"targets"`
	// Watch is the watch window of the onboardings.
	Watch string `json:"watch"`
	// Compared is the number of callers that the aims are about.
	Compared int `json:"compared"`
}

// Write prints the report for people.
func (r *Report) Write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.Machine)
	b.WriteString("Each figure is the median over the rounds; in brackets the least and the greatest. Ratios are taken round by round.\n\n")
	r.writeSignals(&b)
	r.writeAllocations(&b)
	r.writeOnboardings(&b)
	r.writeAims(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Report) writeSignals(b *strings.Builder) {
	fmt.Fprintf(b, "Signals to %d workflows that no worker runs; server, bridge and caller are three programs on one machine.\n"+
		"CPU is user and system time a call. Ratios are to the SDK's call.\n\n", r.Targets)
	t := table(b)
	fmt.Fprintln(t, "callers\tway\tcalls/s\tratio\tp50 ms\tp99 ms\tp99 ratio\tCPU µs: bridge\tserver\tcaller")
	for _, f := range r.Signals {
		fmt.Fprintf(t, "%d\t%s\t%.0f\t%s\t%.2f\t%.2f\t%s\t%s\t%.0f\t%.0f\n", f.Callers, f.Way, f.PerSecond.Median, f.Throughput,
			f.P50.Median, f.P99.Median, f.P99Ratio, ownCPU(f), f.ServerCPU.Median, f.CallerCPU.Median)
	}
	t.Flush()
	b.WriteString("\n")
}

// ownCPU is empty for ways that the bridge has no part in.
func ownCPU(f SignalFigures) string {
	if strings.HasPrefix(f.Way, "SDK") {
		return ""
	}
	return fmt.Sprintf("%.0f", f.BridgeCPU.Median)
}

func (r *Report) writeAllocations(b *strings.Builder) {
	b.WriteString("The bridge's handler by itself, without the network on either side:\n\n")
	t := table(b)
	fmt.Fprintln(t, "credentials\tallocations/webhook\tbytes/webhook\tµs/webhook")
	for _, f := range r.Allocations {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.1f\n", f.Way, f.PerWebhook, f.Bytes, f.Nanoseconds/1000)
	}
	t.Flush()
	b.WriteString("\n")
}

func (r *Report) writeOnboardings(b *strings.Builder) {
	fmt.Fprintf(b, "Whole onboardings: start and link, six events, look, hand off, a watch window of %s, look. One worker, the product's\n"+
		"activities before collaborators that answer at once. By CPU: the other's CPU time, server and worker together, to the\n"+
		"product's, which other work on the machine disturbs less.\n\n", r.Watch)
	t := table(b)
	fmt.Fprintln(t, "events come\tshape\tonboardings/s\tthe product's rate to this\tby CPU\tevents\tactions\tCPU ms: server\tworker")
	for _, f := range r.Onboardings {
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%s\t%s\t%.0f\t%.0f\t%.1f\t%.1f\n", f.Pace, f.Shape, f.PerSecond.Median, f.Product, f.ByCPU, f.Events, f.Actions,
			f.ServerCPU.Median, f.WorkerCPU.Median)
	}
	t.Flush()
	b.WriteString("\n")
}

func (r *Report) writeAims(b *strings.Builder) {
	fmt.Fprintf(b, "Aims, at %d callers where callers matter:\n\n", r.Compared)
	t := table(b)
	line := func(what, aim string, got Spread, met bool) {
		verdict := "met"
		if !met {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", what, aim, got, verdict)
	}
	for _, f := range r.Signals {
		if f.Callers != r.Compared || f.Way != wayBridge {
			continue
		}
		line("bridge: calls/s to the SDK's", fmt.Sprintf("≥ %.2f", aimThroughput), f.Throughput, f.Throughput.Median >= aimThroughput)
		line("bridge: p99 to the SDK's", fmt.Sprintf("≤ %.2f", aimP99), f.P99Ratio, f.P99Ratio.Median <= aimP99)
		line("bridge: own CPU µs/webhook", fmt.Sprintf("≤ %d", aimBridgeCPU), f.BridgeCPU, f.BridgeCPU.Median <= aimBridgeCPU)
	}
	for _, f := range r.Onboardings {
		switch f.Shape {
		case shapeBare:
			line("onboardings/s to the bare shape's, "+f.Pace, fmt.Sprintf("≥ %.2f", aimBare), f.Product, f.Product.Median >= aimBare)
		case shapeStraightforward:
			line("onboardings/s to the straightforward shape's, "+f.Pace, fmt.Sprintf("≥ %.2f", aimStraightforward), f.Product, f.Product.Median >= aimStraightforward)
		}
	}
	t.Flush()
}

func table(b *strings.Builder) *tabwriter.Writer { return tabwriter.NewWriter(b, 0, 0, 2, ' ', 0) }

// String is the median with the least and the greatest in brackets.
func (s Spread) String() string {
	if s.Max >= 20 {
		return fmt.Sprintf("%.0f (%.0f to %.0f)", s.Median, s.Min, s.Max)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median, s.Min, s.Max)
}
