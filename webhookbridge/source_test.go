package webhookbridge

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func TestClientAddress_IsTheRightmostThatNoTrustedProxyAdded(t *testing.T) {
	t.Parallel()
	trusted := prefixes("10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string // empty: unknown
	}{
		{"direct", "20.31.10.47:443", nil, "20.31.10.47"},
		{"direct, header forged", "20.31.10.47:443", []string{"1.1.1.1"}, "20.31.10.47"},
		{"one proxy", "10.0.0.1:1", []string{"20.31.10.47"}, "20.31.10.47"},
		{"two proxies", "10.0.0.1:1", []string{"20.31.10.47, 10.0.0.2"}, "20.31.10.47"},
		{"forged entry on the left", "10.0.0.1:1", []string{"1.1.1.1, 20.31.10.47"}, "20.31.10.47"},
		{"several headers are one list", "10.0.0.1:1", []string{"1.1.1.1", "20.31.10.47", "10.0.0.2"}, "20.31.10.47"},
		{"port in the entry", "10.0.0.1:1", []string{"20.31.10.47:5555"}, "20.31.10.47"},
		{"IPv6", "[2001:db8::1]:443", nil, "2001:db8::1"},
		{"IPv6 behind a proxy", "[fd00::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 in brackets with port", "10.0.0.1:1", []string{"[2001:db8::1]:9"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"::ffff:20.31.10.47"}, "20.31.10.47"},
		{"zone", "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"proxy without header", "10.0.0.1:1", nil, ""},
		{"only proxies", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, ""},
		{"garbage next to the proxy", "10.0.0.1:1", []string{"20.31.10.47, unknown"}, ""},
		{"garbage on the left is not looked at", "10.0.0.1:1", []string{"unknown, 20.31.10.47"}, "20.31.10.47"},
		{"empty entry", "10.0.0.1:1", []string{"20.31.10.47,"}, ""},
		{"empty header", "10.0.0.1:1", []string{""}, ""},
		{"half a bracket", "10.0.0.1:1", []string{"[2001:db8::1"}, ""},
		{"peer without port", "20.31.10.47", nil, "20.31.10.47"},
		{"peer on a socket", "@", nil, ""},
		{"no peer", "", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := clientAddress(c.peer, c.forwarded, trusted)
			if c.want == "" {
				require.False(t, ok)
				return
			}
			require.True(t, ok)
			require.Equal(t, c.want, got.String())
		})
	}
}

func TestSource_NotAllowed_IsRefusedBeforeItsCredentialsAreLookedAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		allowed, trusted []netip.Prefix
		forwarded        string
		want             int
	}{
		{"no list", nil, nil, "", http.StatusOK},
		{"on the list", prefixes("127.0.0.0/8"), nil, "", http.StatusOK},
		{"on the list, as IPv4 in IPv6", prefixes("::ffff:127.0.0.0/104"), nil, "", http.StatusOK},
		{"not on the list", prefixes("20.31.10.47/32"), nil, "", http.StatusForbidden},
		{"forged header", prefixes("20.31.10.47/32"), nil, "20.31.10.47", http.StatusForbidden},
		{"through a trusted proxy", prefixes("20.31.10.47/32"), prefixes("127.0.0.1/32"), "20.31.10.47", http.StatusOK},
		{"through a trusted proxy from elsewhere", prefixes("20.31.10.47/32"), prefixes("127.0.0.1/32"), "20.31.10.47, 1.1.1.1", http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := start(t, func(cfg *Config) { cfg.AllowedSources, cfg.TrustedProxies = c.allowed, c.trusted })
			r := f.request(http.MethodPost, routeWebhook, idvEvent().String())
			r.SetBasicAuth(basicUser, basicPassword)
			token := f.tokenRequest(credentialsForm(oauthID, oauthSecret))
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
				token.Header.Set("X-Forwarded-For", c.forwarded)
			}
			require.Equal(t, c.want, f.do(r).status)
			require.Equal(t, c.want, f.do(token).status)
			require.Equal(t, http.StatusOK, f.get(routeHealth).status, "probes come from elsewhere")

			bad := f.request(http.MethodPost, routeWebhook, "")
			if c.forwarded != "" {
				bad.Header.Set("X-Forwarded-For", c.forwarded)
			}
			if c.want == http.StatusForbidden {
				require.Equal(t, http.StatusForbidden, f.do(bad).status)
			} else {
				require.Equal(t, http.StatusUnauthorized, f.do(bad).status)
			}
		})
	}
}

func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "20.31.10.47, 10.0.0.2")
	f.Add("[fd00::1]:1", "[2001:db8::1]:9,::ffff:1.2.3.4%x")
	f.Add("", ",,,")
	trusted := prefixes("10.0.0.0/8", "fd00::/8")
	f.Fuzz(func(t *testing.T, peer, header string) {
		got, ok := clientAddress(peer, []string{header}, trusted)
		if !ok {
			return
		}
		require.True(t, got.IsValid())
		require.False(t, contains(trusted, got), "a proxy is never the client")
		require.False(t, got.Is4In6())
		require.Empty(t, got.Zone())
		if direct, _ := parseAddress(peer); !contains(trusted, direct) {
			require.Equal(t, direct, got, "a stranger's header changes nothing")
		}
		// Whatever a sender writes to the left of what the proxy saw has no influence.
		for _, forged := range []string{"1.1.1.1, ", "garbage,", "10.9.9.9,"} {
			if !strings.Contains(header, ",") {
				again, ok := clientAddress(peer, []string{forged + header}, trusted)
				require.True(t, ok)
				require.Equal(t, got, again)
			}
		}
	})
}
