package ondato_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

// The table of contract 3.3, written down a second time.
var reasons = []struct {
	sdk, api  string
	retryable bool
}{
	{"MISSING_DOCUMENT_PHOTO", "MissingDocumentPhoto", true},
	{"DOCUMENT_NOT_ACCEPTED", "DocumentNotAccepted", true},
	{"DATA_DOES_NOT_MATCH", "DataDoesNotMatch", true},
	{"SANCTIONED", "Sanctioned", false},
	{"MISSING_SELFIE_PHOTO", "MissingSelfiePhoto", true},
	{"FACES_DOES_NOT_MATCH", "FacesDoesNotMatch", true},
	{"POOR_PHOTO_QUALITY", "PoorPhotoQuality", true},
	{"POOR_PHOTO_LIGHTING", "PoorPhotoLighting", true},
	{"BLURRED_PHOTO", "BlurredPhoto", true},
	{"BAD_MEDIA_FORMAT", "BadMediaFormat", true},
	{"MISCELLANEOUS", "Miscellaneous", false},
	{"POSSIBLE_FRAUD_ATTEMPT", "PossibleFraudAttempt", false},
	{"UNRELATED_PHOTO", "UnrelatedPhoto", true},
	{"MORE_THAN_ONE_PERSON", "MoreThanOnePerson", true},
	{"PROHIBITED_COUNTRY_OR_STATE", "ProhibitedCountryOrState", false},
	{"DOCUMENT_IS_EXPIRED", "DocumentIsExpired", true},
	{"DOCUMENT_WITH_NON_LATIN_CHARACTERS", "DocumentWithNonLatinCharacters", true},
	{"PART_OF_DOCUMENT_IS_COVERED", "PartOfDocumentIsCovered", true},
	{"NAME_MISMATCH", "NameMismatch", true},
	{"EXPIRATION_DATE_MISMATCH", "ExpirationDateMismatch", true},
	{"INCORRECT_INFORMATION_PROVIDED", "IncorrectInformationProvided", true},
	{"PART_OF_FACE_IS_COVERED", "PartOfFaceIsCovered", true},
	{"UNDERAGE_PERSON", "UnderagePerson", false},
	{"PROHIBITED_NATIONALITY", "ProhibitedNationality", false},
	{"DOC_AND_BIO_AGE_DOESNT_MATCH", "DocAndBioAgeDoesntMatch", false},
	{"DUPLICATED_INFO", "DuplicatedInfo", false},
	{"AUTOMATICALLY_IDENTIFIED", "AutomaticallyIdentified", false},
	{"MANUALLY_IDENTIFIED", "ManuallyIdentified", false},
}

func TestReason_EachOfTheContract_IsReadInBothCasings(t *testing.T) {
	require.Len(t, reasons, 28)
	for _, r := range reasons {
		for _, written := range []string{r.sdk, r.api} {
			got := ondato.ParseReason(written)
			require.Equal(t, ondato.Reason(r.api), got)
			require.True(t, got.Known())
			require.Equal(t, r.retryable, got.Retryable(), r.api)
		}
	}
}

func TestReason_Unknown_IsKeptAndNotRetryable(t *testing.T) {
	for in, want := range map[string]ondato.Reason{
		"SomethingNew": "SomethingNew", "SOMETHING_NEW": "SomethingNew", "__NEW__2ND_": "New2nd", "": "", "___": "___", "12": "12",
		"some_thing": "some_thing", "Ä_B": "Ä_B", "AML": "Aml",
	} {
		got := ondato.ParseReason(in)
		require.Equal(t, want, got, "%q", in)
		require.False(t, got.Known())
		require.False(t, got.Retryable())
	}
}

func TestSessionStatus_Known_KnowsWhichEndASession(t *testing.T) {
	for status, terminal := range map[ondato.SessionStatus]bool{
		ondato.SessionPending: false, ondato.SessionInProgress: false, ondato.SessionSuspended: false,
		ondato.SessionCompleted: true, ondato.SessionAborted: true, ondato.SessionExpired: true,
	} {
		require.True(t, status.Known())
		require.Equal(t, terminal, status.Terminal())
	}
	for _, status := range []ondato.SessionStatus{"", "completed", "New"} {
		require.False(t, status.Known())
		require.False(t, status.Terminal())
	}
}

func TestIdentificationStatus_Known_KnowsWhichAreDecisions(t *testing.T) {
	for status, decided := range map[ondato.IdentificationStatus]bool{
		ondato.IdentificationAwaiting: false, ondato.IdentificationApproved: true, ondato.IdentificationRejected: true,
	} {
		require.True(t, status.Known())
		require.Equal(t, decided, status.Decided())
	}
	require.False(t, ondato.IdentificationStatus("Unfinished").Known())
	require.False(t, ondato.IdentificationStatus("Unfinished").Decided())
}
