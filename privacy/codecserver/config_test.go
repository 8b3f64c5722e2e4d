package codecserver

import (
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/privacy"
)

func TestNew_OfAWrongConfiguration_NamesFieldAndRemedyAndNoToken(t *testing.T) {
	secret := "a-secret-that-nobody-should-ever-read"
	for name, c := range map[string]struct {
		adjust func(*Config)
		field  string
		text   string
	}{
		"no codec":            {func(c *Config) { c.Codec = nil }, "Codec", "is missing"},
		"no token":            {func(c *Config) { c.Tokens = nil }, "Tokens", "are empty"},
		"name with spaces":    {func(c *Config) { c.Tokens = []Token{{"anna b", secret}} }, "Tokens[0]", "name that the log cannot show"},
		"no name":             {func(c *Config) { c.Tokens = []Token{{"", secret}} }, "Tokens[0]", "name that the log cannot show"},
		"short token":         {func(c *Config) { c.Tokens = []Token{{"anna", secret[:31]}} }, "Tokens[0]", "shorter than 32"},
		"token with a comma":  {func(c *Config) { c.Tokens = []Token{{"anna", secret + ","}} }, "Tokens[0]", "cannot have"},
		"two with one token":  {func(c *Config) { c.Tokens = []Token{{"anna", secret}, {"bela", secret}} }, "Tokens[1]", "the same as another, of anna"},
		"any origin":          {func(c *Config) { c.Origins = []string{"*"} }, "Origins[0]", "every page"},
		"origin null":         {func(c *Config) { c.Origins = []string{"null"} }, "Origins[0]", "not the address"},
		"origin with a path":  {func(c *Config) { c.Origins = []string{"https://a.example", "https://t.example/ui"} }, "Origins[1]", "more than scheme"},
		"origin with a slash": {func(c *Config) { c.Origins = []string{"https://t.example/"} }, "Origins[0]", "more than scheme"},
		"origin with a user":  {func(c *Config) { c.Origins = []string{"https://u@t.example"} }, "Origins[0]", "more than scheme"},
		"origin, host alone":  {func(c *Config) { c.Origins = []string{"t.example:8233"} }, "Origins[0]", "not the address"},
		"origin, usual port":  {func(c *Config) { c.Origins = []string{"https://t.example:443"} }, "Origins[0]", "browsers leave out"},
		"origin, wildcard":    {func(c *Config) { c.Origins = []string{"https://*.example"} }, "Origins[0]", "another form"},
		"origin, not ASCII":   {func(c *Config) { c.Origins = []string{"https://ė.example"} }, "Origins[0]", "another form"},
		"origin, a pattern":   {func(c *Config) { c.Origins = []string{"/https://.*/"} }, "Origins[0]", "not the address"},
		"origin of a file":    {func(c *Config) { c.Origins = []string{"file:///etc"} }, "Origins[0]", "not the address"},
		"rate":                {func(c *Config) { c.Rate = -1 }, "Rate", "negative"},
		"burst":               {func(c *Config) { c.Burst = 10 }, "Burst", "less than one request"},
		"no log":              {func(c *Config) { c.Log = nil }, "Log", "is missing"},
		"log without info": {func(c *Config) {
			c.Log = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
		}, "Log", "level info"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Codec: privacy.NewCodec(privacy.CodecConfig{}), Tokens: []Token{{"anna", secret}}, Log: discard()}
			require.NoError(t, cfg.Validate())
			c.adjust(&cfg)
			_, err := New(cfg)
			var field *FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
			require.Contains(t, field.Problem, c.text)
			require.NotEmpty(t, field.Remedy)
			require.NotContains(t, err.Error(), secret[:31])
		})
	}
}

func TestNew_OfOriginsInCapitals_ComparesAsBrowsersWriteThem(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Origins = []string{"HTTPS://Temporal.Example", "http://[::1]:8233"} })
	for _, origin := range []string{"https://temporal.example", "http://[::1]:8233"} {
		got := r.decode(header{"Authorization": "Bearer " + annasToken, "Origin": origin}, plain(t, "x"))
		require.Equal(t, origin, got.header.Get("Access-Control-Allow-Origin"))
	}
}

func TestNew_TwiceWithOneRegistry_IsAnError(t *testing.T) {
	r := newRig(t, nil)
	_, err := New(Config{Codec: r.codec, Tokens: []Token{{"anna", annasToken}}, Log: discard(), Registry: r.server.registry})
	require.ErrorContains(t, err, "metrics")
}
