// Package starter is what backend teams import to start and steer onboardings: a typed client over a Temporal client.
// Every call is safe to repeat.
package starter
