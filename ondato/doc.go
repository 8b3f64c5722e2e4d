// Package ondato speaks Ondato's language and nothing else: it calls the IDV and KYC Identification
// APIs, reads webhooks, and checks how Ondato authenticates towards us. It knows nothing of onboardings.
//
// "contract" in comments means docs/ondato-contract.md. Much of it was learnt from samples, so answers
// are read leniently: unknown enum values, absent or null members, members of an unexpected type and ids that
// are not UUIDs are no errors. What the caller cannot do without (the id it asked for) is.
//
// A session id opens the customer's page and the records are personal data. No error text of this package holds an
// address, an id or anything that a server answered, apart from the names of fields that it complained about.
package ondato
