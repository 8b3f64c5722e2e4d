//go:build !race

package onboarding

const defaultSimRuns = 200_000
