package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"kyc/app"
	"kyc/dev/cost"
	"kyc/onboarding"
	"kyc/privacy"
	"kyc/starter"
	"kyc/worker"
)

const (
	onboardingPatience = time.Minute
	// sampled is how many onboardings of a round have their histories counted.
	sampled = 4
)

// pace is how the six events come.
type pace struct {
	name string
	// oneByOne: each event is sent when the workflow has taken in the one before, so that each wakes it.
	oneByOne bool
}

var paces = []pace{{"one by one", true}, {"back to back", false}}

// shapes by the type of their workflow; the first is what is measured, the others what it is compared with.
var shapes = []struct{ name, workflowType string }{
	{shapeProduct, onboarding.WorkflowType}, {shapeBare, typeBare}, {shapeStraightforward, typeStraightforward},
}

// OnboardingFigures are those of one shape at one pace, over the rounds.
type OnboardingFigures struct {
	Shape     string `json:"shape"`
	Pace      string `json:"pace"`
	Rounds    int    `json:"rounds"`
	PerSecond Spread `json:"perSecond"`
	// Product is the product's rate against that of this shape in the same round.
	Product Spread `json:"productRatio"`
	// ByCPU is the same by CPU time, of server and worker together: what the rates would be to one another if nothing but
	// the processors were short. Other work on the machine, and the disk, matter less to it. 0 where the system does not
	// tell.
	ByCPU Spread `json:"productRatioByCPU"`
	// Events and Actions an onboarding, on average.
	Events  float64 `json:"events"`
	Actions float64 `json:"actions"`
	// ServerCPU and WorkerCPU are milliseconds an onboarding, 0 where the system does not tell; the worker's includes what
	// sends the events.
	ServerCPU Spread `json:"serverCPUMilliseconds"`
	WorkerCPU Spread `json:"workerCPUMilliseconds"`
}

// onboardings measures whole onboardings of each shape. One worker, the product's own with its own options, runs all of
// them; the shapes take turns.
func (r *rig) onboardings(ctx context.Context, cfg Config) (_ []OnboardingFigures, err error) {
	f, err := r.startFlow(ctx, cfg.Effort)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	effort := cfg.Effort
	if _, err := f.batch(ctx, typeBare, paces[0]); err != nil { // pollers and caches
		return nil, fmt.Errorf("warming up: %w", err)
	}
	measured := map[string][]batch{}
	for round := range effort.OnboardingRounds {
		cfg.Progress(fmt.Sprintf("onboardings: round %d of %d", round+1, effort.OnboardingRounds))
		for _, p := range paces {
			for i := range shapes {
				shape := shapes[(round+i)%len(shapes)]
				b, err := f.batch(ctx, shape.workflowType, p)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", shape.name, p.name, err)
				}
				measured[shape.name+p.name] = append(measured[shape.name+p.name], b)
			}
		}
	}
	var out []OnboardingFigures
	for _, p := range paces {
		for _, shape := range shapes {
			out = append(out, onboardingFigures(shape.name, p, measured[shape.name+p.name], measured[shapeProduct+p.name]))
		}
	}
	return out, nil
}

func onboardingFigures(shape string, p pace, rounds, product []batch) OnboardingFigures {
	f := OnboardingFigures{Shape: shape, Pace: p.name, Rounds: len(rounds)}
	each := func(of []batch, get func(batch) float64) (out []float64) {
		for _, b := range of {
			out = append(out, get(b))
		}
		return out
	}
	rate := func(b batch) float64 { return b.perSecond }
	f.PerSecond = spreadOf(each(rounds, rate))
	f.Product = spreadOf(ratios(each(product, rate), each(rounds, rate)))
	if all := func(b batch) float64 { return b.cpu.server + b.cpu.caller }; all(rounds[0]) > 0 {
		f.ByCPU = spreadOf(ratios(each(rounds, all), each(product, all)))
	}
	f.ServerCPU = spreadOf(each(rounds, func(b batch) float64 { return b.cpu.server / 1000 }))
	f.WorkerCPU = spreadOf(each(rounds, func(b batch) float64 { return b.cpu.caller / 1000 }))
	for _, b := range rounds {
		f.Events += b.events / float64(len(rounds))
		f.Actions += b.actions / float64(len(rounds))
	}
	return f
}

// batch is one round of one shape.
type batch struct {
	perSecond, events, actions float64
	cpu                        cpuTimes // an onboarding
}

// flow is what onboardings are taken through: the product's starter and worker, connected and sealing as in production.
type flow struct {
	*rig
	effort   Effort
	setups   map[string]onboarding.Setup
	starting *app.Connection
	working  *app.Connection
	tracker  *tracker
	worker   sdk.Worker
}

func (r *rig) startFlow(ctx context.Context, effort Effort) (_ *flow, err error) {
	f := &flow{rig: r, effort: effort, tracker: &tracker{}}
	defer func() {
		if err != nil {
			f.stop()
		}
	}()
	cli, err := r.load(app.ProgramCLI)
	if err != nil {
		return nil, err
	}
	f.setups = cli.Setups
	setup := f.setups[setupName]
	setup.Policy.WatchFor = onboarding.Duration(effort.Watch)
	f.setups[setupName] = setup
	if f.starting, err = app.Connect(ctx, cli, discard, nil); err != nil {
		return nil, err
	}
	cfg, err := r.load(app.ProgramWorker)
	if err != nil {
		return nil, err
	}
	if f.working, err = app.Connect(ctx, cfg, discard, nil); err != nil {
		return nil, err
	}
	codec := f.working.Sealing.Codec
	tracked, err := client.NewClientFromExistingWithContext(ctx, f.working.Client, client.Options{
		Namespace: namespace, Logger: log.NewStructuredLogger(discard), Interceptors: []interceptor.ClientInterceptor{f.tracker},
		DataConverter: privacy.WorkerDataConverter(codec), FailureConverter: privacy.WorkerFailureConverter(codec),
	})
	if err != nil {
		return nil, err
	}
	f.worker = worker.New(tracked, worker.Options{TaskQueue: cfg.TaskQueue}, collaborators())
	f.worker.RegisterWorkflowWithOptions(bare, workflow.RegisterOptions{Name: typeBare})
	f.worker.RegisterWorkflowWithOptions(straightforward, workflow.RegisterOptions{Name: typeStraightforward})
	return f, f.worker.Start()
}

func (f *flow) stop() {
	if f.worker != nil {
		f.worker.Stop()
	}
	for _, c := range []*app.Connection{f.working, f.starting} {
		if c != nil {
			c.Close()
		}
	}
}

// batch runs onboardings of one type, so many at a time, and counts what some of them have cost.
func (f *flow) batch(ctx context.Context, workflowType string, p pace) (batch, error) {
	start := starter.New(as{f.starting.Client, workflowType}, f.setups, starter.Options{Keys: f.starting.Keys(), Wait: onboardingPatience})
	ids := make([]onboarding.ID, f.effort.Onboardings)
	before, began := f.cpu(), time.Now()
	running, group := errgroup.WithContext(ctx)
	running.SetLimit(f.effort.AtOnce)
	for i := range ids {
		running.Go(func() (err error) {
			ids[i], err = f.onboard(group, start, p)
			return err
		})
	}
	if err := running.Wait(); err != nil {
		return batch{}, err
	}
	out := batch{perSecond: float64(len(ids)) / time.Since(began).Seconds(), cpu: f.cpu().since(before, len(ids))}
	counted := ids[:min(sampled, len(ids))]
	for _, id := range counted {
		c, err := f.costOf(ctx, id)
		if err != nil {
			return batch{}, fmt.Errorf("counting events: %w", err)
		}
		out.events += float64(c.Events) / float64(len(counted))
		out.actions += float64(c.Actions) / float64(len(counted))
	}
	return out, nil
}

// onboard takes one customer from the start to the end.
func (f *flow) onboard(ctx context.Context, start *starter.Starter, p pace) (onboarding.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, onboardingPatience)
	defer cancel()
	request := onboarding.Request{
		Reference: onboarding.Reference(uuid.NewString()), Setup: setupName,
		Applicant: onboarding.Applicant{FirstName: "Ona", LastName: "Pavyzdė", DateOfBirth: "1991-04-17", Email: "ona@customer.example"},
	}
	id := request.Reference.ID()
	following := f.tracker.follow(id.WorkflowID(), len(sixEvents))
	started, err := start.Start(ctx, request)
	if err != nil {
		return id, fmt.Errorf("starting: %w", err)
	}
	if started.How != starter.HowStarted || started.Link == "" {
		return id, fmt.Errorf("starting: %s, %s", started.How, started.Why)
	}
	t := target{id: id, session: sessionOf(started.Link), identification: sessionOf(started.Link)}
	for n := range sixEvents {
		if err := f.client.SignalWorkflow(ctx, id.WorkflowID(), "", onboarding.SignalEvent, t.event(n)); err != nil {
			return id, fmt.Errorf("event %d: %w", n+1, err)
		}
		if p.oneByOne {
			if _, err := wait(ctx, following.taken); err != nil {
				return id, fmt.Errorf("event %d was not taken in: %w", n+1, err)
			}
		}
	}
	last, err := wait(ctx, following.ended)
	if err = errors.Join(err, last.err); err != nil {
		return id, fmt.Errorf("waiting for the end: %w", err)
	}
	if result, ok := last.result.(onboarding.Result); !ok || result.Outcome != onboarding.OutcomeApproved {
		return id, fmt.Errorf("ended as %q instead of approved", result.Outcome)
	}
	return id, nil
}

func (r *rig) costOf(ctx context.Context, id onboarding.ID) (cost.Cost, error) {
	var events []*historypb.HistoryEvent
	pages := r.client.GetWorkflowHistory(ctx, id.WorkflowID(), "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT) // waits for the end
	for pages.HasNext() {
		e, err := pages.Next()
		if err != nil {
			return cost.Cost{}, err
		}
		events = append(events, e)
	}
	return cost.Of(events), nil
}

// as is a client that starts another type of workflow than it is asked to: the product's starter then starts the other
// shapes in the very same way.
type as struct {
	client.Client
	workflowType string
}

func (a as) NewWithStartWorkflowOperation(o client.StartWorkflowOptions, _ any, args ...any) client.WithStartWorkflowOperation {
	return a.Client.NewWithStartWorkflowOperation(o, a.workflowType, args...)
}
