// Package webhookbridge turns Ondato's webhooks into signals of onboarding workflows.
//
// A delivery passes four steps, each a small type of its own: verify (does it come from Ondato), decode (what does it
// say), route (whose is it), deliver (make it durable in Temporal). A step that ends the way returns an error: an
// [ignored] event is answered 200 and counted by reason, a [refusal] carries its HTTP status, and anything else is our
// own trouble and answered 503, so that Ondato sends again. Gin is used at the edge only (edge.go), where one place
// renders every error as application/problem+json.
//
// The bridge keeps no state that matters. Any number of replicas behave as one: what they tell Temporal, request id
// included, is computed from the delivery alone.
//
// "contract" in comments means docs/ondato-contract.md. Logs, metrics and error texts hold event ids, types and
// outcomes; never bodies, session ids, secrets or query strings.
package webhookbridge
