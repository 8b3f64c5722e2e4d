// Package handoff delivers a decision to the backends that a setup names: to each, one signed HTTP POST for each version
// of what was decided, after the Standard Webhooks specification. The posting is internal/signedpost's.
//
// # What the backend receives
//
// The headers webhook-id (see [WebhookID]: repeats of one message share it), webhook-timestamp (when this try was sent)
// and webhook-signature (one signature for each configured secret, separated by spaces), and a JSON body:
//
//	{
//	  "type": "onboarding.decided",              or "onboarding.amended" after an earlier version was delivered
//	  "timestamp": "2026-03-02T10:15:00Z",       equals data.decidedAt, so that a repeat is the same to the byte
//	  "data": {
//	    "id": "…", "reference": "…", "setup": "…",
//	    "outcome": "Approved",                   Approved, Rejected, Expired, Abandoned or Cancelled
//	    "reason": "…",                           absent when there is none
//	    "attempt": 1,
//	    "decidedAt": "2026-03-02T10:15:00Z",
//	    "decidedBy": "ondato",                   or "policy", or the actor of an override
//	    "version": 1,
//	    "ondato": {"identityVerificationId": "…", "identificationId": "…"},   each absent when there is none
//	    "identification": {…}                    as Ondato gave it, byte for byte; absent when there is none
//	  }
//	}
//
// # What the backend answers
//
// Any 2xx means that it has taken the message for good. It drops a webhook-id that it has seen. Of an onboarding's messages
// the one with the latest timestamp stands; it has the highest data.version as well, unless the workflow was reset to before
// a handoff: from there versions are counted anew. Everything else is an [Error], which says whether a repeat can help.
// Redirects are not followed, and hosts at private addresses are refused unless their network is allowed: a decision goes
// where operations configured it to go, and nowhere else.
//
// Errors and their texts hold no address, no id and nothing of what was sent or answered.
package handoff
