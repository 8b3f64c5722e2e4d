package histories

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/temporalproto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// write keeps a history in the form that the SDK's replayer and Temporal's own tools read. A file that exists is kept
// unless it is to be replaced.
func write(path string, events []*historypb.HistoryEvent, replace bool) (kept bool, err error) {
	if _, err := os.Stat(path); err == nil && !replace {
		return true, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	history := proto.CloneOf(&historypb.History{Events: events})
	if err := neutral(history); err != nil {
		return false, err
	}
	data, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(history)
	if err != nil {
		return false, err
	}
	return false, os.WriteFile(path, append(data, '\n'), 0o644)
}

// neutral takes out what tells of the machine that recorded: who did something, and the queues that workers have made
// up for themselves.
func neutral(history *historypb.History) error {
	return protorange.Range(history.ProtoReflect(), func(v protopath.Values) error {
		last := v.Index(-1)
		message, ok := last.Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		if queue, ok := message.Interface().(*taskqueuepb.TaskQueue); ok && queue.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
			queue.Name = "sticky"
		}
		if field := message.Descriptor().Fields().ByName("identity"); field != nil && field.Kind() == protoreflect.StringKind {
			program, _, _ := strings.Cut(message.Get(field).String(), "@")
			message.Set(field, protoreflect.ValueOfString(program))
		}
		return nil
	})
}
