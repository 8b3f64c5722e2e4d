package notify

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

// The table of contract 3.3, written down a second time: a critical reason that strays into the texts must fail here.
var (
	mendable = []string{"MissingDocumentPhoto", "DocumentNotAccepted", "DataDoesNotMatch", "MissingSelfiePhoto",
		"FacesDoesNotMatch", "PoorPhotoQuality", "PoorPhotoLighting", "BlurredPhoto", "BadMediaFormat", "UnrelatedPhoto",
		"MoreThanOnePerson", "DocumentIsExpired", "DocumentWithNonLatinCharacters", "PartOfDocumentIsCovered", "NameMismatch",
		"ExpirationDateMismatch", "IncorrectInformationProvided", "PartOfFaceIsCovered"}
	untellable = []string{"Sanctioned", "Miscellaneous", "PossibleFraudAttempt", "ProhibitedCountryOrState", "UnderagePerson",
		"ProhibitedNationality", "DocAndBioAgeDoesntMatch", "DuplicatedInfo",
		// not rejections, not known, or not in the form of the API
		"AutomaticallyIdentified", "ManuallyIdentified", "SomethingNew", "BLURRED_PHOTO", "blurredphoto", " BlurredPhoto", "en"}
)

func TestRetryReason_Mendable_IsExplainedInEveryLanguage(t *testing.T) {
	require.Len(t, retryReasons, len(mendable))
	for spoken := range calendars {
		seen := map[string]string{neutral[spoken]: "neutral"}
		for _, reason := range mendable {
			explanation := explainRetry(spoken, reason)
			require.NotContains(t, seen, explanation, "%s says the same as %s", reason, seen[explanation])
			seen[explanation] = reason
			require.Len(t, retryReasons[reason], len(calendars))

			m := message(onboarding.MessageNewLink, string(spoken))
			m.RetryReason = reason
			got := composed(t, m)
			require.Contains(t, got.text, explanation)
			require.NotContains(t, got.text, neutral[spoken])
			require.NotContains(t, got.text+got.html, reason)
		}
	}
}

func TestRetryReason_CriticalOrUnknown_GivesExactlyTheMailOfNoReason(t *testing.T) {
	for spoken := range calendars {
		plain := composed(t, message(onboarding.MessageNewLink, string(spoken)))
		require.Contains(t, plain.text, neutral[spoken])
		for _, reason := range untellable {
			m := message(onboarding.MessageNewLink, string(spoken))
			m.RetryReason = reason
			got := composed(t, m)
			require.Equal(t, plain.subject, got.subject, reason)
			require.Equal(t, plain.text, got.text, reason)
			require.Equal(t, plain.html, got.html, reason)
		}
	}
}

func TestRetryReason_OtherKindsOfMessage_DoNotMentionIt(t *testing.T) {
	for kind := range forCustomer {
		if kind == onboarding.MessageNewLink {
			continue
		}
		for spoken := range calendars {
			m := message(kind, string(spoken))
			plain := composed(t, m)
			m.RetryReason = "BlurredPhoto"
			require.Equal(t, plain.text, composed(t, m).text)
			require.False(t, strings.Contains(plain.text, neutral[spoken]))
		}
	}
}
