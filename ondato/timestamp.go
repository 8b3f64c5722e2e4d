package ondato

import "time"

// parseTime reads Ondato's timestamps: ISO 8601 with any number of fraction digits (contract 6). Without a zone it is UTC,
// which all "…Utc" members are. Years that JSON could not carry on are refused, so that a time read here can always be passed on.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if t, err = time.Parse("2006-01-02T15:04:05", s); err != nil {
			return time.Time{}, false
		}
	}
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t, true
}

// timeOrZero is parseTime for times that nothing depends on.
func timeOrZero(s string) time.Time {
	t, _ := parseTime(s)
	return t
}
