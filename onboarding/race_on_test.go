//go:build race

package onboarding

// The race detector slows simulation and exploration; the ordinary run does all of them.
const (
	defaultSimRuns = 10_000
	exploreShare   = 3
)
