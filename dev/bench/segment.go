package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
)

const (
	// nobodysQueue is polled by no worker: the workflows take signals and do nothing, so that the signal alone is measured.
	nobodysQueue = "nobody"
	// atOnce is how many of the calls before and after a measurement are made at a time.
	atOnce = 16
)

// segment is one way of sending, measured for a moment.
type segment struct {
	took      time.Duration
	latencies []time.Duration // of each call, sorted
	cpu       cpuTimes        // per call
}

func (s segment) perSecond() float64 { return float64(len(s.latencies)) / s.took.Seconds() }
func (s segment) p50() float64       { return milliseconds(quantile(s.latencies, .50)) }
func (s segment) p99() float64       { return milliseconds(quantile(s.latencies, .99)) }

// cpuTimes of the three programs, in microseconds; zero where the system does not tell.
type cpuTimes struct{ bridge, server, caller float64 }

// measure sends for the given time, with so many callers, to workflows that are new: each segment finds the server's
// tables in the same state. Afterwards it counts what has arrived.
func (r *rig) measure(ctx context.Context, w way, callers, targets int, lasting time.Duration) (segment, error) {
	to, err := r.newTargets(ctx, targets)
	if err != nil {
		return segment{}, err
	}
	var with []caller
	for range callers {
		c, err := w.open(ctx, r)
		if err != nil {
			return segment{}, err
		}
		defer c.close()
		with = append(with, c)
	}
	var next atomic.Int64 // the first round over all targets opens connections and fills caches
	if _, err := send(ctx, with, to, &next, func(k int64) bool { return k < int64(targets) }); err != nil {
		return segment{}, err
	}
	next.Store(int64(targets))
	runtime.GC() // leaves no garbage of the way before
	before, began := r.cpu(), time.Now()
	latencies, err := send(ctx, with, to, &next, func(int64) bool { return time.Since(began) < lasting })
	s := segment{took: time.Since(began), latencies: latencies}
	if err != nil {
		return segment{}, err
	}
	s.cpu = r.cpu().since(before, len(latencies))
	slices.Sort(s.latencies)
	want := targets + len(latencies)
	if w.repeats {
		want = targets
	}
	return s, r.arrived(ctx, to, want)
}

// send has every caller send one event after the other, as long as more says so of the next one's number, and returns
// how long each call took.
func send(ctx context.Context, with []caller, to []target, next *atomic.Int64, more func(k int64) bool) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	targets := int64(len(to))
	sending, ctx := errgroup.WithContext(ctx)
	for _, c := range with {
		sending.Go(func() error {
			var mine []time.Duration
			for k := next.Add(1) - 1; more(k) && ctx.Err() == nil; k = next.Add(1) - 1 {
				began := time.Now()
				if err := c.send(ctx, to[k%targets], int(k/targets)); err != nil {
					return err
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			return nil
		})
	}
	err := sending.Wait()
	return all, err
}

func (r *rig) newTargets(ctx context.Context, n int) ([]target, error) {
	to := make([]target, n)
	starting, ctx := errgroup.WithContext(ctx)
	starting.SetLimit(atOnce)
	for i := range to {
		starting.Go(func() error {
			t := newTarget()
			run, err := r.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: t.id.WorkflowID(), TaskQueue: nobodysQueue}, "Target")
			if err != nil {
				return fmt.Errorf("starting a target: %w", err)
			}
			t.runID = run.GetRunID()
			to[i] = t
			return nil
		})
	}
	err := starting.Wait()
	return to, err
}

// arrived makes sure that the signals in the targets' histories are as many as were sent.
func (r *rig) arrived(ctx context.Context, to []target, want int) error {
	var got atomic.Int64
	counting, ctx := errgroup.WithContext(ctx)
	counting.SetLimit(atOnce)
	for _, t := range to {
		counting.Go(func() error {
			d, err := r.client.DescribeWorkflowExecution(ctx, t.id.WorkflowID(), "")
			if err != nil {
				return err
			}
			got.Add(d.GetWorkflowExecutionInfo().GetHistoryLength() - 2) // started, workflow task scheduled
			return nil
		})
	}
	if err := counting.Wait(); err != nil {
		return fmt.Errorf("counting what has arrived: %w", err)
	}
	if int(got.Load()) != want {
		return fmt.Errorf("%d signals should be in the histories, %d are", want, got.Load())
	}
	return nil
}

// cpu is what the three programs have used so far.
func (r *rig) cpu() cpuTimes {
	of := func(pid int) float64 {
		used, ok := cpuTime(pid)
		if !ok {
			return 0
		}
		return float64(used.Microseconds())
	}
	return cpuTimes{bridge: of(r.bridge.cmd.Process.Pid), server: of(r.temporal.cmd.Process.Pid), caller: of(os.Getpid())}
}

// since is what was used after an earlier moment, divided by the calls made meanwhile.
func (c cpuTimes) since(before cpuTimes, calls int) cpuTimes {
	n := float64(max(calls, 1))
	return cpuTimes{(c.bridge - before.bridge) / n, (c.server - before.server) / n, (c.caller - before.caller) / n}
}

func isNotFound(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}
