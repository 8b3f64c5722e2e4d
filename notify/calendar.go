package notify

import (
	"fmt"
	"strings"
	"time"
)

// moment is a time as the block "time" gets it, on the clock of the customer's zone. How it is written is the language's
// affair.
type moment struct {
	Year, Month, Day int
	// Weekday is 1 on Mondays and 7 on Sundays.
	Weekday int
	// Clock is the time of day, as 16:05.
	Clock string
	// Zone is short, such as EET, or UTC+04:00 where a zone has no abbreviation; Place is its IANA name, such as
	// Europe/Vilnius.
	Zone, Place string
}

func momentOf(t time.Time, zone *time.Location) moment {
	t = t.In(zone)
	short, _ := t.Zone()
	if strings.HasPrefix(short, "+") || strings.HasPrefix(short, "-") {
		short = "UTC" + t.Format("-07:00")
	}
	weekday := int(t.Weekday())
	if t.Weekday() == time.Sunday {
		weekday = 7
	}
	return moment{
		Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Weekday: weekday,
		Clock: t.Format("15:04"), Zone: short, Place: zone.String(),
	}
}

// zoneOf finds a zone by its IANA name. One that is not known here is UTC: what is told then says so.
func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "Local" {
		return zone
	}
	return time.UTC
}

// pick returns the nth of some words, counted from 1: templates choose the names of months and days with it.
func pick(n int, words ...string) (string, error) {
	if n < 1 || n > len(words) {
		return "", fmt.Errorf("pick has %d words, none for %d", len(words), n)
	}
	return words[n-1], nil
}
