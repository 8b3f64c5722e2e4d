package temporalserver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/dynamicconfig"
)

func TestStart_BadConfig_ErrorNamesFieldAndRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  Config
		want string
	}{
		"frontend port":       {Config{FrontendPort: 70000}, "FrontendPort 70000: give a port from 1 to 65535"},
		"UI port":             {Config{UIPort: -2}, "UIPort -2: give a port from 1 to 65535, 0 for a free one or -1 for no UI"},
		"same port twice":     {Config{FrontendPort: 7233, UIPort: 7233}, "FrontendPort and UIPort are both 7233"},
		"host":                {Config{Host: "no-such-host.invalid"}, `host "no-such-host.invalid": no IP address for this name`},
		"short retention":     {Config{Retention: time.Minute}, "retention 1m0s: the server keeps closed workflows for at least 1h0m0s"},
		"system namespace":    {Config{Namespace: "temporal-system"}, "belongs to the server itself: choose another name"},
		"padded namespace":    {Config{Namespace: "default "}, "remove the white space"},
		"codec endpoint":      {Config{CodecEndpoint: "localhost:8083"}, "CodecEndpoint: give an address like http://localhost:8083"},
		"dynamic config name": {Config{DynamicConfig: map[string]any{"history.noSuchKey": 1}}, `DynamicConfig "history.noSuchKey"`},
		"dynamic config type": {Config{DynamicConfig: map[string]any{"frontend.rps": "many"}}, `DynamicConfig "frontend.rps"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(context.Background(), tc.cfg)
			require.ErrorContains(t, err, tc.want)
		})
	}

	t.Run("everything at once", func(t *testing.T) {
		_, err := Start(context.Background(), Config{FrontendPort: -1, Retention: time.Second})
		require.ErrorContains(t, err, "FrontendPort")
		require.ErrorContains(t, err, "retention")
	})
}

func TestDynamicConfig_ExtraValues_GoOverOurs(t *testing.T) {
	values, err := dynamicConfig(map[string]any{
		"Frontend.RPS":                         7,
		"system.namespaceCacheRefreshInterval": 3 * time.Second,
	})
	require.NoError(t, err)
	conf := dynamicconfig.NewCollection(values, nil)
	require.Equal(t, 7, dynamicconfig.FrontendRPS.Get(conf)())
	require.Equal(t, 3*time.Second, dynamicconfig.NamespaceCacheRefreshInterval.Get(conf)())
	require.Equal(t, unthrottled, dynamicconfig.TransferProcessorMaxPollRPS.Get(conf)())
	require.True(t, dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Get(conf)())
}
