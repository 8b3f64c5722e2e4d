package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kyc/onboarding"
	"kyc/starter"
)

// Starter starts onboardings; *starter.Starter does.
type Starter interface {
	Check(onboarding.Request) error
	Start(context.Context, onboarding.Request) (starter.Started, error)
}

// Defaults of a Config.
const (
	DefaultConcurrency = 16
	MaxConcurrency     = 1000
)

// Config of a batch.
type Config struct {
	// Open opens the file; it is read twice, and must be the same both times.
	Open   func() (io.ReadCloser, error)
	Format Format
	// Results is the path of the result file. It is made with mode 0600: the links in it open customers' pages.
	Results string
	// Concurrency is how many starts are under way at most; 0 means DefaultConcurrency.
	Concurrency int
	// Rate is how many starts a second at most; 0 means no limit.
	Rate float64
	// Again sends what earlier runs are done with again: a request that has changed since shows as refused.
	Again bool
	// Problem, unless nil, is told each problem of the file.
	Problem func(Problem)
	// Progress, unless nil, is told how far the batch is: before the first start and after each. Calls do not overlap.
	Progress func(Tally)
}

// Tally counts the lines of a batch.
type Tally struct {
	Total int `json:"total"`
	// Earlier of them were done with by earlier runs; Started and Existing include those.
	Earlier    int `json:"earlier"`
	Started    int `json:"started"`
	Existing   int `json:"existing"`
	Refused    int `json:"refused"`
	Unanswered int `json:"unanswered"`
}

// Done is how many lines have a result.
func (t Tally) Done() int { return t.Started + t.Existing + t.Refused + t.Unanswered }

func (t *Tally) add(r Result) {
	switch r {
	case ResultStarted:
		t.Started++
	case ResultExisting:
		t.Existing++
	case ResultRefused:
		t.Refused++
	case ResultUnanswered:
		t.Unanswered++
	}
}

// InvalidError says that the file has problems, each of which Config.Problem was told. Nothing was started.
type InvalidError struct{ Lines, Problems int }

func (e *InvalidError) Error() string {
	return fmt.Sprintf("the file has %s in %s; nothing was started: mend the file and run the batch again",
		counted(e.Problems, "problem"), counted(e.Lines, "line"))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ErrInterrupted says that a batch was stopped before its end. Run again, it goes on.
var ErrInterrupted = errors.New("interrupted: run the batch again, and it goes on where it was")

// Run runs a batch. When the context ends, no more lines are begun and those under way are waited for, so that their
// results are kept. Errors: *InvalidError, ErrInterrupted, a *starter.Error with code Unavailable when many lines in a row
// were not answered, or what is wrong with the files. Refused lines are no error of the batch: the Tally counts them.
func Run(ctx context.Context, s Starter, c Config) (Tally, error) {
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if err := c.validate(); err != nil {
		return Tally{}, err
	}
	total, err := Check(ctx, s, c)
	if err != nil {
		return Tally{}, err
	}
	written, err := openResults(c.Results, c.Again)
	if err != nil {
		return Tally{}, err
	}
	r := &run{starter: s, config: c, results: written, tally: Tally{Total: total}}
	err = r.all(ctx)
	return r.tally, errors.Join(err, written.close())
}

func (c Config) validate() error {
	var found onboarding.FieldErrors
	if c.Concurrency < 1 || c.Concurrency > MaxConcurrency {
		found = append(found, &onboarding.FieldError{Field: "concurrency", Problem: "is out of range", Remedy: fmt.Sprintf("give 1 to %d", MaxConcurrency)})
	}
	if c.Rate < 0 || c.Rate != c.Rate {
		found = append(found, &onboarding.FieldError{Field: "rate", Problem: "is negative or no number", Remedy: "give starts a second, or 0 for no limit"})
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// Check is the first part of Run: it reads the whole file, tells each problem of it, and returns the number of requests.
// It asks nothing but Starter.Check. Errors: *InvalidError, ErrInterrupted, or what is wrong with the file.
func Check(ctx context.Context, s Starter, c Config) (total int, err error) {
	file, err := c.Open()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	bad := InvalidError{}
	tell := func(problems []Problem) {
		bad.Lines++
		bad.Problems += len(problems)
		for _, p := range problems {
			if c.Problem != nil {
				c.Problem(p)
			}
		}
	}
	in, problems, err := open(file, c.Format)
	if errors.Is(err, errBadHeader) {
		tell(problems)
		return 0, &bad
	}
	if err != nil {
		return 0, err
	}
	first := map[onboarding.ID]int{}
	for ctx.Err() == nil {
		l, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if problems := l.check(s, first); len(problems) > 0 {
			tell(problems)
		}
		total++
	}
	switch {
	case ctx.Err() != nil:
		return 0, ErrInterrupted
	case bad.Problems > 0:
		return 0, &bad
	case total == 0:
		return 0, &onboarding.FieldError{Field: "file", Problem: "has no requests", Remedy: "write one request a line"}
	}
	return total, nil
}

// check finds what is wrong with a line. First has the line of each reference.
func (l line) check(s Starter, first map[onboarding.ID]int) []Problem {
	if l.problems != nil {
		return l.problems
	}
	found := l.problemsOf(s.Check(l.request))
	if l.request.Reference == "" {
		return found
	}
	id := l.request.Reference.ID()
	if before, ok := first[id]; ok {
		number, column := l.where("reference")
		return append(found, Problem{Line: number, Column: column, Problem: fmt.Sprintf("is that of line %d, too", before),
			Remedy: "give every onboarding a reference of its own, or remove the line"})
	}
	first[id] = l.number
	return found
}

// run is a batch that has been checked.
type run struct {
	starter Starter
	config  Config
	results *results

	mu    sync.Mutex
	tally Tally
	// silent counts the lines in a row that were not answered, broken is why the batch stops.
	silent int
	broken error
}

// Patience with Temporal and the workers: a start is tried so often, and the batch goes on until so many in a row have
// failed, as there is no use in waiting for each of ten thousand.
const (
	tries     = 4
	firstWait = 500 * time.Millisecond
	maxSilent = 20
)

func (r *run) all(ctx context.Context) error {
	file, err := r.config.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	in, _, err := open(file, r.config.Format)
	if err != nil {
		return r.changed(err)
	}
	r.progress("")
	limit := rate.Inf
	if r.config.Rate > 0 {
		limit = rate.Limit(r.config.Rate)
	}
	limiter := rate.NewLimiter(limit, 1)
	slots := make(chan struct{}, r.config.Concurrency)
	var under sync.WaitGroup
	defer under.Wait()
	for n := 0; ; n++ {
		l, err := in.next()
		if errors.Is(err, io.EOF) && n == r.tally.Total {
			break
		}
		if err != nil || l.problems != nil || n >= r.tally.Total {
			return r.changed(err)
		}
		if before, ok := r.results.seen[l.request.Reference.ID()]; ok {
			r.mu.Lock()
			r.tally.Earlier++
			r.mu.Unlock()
			r.progress(before)
			continue
		}
		if limiter.Wait(ctx) != nil {
			return ErrInterrupted
		}
		select {
		case <-ctx.Done():
			return ErrInterrupted
		case slots <- struct{}{}:
		}
		if err := r.stopped(); err != nil {
			return err
		}
		under.Go(func() {
			defer func() { <-slots }()
			r.one(ctx, l.request)
		})
	}
	under.Wait()
	if err := r.stopped(); err != nil {
		return err
	}
	if ctx.Err() != nil && r.tally.Unanswered > 0 {
		return ErrInterrupted
	}
	return nil
}

func (r *run) changed(err error) error {
	return errors.Join(errors.New("the file has changed while the batch ran: run the batch again"), err)
}

func (r *run) stopped() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

// one starts an onboarding and writes down what came of it. A start that is under way is not interrupted: it has a
// bounded wait of its own.
func (r *run) one(ctx context.Context, q onboarding.Request) {
	var started starter.Started
	var err error
	for try, wait := 1, firstWait; ; try, wait = try+1, wait*2 {
		started, err = r.starter.Start(context.WithoutCancel(ctx), q)
		if codeOf(err) != starter.Unavailable || try == tries {
			break
		}
		select {
		case <-time.After(wait):
			continue
		case <-ctx.Done():
		}
		break
	}
	result, reason := resultOf(started, err)
	writing := r.results.row([]string{string(q.Reference), string(q.Reference.ID()), string(result), started.Link, reason})
	r.mu.Lock()
	r.silent++
	if result != ResultUnanswered {
		r.silent = 0
	}
	switch {
	case writing != nil:
		r.broken = writing
	case r.broken == nil && r.silent >= maxSilent:
		r.broken = &starter.Error{Code: starter.Unavailable, Message: fmt.Sprintf("%d starts in a row were not answered (%s): "+
			"see that Temporal and a worker run, and run the batch again; it goes on where it was", r.silent, reason)}
	}
	r.mu.Unlock()
	r.progress(result)
}

func resultOf(s starter.Started, err error) (Result, string) {
	switch {
	case codeOf(err) == starter.Unavailable:
		return ResultUnanswered, err.Error()
	case err != nil:
		return ResultRefused, err.Error()
	case s.How == starter.HowStarted:
		return ResultStarted, s.Why
	case s.How == starter.HowUnanswered:
		return ResultUnanswered, s.Why
	case s.How == starter.HowTerminated:
		return ResultRefused, s.Why
	}
	return ResultExisting, s.Why
}

func codeOf(err error) starter.Code {
	var e *starter.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// progress counts a result and tells of it.
func (r *run) progress(result Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(result)
	if r.config.Progress != nil {
		r.config.Progress(r.tally)
	}
}
