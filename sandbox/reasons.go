package sandbox

import "slices"

// Reason is a value of an identification's statusReason that rejects (contract 3.3).
type Reason struct {
	Name string `json:"name"`
	// Critical reasons end the session: the customer gets no retry.
	Critical bool `json:"critical"`
}

// Reasons returns every rejection reason the sandbox knows, in the order of contract 3.3; the slice is the caller's.
func Reasons() []Reason { return slices.Clone(reasons) }

var reasons = []Reason{
	{Name: "MissingDocumentPhoto"},
	{Name: "DocumentNotAccepted"},
	{Name: "DataDoesNotMatch"},
	{Name: "Sanctioned", Critical: true},
	{Name: "MissingSelfiePhoto"},
	{Name: "FacesDoesNotMatch"},
	{Name: "PoorPhotoQuality"},
	{Name: "PoorPhotoLighting"},
	{Name: "BlurredPhoto"},
	{Name: "BadMediaFormat"},
	{Name: "Miscellaneous", Critical: true},
	{Name: "PossibleFraudAttempt", Critical: true},
	{Name: "UnrelatedPhoto"},
	{Name: "MoreThanOnePerson"},
	{Name: "ProhibitedCountryOrState", Critical: true},
	{Name: "DocumentIsExpired"},
	{Name: "DocumentWithNonLatinCharacters"},
	{Name: "PartOfDocumentIsCovered"},
	{Name: "NameMismatch"},
	{Name: "ExpirationDateMismatch"},
	{Name: "IncorrectInformationProvided"},
	{Name: "PartOfFaceIsCovered"},
	{Name: "UnderagePerson", Critical: true},
	{Name: "ProhibitedNationality", Critical: true},
	{Name: "DocAndBioAgeDoesntMatch", Critical: true},
	{Name: "DuplicatedInfo", Critical: true},
}

const (
	reasonAutomatic = "AutomaticallyIdentified"
	reasonManual    = "ManuallyIdentified"
)

func findReason(name string) (Reason, bool) {
	i := slices.IndexFunc(reasons, func(r Reason) bool { return r.Name == name })
	if i < 0 {
		return Reason{}, false
	}
	return reasons[i], true
}
