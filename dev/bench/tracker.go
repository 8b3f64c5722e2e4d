package bench

import (
	"context"
	"sync"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// tracker tells, inside the worker's process, that a workflow has taken in a signal and that it has ended. Asking the
// server would be work for the server.
type tracker struct {
	interceptor.InterceptorBase
	followed sync.Map // *progress by workflow id
}

// progress of one workflow.
type progress struct {
	taken chan struct{} // one for each signal
	ended chan end
}

type end struct {
	result any
	err    error
}

// follow must come before the workflow's start. The workflow is forgotten when it ends.
func (t *tracker) follow(workflowID string, signals int) *progress {
	p := &progress{taken: make(chan struct{}, signals), ended: make(chan end, 1)}
	t.followed.Store(workflowID, p)
	return p
}

func (t *tracker) of(ctx workflow.Context) (*progress, bool) {
	found, ok := t.followed.Load(workflow.GetInfo(ctx).WorkflowExecution.ID)
	if !ok {
		return nil, false
	}
	return found.(*progress), true
}

// InterceptWorkflow is called by the worker for each run.
func (t *tracker) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &tracked{interceptor.WorkflowInboundInterceptorBase{Next: next}, t}
}

type tracked struct {
	interceptor.WorkflowInboundInterceptorBase
	tracker *tracker
}

func (w *tracked) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	err := w.Next.HandleSignal(ctx, in)
	if p, ok := w.tracker.of(ctx); ok && !workflow.IsReplaying(ctx) {
		select {
		case p.taken <- struct{}{}:
		default:
		}
	}
	return err
}

func (w *tracked) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	result, err := w.Next.ExecuteWorkflow(ctx, in)
	if p, ok := w.tracker.of(ctx); ok && !workflow.IsReplaying(ctx) && ctx.Err() == nil {
		select {
		case p.ended <- end{result, err}:
			w.tracker.followed.Delete(workflow.GetInfo(ctx).WorkflowExecution.ID)
		default:
		}
	}
	return result, err
}

// wait for something of a workflow, or for the caller's context.
func wait[T any](ctx context.Context, from <-chan T) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
