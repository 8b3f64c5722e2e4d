package app_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/app"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

func TestConfigurationPage_IsTheOneInTheDocumentation(t *testing.T) {
	const path = "../docs/configuration.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(app.ConfigurationPage()), 0o644))
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, app.ConfigurationPage(), string(kept), "run go test ./app -update")
}
