// Package activities carries out the steps of an onboarding: one struct per collaborator (Ondato, messages, handoff),
// and the classification of their errors for Temporal in one file.
package activities
