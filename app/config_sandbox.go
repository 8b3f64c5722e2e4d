package app

import (
	"strings"

	"kyc/sandbox"
)

func readSandboxBasic(c *Config, value string) []fault {
	user, password, _ := strings.Cut(value, ":")
	if user == "" || password == "" {
		return faultf("is not a user and a password", "write it as user:password")
	}
	c.Sandbox.WebhookAuth = sandbox.WebhookAuth{Scheme: sandbox.SchemeBasic, Username: user, Password: password}
	return nil
}

// readAutoDecision asks the sandbox itself, which alone knows the reasons.
func readAutoDecision(c *Config, value string) []fault {
	probe := sandbox.Config{ClientID: "any", ClientSecret: "any", AutoDecision: value}
	if probe.Validate() != nil {
		return faultf("is no decision of the sandbox", "use approve, manual or reject:Reason with a reason that GET /_sandbox/reasons lists, such as reject:BlurredPhoto")
	}
	c.Sandbox.AutoDecision = value
	return nil
}

// finishSandbox gives the sandbox its side of the credentials.
func (c *Config) finishSandbox() {
	if c.Program != ProgramSandbox {
		return
	}
	c.Sandbox.ClientID, c.Sandbox.ClientSecret = c.Ondato.ClientID, c.Ondato.ClientSecret
	c.Sandbox.ApplicationID = c.ApplicationID
}
