package privacy

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// What the SDK makes of a local activity's error it has opened again for the workflow, and then it writes that very same
// failure into the history.
func TestFailureToError_OpenedForReading_LeavesTheFailureSealed(t *testing.T) {
	for name, of := range map[string]func(*Codec) converter.FailureConverter{"client": FailureConverter, "worker": WorkerFailureConverter} {
		t.Run(name, func(t *testing.T) {
			f := converter.WithFailureConverterSerializationContext(of(newProgram(t).codec), annasActivity)
			cause := temporal.NewApplicationErrorWithOptions(secret, "inner", temporal.ApplicationErrorOptions{Details: []any{secret}})
			failure := f.ErrorToFailure(temporal.NewApplicationErrorWithOptions(secret, "outer", temporal.ApplicationErrorOptions{Cause: cause}))
			kept := proto.CloneOf(failure)

			opened := f.FailureToError(failure)
			require.ErrorContains(t, opened, secret)
			require.True(t, proto.Equal(kept, failure), "%s", failure)
			require.NotContains(t, failure.String(), secret)
		})
	}
}
