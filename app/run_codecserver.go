package app

import (
	"context"
	"errors"
	"log/slog"

	"kyc/privacy"
	"kyc/privacy/codecserver"
)

// CodecServer is the configuration of the codec server.
type CodecServer struct {
	Listen string
	// Origins are the Temporal UIs whose pages may ask.
	Origins []string
	// Tokens are whom payloads are shown to, by name; there is at least one.
	Tokens []Credential
}

// room is the configuration as the codec server wants it, without what it works with.
func (c CodecServer) room() codecserver.Config {
	out := codecserver.Config{Origins: c.Origins}
	for _, t := range c.Tokens {
		out.Tokens = append(out.Tokens, codecserver.Token{Name: t.Name, Secret: t.Secret.Reveal()})
	}
	return out
}

// RunCodecServer shows payloads to the Temporal UI and CLI until ctx ends, then finishes what is in flight.
func RunCodecServer(ctx context.Context, cfg *Config, logger *slog.Logger) (err error) {
	_, registry, err := NewMetrics(logger)
	if err != nil {
		return err
	}
	sealing, err := OpenSealing(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sealing.Close()) }()
	config := cfg.CodecServer.room()
	config.Codec, config.Log, config.Registry = sealing.Codec, logger, registry
	config.Ready = func(ctx context.Context) error {
		_, err := sealing.Store.Get(ctx, "readiness") // no key has that name
		if errors.Is(err, privacy.ErrNoKey) {
			return nil
		}
		return err
	}
	server, err := codecserver.New(config)
	if err != nil {
		return err
	}
	return serve(ctx, server.HTTPServer(cfg.CodecServer.Listen), "CODEC_LISTEN", server.Stopping, logger)
}
