package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
	"kyc/onboarding"
)

const setups = `setups:
  standard: {ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11, language: en, notify: [email], events: all}
`

// TestTemporalUI_OfAWatchedOnboarding_TellsAStrangerWhatHappened reads the UI as a person does.
func TestTemporalUI_OfAWatchedOnboarding_TellsAStrangerWhatHappened(t *testing.T) {
	ctx := open(t)
	s, err := stack.Start(t.Context(), stack.Config{
		Dir: t.TempDir(), Setups: setups, Variables: map[string]string{"PRIVACY_PLAINTEXT": "1"}, // the codec server has a test of its own
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	started, err := s.Starter.Start(t.Context(), onboarding.Request{
		Reference: "ui-1", Setup: "standard", Applicant: onboarding.Applicant{FirstName: "Ona", Email: "ona@customer.example"},
	})
	require.NoError(t, err)
	session := stack.SessionOf(started.Link)
	for _, action := range []string{"start", "consent", "submit", "approve"} {
		require.NoError(t, s.Act(t.Context(), session, action, nil))
	}
	for _, err := range s.Starter.Watch(t.Context(), started.ID, false) {
		require.NoError(t, err)
	}
	overview, err := s.Starter.Overview(t.Context(), started.ID)
	require.NoError(t, err)

	run := s.UIURL(started.ID.WorkflowID(), overview.RunID)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1600, 2600), chromedp.Navigate(run+"/history")))
	waitFor(t, ctx, `document.body.innerText.includes("LookAtSession")`, "the events")
	for _, text := range []string{"next look", "hand off version 1: Approved", "ask Ondato"} {
		waitFor(t, ctx, shows(text), text)
	}
	shoot(t, ctx, "ui-history")
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(run+"/user-metadata")))
	for _, text := range []string{"Customer onboarding · setup standard", "nothing any more; the decision is watched for changes",
		"refresh: asks Ondato now", "Send an Update", "handed off version 1 (Approved)"} {
		waitFor(t, ctx, shows(text), text)
	}
	shoot(t, ctx, "ui-metadata")
}

// shows is true when the page has the text, or one of the frames in which the UI renders what people wrote.
func shows(text string) string {
	return `[document, ...[...document.querySelectorAll("iframe")].map(f => f.contentDocument).filter(Boolean)]` +
		`.some(d => d.body && d.body.textContent.replace(/\s+/g, " ").includes(` + quote(text) + `))`
}
