package signedpost

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

func TestFence_Addresses_OnlyPublicOnesArePermitted(t *testing.T) {
	for address, permitted := range map[string]bool{
		"8.8.8.8": true, "172.32.0.1": true, "100.128.0.1": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"64:ff9b::8.8.8.8":    true, // an IPv4 address as networks of IPv6 alone reach it
		"127.0.0.1":           false,
		"0.0.0.0":             false,
		"10.0.0.1":            false,
		"172.16.0.1":          false,
		"192.168.1.1":         false,
		"169.254.169.254":     false, // metadata services of clouds
		"100.64.0.1":          false,
		"100.100.100.200":     false,
		"192.0.0.192":         false,
		"198.18.0.1":          false,
		"224.0.0.1":           false,
		"255.255.255.255":     false,
		"::":                  false,
		"::1":                 false,
		"::ffff:127.0.0.1":    false,
		"::ffff:10.0.0.1":     false,
		"64:ff9b::10.0.0.1":   false,
		"64:ff9b::a9fe:a9fe":  false,
		"64:ff9b:1::10.0.0.1": false,
		"fe80::1%eth0":        false,
		"fd00:ec2::254":       false,
		"ff02::1":             false,
		"2001:db8::1":         false,
		"2002:a00:1::":        false, // 10.0.0.1 by 6to4
		"2001:0:a00:1::":      false, // Teredo
	} {
		require.Equal(t, permitted, fence{}.permits(netip.MustParseAddr(address)), address)
	}
}

func TestFence_AllowedNetworks_WidenItAndNothingElse(t *testing.T) {
	f := fence{allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for address, permitted := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "64:ff9b::10.1.2.3": true, "fd00:1::2": true, "8.8.8.8": true,
		"10.2.0.1": false, "127.0.0.1": false, "fd00:2::1": false, "169.254.169.254": false,
	} {
		require.Equal(t, permitted, f.permits(netip.MustParseAddr(address)), address)
	}
}

func TestFence_ThisMachine_IsNothingButThisMachine(t *testing.T) {
	for _, host := range []string{"http://localhost/x", "http://LOCALHOST", "http://127.0.0.1", "http://[::1]"} {
		f := Config{URL: host}.fence()
		require.True(t, f.permits(netip.MustParseAddr("127.0.0.1")), host)
		require.True(t, f.permits(netip.MustParseAddr("::1")), host)
		require.False(t, f.permits(netip.MustParseAddr("10.0.0.1")), host)
		require.False(t, f.permits(netip.MustParseAddr("8.8.8.8")), "localhost does not resolve to the internet")
	}
	require.False(t, Config{URL: "https://localhost.example"}.fence().permits(netip.MustParseAddr("127.0.0.1")))
}

// reachedAs posts to a server on this machine under a public name: the configured host is one, and the dialer is led here,
// as a name that changes its mind between check and connection would do.
func reachedAs(t *testing.T, host string, allowed ...netip.Prefix) (*receiver, *Poster) {
	t.Helper()
	r := newReceiver(t, nil)
	cfg := r.config()
	cfg.URL, cfg.AllowInsecure, cfg.AllowedNetworks = "http://"+host+"/incoming", true, allowed
	cfg.NetworksSetting = "X_ALLOWED_NETWORKS"
	p := poster(t, cfg)
	transport := p.client.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, r.Listener.Addr().String())
	}
	return r, p
}

func TestPost_HostAtAPrivateAddress_IsRefusedBeforeAnythingIsSent(t *testing.T) {
	r, p := reachedAs(t, "rebound.example")
	failed := failure(t, p)
	require.Equal(t, CodeAddressRefused, failed.Code)
	require.True(t, failed.Permanent)
	require.ErrorIs(t, failed, errAddress)
	require.Contains(t, failed.Error(), "X_ALLOWED_NETWORKS")
	require.Empty(t, r.deliveries())
}

func TestPost_HostAtAnAllowedAddress_IsReached(t *testing.T) {
	r, p := reachedAs(t, "inside.example", netip.MustParsePrefix("127.0.0.0/8"))
	require.NoError(t, p.Post(t.Context(), messageID, []byte(body)))
	require.Len(t, r.deliveries(), 1)
}

// resolved has every name resolve to these addresses, in this order.
func resolved(t *testing.T, to ...string) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			for _, address := range to {
				ip := netip.MustParseAddr(address)
				answer := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET}}
				switch asked := m.Questions[0].Type; {
				case ip.Is4() && asked == dnsmessage.TypeA:
					answer.Body = &dnsmessage.AResource{A: ip.As4()}
				case ip.Is6() && asked == dnsmessage.TypeAAAA:
					answer.Body = &dnsmessage.AAAAResource{AAAA: ip.As16()}
				default:
					continue
				}
				m.Answers = append(m.Answers, answer)
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(packed, from)
			}
		}
	}()
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func TestPost_HostWithSeveralAddresses_IsRefusedOnlyIfNoneIsPermitted(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	_, closed, err := net.SplitHostPort(free.Addr().String())
	require.NoError(t, err)
	require.NoError(t, free.Close())
	for name, row := range map[string]struct {
		addresses []string
		allowed   string
		code      string
		permanent bool
	}{
		"the second is permitted": {[]string{"127.0.0.3", "127.0.0.2"}, "127.0.0.2/32", CodeConnection, false},
		"the first is permitted":  {[]string{"127.0.0.2", "127.0.0.3"}, "127.0.0.2/32", CodeConnection, false},
		"one of each family":      {[]string{"::1", "127.0.0.2"}, "127.0.0.2/32", CodeConnection, false},
		"none is permitted":       {[]string{"::1", "127.0.0.2", "127.0.0.3"}, "10.0.0.0/8", CodeAddressRefused, true},
	} {
		t.Run(name, func(t *testing.T) {
			resolved(t, row.addresses...)
			failed := failure(t, poster(t, Config{URL: "https://inside.example:" + closed, Secrets: []string{secretOf('a')},
				AllowedNetworks: []netip.Prefix{netip.MustParsePrefix(row.allowed)}}))
			require.Equal(t, row.code, failed.Code)
			require.Equal(t, row.permanent, failed.Permanent)
		})
	}
}

func TestPost_Proxy_IsItselfWithinTheFence(t *testing.T) {
	proxied := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied++ }))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	through := func(allowed ...netip.Prefix) *Poster {
		p := poster(t, Config{URL: "http://inside.example/incoming", AllowInsecure: true, Secrets: []string{secretOf('a')},
			Name: "test", AllowedNetworks: allowed})
		p.client.Transport.(*http.Transport).Proxy = http.ProxyURL(at)
		return p
	}
	require.Equal(t, CodeAddressRefused, failure(t, through()).Code)
	require.Zero(t, proxied)
	require.NoError(t, through(netip.MustParsePrefix("127.0.0.1/32")).Post(t.Context(), messageID, []byte(body)))
	require.Equal(t, 1, proxied)
}
