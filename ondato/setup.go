package ondato

import "context"

// Setup is the effective setup of a session (contract 2.4).
type Setup struct {
	ID            string
	VersionID     string
	ApplicationID string
	Name          string
	IsLive        bool // false also where Ondato does not say
	IsDisabled    bool
	Steps         []SetupStep
}

// SetupStep is one step of a setup; Type is for example "KycIdentification" and SetupID the step's own setup (contract 2.4).
type SetupStep struct {
	Order   int
	SetupID string
	Type    string
}

// IdentityVerificationSetup reads the setup that a session runs under; whether checks are live is a property of
// the setup, not of the host (contract 1, 2.4).
func (c *Client) IdentityVerificationSetup(ctx context.Context, id string) (*Setup, error) {
	const op = "get identity verification setup"
	var wire struct {
		ID            string `json:"id"`
		VersionID     string `json:"versionId"`
		ApplicationID string `json:"applicationId"`
		Name          string `json:"name"`
		IsLive        bool   `json:"isLive"`
		IsDisabled    bool   `json:"isDisabled"`
		Steps         []struct {
			Order   int    `json:"order"`
			SetupID string `json:"setupId"`
			Type    string `json:"type"`
		} `json:"steps"`
	}
	if _, err := c.get(ctx, op, c.idvURL, identityVerifications, id, "/setup", smallAnswer, &wire); err != nil {
		return nil, err
	}
	if wire.ID == "" {
		return nil, unreadable(op, "the answer holds no id")
	}
	setup := &Setup{
		ID: normalID(wire.ID), VersionID: normalID(wire.VersionID), ApplicationID: normalID(wire.ApplicationID),
		Name: wire.Name, IsLive: wire.IsLive, IsDisabled: wire.IsDisabled,
	}
	for _, step := range wire.Steps {
		setup.Steps = append(setup.Steps, SetupStep{Order: step.Order, SetupID: normalID(step.SetupID), Type: step.Type})
	}
	return setup, nil
}
