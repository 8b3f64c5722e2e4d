package privacy

import (
	"context"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// DataConverter is for clients and for the activities' own calls: the default converter, sealed by the codec. What cannot
// be sealed or opened is an error.
func DataConverter(codec *Codec) converter.DataConverter {
	return &dataConverter{DataConverter: sealed(codec)}
}

// WorkerDataConverter is for a worker's client. In a workflow an error would do harm that lasts: the SDK drops a signal
// that it cannot decode, fails a run whose input it cannot decode, and hands a workflow the error in place of an
// activity's result. So there whatever cannot be sealed or opened is a panic: the workflow task fails and is tried again,
// and the run waits until the keys are back. That needs the worker's default panic policy. In activities it is an error
// like any other. A query that cannot be answered goes unanswered.
func WorkerDataConverter(codec *Codec) converter.DataConverter {
	// The key store may take longer than the deadlock detector's second.
	return workflow.DataConverterWithoutDeadlockDetection(&workerConverter{dataConverter{DataConverter: sealed(codec)}})
}

func sealed(codec *Codec) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec)
}

// dataConverter gives no payload back along with an error: the SDK's codec converter gives the plain one, and the SDK does
// not always look at the error before it stores the payload.
type dataConverter struct {
	converter.DataConverter
	// waits has what cannot be sealed or opened panic.
	waits bool
}

var _ converter.DataConverterWithSerializationContext = (*dataConverter)(nil)

// WithSerializationContext binds to a workflow or an activity.
func (d *dataConverter) WithSerializationContext(sc converter.SerializationContext) converter.DataConverter {
	return d.with(sc, d.waits)
}

func (d *dataConverter) with(sc converter.SerializationContext, waits bool) *dataConverter {
	return &dataConverter{converter.WithDataConverterSerializationContext(d.DataConverter, sc), waits}
}

// Waiting is the panic of a workflow task that cannot go on without a key. It holds nothing of a payload.
type Waiting struct{ cause error }

func (w *Waiting) Error() string {
	return fmt.Sprintf("this workflow task is tried again until its payloads can be sealed and opened: %v", w.cause)
}

// Unwrap returns the cause, one of this package's errors.
func (w *Waiting) Unwrap() error { return w.cause }

// result returns the error, or panics where that must be.
func (d *dataConverter) result(err error) error {
	if d.waits && err != nil && ofKeys(err) {
		panic(&Waiting{err})
	}
	return err
}

func (d *dataConverter) ToPayload(value any) (*commonpb.Payload, error) {
	p, err := d.DataConverter.ToPayload(value)
	if err != nil {
		return nil, d.result(err)
	}
	return p, nil
}

func (d *dataConverter) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	p, err := d.DataConverter.ToPayloads(values...)
	if err != nil {
		return nil, d.result(err)
	}
	return p, nil
}

func (d *dataConverter) FromPayload(p *commonpb.Payload, value any) error {
	return d.result(d.DataConverter.FromPayload(p, value))
}

func (d *dataConverter) FromPayloads(p *commonpb.Payloads, values ...any) error {
	return d.result(d.DataConverter.FromPayloads(p, values...))
}

// workerConverter waits where the SDK binds it to a workflow.
type workerConverter struct{ dataConverter }

var (
	_ workflow.ContextAware                           = (*workerConverter)(nil)
	_ converter.DataConverterWithSerializationContext = (*workerConverter)(nil)
)

// WithSerializationContext binds to a workflow or an activity. The SDK uses a workflow's context for nothing but
// workflow tasks, as long as the worker's client makes no calls of its own.
func (w *workerConverter) WithSerializationContext(sc converter.SerializationContext) converter.DataConverter {
	_, ofWorkflow := sc.(converter.WorkflowSerializationContext)
	return &workerConverter{*w.with(sc, ofWorkflow)}
}

// WithWorkflowContext is called for what workflow code encodes and decodes, activities' inputs and results among it.
func (w *workerConverter) WithWorkflowContext(workflow.Context) converter.DataConverter {
	return &workerConverter{dataConverter{w.DataConverter, true}}
}

// WithContext is called in activities and client calls.
func (w *workerConverter) WithContext(context.Context) converter.DataConverter {
	return &workerConverter{dataConverter{w.DataConverter, false}}
}
