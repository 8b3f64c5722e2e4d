package app

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"kyc/privacy"
)

// The parsers below never put a value into their faults: what was pasted into the wrong variable may be a secret.

func parseListen(value string) (string, []fault) {
	const remedy = "write it as :8080 or 127.0.0.1:8080"
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return "", faultf("is not an address to listen on", remedy)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", faultf("has no port from 0 to 65535", remedy)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return unicode.IsSpace(r) || r == '/' }) {
		return "", faultf("is not an address to listen on", remedy)
	}
	return value, nil
}

func parseHTTPURL(value string) (string, []fault) {
	const remedy = "write it as https://host.example/path"
	u, err := url.Parse(value) // the parser's error quotes the value
	switch {
	case err != nil || strings.ContainsFunc(value, unicode.IsSpace):
		return "", faultf("is not a URL", remedy)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", faultf("does not begin with https:// or http://", remedy)
	case u.Hostname() == "":
		return "", faultf("names no host", remedy)
	case u.User != nil:
		return "", faultf("holds a user or password, which would show in logs", "leave them out")
	case strings.Contains(value, "#"):
		return "", faultf("holds a fragment (#…)", "leave it out")
	}
	return value, nil
}

func parseUUID(value string) (string, []fault) {
	if len(value) != 36 || uuid.Validate(value) != nil {
		return "", faultf("is not a UUID", "copy the application id from Ondato")
	}
	return strings.ToLower(value), nil
}

func parseTaskQueue(value string) (string, []fault) {
	// Temporal's lists do not find a backslash, and the setups in use are looked up by task queue.
	if len(value) > 255 || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return "", faultf("is not a task queue's name", "use at most 255 letters, digits and punctuation marks, no spaces or backslashes")
	}
	return value, nil
}

// parseDeploymentName applies the Temporal Server's rules; the dot separates name and build id in its version strings.
func parseDeploymentName(value string) (string, []fault) {
	if !isVersionPart(value) || strings.ContainsAny(value, ".:") {
		return "", faultf("is not the name of a worker deployment", "use at most 255 letters, digits, - and _; no dots, colons or spaces, and no __ at its beginning")
	}
	return value, nil
}

func parseBuildID(value string) (string, []fault) {
	if !isVersionPart(value) {
		return "", faultf("is not a build id", "use at most 255 letters, digits and punctuation marks; no spaces, and no __ at its beginning")
	}
	return value, nil
}

func isVersionPart(value string) bool {
	return len(value) <= 255 && !strings.HasPrefix(value, "__") &&
		!strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' })
}

func parseTimeScale(value string) (float64, []fault) {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(f) || f <= 0 || f > 100_000 {
		return 0, faultf("is not a number above 0 and at most 100000", "write 1 for real time, 60 for a minute in each second")
	}
	return f, nil
}

// list cuts a comma-separated value; entries are numbered from 1 in what each reports.
func list[T any](value, entryForm string, parse func(string) (T, string)) ([]T, []fault) {
	var (
		out    []T
		faults []fault
	)
	for i, entry := range strings.Split(value, ",") {
		entry = strings.TrimSpace(entry)
		one, problem := parse(entry)
		if entry == "" {
			problem = "is empty"
		}
		if problem != "" {
			faults = append(faults, fault{fmt.Sprintf("entry %d %s", i+1, problem), "write each entry as " + entryForm + ", separated by commas"})
			continue
		}
		out = append(out, one)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return out, nil
}

func parseCredentials(value, entryForm string) ([]Credential, []fault) {
	return list(value, entryForm, func(entry string) (Credential, string) {
		name, secret, colon := strings.Cut(entry, ":")
		switch {
		case !colon:
			return Credential{}, "has no colon"
		case name == "":
			return Credential{}, "has nothing before its colon"
		case secret == "":
			return Credential{}, "has nothing after its colon"
		case strings.ContainsFunc(entry, unicode.IsControl):
			return Credential{}, "holds a line break or another control character"
		}
		return Credential{name, Secret(secret)}, ""
	})
}

func parseTokens(value string) ([]Credential, []fault) {
	return parseCredentials(value, "name:token")
}

// parseSharedSecrets takes whatever Ondato and we agreed on.
func parseSharedSecrets(value string) ([]Secret, []fault) {
	return list(value, "the shared secret agreed with Ondato", func(entry string) (Secret, string) {
		if strings.ContainsFunc(entry, unicode.IsControl) {
			return "", "holds a line break or another control character"
		}
		return Secret(entry), ""
	})
}

func parseSecrets(value string) ([]Secret, []fault) {
	entries, faults := parseEntries(value)
	secrets := make([]Secret, len(entries))
	for i, entry := range entries {
		secrets[i] = Secret(entry)
	}
	return secrets, faults
}

// parseEntries cuts a list whose entries the room that uses them judges.
func parseEntries(value string) ([]string, []fault) {
	entries := strings.Split(value, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return entries, nil
}

func parseSwitch(value string) (bool, []fault) {
	chosen, faults := parseChoice("true", "false", "1", "0")(value)
	return chosen == "true" || chosen == "1", faults
}

func parseKeysURL(value string) (Secret, []fault) {
	if privacy.CheckStoreAddress(value) != nil {
		return "", faultf("is not the address of a key store", "write it as sqlite:FILE, or postgres://user:password@host/database")
	}
	return Secret(value), nil
}

func parsePrefixes(value string) ([]netip.Prefix, []fault) {
	return list(value, "an address or a range, such as 192.0.2.1 or 192.0.2.0/24", func(entry string) (netip.Prefix, string) {
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			return unmapped(prefix)
		}
		address, err := netip.ParseAddr(entry)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, "is neither an address nor a range"
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), ""
	})
}

// unmapped writes a range of IPv4 addresses as such: addresses are compared in that form.
func unmapped(prefix netip.Prefix) (netip.Prefix, string) {
	if prefix.Addr().Is4In6() {
		const before = 96 // bits before the IPv4 address
		if prefix.Bits() < before {
			return netip.Prefix{}, "is an IPv4 address in the form of IPv6 with fewer than 96 bits"
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-before)
	}
	return prefix.Masked(), ""
}

func parseChoice(choices ...string) func(string) (string, []fault) {
	return func(value string) (string, []fault) {
		for _, c := range choices {
			if strings.EqualFold(value, c) {
				return c, nil
			}
		}
		last := len(choices) - 1
		return "", faultf("is none of the choices", "use %s or %s", strings.Join(choices[:last], ", "), choices[last])
	}
}
