// Package workflows is the Temporal shell round the process of package onboarding: it brings signals, updates, timers
// and the results of activities to onboarding.Process and carries out what the process plans. It decides nothing by
// itself. Activities are called by name; the package knows their inputs and results, not their code.
package workflows
