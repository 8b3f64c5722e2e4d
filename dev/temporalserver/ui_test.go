package temporalserver_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/dev/temporalserver"
)

func TestUI_ServesPageAssetsAndNamespaces(t *testing.T) {
	server := start(t, temporalserver.Config{Namespace: "onboarding", CodecEndpoint: "http://localhost:8083"})

	resp, page := get(t, server.UIURL()+"/")
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	script := regexp.MustCompile(`/_app/immutable/entry/[^"]+\.js`).FindString(page)
	require.NotEmpty(t, script, "the page loads no script")
	_, body := get(t, server.UIURL()+script)
	require.NotEmpty(t, body)

	_, deep := get(t, server.UIURL()+"/namespaces/onboarding/workflows/some-workflow")
	require.Equal(t, page, deep, "an address inside the UI must open the UI")

	_, body = get(t, server.UIURL()+"/api/v1/namespaces")
	var list struct {
		Namespaces []struct {
			NamespaceInfo struct{ Name string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	names := make([]string, len(list.Namespaces))
	for i, ns := range list.Namespaces {
		names[i] = ns.NamespaceInfo.Name
	}
	require.Contains(t, names, "onboarding")
}

func TestUI_Settings_NameCodecServerAndCallNobody(t *testing.T) {
	server := start(t, temporalserver.Config{Namespace: "onboarding", CodecEndpoint: "http://localhost:8083"})
	_, body := get(t, server.UIURL()+"/api/v1/settings")
	var settings struct {
		DefaultNamespace   string
		DisableNewsFetch   bool
		NotifyOnNewVersion bool
		Codec              struct{ Endpoint string }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &settings))
	require.Equal(t, "onboarding", settings.DefaultNamespace)
	require.Equal(t, "http://localhost:8083", settings.Codec.Endpoint)
	require.True(t, settings.DisableNewsFetch)
	require.False(t, settings.NotifyOnNewVersion)
}
