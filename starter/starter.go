package starter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
	"kyc/privacy"
)

// Starter starts and steers onboardings. It is safe for concurrent use.
type Starter struct {
	temporal client.Client
	setups   map[string]onboarding.Setup
	options  Options
}

// Keys are the onboardings' keys, by workflow id; KeysIn gives them.
type Keys interface {
	// Ensure makes an onboarding's key unless it has one. It fails with privacy.ErrErased for one that has been erased.
	Ensure(ctx context.Context, workflowID string) error
}

// KeysIn are the keys of a namespace's onboardings. They must be those that the Temporal client's codec seals with.
func KeysIn(namespace string, keys *privacy.Keys) Keys { return keysIn{keys, namespace} }

type keysIn struct {
	keys      *privacy.Keys
	namespace string
}

// Ensure makes an onboarding's key unless it has one.
func (k keysIn) Ensure(ctx context.Context, workflowID string) error {
	return k.keys.Ensure(ctx, privacy.Name(k.namespace, workflowID))
}

// Options of a Starter.
type Options struct {
	// TaskQueue that the workers poll; empty means onboarding.DefaultTaskQueue.
	TaskQueue string
	// Keys make the key that an onboarding's payloads are sealed with; nil where payloads are stored in plain.
	Keys Keys
	// Wait is how long Start waits for the link; 0 means 10 seconds.
	Wait time.Duration
	// PollEvery is how often Watch looks; 0 means half a second.
	PollEvery time.Duration
	// Now is the clock that dates of birth are held against; nil means time.Now.
	Now func() time.Time
}

// New returns a Starter on a connected Temporal client, which stays the caller's. Setups are those that Start accepts;
// none are needed to steer.
func New(c client.Client, setups map[string]onboarding.Setup, o Options) *Starter {
	if o.TaskQueue == "" {
		o.TaskQueue = onboarding.DefaultTaskQueue
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.PollEvery == 0 {
		o.PollEvery = 500 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Starter{temporal: c, setups: setups, options: o}
}

// How says what a Start found.
type How string

// The answers to a Start.
const (
	// HowStarted: this call began the onboarding.
	HowStarted How = "started"
	// HowAlreadyRunning: the same request had begun it before, and it goes on.
	HowAlreadyRunning How = "already running"
	// HowAlreadyDecided: the same request had begun it before, and Outcome says what came of it.
	HowAlreadyDecided How = "already decided"
	// HowUnanswered: no worker answered. An onboarding with this reference stands and goes on when one does; whether this
	// call began it, and whether it began with this request, only a worker can tell.
	HowUnanswered How = "unanswered"
	// HowTerminated: the run was ended in Temporal before anything was handed off; nothing follows any more.
	HowTerminated How = "terminated"
)

// Started is the answer to a Start.
type Started struct {
	ID  onboarding.ID `json:"id"`
	How How           `json:"how"`
	// Link to the customer's page; empty when there is none, and Why then says why.
	Link    string             `json:"link,omitempty"`
	Why     string             `json:"why,omitempty"`
	Stage   onboarding.Stage   `json:"stage"`
	Outcome onboarding.Outcome `json:"outcome,omitempty"`
	Attempt int                `json:"attempt"`
}

// Start starts an onboarding, or finds the one that the same request has started before, and waits for the customer's
// link. Errors: Invalid, Conflict, Erased, Unavailable. After Unavailable the same call may be repeated; nothing starts twice.
func (s *Starter) Start(ctx context.Context, r onboarding.Request) (Started, error) {
	in, err := s.input(ctx, r)
	if err != nil {
		return Started{}, err
	}
	id := r.Reference.ID()
	start := s.temporal.NewWithStartWorkflowOperation(s.startOptions(id, in.Setup), onboarding.WorkflowType, in)

	waiting, cancel := context.WithTimeout(ctx, s.options.Wait)
	defer cancel()
	digest := r.Digest()
	handle, err := s.temporal.UpdateWithStartWorkflow(waiting, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			// The workflow id makes the argument be sealed for this onboarding. One update id for every request: a repeat costs
			// nothing, and the id tells nothing of the request.
			WorkflowID: id.WorkflowID(), UpdateName: onboarding.UpdateLink, UpdateID: onboarding.UpdateLink,
			Args:         []any{onboarding.LinkRequest{RequestDigest: digest}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	var view onboarding.LinkView
	if err == nil {
		err = handle.Get(waiting, &view)
	}
	switch {
	case err == nil && view.RequestDigest != digest:
		return Started{}, conflict()
	case err == nil:
		out := Started{ID: id, How: HowAlreadyRunning, Link: view.Link, Why: view.Why, Stage: view.Stage, Outcome: view.Outcome, Attempt: view.Attempt}
		switch {
		case view.Call == in.Call:
			out.How = HowStarted
		case view.Outcome != "":
			out.How = HowAlreadyDecided
		}
		return s.current(ctx, out), nil
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		return s.decided(ctx, id, digest)
	case ctx.Err() == nil && (waiting.Err() != nil || timedOut(err)):
		return s.unanswered(ctx, id)
	default:
		return Started{}, translated(err)
	}
}

// timedOut tells whether the wait for an update ended without an answer: the server, which is told the deadline, may end
// it before the caller's own clock does.
func timedOut(err error) bool {
	var e *client.WorkflowUpdateServiceTimeoutOrCanceledError
	return errors.As(err, &e)
}

// current refreshes a repeated answer: an update that is repeated returns its first result, which may be old, even when
// the run has ended meanwhile.
func (s *Starter) current(ctx context.Context, out Started) Started {
	if out.How == HowStarted {
		return out
	}
	o, err := s.Overview(ctx, out.ID)
	if err != nil {
		return out
	}
	asking, cancel := context.WithTimeout(ctx, s.options.Wait)
	defer cancel()
	status, err := s.Status(asking, out.ID)
	if err == nil {
		out.Link, out.Stage, out.Outcome, out.Attempt = status.Link, status.Stage, status.Outcome, status.Attempt
		out.Why = "awaiting " + status.Awaited
	} else { // no worker: the first result's link is good while that attempt lasts
		if o.Outcome != "" || o.Attempt != out.Attempt {
			out.Link = ""
		}
		out.Stage, out.Outcome, out.Attempt = o.Stage, o.Outcome, o.Attempt
		out.Why = "no worker answers at present"
	}
	if out.Link != "" {
		out.Why = ""
	}
	if out.Outcome != "" {
		out.How = HowAlreadyDecided
	}
	return out.unlessTerminated(o)
}

// unlessTerminated keeps an answer from promising what a run that was ended in Temporal will never do.
func (out Started) unlessTerminated(o Overview) Started {
	if !o.Undelivered() {
		return out
	}
	out.How, out.Link = HowTerminated, ""
	out.Why = whyTerminated
	return out
}

// decided answers for an onboarding that is over.
func (s *Starter) decided(ctx context.Context, id onboarding.ID, digest string) (Started, error) {
	status, err := s.Status(ctx, id)
	if err != nil {
		return Started{}, err
	}
	if status.RequestDigest != digest {
		return Started{}, conflict()
	}
	out := Started{ID: id, How: HowAlreadyDecided, Stage: status.Stage, Outcome: status.Outcome, Attempt: status.Attempt,
		Why: "the onboarding is over"}
	if o, err := s.Overview(ctx, id); err == nil {
		out = out.unlessTerminated(o)
	}
	return out, nil
}

// unanswered looks up what stands when no worker has answered in time.
func (s *Starter) unanswered(ctx context.Context, id onboarding.ID) (Started, error) {
	o, err := s.Overview(ctx, id)
	if err != nil {
		return Started{}, &Error{Code: Unavailable, Message: "no worker answered in time, and the onboarding could not be looked up; repeat the call", cause: err}
	}
	out := Started{ID: id, How: HowUnanswered, Stage: o.Stage, Outcome: o.Outcome, Attempt: o.Attempt,
		Why: "no worker answered in time; the onboarding with this reference stands and goes on when one does; repeat the call for the link"}
	return out.unlessTerminated(o), nil
}

// input checks the request and makes the workflow's input of it, and the key that seals it.
func (s *Starter) input(ctx context.Context, r onboarding.Request) (onboarding.Input, error) {
	setup, err := s.check(r)
	if err != nil {
		return onboarding.Input{}, invalid(err)
	}
	if s.options.Keys != nil {
		if err := s.options.Keys.Ensure(ctx, r.Reference.ID().WorkflowID()); err != nil {
			return onboarding.Input{}, translated(err)
		}
	}
	return onboarding.Input{Request: r, Setup: setup, Call: uuid.NewString()}, nil
}

// check finds everything that is wrong with a request, and its setup.
func (s *Starter) check(r onboarding.Request) (onboarding.Setup, error) {
	found := slices.Clone(onboarding.Fields(r.Validate()))
	setup, ok := s.setups[r.Setup]
	switch {
	case ok:
		found = append(found, onboarding.Fields(setup.ValidateRequest(r))...)
	case onboarding.IsSetupName(r.Setup):
		found = append(found, s.unknownSetup())
	}
	found = append(found, checkFields(r, found, s.options.Now())...)
	if len(found) > 0 {
		return onboarding.Setup{}, found
	}
	return setup, nil
}

func (s *Starter) unknownSetup() *onboarding.FieldError {
	remedy := "give the Starter the setups that workers and backends share"
	if len(s.setups) > 0 {
		remedy = "use one of: " + strings.Join(slices.Sorted(maps.Keys(s.setups)), ", ")
	}
	return &onboarding.FieldError{Field: "setup", Problem: "is not configured", Remedy: remedy}
}

func (s *Starter) startOptions(id onboarding.ID, setup onboarding.Setup) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       id.WorkflowID(),
		TaskQueue:                s.options.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			keyStage.ValueSet(string(onboarding.StageAwaitingStart)),
			keySetup.ValueSet(setup.Name),
			keyAttempt.ValueSet(1),
			keyDeadline.ValueSet(time.Now().Add(setup.Policy.Deadline.Std())),
		),
		StaticSummary: "Customer onboarding · setup " + setup.Name,
		StaticDetails: fmt.Sprintf("One customer's identity verification with Ondato under setup **%s**.\n\n"+
			"*Current details* tell what is awaited, what comes next and what you can do; the query `%s` tells everything.",
			setup.Name, onboarding.QueryStatus),
	}
}

// NewCommandID returns an id for a command: the same command under the same id acts once, however often it is sent.
func NewCommandID() string { return uuid.NewString() }

// Obey carries out an operator's command; an empty Command.ID is filled in. Errors: Invalid, Refused, Ended, NotFound,
// Erased, Unavailable.
func (s *Starter) Obey(ctx context.Context, id onboarding.ID, c onboarding.Command) (onboarding.CommandReceipt, error) {
	if c.ID == "" {
		c.ID = NewCommandID()
	}
	if err := checkCommand(c); err != nil {
		return onboarding.CommandReceipt{}, invalid(err)
	}
	handle, err := s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id.WorkflowID(), UpdateName: string(c.Kind), UpdateID: c.ID, Args: []any{c},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var receipt onboarding.CommandReceipt
	if err == nil {
		err = handle.Get(ctx, &receipt)
	}
	var mine *Error
	if err = translated(err); errors.As(err, &mine) && mine.Code == NotFound {
		if o, lookErr := s.Overview(ctx, id); lookErr == nil && o.Closed {
			return receipt, &Error{Code: Ended, Message: "the onboarding is over: " + o.end(), cause: err}
		}
	}
	return receipt, err
}

// checkCommand refuses what the process would, and the one name that only the process may use: Temporal's.
func checkCommand(c onboarding.Command) error {
	found := slices.Clone(onboarding.Fields(c.Validate()))
	named := slices.ContainsFunc(found, func(f *onboarding.FieldError) bool { return f.Field == "actor" })
	if !named && onboarding.ReservedActor(c.Actor) {
		found = append(found, &onboarding.FieldError{Field: "actor", Problem: "is a name that stands for Temporal itself",
			Remedy: "say which person or program gives the command"})
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
