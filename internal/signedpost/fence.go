package signedpost

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// thisMachine tells that a URL's host names this machine and nothing else.
func thisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && ip.Unmap().IsLoopback())
}

// special knows the addresses that are not of the public internet: loopback, private, link-local (where clouds keep their
// metadata services), carrier-grade NAT, multicast, reserved and so on, after IANA's registries.
var special = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork())

// fence says which addresses may be dialled.
type fence struct {
	allowed []netip.Prefix
	// loopback is set when the configured host is this machine.
	loopback bool
}

func (f fence) permits(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, network := range f.allowed {
		if network.Contains(ip) {
			return true
		}
	}
	if f.loopback {
		return ip.IsLoopback()
	}
	// On networks of IPv6 alone, the whole of IPv4 is reached through this prefix; what counts is who is behind it.
	if ssrf.IPv6NAT64Prefix.Contains(ip) {
		bytes := ip.As16()
		return f.permits(netip.AddrFrom4([4]byte(bytes[12:])))
	}
	return special.SafeAddr(ip) == nil
}

var errAddress = errors.New("the host is at an address of a private or special network")

// errUnreached is told when a host has permitted addresses too and none of them could be reached.
var errUnreached = errors.New("no permitted address of the host could be reached")

// dial refuses every address outside the fence when it is about to be dialled. Of a host with several addresses, some
// permitted, net.Dialer may report the refusal of the others, though it was the permitted ones that are down.
func (f fence) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var tried atomic.Bool
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	dialer.Control = func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !f.permits(at.Addr()) {
			return errAddress
		}
		tried.Store(true)
		return nil
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if tried.Load() && errors.Is(err, errAddress) {
		return nil, errUnreached
	}
	return conn, err
}

// transport is a pooled one whose connections stay within the fence. All posts go to one host.
func (f fence) transport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            f.dial,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
	}
}
