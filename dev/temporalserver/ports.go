package temporalserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
)

const loopback = "127.0.0.1"

// Free ports come from below the range that Linux (32768) and macOS (49152) hand to outgoing connections: the server
// binds a port some time after it was found free, and under load a connection would take it in between.
const (
	firstFreePort = 20000
	freePorts     = 12000
)

var nextFreePort atomic.Uint32

func init() {
	nextFreePort.Store(rand.Uint32N(freePorts))
}

// FreePort returns a port of the loopback interface that nobody listens on, for a program that will bind it later, and
// more than once: it is outside the range that the system hands to outgoing connections.
func FreePort() (int, error) { return freePort(loopback) }

// freePort returns a port that nobody listens on, and not the same one again until all others have had their turn, so
// that servers starting side by side in one process do not race for it.
func freePort(ip string) (int, error) {
	var last error
	for range freePorts {
		port := firstFreePort + int(nextFreePort.Add(1)%freePorts)
		if last = tryListen(ip, port); last == nil {
			return port, nil
		}
		if !errors.Is(last, syscall.EADDRINUSE) {
			break
		}
	}
	return 0, fmt.Errorf("find a free port on %s: %w", ip, last)
}

// portFor returns wanted if it can be listened on, or a free port if wanted is 0.
func portFor(ip string, wanted int, purpose, flag string) (int, error) {
	if wanted == 0 {
		return freePort(ip)
	}
	err := tryListen(ip, wanted)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return 0, fmt.Errorf("port %d for %s is taken: stop what listens there, or choose another with %s", wanted, purpose, flag)
	case err != nil:
		return 0, fmt.Errorf("port %d for %s cannot be used on %s (choose another with %s): %w", wanted, purpose, ip, flag, err)
	}
	return wanted, nil
}

func tryListen(ip string, port int) error {
	l, err := net.Listen("tcp", address(ip, port))
	if err != nil {
		return err
	}
	return l.Close()
}

func address(ip string, port int) string {
	return net.JoinHostPort(ip, strconv.Itoa(port))
}
