package notify

import (
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
		"AutomaticallyIdentified", "ManuallyIdentified", "SomethingNew", "BLURRED_PHOTO", "blurredphoto", " BlurredPhoto", "en", "none", "reason-none", "reason-BlurredPhoto"}
)

var neutral = map[language]string{"en": "Your previous link can no longer be used.", "lt": "Ankstesnė nuoroda nebegalioja."}

// explained is what the facts say of a reason.
func explained(t *testing.T, spoken language, reason string) string {
	t.Helper()
	m := message(onboarding.MessageNewLink, string(spoken))
	m.RetryReason = reason
	s := &speaker{words: builtIn(t).words[spoken][m.Kind]}
	known := s.factsOf(m, "Bank")
	require.NoError(t, s.failed)
	return known.Reason
}

func TestRetryReason_Mendable_IsExplainedInEveryLanguage(t *testing.T) {
	require.ElementsMatch(t, mendable, tellable)
	for _, spoken := range builtInLanguages {
		seen := map[string]string{neutral[spoken]: "neutral"}
		for _, reason := range mendable {
			explanation := explained(t, spoken, reason)
			require.NotContains(t, seen, explanation, "%s says the same as %s", reason, seen[explanation])
			seen[explanation] = reason
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
	for _, spoken := range builtInLanguages {
		plain := composed(t, message(onboarding.MessageNewLink, string(spoken)))
		require.Contains(t, plain.text, neutral[spoken])
		for _, reason := range untellable {
			require.Equal(t, neutral[spoken], explained(t, spoken, reason), "a template is given %s", reason)
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
		for _, spoken := range builtInLanguages {
			m := message(kind, string(spoken))
			plain := composed(t, m)
			m.RetryReason = "BlurredPhoto"
			require.Equal(t, plain.text, composed(t, m).text)
			require.NotContains(t, plain.text, neutral[spoken])
			require.Empty(t, (&speaker{words: builtIn(t).words[spoken][kind]}).factsOf(m, "Bank").Reason)
		}
	}
}
