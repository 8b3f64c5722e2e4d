// Package codecserver shows sealed payloads to people: it is the codec server that the Temporal UI and the Temporal CLI
// ask to open what they display, and to seal what is typed into them.
//
// A request passes the edge (edge.go): a foreign origin is refused, the holder of a token is recognised by the token or
// by the cookie of its sign-in page, and only then the body is read. The payloads go through the SDK's own HTTP handler
// for codecs, round a codec of one request (request.go) that answers for each payload by itself: one that cannot be
// opened does not spoil the others, and one of an erased onboarding shows as [erased]. Before anything opened leaves the
// server, a line of the log says who sees how many payloads of which onboardings.
//
// Logs, metrics and error texts hold names of tokens, ids of onboardings, counts and outcomes; never payloads, tokens or
// cookies.
package codecserver
