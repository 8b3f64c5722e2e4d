package notify

import (
	"maps"
	"slices"

	"kyc/onboarding"
)

// forCustomer tells of each kind whether it goes to the customer or to operations.
var forCustomer = map[onboarding.MessageKind]bool{
	onboarding.MessageInvitation:     true,
	onboarding.MessageReminder:       true,
	onboarding.MessageNewLink:        true,
	onboarding.MessageConfirmation:   true,
	onboarding.MessageEscalation:     false,
	onboarding.MessageHandOffFailing: false,
}

// needsLink tells whether messages of a kind bring the customer the session's link.
func needsLink(kind onboarding.MessageKind) bool {
	return forCustomer[kind] && kind != onboarding.MessageConfirmation
}

// kinds lists all kinds, those for customers first.
func kinds() []onboarding.MessageKind {
	all := slices.Sorted(maps.Keys(forCustomer))
	slices.SortStableFunc(all, func(a, b onboarding.MessageKind) int {
		switch {
		case forCustomer[a] == forCustomer[b]:
			return 0
		case forCustomer[a]:
			return -1
		}
		return 1
	})
	return all
}
