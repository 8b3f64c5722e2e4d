package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/worker"
)

func TestMakeCurrent_WithoutVersioning_IsRefusedWithTheRemedy(t *testing.T) {
	e := complete(t, app.ProgramWorker)
	c, err := load(t, app.ProgramWorker, e.with("ONBOARDING_DEPLOYMENT_NAME", "", "ONBOARDING_BUILD_ID", ""))
	require.NoError(t, err)
	require.True(t, c.Version.Off())
	err = c.MakeCurrent()
	require.Equal(t, []string{"ONBOARDING_DEPLOYMENT_NAME"}, variablesOf(t, err))
	require.ErrorContains(t, err, "ONBOARDING_BUILD_ID")

	c, err = load(t, app.ProgramWorker, e)
	require.NoError(t, err)
	require.Equal(t, worker.Version{Deployment: "kyc-worker", BuildID: "v1.4.2-g0b8e9f0"}, c.Version)
	require.NoError(t, c.MakeCurrent())
}

func TestLoad_HalfAVersion_IsRefused(t *testing.T) {
	for missing, other := range map[string]string{
		"ONBOARDING_DEPLOYMENT_NAME": "ONBOARDING_BUILD_ID", "ONBOARDING_BUILD_ID": "ONBOARDING_DEPLOYMENT_NAME",
	} {
		_, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with(missing, ""))
		require.Equal(t, []string{missing}, variablesOf(t, err))
		require.ErrorContains(t, err, "missing, and "+other+" is given: set both")
	}
}
