package privacy

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
)

type request struct{ Name string }

// trouble puts a program into each situation in which anna's payloads cannot be sealed or opened; the payload is one that
// was sealed for anna.
var trouble = map[string]struct {
	err  error
	make func(t *testing.T, p *program) *program
}{
	"store down": {ErrUnavailable, func(t *testing.T, p *program) *program {
		p = p.again(t, KeysConfig{})
		p.store.fail(func(context.Context) error { return unavailable("reading a key", errors.New("out of order")) })
		return p
	}},
	"no key": {ErrNoKey, func(t *testing.T, p *program) *program {
		p = p.again(t, KeysConfig{})
		p.store.fail(func(context.Context) error { return ErrNoKey })
		return p
	}},
	"erased": {ErrErased, func(t *testing.T, p *program) *program {
		require.NoError(t, p.keys.Erase(t.Context(), annasKey))
		return p
	}},
	"another keyset file": {ErrUnknownKey, func(t *testing.T, p *program) *program {
		stranger := newProgram(t)
		stranger.store.Store = p.store.Store
		return stranger.again(t, KeysConfig{})
	}},
	"key of another onboarding": {ErrForged, func(t *testing.T, p *program) *program {
		brunos, err := p.store.Store.Get(t.Context(), Name(space, bruno))
		require.NoError(t, err)
		p = p.again(t, KeysConfig{})
		p.keys.store = fixedStore{p.store, brunos}
		return p
	}},
}

// uses are the ways in which the SDK makes use of a worker's converter.
var uses = map[string]struct {
	workflow bool
	bind     func(converter.DataConverter) converter.DataConverter
}{
	"workflow task": {true, func(dc converter.DataConverter) converter.DataConverter {
		return converter.WithDataConverterSerializationContext(dc, annasWorkflow)
	}},
	"workflow code": {true, func(dc converter.DataConverter) converter.DataConverter {
		return inWorkflow(converter.WithDataConverterSerializationContext(dc, annasWorkflow))
	}},
	"workflow code on an activity": {true, func(dc converter.DataConverter) converter.DataConverter {
		return inWorkflow(converter.WithDataConverterSerializationContext(dc, annasActivity))
	}},
	"activity": {false, func(dc converter.DataConverter) converter.DataConverter {
		return inActivity(converter.WithDataConverterSerializationContext(dc, annasActivity))
	}},
	"activity task": {false, func(dc converter.DataConverter) converter.DataConverter {
		return converter.WithDataConverterSerializationContext(dc, annasActivity)
	}},
	"local activity": {false, func(dc converter.DataConverter) converter.DataConverter {
		return inActivity(inWorkflow(converter.WithDataConverterSerializationContext(dc, annasActivity)))
	}},
}

func inWorkflow(dc converter.DataConverter) converter.DataConverter {
	return dc.(workflow.ContextAware).WithWorkflowContext(nil)
}

func inActivity(dc converter.DataConverter) converter.DataConverter {
	return dc.(workflow.ContextAware).WithContext(context.Background())
}

// outcome is what a call panicked with, and its error.
func outcome(do func() error) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, do()
}

func TestWorkerDataConverter_KeysNotThere_WaitsInWorkflowsAndFailsInActivities(t *testing.T) {
	for situation, c := range trouble {
		for place, use := range uses {
			t.Run(situation+", "+place, func(t *testing.T) {
				p := newProgram(t)
				sealed := sealedBy(t, p.codec, annasWorkflow, payload(`{"Name":"x"}`))
				p = c.make(t, p)
				dc := use.bind(WorkerDataConverter(p.codec))
				several := &commonpb.Payloads{Payloads: []*commonpb.Payload{sealed}}
				for call, do := range map[string]func() error{
					"FromPayload":  func() error { return dc.FromPayload(sealed, new(request)) },
					"FromPayloads": func() error { return dc.FromPayloads(several, new(request)) },
					"ToPayload": func() error {
						out, err := dc.ToPayload(request{secret})
						require.Nil(t, out)
						return err
					},
					"ToPayloads": func() error {
						out, err := dc.ToPayloads(request{secret})
						require.Nil(t, out)
						return err
					},
				} {
					panicked, err := outcome(do)
					if !use.workflow {
						require.Nil(t, panicked, call)
						require.ErrorIs(t, err, c.err, call)
						require.NotContains(t, err.Error(), "Annamaria")
						continue
					}
					waiting, ok := panicked.(*Waiting)
					require.True(t, ok, "%s: %v, %v", call, err, panicked)
					require.ErrorIs(t, waiting, c.err, call)
					require.ErrorContains(t, waiting, "tried again")
					require.NotContains(t, waiting.Error(), "Annamaria")
				}
			})
		}
	}
}

func TestWorkerDataConverter_PayloadOfAnotherWorkflow_WaitsInsteadOfBeingDropped(t *testing.T) {
	p := newProgram(t)
	brunos := sealedBy(t, p.codec, brunosWorkflow, payload(`{}`))
	for name, use := range uses {
		panicked, err := outcome(func() error { return use.bind(WorkerDataConverter(p.codec)).FromPayload(brunos, new(request)) })
		if use.workflow {
			require.ErrorIs(t, panicked.(error), ErrForged, name)
		} else {
			require.ErrorIs(t, err, ErrForged, name)
		}
	}
}

func TestWorkerDataConverter_ValueThatDoesNotFit_IsAnErrorEverywhere(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(`{"Name":7}`))
	for name, use := range uses {
		dc := use.bind(WorkerDataConverter(p.codec))
		require.Error(t, dc.FromPayload(sealed, new(request)), name)
		_, err := dc.ToPayload(func() {})
		require.Error(t, err, name)
	}
}

func TestDataConverters_RoundTrip_SealWhatTheSDKBindsThemTo(t *testing.T) {
	p := newProgram(t)
	for name, dc := range map[string]converter.DataConverter{"client": DataConverter(p.codec), "worker": WorkerDataConverter(p.codec)} {
		t.Run(name, func(t *testing.T) {
			bound := converter.WithDataConverterSerializationContext(dc, annasWorkflow)
			one, err := bound.ToPayload(request{secret})
			require.NoError(t, err)
			require.Equal(t, keyOwn, string(one.Metadata[metadataKey]))
			some, err := bound.ToPayloads(request{secret}, nil, 7)
			require.NoError(t, err)
			for _, dc := range []converter.DataConverter{bound, dc} {
				var got request
				var n int
				require.NoError(t, dc.FromPayload(one, &got))
				require.Equal(t, secret, got.Name)
				got = request{}
				require.NoError(t, dc.FromPayloads(some, &got, new(any), &n))
				require.Equal(t, request{secret}, got)
				require.Equal(t, 7, n)
				require.Contains(t, dc.ToString(one), "Annamaria")
				require.NoError(t, dc.FromPayload(nil, nil))
			}
			none, err := bound.ToPayloads()
			require.NoError(t, err)
			require.Nil(t, none)
		})
	}
}

func TestDataConverter_OfAClient_NeverPanicsAndGivesNoPlainPayloadAway(t *testing.T) {
	for situation, c := range trouble {
		t.Run(situation, func(t *testing.T) {
			p := newProgram(t)
			sealed := sealedBy(t, p.codec, annasWorkflow, payload(`{}`))
			p = c.make(t, p)
			dc := converter.WithDataConverterSerializationContext(DataConverter(p.codec), annasWorkflow)
			out, err := dc.ToPayload(request{secret})
			require.ErrorIs(t, err, c.err)
			require.Nil(t, out, "the SDK's codec converter would return the plain one along with the error")
			outs, err := dc.ToPayloads(request{secret})
			require.ErrorIs(t, err, c.err)
			require.Nil(t, outs)
			require.ErrorIs(t, dc.FromPayload(sealed, new(request)), c.err)
		})
	}
}

func TestDataConverter_RawValue_IsSealedAndComesBack(t *testing.T) {
	p := newProgram(t)
	dc := converter.WithDataConverterSerializationContext(DataConverter(p.codec), annasWorkflow)
	out, err := dc.ToPayload(converter.NewRawValue(payload(secret)))
	require.NoError(t, err)
	require.True(t, Sealed(out))
	var back converter.RawValue
	require.NoError(t, dc.FromPayload(out, &back))
	require.True(t, proto.Equal(payload(secret), back.Payload()))
}
