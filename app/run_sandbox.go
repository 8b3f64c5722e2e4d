package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"kyc/sandbox"
)

// RunSandbox plays Ondato until ctx ends.
func RunSandbox(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	config := cfg.Sandbox
	config.Logger = logger
	play, err := sandbox.New(config)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	server := &http.Server{
		Addr: cfg.SandboxListen, Handler: play.Handler(),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	err = serve(ctx, server, "SANDBOX_LISTEN", func() {}, logger)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	return errors.Join(err, play.Close(patience))
}
