// Package sandbox is a faithful Ondato on localhost: the token endpoint, the identity-verification and identification
// APIs, the customer's hosted page, webhooks with Ondato's authentication schemes and retries, faults on demand and a
// clock that can be scaled and moved.
//
// It imports nothing of the product it helps to test: whatever both sides would get wrong together must be able to show.
// Section numbers in comments ("contract 2.5") refer to the Ondato contract dossier of the project.
//
// How it is laid out: states.go holds the state machines as pure functions, script.go, record.go and wire.go what is
// derived from a session, world.go applies all that to the sessions on the virtual clock of clock.go, courier.go and
// credentials.go deliver webhooks, faults.go spoils things on request, store.go keeps everything in a file, and the
// http_*.go files put it on the wire. The pages are plain files in page/.
//
// The control API and the pages have no authentication: the sandbox is meant for one machine and made-up people.
package sandbox
