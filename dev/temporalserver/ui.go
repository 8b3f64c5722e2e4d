package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// temporalUI is the Temporal UI, served from the assets in its Go module.
type temporalUI struct {
	server *uiserver.Server
	url    string
	done   chan struct{}
}

// startUI returns once the UI answers. The UI calls nobody but the frontend and, from the browser, the codec server:
// news and the check for new versions are off.
func startUI(ctx context.Context, s settings, port int, frontend string) (*temporalUI, error) {
	server := uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		Host:                bracketed(s.bindIP),
		Port:                port,
		TemporalGRPCAddress: frontend,
		EnableUI:            true,
		DefaultNamespace:    s.Namespace,
		Codec:               codecOf(s.CodecEndpoint),
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP
		DisableNewsFetch:    true,
		HideLogs:            true,
	}))
	// The UI server ends the process when it cannot listen, so it is only started on a port that was free right now.
	if _, err := portFor(s.bindIP, port, uiPurpose, uiFlag); err != nil {
		return nil, err
	}
	ui := &temporalUI{server: server, url: "http://" + address(s.reachIP, port), done: make(chan struct{})}
	go func() {
		defer close(ui.done)
		_ = server.Start() // returns nil when it is stopped, and nothing else
	}()
	if err := ui.waitUntilServing(ctx); err != nil {
		ui.stop()
		return nil, err
	}
	return ui, nil
}

// codecOf has the UI send the codec server's cookie along, and say where to sign in when it is refused.
func codecOf(endpoint string) uiconfig.Codec {
	if endpoint == "" {
		return uiconfig.Codec{}
	}
	return uiconfig.Codec{
		Endpoint: endpoint, IncludeCredentials: true,
		DefaultErrorMessage: "Sign in to the codec server, then load this page again:", DefaultErrorLink: endpoint + "/login",
	}
}

const (
	uiPurpose = "the Temporal UI"
	uiFlag    = "--ui-port"
)

func (ui *temporalUI) waitUntilServing(ctx context.Context) error {
	return poll(ctx, "the Temporal UI", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, ui.url+"/healthz", nil)
		if err != nil {
			return err
		}
		client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health check answered %s", resp.Status)
		}
		return nil
	})
}

func (ui *temporalUI) stop() {
	ui.server.Stop()
	<-ui.done
}

// bracketed makes an IPv6 address fit for the UI server, which appends the port to it.
func bracketed(ip string) string {
	if parsed := net.ParseIP(ip); parsed != nil && parsed.To4() == nil {
		return "[" + ip + "]"
	}
	return ip
}

// poll calls ready every few milliseconds until it returns nil or ctx ends.
func poll(ctx context.Context, what string, ready func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come up: %w", what, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}
