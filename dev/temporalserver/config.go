package temporalserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/primitives"
)

// NoUI as Config.UIPort starts the server without the Temporal UI.
const NoUI = -1

const (
	defaultHost      = "127.0.0.1"
	defaultNamespace = "default"
	defaultRetention = 7 * 24 * time.Hour
)

// Config says what to start; its zero value is a server in memory with a UI, on free ports of the loopback interface.
type Config struct {
	// DB is the path of the SQLite file, created with its schema when it is missing; empty keeps everything in memory.
	DB string
	// Host is the IP address or host name that frontend and UI listen on; empty is 127.0.0.1.
	Host string
	// FrontendPort is the port of the gRPC frontend; 0 picks a free one.
	FrontendPort int
	// UIPort is the port of the Temporal UI; 0 picks a free one, NoUI starts none.
	UIPort int
	// Namespace exists when Start returns; empty is "default".
	Namespace string
	// Retention is how long closed workflows are kept, at least an hour; 0 is 7 days. It applies when the namespace is
	// created and leaves one that the file already holds as it is.
	Retention time.Duration
	// CodecEndpoint is the http(s) address of the codec server that the UI asks to decode payloads; empty is none.
	CodecEndpoint string
	// Logger gets the server's log; nil writes text to standard error.
	Logger *slog.Logger
	// LogLevel is the least severe level that is logged, besides what Logger itself drops; nil is slog.LevelWarn.
	LogLevel slog.Leveler
	// DynamicConfig sets values of the server's dynamic configuration for every namespace, by key
	// ("limit.maxIDLength"), over the values of this package; an unknown key is an error.
	DynamicConfig map[string]any
}

// settings is a Config that has been checked and completed.
type settings struct {
	Config

	bindIP   string // what the frontend and the UI bind to
	reachIP  string // where the two are reached from this machine
	database database
	dynamic  dynamicValues
}

// check completes the defaults and reports everything that is wrong, by field.
func (c Config) check() (settings, error) {
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}

	if c.Host == "" {
		c.Host = defaultHost
	}
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.LogLevel == nil {
		c.LogLevel = slog.LevelWarn
	}

	s := settings{Config: c}
	var err error
	s.bindIP, s.reachIP, err = resolveHost(c.Host)
	note(err)
	s.database, err = openableDatabase(c.DB)
	note(err)
	s.dynamic, err = dynamicConfig(c.DynamicConfig)
	note(err)
	note(c.checkPorts())
	note(c.checkNamespace())
	note(c.checkCodecEndpoint())
	if err := errors.Join(problems...); err != nil {
		return settings{}, fmt.Errorf("temporal server: %w", err)
	}
	return s, nil
}

func (c Config) checkPorts() error {
	if c.FrontendPort < 0 || c.FrontendPort > 65535 {
		return fmt.Errorf("FrontendPort %d: give a port from 1 to 65535, or 0 for a free one", c.FrontendPort)
	}
	if c.UIPort < NoUI || c.UIPort > 65535 {
		return fmt.Errorf("UIPort %d: give a port from 1 to 65535, 0 for a free one or -1 for no UI", c.UIPort)
	}
	if c.FrontendPort != 0 && c.FrontendPort == c.UIPort {
		return fmt.Errorf("FrontendPort and UIPort are both %d: give each its own", c.UIPort)
	}
	return nil
}

func (c Config) checkNamespace() error {
	if strings.TrimSpace(c.Namespace) != c.Namespace {
		return fmt.Errorf("namespace %q: remove the white space round it", c.Namespace)
	}
	if c.Namespace == primitives.SystemLocalNamespace {
		return fmt.Errorf("namespace %q belongs to the server itself: choose another name", c.Namespace)
	}
	// The server checks this only for namespaces that come through its API, and this one does not.
	if c.Retention < namespace.MinRetentionLocal {
		return fmt.Errorf("retention %s: the server keeps closed workflows for at least %s", c.Retention, namespace.MinRetentionLocal)
	}
	return nil
}

func (c Config) checkCodecEndpoint() error {
	if c.CodecEndpoint == "" {
		return nil
	}
	u, err := url.Parse(c.CodecEndpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("CodecEndpoint: give an address like http://localhost:8083")
	}
	return nil
}

// resolveHost returns the IP address to bind to, which is all the server takes, and the one to connect to.
func resolveHost(host string) (bind, reach string, err error) {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if ip == nil {
		addrs, err := net.LookupIP(host)
		if err != nil || len(addrs) == 0 {
			return "", "", fmt.Errorf("host %q: no IP address for this name, give one of this machine's addresses", host)
		}
		ip = addrs[0]
		for _, a := range addrs {
			if a.To4() != nil {
				ip = a
				break
			}
		}
	}
	bind, reach = ip.String(), ip.String()
	if ip.IsUnspecified() {
		reach = net.IPv6loopback.String()
		if ip.To4() != nil {
			reach = loopback
		}
	}
	return bind, reach, nil
}
