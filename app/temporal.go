package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"kyc/privacy"
	"kyc/starter"
)

// dialPatience is how long a program tries to reach Temporal before it gives up and says so.
const dialPatience = 8 * time.Second

// Connection is a program's one Temporal client, with what seals its payloads.
type Connection struct {
	Client client.Client
	// Sealing is nil when payloads are stored in plain.
	Sealing *Sealing

	options client.Options
}

// ownCalls is a client on the same connection for what a worker's activities ask Temporal: where a key is lacking, it
// returns an error, as the worker's own client must not. The caller closes it.
func (c *Connection) ownCalls(ctx context.Context) (client.Client, error) {
	options := c.options
	if c.Sealing != nil {
		options.DataConverter, options.FailureConverter = privacy.DataConverter(c.Sealing.Codec), privacy.FailureConverter(c.Sealing.Codec)
	}
	return client.NewClientFromExistingWithContext(ctx, c.Client, options)
}

// Keys are the onboardings' keys; nil when payloads are stored in plain.
func (c *Connection) Keys() starter.Keys {
	if c.Sealing == nil || c.Sealing.Keys == nil {
		return nil
	}
	return keysOf{c.Sealing.Keys, c.options.Namespace}
}

// Close closes the client and lets go of the keys.
func (c *Connection) Close() {
	c.Client.Close()
	_ = c.Sealing.Close() // nothing of ours is lost with it
}

// Connect opens the keys and builds the one Temporal client of a program; metrics may be nil. A server that cannot be
// reached is an error within 10 seconds, which names the address and the variable to set. The caller closes the
// connection.
func Connect(ctx context.Context, c *Config, logger *slog.Logger, metrics client.MetricsHandler) (*Connection, error) {
	sealing, err := OpenSealing(ctx, c)
	if err != nil {
		return nil, err
	}
	connection := &Connection{Sealing: sealing}
	connection.Client, err = dial(ctx, c, logger, metrics, func(o *client.Options) {
		sealing.configure(o, c.Program)
		connection.options = *o
	})
	if err != nil {
		return nil, errors.Join(err, sealing.Close())
	}
	return connection, nil
}

// dial connects without sealing anything, but for what adjust sets.
func dial(ctx context.Context, c *Config, logger *slog.Logger, metrics client.MetricsHandler, adjust func(*client.Options)) (client.Client, error) {
	options := c.temporal
	options.HostPort = cmp.Or(options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	options.Identity = identity(c.Program)
	options.Logger = log.NewStructuredLogger(logger)
	options.MetricsHandler = metrics
	options.ConnectionOptions.GetSystemInfoTimeout = dialPatience
	if c.Program == ProgramBridge {
		// Signals are a few hundred bytes each, and what is sealed does not shrink: compressing them would take a fifth of
		// the bridge's time and save nothing.
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	adjust(&options)

	dialling, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	temporal, err := client.DialContext(dialling, options)
	switch {
	case err == nil:
		return temporal, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("reaching Temporal at %s was interrupted: %w", options.HostPort, context.Cause(ctx))
	}
	return nil, fmt.Errorf("cannot reach Temporal at %s (namespace %s): %w; %s", options.HostPort, options.Namespace, err, dialRemedy(err))
}

func dialRemedy(err error) string {
	var denied *serviceerror.PermissionDenied
	if errors.As(err, &denied) {
		return "check TEMPORAL_API_KEY or the client certificate in TEMPORAL_TLS_CLIENT_CERT_PATH"
	}
	return "start Temporal, or set TEMPORAL_ADDRESS (or a profile in TEMPORAL_CONFIG_FILE) to one that runs; " +
		"a server that demands TLS needs TEMPORAL_TLS=true or TEMPORAL_API_KEY"
}

// identity is what the Temporal UI shows of who did what.
func identity(program string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return "onboarding-" + program + "@" + host
}

// Namespace is the Temporal namespace that the programs use.
func (c *Config) Namespace() string { return cmp.Or(c.temporal.Namespace, client.DefaultNamespace) }
