package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// stopPatience is how long a program that stops waits for what is in flight.
const stopPatience = 20 * time.Second

// serve answers on the server's address until ctx ends, then stops gracefully. The variable names where the address
// comes from.
func serve(ctx context.Context, server *http.Server, variable string, stopping func(), logger *slog.Logger) error {
	listener, err := net.Listen("tcp", server.Addr)
	if err != nil {
		return fmt.Errorf("%s cannot be used: %w; choose a free address", variable, err)
	}
	logger.Info("listening", "address", listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	stopping()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return fmt.Errorf("stopping: %w", errors.Join(err, server.Close()))
	}
	logger.Info("stopped")
	return nil
}
