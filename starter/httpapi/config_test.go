package httpapi_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
	"kyc/starter"
	"kyc/starter/httpapi"
)

const secret = "made-up-token-of-the-example-backend"

// What passes over HTTP is tested in the nested module, dev/contract, against the OpenAPI document.

func TestNew_WrongConfiguration_ListsEveryProblemWithoutSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    httpapi.Config
		fields []string
	}{
		"nothing":        {httpapi.Config{}, []string{"Onboardings", "Tokens"}},
		"short token":    {with(httpapi.Token{Name: "a", Secret: "too-short"}), []string{"Tokens[0]"}},
		"odd characters": {with(httpapi.Token{Name: "a", Secret: secret + " ö"}), []string{"Tokens[0]"}},
		"no name":        {with(httpapi.Token{Secret: secret}), []string{"Tokens[0]"}},
		"Ondato's name":  {with(httpapi.Token{Name: onboarding.DecidedByOndato, Secret: secret}), []string{"Tokens[0]"}},
		"Temporal's":     {with(httpapi.Token{Name: onboarding.ActorTemporal, Secret: secret}), []string{"Tokens[0]"}},
		"the process's":  {with(httpapi.Token{Name: "process", Secret: secret}), []string{"Tokens[0]"}},
		"in capitals":    {with(httpapi.Token{Name: "Policy", Secret: secret}), []string{"Tokens[0]"}},
		"one for two":    {with(httpapi.Token{Name: "a", Secret: secret}, httpapi.Token{Name: "b", Secret: secret}), []string{"Tokens[1]"}},
		"negative":       {httpapi.Config{Onboardings: &starter.Starter{}, Tokens: []httpapi.Token{{Name: "a", Secret: secret}}, Rate: -1, Burst: -1}, []string{"Rate", "Burst"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := httpapi.New(c.cfg)
			var fields []string
			for _, f := range onboarding.Fields(err) {
				fields = append(fields, f.Field)
				require.NotEmpty(t, f.Remedy)
			}
			require.Equal(t, c.fields, fields)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestNew_TwoTokensOfOneName_AreARotation(t *testing.T) {
	_, err := httpapi.New(with(httpapi.Token{Name: "a", Secret: secret}, httpapi.Token{Name: "a", Secret: strings.ToUpper(secret)}))
	require.NoError(t, err)
}

func with(tokens ...httpapi.Token) httpapi.Config {
	return httpapi.Config{Onboardings: &starter.Starter{}, Tokens: tokens}
}
