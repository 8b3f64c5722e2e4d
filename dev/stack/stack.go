// Package stack runs everything on one machine: Temporal with its UI, the sandbox, a mailbox, an example backend, the
// worker, the bridge and the HTTP API. The programs are the product's own, configured as in production, by variables.
package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"kyc/app"
	"kyc/dev/backend"
	"kyc/dev/mailbox"
	"kyc/dev/temporalserver"
	"kyc/starter"
)

// Ports of the stack; 0 picks a free one.
type Ports struct {
	Temporal, TemporalUI, Bridge, API, Codec, Sandbox, Backend, Mail, SMTP, Metrics int
}

// DemoPorts are those of the demo.
func DemoPorts() Ports {
	return Ports{Temporal: 7233, TemporalUI: 8233, Bridge: 8080, API: 8081, Codec: 8083, Sandbox: 8090, Backend: 8095, Mail: 8025, SMTP: 1025, Metrics: 9090}
}

// Config of a stack.
type Config struct {
	// Dir keeps databases and secrets; everything goes on where it was when a stack is started on it again.
	Dir   string
	Ports Ports
	// Setups is the YAML of the setups.
	Setups string
	// Variables are set over those that the stack makes by itself.
	Variables map[string]string
	// NoUI leaves the Temporal UI out.
	NoUI bool
	// NoWorker leaves the worker out; StartWorker starts one.
	NoWorker bool
	// StartWait is how long Starter.Start waits for a link; 0 is the starter's own.
	StartWait time.Duration
	// DynamicConfig is passed to the Temporal Server.
	DynamicConfig map[string]any
	// Log receives the logs of all programs, from LogLevel on; Temporal's own only if that is below Info, and its errors.
	Log      io.Writer
	LogLevel slog.Level
	// Progress is told what has been started, and how long that took.
	Progress func(what string, took time.Duration)
}

// Stack is a running stack.
type Stack struct {
	Temporal *temporalserver.Server
	Client   client.Client
	Starter  *starter.Starter
	// Keys are the onboardings' keys, for another Starter; nil when payloads are stored in plain.
	Keys    starter.Keys
	Backend *backend.Backend
	Mailbox *mailbox.Mailbox

	SandboxURL, BridgeURL, APIURL, CodecURL, BackendURL, MailURL string
	// MetricsURL is the worker's.
	MetricsURL string

	cfg     Config
	secrets Secrets
	env     map[string]string
	log     *slog.Logger
	stops   []func() error
	died    chan error
}

// Start starts everything, in order. What has been started is stopped again when something fails.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, time.Duration) {}
	}
	s := &Stack{cfg: cfg, died: make(chan error, 8), log: slog.New(slog.NewTextHandler(cfg.Log, &slog.HandlerOptions{Level: cfg.LogLevel}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := s.pickPorts(); err != nil {
		return nil, err
	}
	if err := s.makeSecrets(); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		what  string
		start func(context.Context) error
	}{
		{"Temporal Server", s.startTemporal},
		{"mailbox", s.startMailbox},
		{"example backend", s.startBackend},
		{"sandbox Ondato", s.startSandbox},
		{"worker", func(ctx context.Context) error {
			if cfg.NoWorker {
				return nil
			}
			_, err := s.StartWorker(ctx)
			return err
		}},
		{"webhook bridge", s.startBridge},
		{"HTTP API", s.startAPI},
		{"codec server", s.startCodecServer},
	} {
		began := time.Now()
		if err := part.start(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", part.what, err)
		}
		cfg.Progress(part.what, time.Since(began))
	}
	return s, nil
}

// pickPorts checks that the wanted ports are free, all of them at once, and picks those that are open.
func (s *Stack) pickPorts() error {
	p := &s.cfg.Ports
	var problems []error
	for _, want := range []struct {
		port *int
		what string
	}{
		{&p.Temporal, "the Temporal Server"}, {&p.TemporalUI, "the Temporal UI"}, {&p.Bridge, "the webhook bridge"}, {&p.API, "the HTTP API"}, {&p.Codec, "the codec server"}, {&p.Sandbox, "the sandbox Ondato"},
		{&p.Backend, "the example backend"}, {&p.Mail, "the mailbox's page"}, {&p.SMTP, "the mailbox's SMTP"}, {&p.Metrics, "the worker's metrics"},
	} {
		if *want.port == 0 {
			var err error
			if *want.port, err = temporalserver.FreePort(); err != nil {
				return err
			}
			continue
		}
		l, err := net.Listen("tcp", local(*want.port))
		if err != nil {
			problems = append(problems, fmt.Errorf("port %d for %s is taken: stop what listens there, or choose others with --ports", *want.port, want.what))
			continue
		}
		defer l.Close() // only then: two of the wanted ports may be the same
	}
	s.MetricsURL = "http://" + local(p.Metrics) + "/metrics"
	return errors.Join(problems...)
}

func (s *Stack) makeSecrets() error {
	path := filepath.Join(s.cfg.Dir, "secrets.json")
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	s.secrets = NewSecrets() // for those that a file of an older stack does not hold
	if err == nil {
		if err := json.Unmarshal(data, &s.secrets); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if data, err = json.Marshal(s.secrets); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// variables are the environment that the programs are configured by. Payloads are sealed unless cfg.Variables has
// PRIVACY_PLAINTEXT.
func (s *Stack) variables() (map[string]string, error) {
	env := Environment(s.cfg.Dir, s.cfg.Ports, s.secrets)
	err := Seal(s.cfg.Dir, env)
	maps.Copy(env, s.cfg.Variables)
	return env, err
}

// Config loads a program's configuration, with variables set over the stack's own.
func (s *Stack) Config(program string, variables map[string]string) (*app.Config, error) {
	env := maps.Clone(s.env)
	maps.Copy(env, variables)
	return app.Load(program, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, environ(env))
}

// Environ is the environment that configures a process of the product, such as the command line, on this stack.
func (s *Stack) Environ() []string { return environ(s.env) }

func environ(env map[string]string) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	return all
}

func (s *Stack) load(program string) (*app.Config, *slog.Logger, error) {
	cfg, err := s.Config(program, nil)
	return cfg, s.log.With("program", program), err
}

func (s *Stack) startTemporal(ctx context.Context) (err error) {
	if err := os.WriteFile(filepath.Join(s.cfg.Dir, SetupsFile), []byte(s.cfg.Setups), 0o600); err != nil {
		return err
	}
	if s.env, err = s.variables(); err != nil {
		return err
	}
	ui := s.cfg.Ports.TemporalUI
	if s.cfg.NoUI {
		ui = temporalserver.NoUI
	}
	serverLevel := slog.LevelError
	if s.cfg.LogLevel < slog.LevelInfo {
		serverLevel = s.cfg.LogLevel
	}
	codec := ""
	if s.showsPayloads() {
		codec = s.codecURL()
	}
	s.Temporal, err = temporalserver.Start(ctx, temporalserver.Config{
		DB: filepath.Join(s.cfg.Dir, "temporal.db"), FrontendPort: s.cfg.Ports.Temporal, UIPort: ui,
		CodecEndpoint: codec, Logger: s.log.With("program", "temporal"), LogLevel: serverLevel, DynamicConfig: s.cfg.DynamicConfig,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.Temporal.Stop)
	cfg, log, err := s.load(app.ProgramSetupNamespace)
	if err != nil {
		return err
	}
	if err := app.SetupNamespace(ctx, cfg, log); err != nil {
		return err
	}
	if cfg, _, err = s.load(app.ProgramCLI); err != nil {
		return err
	}
	connection, err := app.Connect(ctx, cfg, s.log.With("program", cfg.Program), nil)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, func() error { connection.Close(); return nil })
	s.Client, s.Keys = connection.Client, connection.Keys()
	s.Starter = starter.New(s.Client, cfg.Setups, starter.Options{
		TaskQueue: cfg.TaskQueue, Keys: s.Keys, PollEvery: 50 * time.Millisecond, Wait: s.cfg.StartWait,
	})
	return nil
}

// serve serves a handler until the stack stops.
func (s *Stack) serve(port int, handler http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", local(port))
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	s.stops = append(s.stops, server.Close)
	return "http://" + l.Addr().String(), nil
}

func (s *Stack) startMailbox(context.Context) (err error) {
	s.Mailbox = mailbox.New()
	l, err := net.Listen("tcp", local(s.cfg.Ports.SMTP))
	if err != nil {
		return err
	}
	go func() { _ = s.Mailbox.SMTP().Serve(l) }()
	s.stops = append(s.stops, s.Mailbox.SMTP().Close)
	s.MailURL, err = s.serve(s.cfg.Ports.Mail, s.Mailbox)
	return err
}

func (s *Stack) startBackend(context.Context) (err error) {
	if s.Backend, err = backend.New(s.secrets.HandoffSecret, filepath.Join(s.cfg.Dir, "decisions.json")); err != nil {
		return err
	}
	s.BackendURL, err = s.serve(s.cfg.Ports.Backend, s.Backend)
	return err
}

// program runs one of the product's programs until the returned stop is called, and waits until it answers.
func (s *Stack) program(ctx context.Context, name, health string, run func(context.Context, *app.Config, *slog.Logger) error) (stop func() error, err error) {
	cfg, log, err := s.load(name)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		err := run(running, cfg, log)
		if running.Err() == nil {
			s.died <- fmt.Errorf("%s ended: %w", name, err)
		}
		ended <- err
	}()
	var once sync.Once
	var stopped error
	stop = func() error {
		once.Do(func() { cancel(); stopped = <-ended })
		return stopped
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		select {
		case err := <-ended:
			ended <- err
			return nil, errors.Join(err, stop())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), stop())
		case <-time.After(20 * time.Millisecond):
		}
		if err = app.CheckHealth(ctx, "http://"+health); err == nil {
			s.stops = append(s.stops, stop)
			return stop, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("does not answer: %w", err), stop())
		}
	}
}

func (s *Stack) startSandbox(ctx context.Context) error {
	_, err := s.program(ctx, app.ProgramSandbox, local(s.cfg.Ports.Sandbox)+"/healthz", app.RunSandbox)
	s.SandboxURL = "http://" + local(s.cfg.Ports.Sandbox)
	return err
}

func (s *Stack) startBridge(ctx context.Context) error {
	_, err := s.program(ctx, app.ProgramBridge, local(s.cfg.Ports.Bridge)+"/healthz", app.RunBridge)
	s.BridgeURL = "http://" + local(s.cfg.Ports.Bridge)
	return err
}

func (s *Stack) startAPI(ctx context.Context) error {
	_, err := s.program(ctx, app.ProgramAPI, local(s.cfg.Ports.API)+"/healthz", app.RunAPI)
	s.APIURL = "http://" + local(s.cfg.Ports.API)
	return err
}

// startCodecServer starts what lets the Temporal UI show payloads; there is nothing to show without a UI or without seals.
func (s *Stack) startCodecServer(ctx context.Context) error {
	if !s.showsPayloads() {
		return nil
	}
	_, err := s.program(ctx, app.ProgramCodecServer, local(s.cfg.Ports.Codec)+"/healthz", app.RunCodecServer)
	s.CodecURL = s.codecURL()
	return err
}

func (s *Stack) showsPayloads() bool { return !s.cfg.NoUI && s.env["PRIVACY_PLAINTEXT"] == "" }

func (s *Stack) codecURL() string { return "http://" + local(s.cfg.Ports.Codec) }

// CodecToken signs in to the codec server; its name is CodecReader.
func (s *Stack) CodecToken() string { return s.secrets.CodecToken }

// APIToken is the bearer token for the HTTP API; its name is APICaller.
func (s *Stack) APIToken() string { return s.secrets.APIToken }

// StartWorker starts a worker; stop ends it, and may be called more than once.
func (s *Stack) StartWorker(ctx context.Context) (stop func() error, err error) {
	return s.program(ctx, app.ProgramWorker, local(s.cfg.Ports.Metrics)+"/healthz", app.RunWorker)
}

// Ports are those that the stack listens on: one that is started on them again is found where it was.
func (s *Stack) Ports() Ports { return s.cfg.Ports }

// Died receives the error of a program that ended by itself.
func (s *Stack) Died() <-chan error { return s.died }

// UIURL is the Temporal UI's page of a workflow; /history and /user-metadata are below it.
func (s *Stack) UIURL(workflowID, runID string) string {
	return s.Temporal.UIURL() + "/namespaces/default/workflows/" + workflowID + "/" + runID
}

// Stop ends everything, in the reverse order.
func (s *Stack) Stop() error {
	var errs []error
	for _, stop := range slices.Backward(s.stops) {
		errs = append(errs, stop())
	}
	s.stops = nil
	return errors.Join(errs...)
}
