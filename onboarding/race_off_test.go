//go:build !race

package onboarding

const (
	defaultSimRuns = 200_000
	// exploreShare divides the bounds of the exploration.
	exploreShare = 1
)
