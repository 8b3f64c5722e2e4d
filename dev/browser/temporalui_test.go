package browser

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
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
	s, err := stack.Start(t.Context(), stack.Config{Dir: t.TempDir(), Setups: setups})
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

	require.NoError(t, chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(1400, 1000, 1, false),
		chromedp.Navigate(s.UIURL(started.ID.WorkflowID(), overview.RunID))))
	for _, text := range []string{"Customer onboarding · setup standard", "open session 1 at Ondato", "send invitation", "ask Ondato", "hand off version 1: Approved", "next look"} {
		waitFor(t, ctx, `document.body.innerText.includes(`+quote(text)+`)`, text)
	}
	shoot(t, ctx, "ui-timeline")
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(s.Temporal.UIURL()+"/namespaces/default/workflows/"+started.ID.WorkflowID()+"/"+overview.RunID+"/metadata"), chromedp.Sleep(2*time.Second)))
	shoot(t, ctx, "ui-metadata")
}
