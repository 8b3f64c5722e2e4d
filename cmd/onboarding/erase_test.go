package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What an erasure does is tested on a real server, in dev/secrecy.
func TestErase_WrongUse_Exits2AndNamesTheField(t *testing.T) {
	withSetups(t)
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"nobody named":   {[]string{"erase", "--reason", "x"}, []string{"0 arguments are given: give one, the id or the reference of an onboarding"}},
		"an address":     {[]string{"erase", "ona@customer.example", "--reason", "x"}, []string{"looks like an e-mail address"}},
		"no reason":      {[]string{"erase", "customer-1"}, []string{"reason is missing: say why"}},
		"no actor":       {[]string{"erase", "customer-1", "--actor", " ", "--reason", "\n"}, []string{"actor is missing", "reason is missing"}},
		"unknown output": {[]string{"erase", "customer-1", "--reason", "x", "-o", "xml"}, []string{"--output is neither text nor json"}},
		"unknown flag":   {[]string{"erase", "customer-1", "--because", "x"}, []string{"unknown flag: --because"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := answers(t, c.args...)
			require.Equal(t, exitUsage, code, stderr)
			for _, text := range c.says {
				require.Contains(t, stderr, text)
			}
			require.Empty(t, stdout)
		})
	}
}

func TestErase_TemporalOutOfReach_Exits1WithTheRemedy(t *testing.T) {
	withSetups(t)
	code, _, stderr := answers(t, "erase", "customer-1", "--reason", "request 1")
	require.Equal(t, exitFailed, code, stderr)
	require.Contains(t, stderr, "cannot reach Temporal at 127.0.0.1:1")
}
