package app

import (
	"slices"

	"kyc/handoff"
	"kyc/onboarding"
	"kyc/ondato"
)

// The programs, as Load knows them.
const (
	ProgramWorker  = "worker"
	ProgramBridge  = "webhookbridge"
	ProgramAPI     = "api"
	ProgramSandbox = "sandbox"
	// ProgramCLI is every command that needs the setups: start, batch.
	ProgramCLI = "cli"
	// ProgramOperator is every command on onboardings that exist: status, watch, list, remind, cancel and so on. It needs
	// Temporal alone.
	ProgramOperator       = "operator"
	ProgramSetupNamespace = "setup-namespace"
	// ProgramKeys is every command on keys. It needs no Temporal.
	ProgramKeys        = "keys"
	ProgramCodecServer = "codec-server"
)

// Programs lists the programs in the order they are documented.
func Programs() []string {
	return []string{ProgramWorker, ProgramBridge, ProgramAPI, ProgramCLI, ProgramOperator, ProgramKeys, ProgramCodecServer, ProgramSetupNamespace, ProgramSandbox}
}

// Variable is one environment variable of the configuration.
type Variable struct {
	Name string
	// Default is used when the variable is absent or empty; empty means that there is none.
	Default string
	// Meaning says what the variable is for, Form how its value is written (a noun phrase).
	Meaning, Form string
	// Secret variables can also be given as a file, by Name with _FILE appended.
	Secret bool
	// Programs read the variable; the others ignore it.
	Programs []string
	// Required lists the programs that do not start without the variable.
	Required []string
	// When narrows Required to a circumstance, in words.
	When string
	// AnyOf names a group: the programs in Required need at least one variable of it.
	AnyOf string

	// read takes the value over into the configuration.
	read func(c *Config, value string) []fault
}

// Variables returns the table of the whole configuration except Temporal's own variables (TEMPORAL_*), which are those
// of the SDK's envconfig, and those of the targets that HANDOFF_TARGETS names.
func Variables() []Variable { return slices.Clone(table) }

// fileName is the variable that names a file with the secret, or empty.
func (v Variable) fileName() string {
	if !v.Secret {
		return ""
	}
	return v.Name + fileSuffix
}

const (
	fileSuffix = "_FILE"

	whenMail     = "a setup notifies by `email` or names an `operationsEmail`"
	whenWebhook  = "a setup notifies by `webhook`"
	whenMessages = "a setup notifies or names an `operationsEmail`"
	whenPush     = "`SANDBOX_WEBHOOK_URL` is given"
	whenDefault  = "a setup hands off to the target `default`"
	whenTargets  = "`HANDOFF_TARGETS` lists it"
	// Nothing is stored in plain by accident.
	whenSealed = "`PRIVACY_PLAINTEXT` is not set (codec-server: always)"

	anyWebhookCredentials = "webhook credentials"
)

// into makes a reader of a parser and the place its result belongs to.
func into[T any](parse func(string) (T, []fault), place func(*Config) *T) func(*Config, string) []fault {
	return func(c *Config, value string) []fault {
		parsed, faults := parse(value)
		if len(faults) == 0 {
			*place(c) = parsed
		}
		return faults
	}
}

// asGiven takes a value whose check belongs to the room that uses it, and is made after everything has been read.
func asGiven(value string) (string, []fault) { return value, nil }

func asSecret(value string) (Secret, []fault) { return Secret(value), nil }

var (
	ondatoDefaults = ondato.Production()

	everyone     = Programs()
	withSetups   = []string{ProgramWorker, ProgramBridge, ProgramAPI, ProgramCLI}
	withTemporal = []string{ProgramWorker, ProgramBridge, ProgramAPI, ProgramCLI, ProgramOperator, ProgramSetupNamespace}
	withOndato   = []string{ProgramWorker, ProgramBridge}
	ondatoKeys   = []string{ProgramWorker, ProgramBridge, ProgramSandbox}
	mayBePlain   = []string{ProgramWorker, ProgramBridge, ProgramAPI, ProgramCLI, ProgramOperator, ProgramKeys}
	withKeyset   = append(slices.Clone(mayBePlain), ProgramCodecServer)
	withKeys     = []string{ProgramWorker, ProgramAPI, ProgramCLI, ProgramOperator, ProgramKeys, ProgramCodecServer}
	onlyCodec    = []string{ProgramCodecServer}
	onlyWorker   = []string{ProgramWorker}
	onlyBridge   = []string{ProgramBridge}
	onlyAPI      = []string{ProgramAPI}
	onlySandbox  = []string{ProgramSandbox}
)

var table = []Variable{
	{
		Name: "ONBOARDING_TASK_QUEUE", Default: onboarding.DefaultTaskQueue,
		Meaning: "Temporal task queue of the onboardings; the same for all programs", Form: "a task queue's name",
		Programs: withSetups,
		read:     into(parseTaskQueue, func(c *Config) *string { return &c.TaskQueue }),
	},
	{
		Name:    "ONBOARDING_SETUPS",
		Meaning: "the named setups: Ondato setup, language, notification and timing", Form: "the path of a YAML file such as `deploy/setups.example.yaml`",
		Programs: withSetups, Required: withSetups,
		read: readSetups,
	},
	{
		Name:    "ONBOARDING_DEPLOYMENT_NAME",
		Meaning: "switches Temporal's worker versioning on: the name of the worker deployment, the same for all its versions; off when not given", Form: "a name without dots, colons or spaces, together with `ONBOARDING_BUILD_ID`",
		Programs: onlyWorker,
		read:     into(parseDeploymentName, func(c *Config) *string { return &c.Version.Deployment }),
	},
	{
		Name:    "ONBOARDING_BUILD_ID",
		Meaning: "the version of this worker's code within its deployment, such as the image's tag", Form: "a build id without spaces, another one for each change of the code, together with `ONBOARDING_DEPLOYMENT_NAME`",
		Programs: onlyWorker,
		read:     into(parseBuildID, func(c *Config) *string { return &c.Version.BuildID }),
	},
	{
		Name:    "ONDATO_CLIENT_ID",
		Meaning: "API credentials; the sandbox accepts these", Form: "the client id that Ondato issued",
		Programs: ondatoKeys, Required: ondatoKeys,
		read: into(asGiven, func(c *Config) *string { return &c.Ondato.ClientID }),
	},
	{
		Name:    "ONDATO_CLIENT_SECRET",
		Meaning: "API credentials; the sandbox accepts these", Form: "the client secret that Ondato issued",
		Secret: true, Programs: ondatoKeys, Required: ondatoKeys,
		read: into(asGiven, func(c *Config) *string { return &c.Ondato.ClientSecret }),
	},
	{
		Name:    "ONDATO_APPLICATION_ID",
		Meaning: "our application at Ondato; events of another one are foreign. The sandbox has one of its own when none is given", Form: "the application id, a UUID",
		Programs: []string{ProgramBridge, ProgramSandbox}, Required: onlyBridge,
		read: into(parseUUID, func(c *Config) *string { return &c.ApplicationID }),
	},
	{
		Name: "ONDATO_TOKEN_URL", Default: ondatoDefaults.TokenURL,
		Meaning: "token endpoint", Form: "an https address",
		Programs: withOndato,
		read:     into(asGiven, func(c *Config) *string { return &c.Ondato.TokenURL }),
	},
	{
		Name: "ONDATO_IDV_URL", Default: ondatoDefaults.IDVURL,
		Meaning: "identity-verification API", Form: "a base address without /v1",
		Programs: withOndato,
		read:     into(asGiven, func(c *Config) *string { return &c.Ondato.IDVURL }),
	},
	{
		Name: "ONDATO_KYC_URL", Default: ondatoDefaults.KYCURL,
		Meaning: "KYC identification API", Form: "a base address without /v1",
		Programs: withOndato,
		read:     into(asGiven, func(c *Config) *string { return &c.Ondato.KYCURL }),
	},
	{
		Name: "ONDATO_LINK_URL", Default: ondatoDefaults.LinkURL,
		Meaning: "the page that customers open, possibly under a name of your own", Form: "a base address",
		Programs: withOndato,
		read:     into(asGiven, func(c *Config) *string { return &c.Ondato.LinkURL }),
	},
	{
		Name: "WEBHOOK_LISTEN", Default: ":8080",
		Meaning: "where the bridge listens: webhooks, health and metrics", Form: "host:port or :port",
		Programs: onlyBridge,
		read:     into(parseListen, func(c *Config) *string { return &c.Webhook.Listen }),
	},
	{
		Name:    "WEBHOOK_BASIC_CREDENTIALS",
		Meaning: "what Ondato authenticates its webhooks with, scheme Basic", Form: "user:password, several separated by commas",
		Secret: true, Programs: onlyBridge, Required: onlyBridge, AnyOf: anyWebhookCredentials,
		read: into(parseBasic, func(c *Config) *[]Credential { return &c.Webhook.Credentials.Basic }),
	},
	{
		Name:    "WEBHOOK_HMAC_SECRETS",
		Meaning: "shared secrets of the header Ondato-Signature", Form: "a secret, several separated by commas",
		Secret: true, Programs: onlyBridge, Required: onlyBridge, AnyOf: anyWebhookCredentials,
		read: into(parseSharedSecrets, func(c *Config) *[]Secret { return &c.Webhook.Credentials.HMACSecrets }),
	},
	{
		Name:    "WEBHOOK_OAUTH_CLIENTS",
		Meaning: "clients that may fetch a token for webhooks; switches on `/oauth2/token`", Form: "id:secret, several separated by commas",
		Secret: true, Programs: onlyBridge, Required: onlyBridge, AnyOf: anyWebhookCredentials,
		read: into(parseOAuthClients, func(c *Config) *[]Credential { return &c.Webhook.Credentials.OAuthClients }),
	},
	{
		Name:    "WEBHOOK_ALLOWED_SOURCES",
		Meaning: "the only addresses that webhooks are accepted from; any when not given", Form: "addresses or CIDR ranges, separated by commas",
		Programs: onlyBridge,
		read:     into(parsePrefixes, func(c *Config) *[]netipPrefix { return &c.Webhook.AllowedSources }),
	},
	{
		Name:    "WEBHOOK_TRUSTED_PROXIES",
		Meaning: "proxies whose X-Forwarded-For is believed; none when not given", Form: "addresses or CIDR ranges, separated by commas",
		Programs: onlyBridge,
		read:     into(parsePrefixes, func(c *Config) *[]netipPrefix { return &c.Webhook.TrustedProxies }),
	},
	{
		Name: "API_LISTEN", Default: ":8081",
		Meaning: "where the HTTP API listens: onboardings, its OpenAPI document, health and metrics", Form: "host:port or :port",
		Programs: onlyAPI,
		read:     into(parseListen, func(c *Config) *string { return &c.API.Listen }),
	},
	{
		Name:    "API_TOKENS",
		Meaning: "who may use the HTTP API; the name is the actor in the audit trail", Form: "name:token, several separated by commas; a token has 32 characters or more",
		Secret: true, Programs: onlyAPI, Required: onlyAPI,
		read: into(parseTokens, func(c *Config) *[]Credential { return &c.API.Tokens }),
	},
	{
		Name:    "NOTIFY_SMTP_URL",
		Meaning: "the mail server for messages to customers and operations", Form: "smtps://user:password@host or smtp://user:password@host:port, the latter with ?starttls=required (the default), opportunistic or none",
		Secret: true, Programs: onlyWorker, Required: onlyWorker, When: whenMail,
		read: into(asSecret, func(c *Config) *Secret { return &c.Notify.SMTPURL }),
	},
	{
		Name:    "NOTIFY_FROM",
		Meaning: "the sender of those messages; its name, or its domain where there is none, stands in all messages, however they are sent", Form: "an e-mail address, with or without a name",
		Programs: onlyWorker, Required: onlyWorker, When: whenMessages,
		read: into(asGiven, func(c *Config) *string { return &c.Notify.From }),
	},
	{
		Name:    "NOTIFY_WEBHOOK_URL",
		Meaning: "the service that customers are reached by where a setup says `webhook` ([messages](messages.md#the-webhook))", Form: "an https address",
		Programs: onlyWorker, Required: onlyWorker, When: whenWebhook,
		read: into(asGiven, func(c *Config) *string { return &c.Notify.Webhook.URL }),
	},
	{
		Name:    "NOTIFY_WEBHOOK_SECRET",
		Meaning: "what messages to that service are signed with (Standard Webhooks)", Form: secretsForm,
		Secret: true, Programs: onlyWorker, Required: onlyWorker, When: whenWebhook,
		read: into(parseSecrets, func(c *Config) *[]Secret { return &c.Notify.Webhook.Secrets }),
	},
	{
		Name: "NOTIFY_WEBHOOK_ALLOW_INSECURE", Default: "false",
		Meaning: "admits a `NOTIFY_WEBHOOK_URL` of plain http on another machine, for networks that encrypt by other means", Form: "true or false",
		Programs: onlyWorker,
		read:     into(parseSwitch, func(c *Config) *bool { return &c.Notify.Webhook.AllowInsecure }),
	},
	{
		Name:    "NOTIFY_WEBHOOK_ALLOWED_NETWORKS",
		Meaning: "private or special networks that the service, or the proxy on the way to it, may be in; none when not given", Form: "addresses or CIDR ranges, separated by commas",
		Programs: onlyWorker,
		read:     into(parsePrefixes, func(c *Config) *[]netipPrefix { return &c.Notify.Webhook.AllowedNetworks }),
	},
	{
		Name:    "NOTIFY_TEMPLATES",
		Meaning: "your own words for the messages, and further languages ([messages](messages.md)); the built-in ones alone when not given", Form: "the path of a folder",
		Programs: onlyWorker,
		read:     into(asGiven, func(c *Config) *string { return &c.Notify.Templates }),
	},
	{
		Name:    "HANDOFF_URL",
		Meaning: "the backend's endpoint that decisions are delivered to: the target `default`", Form: "an https address",
		Programs: onlyWorker, Required: onlyWorker, When: whenDefault,
		read: intoTarget(onboarding.DefaultTarget, asGiven, func(t *handoff.Target) *string { return &t.URL }),
	},
	{
		Name:    "HANDOFF_SECRETS",
		Meaning: "what decisions for it are signed with (Standard Webhooks)", Form: secretsForm,
		Secret: true, Programs: onlyWorker, Required: onlyWorker, When: whenDefault,
		read: intoTarget(onboarding.DefaultTarget, parseEntries, func(t *handoff.Target) *[]string { return &t.Secrets }),
	},
	{
		Name:    targetsVariable,
		Meaning: "further targets of handoffs, which setups choose by `handOff`", Form: "names separated by commas, such as crm,ledger",
		Programs: onlyWorker,
		read:     into(parseTargets, func(c *Config) *[]string { return &c.targets }),
	},
	{
		Name: "HANDOFF_ALLOW_INSECURE", Default: "false",
		Meaning: "admits targets of plain http on another machine, for networks that encrypt by other means", Form: "true or false",
		Programs: onlyWorker,
		read:     into(parseSwitch, func(c *Config) *bool { return &c.HandOff.AllowInsecure }),
	},
	{
		Name:    "HANDOFF_ALLOWED_NETWORKS",
		Meaning: "private or special networks that targets, or the proxy on the way to them, may be in; none when not given", Form: "addresses or CIDR ranges, separated by commas",
		Programs: onlyWorker,
		read:     into(parsePrefixes, func(c *Config) *[]netipPrefix { return &c.HandOff.AllowedNetworks }),
	},
	{
		Name: "PRIVACY_PLAINTEXT", Default: "false",
		Meaning: "stores payloads in Temporal as they are, personal data included; for trying things out only", Form: "true or false",
		Programs: mayBePlain,
		read:     into(parseSwitch, func(c *Config) *bool { return &c.Privacy.Plaintext }),
	},
	{
		Name:    "PRIVACY_KEYSET",
		Meaning: "the house and key-encryption keysets; made by `onboarding keys create`", Form: "the path of a keyset file",
		Programs: withKeyset, Required: withKeyset, When: whenSealed,
		read: into(asGiven, func(c *Config) *string { return &c.Privacy.Keyset }),
	},
	{
		Name:    "PRIVACY_KEYS_URL",
		Meaning: "the store of the onboardings' keys", Form: "sqlite:FILE, or postgres://user:password@host/database",
		Secret: true, Programs: withKeys, Required: withKeys, When: whenSealed,
		read: into(parseKeysURL, func(c *Config) *Secret { return &c.Privacy.KeysURL }),
	},
	{
		Name: "CODEC_LISTEN", Default: ":8083",
		Meaning: "where the codec server listens: payloads, the sign-in page, health and metrics", Form: "host:port or :port",
		Programs: onlyCodec,
		read:     into(parseListen, func(c *Config) *string { return &c.CodecServer.Listen }),
	},
	{
		Name:    "CODEC_ORIGINS",
		Meaning: "the Temporal UIs whose pages may ask the codec server; none when not given, and then it serves programs only", Form: "origins exactly as browsers show them, such as https://temporal.example, separated by commas",
		Programs: onlyCodec,
		read:     into(parseEntries, func(c *Config) *[]string { return &c.CodecServer.Origins }),
	},
	{
		Name:    "CODEC_TOKENS",
		Meaning: "who may see payloads; the log shows the name with each access", Form: "name:token, several separated by commas; a token has 32 characters or more",
		Secret: true, Programs: onlyCodec, Required: onlyCodec,
		read: into(parseTokens, func(c *Config) *[]Credential { return &c.CodecServer.Tokens }),
	},
	{
		Name: "METRICS_LISTEN", Default: ":9090",
		Meaning: "where the worker serves `/metrics`, `/healthz` and `/readyz`", Form: "host:port or :port",
		Programs: onlyWorker,
		read:     into(parseListen, func(c *Config) *string { return &c.MetricsListen }),
	},
	{
		Name: "LOG_LEVEL", Default: "info",
		Meaning: "the least level that is logged", Form: "debug, info, warn or error",
		Programs: everyone,
		read:     into(parseLevel, func(c *Config) *slogLevel { return &c.Log.Level }),
	},
	{
		Name:    "LOG_FORMAT",
		Meaning: "how log lines are written; when not given, text on a terminal and json elsewhere", Form: "text or json",
		Programs: everyone,
		read:     into(parseChoice(LogText, LogJSON), func(c *Config) *string { return &c.Log.Format }),
	},
	{
		Name: "SANDBOX_LISTEN", Default: ":8090",
		Meaning: "where the sandbox listens: Ondato's APIs, the customer's page, the control API", Form: "host:port or :port",
		Programs: onlySandbox,
		read:     into(parseListen, func(c *Config) *string { return &c.SandboxListen }),
	},
	{
		Name:    "SANDBOX_DB",
		Meaning: "keeps sessions and undelivered webhooks over a restart; memory only when not given", Form: "the path of a file",
		Programs: onlySandbox,
		read:     into(asGiven, func(c *Config) *string { return &c.Sandbox.DB }),
	},
	{
		Name:    "SANDBOX_WEBHOOK_URL",
		Meaning: "where the sandbox sends its webhooks; none are sent when not given", Form: "an http address",
		Programs: onlySandbox,
		read:     into(parseHTTPURL, func(c *Config) *string { return &c.Sandbox.WebhookURL }),
	},
	{
		Name:    "SANDBOX_WEBHOOK_BASIC",
		Meaning: "what the sandbox authenticates its webhooks with", Form: "user:password",
		Secret: true, Programs: onlySandbox, Required: onlySandbox, When: whenPush,
		read: readSandboxBasic,
	},
	{
		Name:    "SANDBOX_TIME_SCALE",
		Meaning: "seconds of the sandbox's clock in each real second; when not given, 1 or what the file of `SANDBOX_DB` holds", Form: "a number above 0 and at most 100000",
		Programs: onlySandbox,
		read:     into(parseTimeScale, func(c *Config) *float64 { return &c.Sandbox.TimeScale }),
	},
	{
		Name:    "SANDBOX_PUBLIC_URL",
		Meaning: "where customers reach the sandbox, told in setups; the address of the request when not given", Form: "an http address",
		Programs: onlySandbox,
		read:     into(parseHTTPURL, func(c *Config) *string { return &c.Sandbox.PublicURL }),
	},
	{
		Name: "SANDBOX_AUTO_DECISION", Default: "approve",
		Meaning: "how the sandbox decides on what a customer submits on its page", Form: "approve, manual or reject:Reason",
		Programs: onlySandbox,
		read:     readAutoDecision,
	},
}
