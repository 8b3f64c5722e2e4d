package stack

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"kyc/privacy"
)

// Secrets that the programs share; a stack makes them once and keeps them in its folder.
type Secrets struct {
	ClientSecret, WebhookPassword, HandoffSecret string
	// APIToken is the bearer token of the HTTP API, under the name APICaller.
	APIToken string
	// CodecToken signs in to the codec server, under the name CodecReader.
	CodecToken string
}

// NewSecrets makes secrets.
func NewSecrets() Secrets {
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b) // never fails
		return base64.StdEncoding.EncodeToString(b)
	}
	return Secrets{ClientSecret: random(24), WebhookPassword: random(24), HandoffSecret: "whsec_" + random(32), APIToken: rand.Text() + rand.Text(), CodecToken: rand.Text() + rand.Text()}
}

// ApplicationID and ClientID are ours at the sandbox.
const (
	ApplicationID = "5a1e0c52-7b1d-4a0e-8a26-33c1c6a0d9aa"
	ClientID      = "app.ondato.demo.0a1b2"
)

// APICaller is who uses the HTTP API with Secrets.APIToken.
const APICaller = "example-backend"

// CodecReader is who reads payloads with Secrets.CodecToken.
const CodecReader = "operator"

// SetupsFile is the name, in the folder, of the file with the setups.
const SetupsFile = "setups.yaml"

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Environment is the variables that configure the product's programs when all of them run on this machine, with their
// files in dir.
func Environment(dir string, p Ports, s Secrets) map[string]string {
	sandbox := "http://" + local(p.Sandbox)
	return map[string]string{
		"TEMPORAL_ADDRESS": local(p.Temporal), "TEMPORAL_NAMESPACE": "default",
		"ONBOARDING_SETUPS": filepath.Join(dir, SetupsFile),
		"ONDATO_CLIENT_ID":  ClientID, "ONDATO_CLIENT_SECRET": s.ClientSecret, "ONDATO_APPLICATION_ID": ApplicationID,
		"ONDATO_TOKEN_URL": sandbox + "/connect/token", "ONDATO_IDV_URL": sandbox, "ONDATO_KYC_URL": sandbox, "ONDATO_LINK_URL": sandbox,
		"WEBHOOK_LISTEN": local(p.Bridge), "WEBHOOK_BASIC_CREDENTIALS": "ondato:" + s.WebhookPassword,
		"CODEC_LISTEN": local(p.Codec), "CODEC_ORIGINS": "http://" + local(p.TemporalUI), "CODEC_TOKENS": CodecReader + ":" + s.CodecToken,
		"API_LISTEN": local(p.API), "API_TOKENS": APICaller + ":" + s.APIToken,
		"NOTIFY_SMTP_URL": "smtp://" + local(p.SMTP) + "?starttls=none", "NOTIFY_FROM": "Example Bank <onboarding@bank.example>",
		"HANDOFF_URL": "http://" + local(p.Backend) + "/decisions", "HANDOFF_SECRETS": s.HandoffSecret,
		"METRICS_LISTEN": local(p.Metrics),
		"SANDBOX_LISTEN": local(p.Sandbox), "SANDBOX_DB": filepath.Join(dir, "sandbox.db"), "SANDBOX_PUBLIC_URL": sandbox,
		"SANDBOX_WEBHOOK_URL": "http://" + local(p.Bridge) + "/webhooks/ondato", "SANDBOX_WEBHOOK_BASIC": "ondato:" + s.WebhookPassword,
		"PRIVACY_PLAINTEXT": "1",
		"LOG_FORMAT":        "text",
	}
}

// Seal has the programs seal their payloads: it makes a keyset file in dir unless there is one, and sets the variables
// that name it and the key store.
func Seal(dir string, env map[string]string) error {
	keyset := filepath.Join(dir, "keyset.json")
	if _, err := os.Stat(keyset); errors.Is(err, fs.ErrNotExist) {
		if _, err := privacy.CreateKeysetFile(keyset, ""); err != nil {
			return err
		}
	}
	delete(env, "PRIVACY_PLAINTEXT")
	env["PRIVACY_KEYSET"], env["PRIVACY_KEYS_URL"] = keyset, "sqlite:"+filepath.Join(dir, "keys.db")
	return nil
}
