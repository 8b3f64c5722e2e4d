package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"kyc/onboarding"
	"kyc/ondato"
	"kyc/privacy"
	"kyc/privacy/codecserver"
	"kyc/starter"
	"kyc/starter/httpapi"
)

// The rooms that use a part of the configuration judge it themselves; here their words are put under the variable that
// was set.

// checkOndato has the client's own rules applied.
func (c *Config) checkOndato(found *problems) {
	if !slices.Contains(withOndato, c.Program) {
		return
	}
	variable := map[string]string{
		"ClientID": "ONDATO_CLIENT_ID", "ClientSecret": "ONDATO_CLIENT_SECRET", "TokenURL": "ONDATO_TOKEN_URL",
		"IDVURL": "ONDATO_IDV_URL", "KYCURL": "ONDATO_KYC_URL", "LinkURL": "ONDATO_LINK_URL",
	}
	judge := c.judge(found)
	for _, err := range unjoin(c.Ondato.Validate()) {
		var field *ondato.FieldError
		if !errors.As(err, &field) || variable[field.Field] == "" {
			// A rule about something that has no variable; it cannot be broken from here, but must not pass in silence.
			found.add("ONDATO_*", fault{"is refused by the client", err.Error()})
			continue
		}
		problem, remedy, _ := strings.Cut(field.Problem, "; ")
		judge(variable[field.Field], fault{problem, remedy})
	}
}

// checkNotify has the sender's own rules applied, if messages are sent at all; templates are checked wherever they are
// given.
func (c *Config) checkNotify(found *problems) {
	n := c.Notify
	silent := n.SMTPURL == "" && n.From == "" && n.Webhook.URL == "" && len(n.Webhook.Secrets) == 0
	if c.Program != ProgramWorker || silent && n.Templates == "" {
		return
	}
	variable := map[string]string{
		"SMTPURL": "NOTIFY_SMTP_URL", "From": "NOTIFY_FROM", "Templates": "NOTIFY_TEMPLATES",
		"Webhook.URL": "NOTIFY_WEBHOOK_URL", "Webhook.Secrets": "NOTIFY_WEBHOOK_SECRET",
	}
	judge := c.judge(found)
	for _, f := range onboarding.Fields(n.Room().Validate()) {
		var entry int
		switch {
		case silent && f.Field != "Templates": // nothing is demanded of what is not given
		case scanned(f.Field, "Webhook.Secrets[%d]", &entry):
			judge("NOTIFY_WEBHOOK_SECRET", fault{fmt.Sprintf("entry %d %s", entry+1, f.Problem), f.Remedy})
		case strings.HasPrefix(f.Problem, "is plain http"):
			judge("NOTIFY_WEBHOOK_URL", fault{f.Problem, "use https, or set NOTIFY_WEBHOOK_ALLOW_INSECURE=true if the network encrypts by other means"})
		case variable[f.Field] == "":
			found.add("NOTIFY_*", fault{"is refused: " + f.Field + " " + f.Problem, f.Remedy})
		default:
			judge(variable[f.Field], fault{f.Problem, f.Remedy})
		}
	}
}

// checkAPI has the HTTP API's own rules for tokens applied.
func (c *Config) checkAPI(found *problems) {
	if c.Program != ProgramAPI || len(c.API.Tokens) == 0 {
		return
	}
	judge := c.judge(found)
	for _, f := range onboarding.Fields(httpapi.Config{Onboardings: &starter.Starter{}, Tokens: c.API.tokens()}.Validate()) {
		var entry int
		if scanned(f.Field, "Tokens[%d]", &entry) {
			judge("API_TOKENS", fault{fmt.Sprintf("entry %d %s", entry+1, f.Problem), f.Remedy})
		}
	}
}

// checkCodecServer has the codec server's own rules applied.
func (c *Config) checkCodecServer(found *problems) {
	if c.Program != ProgramCodecServer {
		return
	}
	config := c.CodecServer.room()
	config.Codec = privacy.NewCodec(privacy.CodecConfig{}) // the keys are opened later
	config.Log = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: c.Log.Level}))
	judge := c.judge(found)
	for _, err := range unjoin(config.Validate()) {
		var field *codecserver.FieldError
		var entry int
		switch {
		case !errors.As(err, &field):
			found.add("CODEC_*", fault{"is refused by the codec server", err.Error()})
		case scanned(field.Field, "Tokens[%d]", &entry):
			judge("CODEC_TOKENS", fault{fmt.Sprintf("entry %d %s", entry+1, field.Problem), field.Remedy})
		case scanned(field.Field, "Origins[%d]", &entry):
			judge("CODEC_ORIGINS", fault{fmt.Sprintf("entry %d %s", entry+1, field.Problem), field.Remedy})
		case field.Field == "Log":
			judge("LOG_LEVEL", fault{"hides the lines that tell who has seen what", "use info or debug"})
		default:
			judge("CODEC_TOKENS", fault{field.Problem, field.Remedy})
		}
	}
}

func scanned(field, form string, entry *int) bool {
	_, err := fmt.Sscanf(field, form, entry)
	return err == nil
}

// given is the variable that was really set: the one with the value or the one with the file.
func (c *Config) given(name string) string {
	if c.files[name] != "" {
		return name + fileSuffix
	}
	return name
}

// judge returns what reports a room's judgement of a variable. It keeps silent about variables that had a problem before:
// what is missing is not malformed as well.
func (c *Config) judge(found *problems) func(name string, f fault) {
	before := slices.Clone(*found)
	return func(name string, f fault) {
		if before.about(name) || before.about(c.given(name)) {
			return
		}
		if f.remedy == "" {
			known := c.variables()
			i := slices.IndexFunc(known, func(v Variable) bool { return v.Name == name })
			f.remedy = "set it to " + known[i].Form
		}
		found.add(c.given(name), f)
	}
}

func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
