package app

import (
	"net/netip"

	"kyc/notify"
)

// Notify is how messages are sent; it is empty when no setup sends any.
type Notify struct {
	// SMTPURL may hold a password. It is empty where there is a webhook alone.
	SMTPURL Secret
	From    string
	// Webhook has no URL where there is none.
	Webhook NotifyWebhook
	// Templates is a folder, or empty.
	Templates string
}

// NotifyWebhook is the service that reaches customers its own way.
type NotifyWebhook struct {
	URL             string
	Secrets         []Secret
	AllowInsecure   bool
	AllowedNetworks []netip.Prefix
}

// Sends tells whether there is a way to send messages.
func (n Notify) Sends() bool { return n.SMTPURL != "" || n.Webhook.URL != "" }

// Room is ready for notify.New.
func (n Notify) Room() notify.Config {
	secrets := make([]string, len(n.Webhook.Secrets))
	for i, secret := range n.Webhook.Secrets {
		secrets[i] = secret.Reveal()
	}
	return notify.Config{SMTPURL: n.SMTPURL.Reveal(), From: n.From, Templates: n.Templates, Webhook: notify.WebhookConfig{
		URL: n.Webhook.URL, Secrets: secrets, AllowInsecure: n.Webhook.AllowInsecure,
		AllowedNetworks: n.Webhook.AllowedNetworks, NetworksSetting: "NOTIFY_WEBHOOK_ALLOWED_NETWORKS",
	}}
}

const notifySecret = "NOTIFY_WEBHOOK_SECRET"

// NotifySecretFiles returns the paths of the files that ReloadNotifySecrets reads, for watching them.
func (c *Config) NotifySecretFiles() []string {
	if path := c.files[notifySecret]; path != "" {
		return []string{path}
	}
	return nil
}

// ReloadNotifySecrets reads the secrets of the messages' webhook anew, if they came from a file, for rotation without a
// restart. On an error, a *ConfigError, go on with the ones at hand.
func (c *Config) ReloadNotifySecrets() ([]string, error) {
	fresh := Config{Program: c.Program, Notify: c.Notify, files: c.files}
	fresh.Notify.Templates = "" // those at hand stay
	var found problems
	for _, path := range c.NotifySecretFiles() {
		value, faults := readSecretFile(path)
		if len(faults) == 0 {
			fresh.Notify.Webhook.Secrets, faults = parseSecrets(value)
		}
		found.add(notifySecret+fileSuffix, faults...)
	}
	fresh.checkNotify(&found)
	if len(found) > 0 {
		return nil, &ConfigError{Program: c.Program, Problems: found.inTableOrder(c.variables())}
	}
	return fresh.Notify.Room().Webhook.Secrets, nil
}
