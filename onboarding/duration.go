package onboarding

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads and writes as people do: "45m", "1h30m", "7d". A day is 24 hours.
type Duration time.Duration

const day = 24 * time.Hour

// Std is the same duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes whole days as "7d" and everything else as time.Duration does, without trailing zero units.
func (d Duration) String() string {
	t := time.Duration(d)
	if t != 0 && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	text := t.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ParseDuration reads "7d", "1d12h", "45m", "0". It returns an error that names the accepted form.
func ParseDuration(text string) (Duration, error) {
	rest, days := text, int64(0)
	if before, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseInt(before, 10, 32)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is not a duration: write it as 7d, 1d12h or 45m", text)
		}
		days, rest = n, after
		if rest == "" {
			rest = "0"
		}
	}
	t, err := time.ParseDuration(rest)
	total := time.Duration(days)*day + t
	if err != nil || t < 0 || days > 36500 {
		return 0, fmt.Errorf("%q is not a duration: write it as 7d, 1d12h or 45m", text)
	}
	return Duration(total), nil
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration accepts.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
