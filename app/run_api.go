package app

import (
	"context"
	"log/slog"

	"go.temporal.io/sdk/client"

	"kyc/starter"
	"kyc/starter/httpapi"
)

// API is the configuration of the HTTP API.
type API struct {
	Listen string
	// Tokens are who may ask, by name; there is at least one.
	Tokens []Credential
}

// tokens are the callers as the API wants them.
func (a API) tokens() []httpapi.Token {
	var out []httpapi.Token
	for _, t := range a.Tokens {
		out = append(out, httpapi.Token{Name: t.Name, Secret: t.Secret.Reveal()})
	}
	return out
}

// RunAPI serves the HTTP API until ctx ends, then finishes what is in flight.
func RunAPI(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	metrics, registry, err := NewMetrics(logger)
	if err != nil {
		return err
	}
	temporal, err := Connect(ctx, cfg, logger, metrics)
	if err != nil {
		return err
	}
	defer temporal.Close()
	api, err := httpapi.New(httpapi.Config{
		Onboardings: starter.New(temporal.Client, cfg.Setups, starter.Options{TaskQueue: cfg.TaskQueue, Keys: temporal.Keys()}),
		Tokens:      cfg.API.tokens(),
		Ready: func(ctx context.Context) error {
			_, err := temporal.Client.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		},
		Log: logger, Registry: registry,
	})
	if err != nil {
		return err
	}
	return serve(ctx, api.Server(cfg.API.Listen), "API_LISTEN", api.Stopping, logger)
}
