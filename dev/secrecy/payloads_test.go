package secrecy

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/proxy"

	"kyc/privacy"
)

// The metadata of sealed payloads, as they are stored: to rename them would be to lose what was sealed before.
const (
	metadataKey        = "kyc-key"
	metadataNamespace  = "kyc-namespace"
	metadataWorkflowID = "kyc-workflow-id"
)

// leftOut stands in for a failure's text that could not be sealed for want of a key.
const leftOut = "the failure's text could not be sealed and was left out"

// payloadsOf are all payloads in an event but for search attributes.
func payloadsOf(t *testing.T, e event) (all []*commonpb.Payload) {
	t.Helper()
	require.NoError(t, proxy.VisitPayloads(t.Context(), e, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
			all = append(all, p...)
			return p, nil
		},
	}))
	return all
}

// failuresOf are all failures in an event, causes included.
func failuresOf(t *testing.T, e event) (all []*failurepb.Failure) {
	t.Helper()
	require.NoError(t, proxy.VisitFailures(t.Context(), e, proxy.VisitFailuresOptions{
		Visitor: func(_ *proxy.VisitFailuresContext, f *failurepb.Failure) error {
			all = append(all, f)
			return nil
		},
	}))
	return all
}

// sealed checks that every payload of a history is sealed, says where it belongs and nothing else, and that no failure
// shows a text of ours. It counts those that are sealed with the onboarding's own key and with the house keyset.
func sealed(t *testing.T, workflowID string, events []event) (own, house int) {
	t.Helper()
	for _, e := range events {
		for _, p := range payloadsOf(t, e) {
			require.True(t, privacy.Sealed(p), "%s", e)
			key := string(p.GetMetadata()[metadataKey])
			switch key {
			case "own":
				own++
			case "house":
				house++
			default:
				require.Fail(t, "sealed with an unknown key", "%s", e)
			}
			if at := string(p.GetMetadata()[metadataWorkflowID]); at != "" || key == "own" {
				require.Equal(t, workflowID, at)
				require.Equal(t, namespace, string(p.GetMetadata()[metadataNamespace]))
			}
			require.LessOrEqual(t, len(p.GetMetadata()), 5)
		}
		for _, f := range failuresOf(t, e) {
			if f.GetSource() != "GoSDK" {
				continue // the server's own
			}
			require.Empty(t, f.GetStackTrace())
			if f.GetMessage() == leftOut {
				require.Nil(t, f.GetEncodedAttributes())
				continue
			}
			require.Equal(t, "Encoded failure", f.GetMessage(), "%s", e)
			require.NotNil(t, f.GetEncodedAttributes())
		}
	}
	return own, house
}
