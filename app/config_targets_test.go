package app_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/app"
	"kyc/handoff"
	"kyc/onboarding"
)

func setupsHandingOffTo(t *testing.T, targets string) string {
	return file(t, "setups.yaml", "setups:\n  standard:\n    ondatoSetupId: "+someUUID+"\n    handOff: ["+targets+"]\n")
}

// withTargets is a program's environment with two targets beside the default one.
func withTargets(t *testing.T, program string) env {
	return complete(t, program).with("HANDOFF_TARGETS", "crm, ledger-2",
		"HANDOFF_CRM_URL", "https://crm.example", "HANDOFF_CRM_SECRETS", someWhsec,
		"HANDOFF_LEDGER_2_URL", "https://ledger.example", "HANDOFF_LEDGER_2_SECRETS", otherWhsec)
}

func TestLoad_SeveralTargets_EachHasItsOwnVariables(t *testing.T) {
	c, err := load(t, app.ProgramWorker, withTargets(t, app.ProgramWorker).with(
		"HANDOFF_CRM_SECRETS", "", "HANDOFF_CRM_SECRETS_FILE", file(t, "crm", otherWhsec+","+someWhsec+"\n")))
	require.NoError(t, err)
	require.Equal(t, map[string]handoff.Target{
		onboarding.DefaultTarget: {URL: "https://backend.example/decisions", Secrets: []string{someWhsec}},
		"crm":                    {URL: "https://crm.example", Secrets: []string{otherWhsec, someWhsec}},
		"ledger-2":               {URL: "https://ledger.example", Secrets: []string{otherWhsec}},
	}, c.HandOff.Targets)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, c.HandOff.AllowedNetworks)
	require.NoError(t, c.HandOff.Validate())
}

func TestLoad_ListedTargets_AreDemandedAndJudgedByVariable(t *testing.T) {
	_, err := load(t, app.ProgramWorker, withTargets(t, app.ProgramWorker).with(
		"HANDOFF_CRM_URL", "", "HANDOFF_CRM_SECRETS", "nonsense", "HANDOFF_LEDGER_2_URL", "https://10.9.0.1/private", "HANDOFF_LEDGER_2_SECRETS", ""))
	require.Equal(t, []string{"HANDOFF_CRM_URL", "HANDOFF_CRM_SECRETS", "HANDOFF_LEDGER_2_URL", "HANDOFF_LEDGER_2_SECRETS"}, variablesOf(t, err))
	require.ErrorContains(t, err, "HANDOFF_ALLOWED_NETWORKS")
	require.NotContains(t, err.Error(), "10.9.0.1")
}

func TestLoad_SetupNamesAnUnknownTarget_IsRefusedWithSetupAndRemedy(t *testing.T) {
	_, err := load(t, app.ProgramWorker, complete(t, app.ProgramWorker).with("ONBOARDING_SETUPS", setupsHandingOffTo(t, "default, big-crm")))
	require.Equal(t, []string{"HANDOFF_TARGETS"}, variablesOf(t, err))
	require.ErrorContains(t, err, "does not list big-crm, and setup standard hands off to it: add big-crm, with HANDOFF_BIG_CRM_URL and HANDOFF_BIG_CRM_SECRETS")
}

func TestLoad_SlipInTheListOfTargets_IsTheOnlyProblemToldOfIt(t *testing.T) {
	_, err := load(t, app.ProgramWorker, withTargets(t, app.ProgramWorker).with(
		"HANDOFF_TARGETS", "crm, Ledger-2", "ONBOARDING_SETUPS", setupsHandingOffTo(t, "default, crm")))
	require.Equal(t, "HANDOFF_TARGETS", variablesOf(t, err)[0])
	require.ErrorContains(t, err, "entry 2 is not the name of a target")
	require.NotContains(t, err.Error(), "does not list crm")
}

func TestLoad_DefaultTarget_IsNeededOnlyWhereASetupUsesIt(t *testing.T) {
	withCRM := withTargets(t, app.ProgramWorker).with("ONBOARDING_SETUPS", setupsHandingOffTo(t, "crm"), "HANDOFF_URL", "", "HANDOFF_SECRETS", "")
	c, err := load(t, app.ProgramWorker, withCRM)
	require.NoError(t, err)
	require.NotContains(t, c.HandOff.Targets, onboarding.DefaultTarget)

	_, err = load(t, app.ProgramWorker, withCRM.with("HANDOFF_URL", "https://backend.example"))
	require.Equal(t, []string{"HANDOFF_SECRETS"}, variablesOf(t, err))

	_, err = load(t, app.ProgramWorker, withCRM.with("ONBOARDING_SETUPS", setupsHandingOffTo(t, "crm, default")))
	require.Equal(t, []string{"HANDOFF_URL", "HANDOFF_SECRETS"}, variablesOf(t, err))
	require.ErrorContains(t, err, "setup standard hands off to the target default")
}

func TestLoad_TargetVariables_SlipsAreFound(t *testing.T) {
	for _, program := range []string{app.ProgramWorker, app.ProgramBridge} {
		e := withTargets(t, program)
		_, err := load(t, program, e.with("HANDOFF_CRM_SECRET", someWhsec, "HANDOFF_LEGDER_2_URL", "https://x.example"))
		require.Equal(t, []string{"HANDOFF_CRM_SECRET", "HANDOFF_LEGDER_2_URL"}, variablesOf(t, err), program)
		require.ErrorContains(t, err, "did you mean HANDOFF_CRM_SECRETS?")
		require.ErrorContains(t, err, "did you mean HANDOFF_LEDGER_2_URL?")

		_, err = load(t, program, e.with("HANDOFF_FORGOTTEN_SECRETS_FILE", "/x", "HANDOFF_CRM_URL_FILE", "/x"))
		require.Equal(t, []string{"HANDOFF_CRM_URL_FILE", "HANDOFF_FORGOTTEN_SECRETS_FILE"}, variablesOf(t, err), program)
		require.ErrorContains(t, err, "its target is not in HANDOFF_TARGETS")
		require.ErrorContains(t, err, "is no secret")
	}
}

func TestReloadHandOffSecrets_FileChanged_GivesTheNewOnes(t *testing.T) {
	path := file(t, "secrets", someWhsec)
	c, err := load(t, app.ProgramWorker, withTargets(t, app.ProgramWorker).with("HANDOFF_CRM_SECRETS", "", "HANDOFF_CRM_SECRETS_FILE", path))
	require.NoError(t, err)
	require.Equal(t, []string{path}, c.HandOffSecretFiles())

	require.NoError(t, os.WriteFile(path, []byte(otherWhsec+","+someWhsec), 0o600))
	fresh, err := c.ReloadHandOffSecrets()
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"crm": {otherWhsec, someWhsec}}, fresh)

	require.NoError(t, os.WriteFile(path, []byte("nonsense"), 0o600))
	_, err = c.ReloadHandOffSecrets()
	require.Equal(t, []string{"HANDOFF_CRM_SECRETS_FILE"}, variablesOf(t, err))
	require.NotContains(t, err.Error(), "nonsense")
	require.NoError(t, os.Remove(path))
	_, err = c.ReloadHandOffSecrets()
	require.Equal(t, []string{"HANDOFF_CRM_SECRETS_FILE"}, variablesOf(t, err))
}

func TestReloadHandOffSecrets_OneFileIsBad_TheOthersAreTakenOver(t *testing.T) {
	crm, ledger := file(t, "crm", someWhsec), file(t, "ledger", someWhsec)
	c, err := load(t, app.ProgramWorker, withTargets(t, app.ProgramWorker).with(
		"HANDOFF_CRM_SECRETS", "", "HANDOFF_CRM_SECRETS_FILE", crm, "HANDOFF_LEDGER_2_SECRETS", "", "HANDOFF_LEDGER_2_SECRETS_FILE", ledger))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(ledger, []byte(otherWhsec), 0o600))
	for situation, spoil := range map[string]func() error{
		"malformed": func() error { return os.WriteFile(crm, []byte(otherWhsec+",nonsense"), 0o600) },
		"empty":     func() error { return os.WriteFile(crm, nil, 0o600) },
		"gone":      func() error { return os.Remove(crm) },
	} {
		require.NoError(t, spoil())
		fresh, err := c.ReloadHandOffSecrets()
		require.Equal(t, []string{"HANDOFF_CRM_SECRETS_FILE"}, variablesOf(t, err), situation)
		require.Equal(t, map[string][]string{"ledger-2": {otherWhsec}}, fresh, situation)
	}
}
