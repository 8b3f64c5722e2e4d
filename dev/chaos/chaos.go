package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"kyc/app"
	"kyc/dev/mailbox"
	"kyc/dev/stack"
	"kyc/dev/temporalserver"
	"kyc/onboarding"
	"kyc/starter"
)

const (
	// upWithin is how long a program may take until it serves.
	upWithin = time.Minute
	// collectWithin bounds the collection of the evidence.
	collectWithin = 2 * time.Minute
)

// Result of a run.
type Result struct {
	// Differences are what the second pass found; none means that all is well.
	Differences []string

	evidence *evidence
	tally
}

// Run runs everything, compares, and tells Config.Out. An error means that the run itself could not be made or judged.
func Run(ctx context.Context, cfg Config) (_ *Result, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	cfg = cfg.withDefaults()
	for cfg.Seed == 0 {
		cfg.Seed = rand.Uint64() >> 32 // easier to copy
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &chaos{cfg: cfg, plan: makePlan(cfg), told: newTold(), cancel: cancel}
	c.starts = make([]startTally, len(c.plan.customers))
	defer func() { err = errors.Join(err, c.close()) }()
	return c.run(ctx)
}

// chaos is a run.
type chaos struct {
	cfg  Config
	plan *plan

	env      map[string]string
	setups   map[string]onboarding.Setup
	programs map[string]*program
	backend  *receiver
	told     *told
	ondato   *ondato
	temporal client.Client
	starter  *starter.Starter

	began  time.Time
	starts []startTally
	mu     sync.Mutex // guards starts
	tally  tally

	cancel  context.CancelFunc
	keeping sync.WaitGroup // of the goroutines that have to do with programs
	closes  []func() error
}

// startTally is what the calls to start an onboarding came to.
type startTally struct {
	started int
	failed  string
	done    bool
}

func (c *chaos) run(ctx context.Context) (*Result, error) {
	c.say("seed %d: %d onboardings within %s, trouble for %s, %s in all", c.cfg.Seed, c.cfg.N, c.cfg.Starting, c.cfg.Trouble, c.cfg.Within)
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := c.startPrograms(ctx); err != nil {
		return nil, err
	}
	if err := c.ondato.control(ctx, http.MethodPut, "faults", c.plan.faults, nil); err != nil {
		return nil, err
	}
	c.say("everything is up; the trouble begins")

	var people sync.WaitGroup
	defer people.Wait()
	playing, stop := context.WithDeadline(ctx, c.began.Add(c.cfg.Within))
	defer stop()
	for i := range c.plan.customers {
		people.Go(func() { c.live(playing, i) })
	}
	if err := c.trouble(playing); err != nil {
		return nil, err
	}
	quiet := time.Now()
	if err := c.drain(playing); err != nil {
		return nil, err
	}
	stop() // a customer who was never told of a session waits for ever
	people.Wait()

	collecting, cancel := context.WithTimeout(ctx, collectWithin)
	defer cancel()
	all, err := c.collect(collecting)
	if err != nil {
		return nil, fmt.Errorf("collecting what there is to compare: %w", err)
	}
	if c.tally.webhooks, err = c.ondato.webhooks(collecting); err != nil {
		return nil, err
	}
	c.endPrograms()
	for _, name := range programNames {
		all.Programs = append(all.Programs, c.programs[name].faultsOf(quiet, all.secrets())...)
	}
	return c.judge(all), nil
}

// prepare makes what the programs need: ports, files, and the rest of the world.
func (c *chaos) prepare() (err error) {
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.cfg.Dir, stack.SetupsFile), []byte(setups()), 0o600); err != nil {
		return err
	}
	var ports stack.Ports
	for _, p := range []*int{&ports.Temporal, &ports.Bridge, &ports.Sandbox, &ports.Backend, &ports.SMTP, &ports.Metrics} {
		if *p, err = temporalserver.FreePort(); err != nil {
			return err
		}
	}
	secrets := stack.NewSecrets()
	c.env = stack.Environment(c.cfg.Dir, ports, secrets)
	if err := stack.Seal(c.cfg.Dir, c.env); err != nil {
		return err
	}
	c.ondato = newOndato(c.env["SANDBOX_PUBLIC_URL"], secrets.ClientSecret)
	if c.backend, err = newReceiver(secrets.HandoffSecret, random(c.cfg.Seed, "backend")); err != nil {
		return err
	}
	if err := c.serve(ports.Backend, &http.Server{Handler: c.backend, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}); err != nil {
		return err
	}
	post := mailbox.New()
	post.OnMail(c.told.mail)
	post.SMTP().ErrorLog = log.New(io.Discard, "", 0) // a worker that is killed breaks off its conversations
	if err := c.serve(ports.SMTP, post.SMTP()); err != nil {
		return err
	}
	c.makePrograms(ports)
	return nil
}

// serve serves until the run is over.
func (c *chaos) serve(port int, server interface {
	Serve(net.Listener) error
	Close() error
}) error {
	l, err := net.Listen("tcp", local(port))
	if err != nil {
		return err
	}
	go func() { _ = server.Serve(l) }()
	c.closes = append(c.closes, server.Close)
	return nil
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// programNames in the order in which they end.
var programNames = []string{programWorker, programBridge, programSandbox, programTemporal}

// makePrograms says how each program is run. The product's get their variables and nothing of our environment.
func (c *chaos) makePrograms(ports stack.Ports) {
	get := func(port int) func(context.Context) error {
		return func(ctx context.Context) error { return app.CheckHealth(ctx, "http://"+local(port)+"/healthz") }
	}
	c.programs = map[string]*program{
		programTemporal: newProgram(programTemporal, c.cfg.Dir, os.Environ(), c.temporalServes, c.cfg.Dev, "temporal",
			"--port", strconv.Itoa(ports.Temporal), "--ui-port", "-1", "--db", filepath.Join(c.cfg.Dir, "temporal.db")),
		programWorker:  newProgram(programWorker, c.cfg.Dir, c.environ(), get(ports.Metrics), c.cfg.Product, "worker"),
		programBridge:  newProgram(programBridge, c.cfg.Dir, c.environ(), get(ports.Bridge), c.cfg.Product, "webhookbridge"),
		programSandbox: newProgram(programSandbox, c.cfg.Dir, c.environ(), get(ports.Sandbox), c.cfg.Product, "sandbox"),
	}
}

// environ is the environment of the product's programs.
func (c *chaos) environ() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		list = append(list, name+"="+c.env[name])
	}
	return list
}

// temporalServes is nil once a workflow can be asked for: the frontend listens before it can do anything.
func (c *chaos) temporalServes(ctx context.Context) error {
	if c.temporal == nil {
		cfg, err := app.Load(app.ProgramCLI, func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }, c.environ())
		if err != nil {
			return err
		}
		c.setups = cfg.Setups
		connection, err := app.Connect(ctx, cfg, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			return err
		}
		c.closes = append(c.closes, func() error { connection.Close(); return nil })
		c.temporal = connection.Client
		c.starter = starter.New(c.temporal, cfg.Setups, starter.Options{TaskQueue: cfg.TaskQueue, Keys: connection.Keys(), Wait: 5 * time.Second})
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := c.temporal.DescribeWorkflowExecution(ctx, "is-the-server-usable", "")
	if notFound(err) {
		return nil
	}
	return err
}

func notFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}

// startPrograms starts everything in order; the time of the run begins when all serve.
func (c *chaos) startPrograms(ctx context.Context) error {
	up, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	start := func(name string) error {
		c.keeping.Go(func() { c.programs[name].keep(ctx) })
		return c.programs[name].ready(up)
	}
	if err := errors.Join(start(programTemporal), start(programSandbox)); err != nil {
		return err
	}
	prepare := exec.CommandContext(up, c.cfg.Product, "setup-namespace")
	prepare.Env = c.environ()
	if out, err := prepare.CombinedOutput(); err != nil {
		return fmt.Errorf("setup-namespace: %w\n%s", err, out)
	}
	if err := errors.Join(start(programWorker), start(programBridge)); err != nil {
		return err
	}
	c.began = time.Now()
	for name, kills := range c.plan.kills {
		c.keeping.Go(func() { c.programs[name].haunt(ctx, c.began, kills) })
	}
	return nil
}

// endPrograms asks all programs to end. Temporal goes last, so that the others can end in good order.
func (c *chaos) endPrograms() {
	for _, name := range programNames {
		c.programs[name].end()
	}
}

// close ends what is still there, also after a failure.
func (c *chaos) close() error {
	c.cancel()
	c.keeping.Wait()
	var errs []error
	for _, end := range slices.Backward(c.closes) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// live starts an onboarding when its customer comes, and plays the customer.
func (c *chaos) live(ctx context.Context, i int) {
	who := c.plan.customers[i]
	if pause(ctx, time.Until(c.began.Add(who.comes))) != nil {
		return
	}
	calls := 1
	if who.twice {
		calls = 2
	}
	var people sync.WaitGroup
	for range calls {
		people.Go(func() { c.start(ctx, i) })
	}
	people.Go(func() {
		v := &visit{customer: who, told: c.told, ondato: c.ondato, backend: c.backend}
		if err := v.through(ctx); err != nil && ctx.Err() == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.starts[i].failed = "its customer could not go on: " + err.Error()
		}
	})
	people.Wait()
}

// start asks for an onboarding until there is an answer. Unavailable may be repeated, and is.
func (c *chaos) start(ctx context.Context, i int) {
	who := c.plan.customers[i]
	for ctx.Err() == nil {
		started, err := c.starter.Start(ctx, who.request)
		var no *starter.Error
		switch {
		case err == nil && started.How != starter.HowUnanswered:
			c.told.hear(who.number, started.Link)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.starts[i].done = true
			if started.How == starter.HowStarted {
				c.starts[i].started++
			}
			return
		case err != nil && (!errors.As(err, &no) || no.Code != starter.Unavailable):
			c.mu.Lock()
			defer c.mu.Unlock()
			c.starts[i].failed = err.Error()
			return
		}
		if pause(ctx, 300*time.Millisecond) != nil {
			return
		}
	}
}

// trouble lasts its time and is taken back.
func (c *chaos) trouble(ctx context.Context) error {
	for time.Since(c.began) < c.cfg.Trouble {
		if pause(ctx, min(10*time.Second, c.cfg.Trouble-time.Since(c.began))) != nil {
			return fmt.Errorf("interrupted in the middle of the trouble: %w", ctx.Err())
		}
		c.progress()
	}
	var err error
	if c.tally.fired, err = c.ondato.firedFaults(ctx); err != nil {
		return err
	}
	if err := c.ondato.control(ctx, http.MethodDelete, "faults", "", nil); err != nil {
		return err
	}
	c.backend.calmDown()
	up, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	for _, name := range programNames {
		if err := c.programs[name].ready(up); err != nil {
			return err
		}
	}
	c.say("the trouble has ended")
	return nil
}

// drain waits until everything is over, or the time is up.
func (c *chaos) drain(ctx context.Context) error {
	next := time.Now().Add(10 * time.Second)
	for over := 0; over < 3; { // lists lag behind by a moment
		if pause(ctx, 250*time.Millisecond) != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil // what is not over counts as stuck
			}
			return ctx.Err()
		}
		if time.Now().After(next) {
			c.progress()
			next = time.Now().Add(10 * time.Second)
		}
		open, err := c.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Running'"})
		if over++; err != nil || open.GetCount() > 0 || !c.allAsked() {
			over = 0
		}
	}
	return nil
}

// allAsked tells whether every onboarding has been asked for, in vain or not.
func (c *chaos) allAsked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.ContainsFunc(c.starts, func(s startTally) bool { return !s.done && s.failed == "" })
}

func (c *chaos) say(format string, args ...any) {
	at := ""
	if !c.began.IsZero() {
		at = fmt.Sprintf("%4.0fs  ", time.Since(c.began).Seconds())
	}
	fmt.Fprintf(c.cfg.Out, "chaos: %s%s\n", at, fmt.Sprintf(format, args...))
}
