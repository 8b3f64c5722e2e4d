package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"

	"kyc/ondato"
	"kyc/webhookbridge"
)

// RunBridge turns Ondato's webhooks into signals until ctx ends, then finishes what it has accepted.
func RunBridge(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	collectSeldom()
	metrics, registry, err := NewMetrics(logger)
	if err != nil {
		return err
	}
	temporal, err := Connect(ctx, cfg, logger, metrics)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := CheckSetupsInUse(ctx, cfg, temporal.Client, logger); err != nil {
		return err
	}
	api, err := ondato.New(cfg.Ondato)
	if err != nil {
		return fmt.Errorf("client of Ondato: %w", err)
	}
	bridge, err := webhookbridge.New(webhookbridge.Config{
		Temporal: temporal.Client, DataConverter: temporal.dataConverter(), Namespace: cfg.Namespace(), Identity: identity(cfg.Program),
		Ondato: api, ApplicationID: cfg.ApplicationID,
		Setups:         webhookbridge.SetupEvents(slices.Collect(maps.Values(cfg.Setups))...),
		Credentials:    bridgeCredentials(cfg.Webhook.Credentials),
		AllowedSources: cfg.Webhook.AllowedSources, TrustedProxies: cfg.Webhook.TrustedProxies,
		Log: logger, Registry: registry,
	})
	if err != nil {
		return err
	}
	go reload(ctx, reloadEvery, cfg.WebhookCredentialFiles(), "webhook credentials", logger, func() error {
		fresh, err := cfg.ReloadWebhookCredentials()
		if err != nil {
			return err
		}
		return bridge.SetCredentials(bridgeCredentials(fresh))
	})
	return serve(ctx, bridge.Server(cfg.Webhook.Listen), "WEBHOOK_LISTEN", bridge.Stopping, logger)
}

// collectSeldom has garbage collected at five times the living memory rather than twice, unless GOGC says otherwise. What
// lives in a bridge is a few megabytes; the rest is gone after milliseconds, so that collecting costs more than it frees.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

func bridgeCredentials(c WebhookCredentials) webhookbridge.Credentials {
	var out webhookbridge.Credentials
	for _, b := range c.Basic {
		out.Basic = append(out.Basic, ondato.Credential{Username: b.Name, Password: b.Secret.Reveal()})
	}
	for _, s := range c.HMACSecrets {
		out.HMACSecrets = append(out.HMACSecrets, s.Reveal())
	}
	for _, o := range c.OAuthClients {
		out.OAuthClients = append(out.OAuthClients, ondato.OAuth2Client{ID: o.Name, Secret: o.Secret.Reveal()})
	}
	return out
}
