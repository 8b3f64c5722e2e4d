// Package httpapi is the HTTP API to start and steer onboardings: a thin layer on package starter.
//
// A request passes token, limits and a strict decoder before anything is done. Handlers return errors; one place
// (edge.go) renders each as application/problem+json. openapi.yaml says what is asked and answered, and tests hold every
// request and answer against it.
//
// Logs and metrics hold routes, statuses, token names and onboarding ids; never bodies, references, query strings,
// links or tokens.
package httpapi
