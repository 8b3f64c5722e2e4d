// Package privacy keeps personal data out of sight: it seals what enters Temporal, keeps the keys, and lets a customer be
// forgotten by destroying a key.
//
// Two kinds of key seal payloads. An onboarding's own data key seals what belongs to its run; it is made before the run
// starts, kept wrapped in a key store, and dropped when the customer is to be forgotten. The house keyset seals the rest:
// signals of the bridge, which must not wait for a key store, and whatever belongs to no onboarding. A key-encryption
// keyset wraps the data keys; destroying one of its versions makes every copy of a key wrapped under it worthless.
package privacy
