package webhookbridge

import (
	"net/http"
	"net/netip"
	"strings"
)

// sources is the optional allow-list of the addresses that Ondato sends from (contract 5.4).
type sources struct {
	allowed []netip.Prefix // empty allows everybody
	trusted []netip.Prefix // proxies whose X-Forwarded-For is believed
}

func (s sources) check(r *http.Request) error {
	if len(s.allowed) == 0 {
		return nil
	}
	from, ok := clientAddress(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.trusted)
	if ok && contains(s.allowed, from) {
		return nil
	}
	return &refusal{status: http.StatusForbidden, reason: "source",
		detail: "requests are not accepted from this address; see the allowed sources and trusted proxies of the bridge"}
}

// clientAddress is the address the request really comes from: the peer, or, behind trusted proxies, the right-most
// address of X-Forwarded-For that is not a trusted proxy. Everything to the left of it is the sender's claim. ok is
// false when an entry that counts is not an address, and when there are only proxies.
func clientAddress(peer string, forwarded []string, trusted []netip.Prefix) (address netip.Addr, ok bool) {
	address, ok = parseAddress(peer)
	if !ok || !contains(trusted, address) {
		return address, ok
	}
	for i := len(forwarded) - 1; i >= 0; i-- {
		rest := forwarded[i]
		for more := true; more; {
			var entry string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				entry, more = rest, false
			}
			if address, ok = parseAddress(strings.TrimSpace(entry)); !ok || !contains(trusted, address) {
				return address, ok
			}
		}
	}
	return netip.Addr{}, false
}

// parseAddress reads an address with or without port. A zone says which of our own interfaces it is, not who it is.
func parseAddress(s string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		if s, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return netip.Addr{}, false
		}
	}
	address, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return address.Unmap().WithZone(""), true
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

// unmapped makes ::ffff:10.0.0.0/104 match as 10.0.0.0/8, because addresses are compared unmapped.
func unmapped(prefixes []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out
}
