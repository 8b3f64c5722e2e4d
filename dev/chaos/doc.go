// Package chaos takes many onboardings through the product while everything is against it: webhooks are lost, doubled,
// late and out of order, Ondato's API fails, the backend fails, and worker, bridge and Temporal Server are killed with
// SIGKILL and started again. Afterwards a second pass compares each onboarding with what the sandbox knows of it.
//
// Everything is real and in a process of its own: the product's programs as in production, Temporal Server on a SQLite
// file (in WAL mode with synchronous=NORMAL a killed process loses nothing; only a power cut may). This process is the
// rest of the world: who starts the onboardings, the customers, their mail server, and the backend that is handed the
// decisions.
//
// The sandbox's clock runs at the pace of ours, because Ondato's times order the events, and because the second pass
// compares times of both sides. What takes Ondato days is done by hand instead: the customers of the kinds expire-…
// have their sessions expired when the policy's life of a session is over.
//
// The sandbox is not killed: it is the truth, and an Ondato that is down shows as errors, slowness and lost webhooks.
//
// How it is laid out: chaos.go runs it, plan.go draws everything from the seed, programs.go keeps and kills the
// processes, receiver.go is the backend, customers.go and told.go the customers and what they are told, sandbox.go
// speaks to the sandbox, evidence.go collects what there is to compare, truth.go and check.go compare, report.go tells.
package chaos
