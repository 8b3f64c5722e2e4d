package ondato

import "strings"

// Reason is an identification's statusReason in the API's PascalCase form; expect values that are not listed here (contract 3.3).
type Reason string

// The known reasons (contract 3.3). The first two come with an approval, the others with a rejection.
const (
	AutomaticallyIdentified        Reason = "AutomaticallyIdentified"
	ManuallyIdentified             Reason = "ManuallyIdentified"
	MissingDocumentPhoto           Reason = "MissingDocumentPhoto"
	DocumentNotAccepted            Reason = "DocumentNotAccepted"
	DataDoesNotMatch               Reason = "DataDoesNotMatch"
	Sanctioned                     Reason = "Sanctioned"
	MissingSelfiePhoto             Reason = "MissingSelfiePhoto"
	FacesDoesNotMatch              Reason = "FacesDoesNotMatch"
	PoorPhotoQuality               Reason = "PoorPhotoQuality"
	PoorPhotoLighting              Reason = "PoorPhotoLighting"
	BlurredPhoto                   Reason = "BlurredPhoto"
	BadMediaFormat                 Reason = "BadMediaFormat"
	Miscellaneous                  Reason = "Miscellaneous"
	PossibleFraudAttempt           Reason = "PossibleFraudAttempt"
	UnrelatedPhoto                 Reason = "UnrelatedPhoto"
	MoreThanOnePerson              Reason = "MoreThanOnePerson"
	ProhibitedCountryOrState       Reason = "ProhibitedCountryOrState"
	DocumentIsExpired              Reason = "DocumentIsExpired"
	DocumentWithNonLatinCharacters Reason = "DocumentWithNonLatinCharacters"
	PartOfDocumentIsCovered        Reason = "PartOfDocumentIsCovered"
	NameMismatch                   Reason = "NameMismatch"
	ExpirationDateMismatch         Reason = "ExpirationDateMismatch"
	IncorrectInformationProvided   Reason = "IncorrectInformationProvided"
	PartOfFaceIsCovered            Reason = "PartOfFaceIsCovered"
	UnderagePerson                 Reason = "UnderagePerson"
	ProhibitedNationality          Reason = "ProhibitedNationality"
	DocAndBioAgeDoesntMatch        Reason = "DocAndBioAgeDoesntMatch"
	DuplicatedInfo                 Reason = "DuplicatedInfo"
)

// retryable is the table of contract 3.3; a reason that is not in it is unknown.
var retryable = map[Reason]bool{
	AutomaticallyIdentified:        false,
	ManuallyIdentified:             false,
	MissingDocumentPhoto:           true,
	DocumentNotAccepted:            true,
	DataDoesNotMatch:               true,
	Sanctioned:                     false,
	MissingSelfiePhoto:             true,
	FacesDoesNotMatch:              true,
	PoorPhotoQuality:               true,
	PoorPhotoLighting:              true,
	BlurredPhoto:                   true,
	BadMediaFormat:                 true,
	Miscellaneous:                  false,
	PossibleFraudAttempt:           false,
	UnrelatedPhoto:                 true,
	MoreThanOnePerson:              true,
	ProhibitedCountryOrState:       false,
	DocumentIsExpired:              true,
	DocumentWithNonLatinCharacters: true,
	PartOfDocumentIsCovered:        true,
	NameMismatch:                   true,
	ExpirationDateMismatch:         true,
	IncorrectInformationProvided:   true,
	PartOfFaceIsCovered:            true,
	UnderagePerson:                 false,
	ProhibitedNationality:          false,
	DocAndBioAgeDoesntMatch:        false,
	DuplicatedInfo:                 false,
}

// reasonsByFold finds a reason whatever its casing: the key is lower case without underscores.
var reasonsByFold = func() map[string]Reason {
	byFold := make(map[string]Reason, len(retryable))
	for r := range retryable {
		byFold[strings.ToLower(string(r))] = r
	}
	return byFold
}()

// ParseReason reads a statusReason written BlurredPhoto or BLURRED_PHOTO into the first form; unknown values are
// converted where they are in the second form and kept as they are otherwise (contract 3.3).
func ParseReason(s string) Reason {
	if r, known := reasonsByFold[strings.ToLower(strings.ReplaceAll(s, "_", ""))]; known {
		return r
	}
	if !screamingSnake(s) {
		return Reason(s)
	}
	var b strings.Builder
	for word := range strings.SplitSeq(s, "_") {
		if word != "" {
			b.WriteString(word[:1] + strings.ToLower(word[1:]))
		}
	}
	return Reason(b.String())
}

func screamingSnake(s string) bool {
	hasLetter := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			hasLetter = true
		case c != '_' && (c < '0' || c > '9'):
			return false
		}
	}
	return hasLetter
}

// Known reports whether the reason is one of the contract's (contract 3.3).
func (r Reason) Known() bool {
	_, known := retryable[r]
	return known
}

// Retryable reports whether the customer may be told the reason and try again; critical and unknown reasons are not (contract 3.3).
func (r Reason) Retryable() bool { return retryable[r] }
