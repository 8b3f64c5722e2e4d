//go:build !race

package privacy

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// The race detector allocates for itself, so that what follows is counted without it.

// bytesPerRun is what a function allocates.
func bytesPerRun(runs int, do func()) int {
	do()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		do()
	}
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc-before.TotalAlloc) / runs
}

func TestCodec_PayloadOfOneKiB_AllocatesLittleBeyondTheOutput(t *testing.T) {
	const beyond = 1024
	p := newProgram(t)
	for name, sc := range warm {
		t.Run(name, func(t *testing.T) {
			codec, plain := under(p.codec, sc), kib()
			sealed, err := codec.Encode(plain)
			require.NoError(t, err)
			sealing := bytesPerRun(500, func() { _, _ = codec.Encode(plain) })
			opening := bytesPerRun(500, func() { _, _ = codec.Decode(sealed) })
			t.Logf("sealing: %d B beyond the output's data, opening: %d", sealing-len(sealed[0].Data), opening-len(plain[0].Data))
			require.Less(t, sealing-len(sealed[0].Data), beyond)
			require.Less(t, opening-len(plain[0].Data), beyond)
		})
	}
}
