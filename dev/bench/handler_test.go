package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
)

// BenchmarkHandler is what `make bench` prints of the handler, with payloads in plain, for profiles:
//
//	go test -run '^$' -bench Handler -benchmem -memprofile mem.out ./bench
func BenchmarkHandler(b *testing.B) {
	for _, w := range allocationWays {
		b.Run(w.name, func(b *testing.B) {
			handle, err := handler(w.with, converter.GetDefaultDataConverter())
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, handle())
			}
		})
	}
}
