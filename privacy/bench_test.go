package privacy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// kib is the payload of the benchmarks: 1 KiB of JSON.
func kib() []*commonpb.Payload { return []*commonpb.Payload{payload(strings.Repeat("x", 1024))} }

// warm are the ways to seal and open with a key that is at hand.
var warm = map[string]converter.SerializationContext{"OwnKey": annasWorkflow, "HouseKey": converter.WorkflowSerializationContext{
	Namespace: space, WorkflowID: erasure,
}}

func BenchmarkEncode(b *testing.B) {
	for name, sc := range warm {
		b.Run(name, func(b *testing.B) {
			codec, plain := under(newProgram(b).codec, sc), kib()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := codec.Encode(plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, sc := range warm {
		b.Run(name, func(b *testing.B) {
			codec := under(newProgram(b).codec, sc)
			sealed, err := codec.Encode(kib())
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := codec.Decode(sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnwrap is what a key costs that is not at hand, but for the store's round trip.
func BenchmarkUnwrap(b *testing.B) {
	p := newProgram(b)
	kept, err := p.store.Store.Get(b.Context(), annasKey)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.keys.unwrap(annasKey, kept); err != nil {
			b.Fatal(err)
		}
	}
}
