//go:build race

package onboarding

// The race detector slows the simulation tenfold; the ordinary run does all of it.
const defaultSimRuns = 10_000
