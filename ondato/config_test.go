package ondato_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

func TestConfig_ProductionWithCredentials_IsValid(t *testing.T) {
	cfg := ondato.Production()
	cfg.ClientID, cfg.ClientSecret = "id", "secret"
	require.NoError(t, cfg.Validate())
	require.Equal(t, "https://id.ondato.com/connect/token", cfg.TokenURL)
	client, err := ondato.New(cfg)
	require.NoError(t, err)
	require.Equal(t, "https://idv.ondato.com/?id="+sessionID, client.Link(sessionID))
}

func TestConfig_EmptyValue_ListsAllProblemsByField(t *testing.T) {
	_, err := ondato.New(ondato.Config{Timeout: -1, Scopes: []string{"idv_api kyc"}, UserAgent: "a\r\nb"})
	for _, field := range []string{"ClientID", "ClientSecret", "TokenURL", "IDVURL", "KYCURL", "LinkURL", "Timeout", "Scopes[0]", "UserAgent"} {
		require.ErrorContains(t, err, field+" ")
	}
	var one *ondato.FieldError
	require.ErrorAs(t, err, &one)
}

func TestConfig_BadValue_IsNamedAndNotQuoted(t *testing.T) {
	for name, tc := range map[string]struct {
		set   func(*ondato.Config)
		field string
		text  string
	}{
		"secret with newline": {func(c *ondato.Config) { c.ClientSecret = "LEAK\n" }, "ClientSecret", "white space"},
		"control character":   {func(c *ondato.Config) { c.ClientID = "LEAK\x00x" }, "ClientID", "control"},
		"no scheme":           {func(c *ondato.Config) { c.IDVURL = "LEAK.example" }, "IDVURL", "https://"},
		"other scheme":        {func(c *ondato.Config) { c.KYCURL = "ftp://LEAK.example" }, "KYCURL", "https://"},
		"unparsable":          {func(c *ondato.Config) { c.KYCURL = "https://LEAK\x7f" }, "KYCURL", "not an address"},
		"no host":             {func(c *ondato.Config) { c.LinkURL = "https:///LEAK" }, "LinkURL", "no host"},
		"password":            {func(c *ondato.Config) { c.TokenURL = "https://a:LEAK@h" }, "TokenURL", "user or password"},
		"query":               {func(c *ondato.Config) { c.LinkURL = "https://h/?LEAK=1" }, "LinkURL", "query"},
		"fragment":            {func(c *ondato.Config) { c.LinkURL = "https://h/#LEAK" }, "LinkURL", "fragment"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := ondato.Production()
			cfg.ClientID, cfg.ClientSecret = "id", "secret"
			tc.set(&cfg)
			err := cfg.Validate()
			var field *ondato.FieldError
			require.True(t, errors.As(err, &field))
			require.Equal(t, tc.field, field.Field)
			require.Contains(t, field.Problem, tc.text)
			require.NotContains(t, err.Error(), "LEAK")
		})
	}
}

func TestConfig_Printed_HidesTheSecret(t *testing.T) {
	cfg := ondato.Production()
	cfg.ClientSecret = clientSecret
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "config", cfg)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), log.String()} {
		require.NotContains(t, text, clientSecret)
		require.Contains(t, text, "idvapi.ondato.com")
	}
}

func TestLink_AnyBase_CarriesTheEscapedID(t *testing.T) {
	for base, want := range map[string]string{
		"https://idv.example.test":      "https://idv.example.test/?id=a%26b%3Dc+d%2F..",
		"https://idv.example.test/":     "https://idv.example.test/?id=a%26b%3Dc+d%2F..",
		"https://id.shop.test/identify": "https://id.shop.test/identify?id=a%26b%3Dc+d%2F..",
	} {
		cfg := ondato.Production()
		cfg.ClientID, cfg.ClientSecret, cfg.LinkURL, cfg.Timeout = "id", "secret", base, time.Second
		client, err := ondato.New(cfg)
		require.NoError(t, err)
		require.Equal(t, want, client.Link("a&b=c d/.."))
	}
}
