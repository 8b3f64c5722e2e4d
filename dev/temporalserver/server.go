package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/server/temporal"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 5 * time.Second
)

// Server is a running Temporal Server with its UI; its methods may be called from any goroutine.
type Server struct {
	frontend string
	database database
	log      *serverLog
	temporal temporal.Server
	ui       *temporalUI // nil without a UI

	unfinished <-chan startResult // where a start that nobody waited for will end; nil otherwise
	stop       func() error
}

type startResult struct {
	server temporal.Server // nil if there is nothing to stop
	err    error
}

// Start returns once the frontend serves, a workflow can be started in the namespace and the UI answers, within a
// minute or until ctx ends; after an error it has stopped what it had started. The server outlives ctx, until Stop. A
// port that is taken is an error which says which and what to do.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	s, err := cfg.check()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	server, err := start(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("temporal server: %w", err)
	}
	return server, nil
}

func start(ctx context.Context, s settings) (_ *Server, err error) {
	layout, err := layOut(s)
	if err != nil {
		return nil, err
	}
	uiPort := NoUI
	if s.UIPort != NoUI {
		if uiPort, err = portFor(s.bindIP, s.UIPort, uiPurpose, uiFlag); err != nil {
			return nil, err
		}
	}

	server := &Server{
		frontend: address(s.reachIP, layout.frontendPort),
		database: s.database,
		log:      newServerLog(s.Logger, s.LogLevel),
	}
	server.stop = sync.OnceValue(server.shutDown)
	if err := server.database.claim(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Stop())
		}
	}()

	if err := server.database.prepare(ctx); err != nil {
		return nil, err
	}
	db := server.database.sqlConfig()
	if err := createNamespace(db, s.Namespace, s.Retention); err != nil {
		return nil, err
	}
	if err := server.startTemporal(ctx, layout.options(s, db, server.log)); err != nil {
		return nil, err
	}
	if err := waitUntilUsable(ctx, server.frontend, s.Namespace); err != nil {
		return nil, err
	}
	if uiPort != NoUI {
		if server.ui, err = startUI(ctx, s, uiPort, server.frontend); err != nil {
			return nil, err
		}
	}
	return server, nil
}

// startTemporal starts the four services in a goroutine of their own, which is what a fatal error in there ends.
func (s *Server) startTemporal(ctx context.Context, options []temporal.ServerOption) error {
	started := make(chan startResult, 1)
	go func() {
		var r startResult
		defer func() { // also when a fatal error ends this goroutine, which the server's sync.OnceValue makes a panic of
			if p := recover(); p != nil {
				r.err = fmt.Errorf("start services: panic: %v", p)
			}
			started <- r
		}()
		server, err := temporal.NewServer(options...)
		if err != nil {
			r.err = err // server is a nil pointer in an interface now
			return
		}
		r.server = server
		r.err = server.Start()
	}()

	select {
	case r := <-started:
		s.temporal = r.server
		select {
		case fatal := <-s.log.fatal:
			return fatal
		default:
			return r.err
		}
	case fatal := <-s.log.fatal:
		s.unfinished = started
		return fatal
	case <-ctx.Done():
		s.unfinished = started
		return fmt.Errorf("services did not come up: %w", ctx.Err())
	}
}

// waitUntilUsable asks for a workflow that does not exist: that it is not found means that the frontend serves, the
// namespace is known and the history shard has been acquired.
func waitUntilUsable(ctx context.Context, frontend, namespace string) error {
	c, err := client.NewLazyClient(client.Options{HostPort: frontend, Namespace: namespace, Logger: silent{}})
	if err != nil {
		return err
	}
	defer c.Close()
	return poll(ctx, "the Temporal frontend", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, err := c.WorkflowService().DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: namespace,
			Execution: &commonpb.WorkflowExecution{WorkflowId: "is-the-server-usable"},
		})
		var notFound *serviceerror.NotFound
		if errors.As(err, &notFound) {
			return nil
		}
		return err
	})
}

// FrontendAddr returns host:port of the gRPC frontend, for client.Options.HostPort.
func (s *Server) FrontendAddr() string { return s.frontend }

// UIURL returns the address of the Temporal UI without a trailing slash, or "" if there is none. A workflow is at
// /namespaces/{namespace}/workflows/{workflow id} below it.
func (s *Server) UIURL() string {
	if s.ui == nil {
		return ""
	}
	return s.ui.url
}

// Stop stops the UI and the server and returns within about 5 seconds; the same file and ports can then be used again.
// Workflows go on where they were at the next Start on the file. Further calls return what the first one did.
func (s *Server) Stop() error { return s.stop() }

func (s *Server) shutDown() error {
	// From here on the services report each other as missing, which is no news to anyone.
	s.log.gate.closed.Store(true)
	defer s.database.release()

	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		if s.ui != nil {
			s.ui.stop()
		}
		if s.unfinished != nil { // a start cannot be interrupted, only waited for
			s.temporal = (<-s.unfinished).server
		}
		var err error
		if s.temporal != nil {
			err = s.temporal.Stop()
		}
		stopped <- errors.Join(err, s.database.checkpoint(ctx))
	}()
	select {
	case err := <-stopped:
		if err != nil {
			return fmt.Errorf("stop temporal server: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop temporal server: not down after %s", stopTimeout)
	}
}

// silent is the logger of the client that asks whether the server is up yet.
type silent struct{}

var _ log.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
