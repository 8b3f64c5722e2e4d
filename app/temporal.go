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
)

// dialPatience is how long a program tries to reach Temporal before it gives up and says so.
const dialPatience = 8 * time.Second

// DialTemporal builds the one Temporal client of a program; metrics may be nil. A server that cannot be reached is an
// error within 10 seconds, which names the address and the variable to set. The caller closes the client.
func DialTemporal(ctx context.Context, c *Config, logger *slog.Logger, metrics client.MetricsHandler) (client.Client, error) {
	options := c.temporal
	options.HostPort = cmp.Or(options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	options.Identity = identity(c.Program)
	options.Logger = log.NewStructuredLogger(logger)
	options.MetricsHandler = metrics
	options.ConnectionOptions.GetSystemInfoTimeout = dialPatience
	// Payloads get encrypted here: the data converter and the failure converter of package privacy belong into options.
	// Until then payloads are plain JSON.

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
