package app_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"kyc/app"
	"kyc/onboarding"
	"kyc/privacy"
)

// TestRunCodecServer_WithTheProgramsOwnKeys_OpensWhatTheOthersSealed is the program as it runs, from variables to SIGTERM.
func TestRunCodecServer_WithTheProgramsOwnKeys_OpensWhatTheOthersSealed(t *testing.T) {
	dir, token := t.TempDir(), someSecret+"-of-anna"
	keyset := filepath.Join(dir, "keyset.json")
	_, err := privacy.CreateKeysetFile(keyset, "")
	require.NoError(t, err)
	address := freeAddress(t)
	keys := env{"PRIVACY_KEYSET": keyset, "PRIVACY_KEYS_URL": "sqlite:" + filepath.Join(dir, "keys.db")}

	operator, err := load(t, app.ProgramOperator, keys)
	require.NoError(t, err)
	sealing, err := app.OpenSealing(t.Context(), operator)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sealing.Close()) })
	workflowID := onboarding.Reference("codec-1").ID().WorkflowID()
	require.NoError(t, sealing.Keys.Ensure(t.Context(), privacy.Name("default", workflowID)))
	sealed, err := converter.WithDataConverterSerializationContext(privacy.DataConverter(sealing.Codec),
		converter.WorkflowSerializationContext{Namespace: "default", WorkflowID: workflowID}).ToPayload("Ona")
	require.NoError(t, err)

	cfg, err := load(t, app.ProgramCodecServer, keys.with("CODEC_LISTEN", address, "CODEC_TOKENS", "anna:"+token, "LOG_FORMAT", "json"))
	require.NoError(t, err)
	var log bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.RunCodecServer(ctx, cfg, app.NewLogger(cfg.Log, &log)) }()
	require.Eventually(t, func() bool { return app.CheckHealth(ctx, "http://"+address+"/readyz") == nil }, 10*time.Second, 10*time.Millisecond)

	remote := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{Endpoint: "http://" + address, ModifyRequest: func(req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+token)
		return nil
	}})
	opened, err := remote.Decode([]*commonpb.Payload{sealed})
	require.NoError(t, err)
	want, err := converter.GetDefaultDataConverter().ToPayload("Ona")
	require.NoError(t, err)
	require.True(t, proto.Equal(want, opened[0]))

	stop()
	require.NoError(t, <-ended)
	require.Contains(t, log.String(), `"by":"anna"`)
	require.Contains(t, log.String(), `"onboardings":["default/`+workflowID+`"]`)
	require.NotContains(t, log.String(), "Ona\"")
	require.NotContains(t, log.String(), token)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
