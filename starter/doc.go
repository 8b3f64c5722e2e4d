// Package starter is what backend teams import to start and steer onboardings: a typed client over a Temporal client.
// Every call is safe to repeat.
//
// A Starter knows the setups, which are the rules that operations has configured by name. Start checks a request, starts the
// onboarding or finds the one that the same request has started before, and returns the link to the customer's page. Watch,
// Overview, List and Funnel look at search attributes and need no worker; Status tells everything and needs one. Obey carries
// out an operator's command, Erase has a customer forgotten.
//
// Every error is an *Error, whose Code says what the caller can do. For Invalid, Fields names each field that is wrong and
// how to mend it, never with its value. Requests are held against what the world has at present (dates of birth that have
// come, phone numbers, countries and languages that exist), so that a repeat years later may be refused where the first call
// was not; what runs is never checked again.
package starter
