package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/app"
)

func TestNewLogger_NoTerminalAndNoFormat_WritesJSON(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	app.NewLogger(app.Log{}, w).Info("hello", "a", 1)
	require.NoError(t, w.Close())
	var line map[string]any
	require.NoError(t, json.NewDecoder(r).Decode(&line))
	require.Equal(t, "hello", line["msg"])
}

func TestNewLogger_FormatGiven_IsUsed(t *testing.T) {
	var out bytes.Buffer
	app.NewLogger(app.Log{Format: app.LogText}, &out).Info("hello", "a", 1)
	require.Contains(t, out.String(), "msg=hello a=1")
}

func TestNewLogger_BelowTheLevel_IsSilent(t *testing.T) {
	var out bytes.Buffer
	logger := app.NewLogger(app.Log{Level: slog.LevelWarn, Format: app.LogJSON}, &out)
	logger.Info("quiet")
	require.Empty(t, out.String())
	logger.Warn("loud")
	require.Contains(t, out.String(), `"level":"WARN"`)
}
