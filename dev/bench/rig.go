package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"kyc/app"
	"kyc/dev/stack"
	"kyc/privacy"
)

const (
	startPatience = time.Minute
	loopback      = "127.0.0.1"
	namespace     = "default"

	applicationID = stack.ApplicationID
	setupID       = "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11"
	setupName     = "standard"
	webhookUser   = "ondato"
	// Secrets of a bridge that lives for a few minutes on the loopback interface.
	webhookPassword = "for-the-benchmark-alone"
	webhookSecret   = "for-the-benchmark-alone-too"
)

// rig is a Temporal Server on a file and the bridge, each a program of its own, and a client of this process. The three
// share the machine, as the SDK's caller and the server do.
type rig struct {
	temporal, bridge *process
	house            *app.Sealing  // seals as the bridge does
	client           client.Client // the SDK's own, with the bridge's data converter
	uncompressed     client.Client // likewise, see moreWays
	bridgeAddr       string

	env   map[string]string
	stops []func() error
}

// startRig starts all of it; what has been started is stopped again when something fails.
func startRig(ctx context.Context, cfg Config) (_ *rig, err error) {
	r := &rig{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	r.bridgeAddr = net.JoinHostPort(loopback, strconv.Itoa(ports[1]))
	const nobody = 9 // discard: mails and decisions go to collaborators that do nothing
	r.env, err = variables(cfg.Dir, stack.Ports{Temporal: ports[0], Bridge: ports[1], Sandbox: nobody, Backend: nobody, SMTP: nobody, Metrics: nobody})
	if err != nil {
		return nil, err
	}
	bridge, err := r.load(app.ProgramBridge)
	if err != nil {
		return nil, err
	}
	if r.house, err = app.OpenSealing(ctx, bridge); err != nil {
		return nil, err
	}
	if err := r.startTemporal(ctx, cfg, ports[0]); err != nil {
		return nil, err
	}
	if err := r.startBridge(ctx, cfg); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rig) startTemporal(ctx context.Context, cfg Config, port int) (err error) {
	addr := net.JoinHostPort(loopback, strconv.Itoa(port))
	command := append(append([]string(nil), cfg.Temporal...),
		"--port", strconv.Itoa(port), "--ui-port", "-1", "--db", filepath.Join(cfg.Dir, "temporal.db"))
	if r.temporal, err = launch("Temporal Server", command, environ(nil), filepath.Join(cfg.Dir, "temporal.log")); err != nil {
		return err
	}
	r.stops = append(r.stops, r.temporal.stop)
	err = r.temporal.until(ctx, func(ctx context.Context) error {
		if !bytes.Contains(r.temporal.output(), []byte("Temporal Server  "+addr)) {
			return errors.New("it has not said that it is up")
		}
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		r.client, err = r.dial(ctx, addr, nil)
		if err != nil {
			return err
		}
		return r.usable(ctx)
	})
	if err != nil {
		return err
	}
	r.stops = append(r.stops, func() error { r.client.Close(); return nil })
	if r.uncompressed, err = r.dial(ctx, addr, &client.GrpcCompressionNone{}); err != nil {
		return err
	}
	r.stops = append(r.stops, func() error { r.uncompressed.Close(); return nil })
	setup, err := r.load(app.ProgramSetupNamespace)
	if err != nil {
		return err
	}
	return app.SetupNamespace(ctx, setup, discard)
}

// dial returns the SDK's own client as it comes, with the bridge's data converter: no metrics, no log, one connection.
func (r *rig) dial(ctx context.Context, addr string, compression client.GrpcCompression) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: addr, Namespace: namespace, Logger: log.NewStructuredLogger(discard), DataConverter: privacy.DataConverter(r.house.Codec),
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: compression},
	})
}

var discard = slog.New(slog.DiscardHandler)

// usable tells whether the namespace can be used; a client that it cannot be used with is closed.
func (r *rig) usable(ctx context.Context) error {
	_, err := r.client.DescribeWorkflowExecution(ctx, "is-the-server-usable", "")
	if isNotFound(err) {
		return nil
	}
	r.client.Close()
	return fmt.Errorf("the namespace cannot be used yet: %w", err)
}

func (r *rig) startBridge(ctx context.Context, cfg Config) (err error) {
	if r.bridge, err = launch("bridge", cfg.Bridge, environ(r.env), filepath.Join(cfg.Dir, "bridge.log")); err != nil {
		return err
	}
	r.stops = append(r.stops, r.bridge.stop)
	return r.bridge.until(ctx, func(ctx context.Context) error { return app.CheckHealth(ctx, "http://"+r.bridgeAddr+"/readyz") })
}

func (r *rig) load(program string) (*app.Config, error) {
	return app.Load(program, func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }, environ(r.env))
}

func (r *rig) stop() error {
	var errs []error
	for i := len(r.stops) - 1; i >= 0; i-- {
		errs = append(errs, r.stops[i]())
	}
	r.stops = nil
	return errors.Join(errs...)
}

// variables configure the programs as in production: payloads sealed, Basic and HMAC switched on, a line in the log for
// each request. Their Ondato is never asked, since every event shows its address or belongs to a session that one before
// it has shown.
func variables(dir string, ports stack.Ports) (map[string]string, error) {
	text := "setups:\n  " + setupName + ":\n    ondatoSetupId: " + setupID + "\n    language: en\n    notify: [email]\n    events: all\n"
	if err := os.WriteFile(filepath.Join(dir, stack.SetupsFile), []byte(text), 0o600); err != nil {
		return nil, err
	}
	secrets := stack.NewSecrets()
	secrets.WebhookPassword = webhookPassword
	env := stack.Environment(dir, ports, secrets)
	env["WEBHOOK_HMAC_SECRETS"], env["LOG_FORMAT"] = webhookSecret, "json"
	return env, stack.Seal(dir, env)
}

// environ is the environment of a program: the given variables, and of our own only what every program needs, so that
// no setting of the shell changes what is measured.
func environ(variables map[string]string) []string {
	var out []string
	for _, name := range []string{"HOME", "PATH", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+value)
		}
	}
	for name, value := range variables {
		out = append(out, name+"="+value)
	}
	return out
}

// freePorts finds ports that nobody listens on, all different.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
