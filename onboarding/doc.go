// Package onboarding is the domain: what a customer onboarding is, the rules it follows and the words every other
// package uses for it.
//
// The heart is [Process], the onboarding as pure Go: [Process.Apply] takes what happened (a webhook, the result of a
// step, an operator's command), [Process.Next] says what to do now and when to look again. It knows no clock, no
// Temporal, no HTTP and no Ondato types, so that it reads as a specification and is tested as one.
//
// Around it stand the contract of the Temporal workflow (names and payloads of its signal, updates, query and
// activities) and the identity of an onboarding ([ID], [Reference]).
package onboarding
