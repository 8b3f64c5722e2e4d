package notify

import "slices"

// tellable are the reasons that a new attempt can mend (contract 3.3). Templates explain them in blocks of their own, and
// get no other reason than these, in no form: adding one here tells it to customers. Critical ones must never be added.
var tellable = []string{
	"MissingDocumentPhoto", "DocumentNotAccepted", "DataDoesNotMatch", "MissingSelfiePhoto",
	"FacesDoesNotMatch", "PoorPhotoQuality", "PoorPhotoLighting", "BlurredPhoto", "BadMediaFormat",
	"UnrelatedPhoto", "MoreThanOnePerson", "DocumentIsExpired", "DocumentWithNonLatinCharacters",
	"PartOfDocumentIsCovered", "NameMismatch", "ExpirationDateMismatch", "IncorrectInformationProvided",
	"PartOfFaceIsCovered",
}

// reasonPrefix begins the names of the blocks that explain reasons.
const reasonPrefix = "reason-"

// noReason is the block that explains a new link where there is nothing to explain, or nothing that may be told.
const noReason = reasonPrefix + "none"

// reasonBlock is the block that explains a new link. What is not in the list is explained as if there were no reason.
func reasonBlock(reason string) string {
	if slices.Contains(tellable, reason) {
		return reasonPrefix + reason
	}
	return noReason
}

// told is the reason as it may leave the house, empty unless customers may be told it.
func told(reason string) string {
	if slices.Contains(tellable, reason) {
		return reason
	}
	return ""
}

// reasonBlocks are the names of all of them.
func reasonBlocks() []string {
	all := []string{noReason}
	for _, reason := range tellable {
		all = append(all, reasonPrefix+reason)
	}
	return all
}
