// Package signedpost posts JSON messages to a service of ours or of a partner's, signed after the Standard Webhooks
// specification: one HTTP POST for each call, with a verdict on the answer that tells whether a repeat can help.
//
// It is careful with where messages go. Plain http is for this machine alone, redirects are not followed, and hosts that
// resolve to a private or special address are refused at the moment of dialling unless their network is allowed, so that
// a name that changes its mind (DNS rebinding) gains nothing. Errors and their texts hold no address, no id and nothing
// of what was sent or answered.
package signedpost
