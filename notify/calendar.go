package notify

import (
	"fmt"
	"time"
)

// calendars write a time for people; there is one for each language that has words.
var calendars = map[language]func(time.Time) string{
	"en": func(t time.Time) string { return t.Format("2 January 2006, 15:04 (UTC)") },
	"lt": func(t time.Time) string {
		return fmt.Sprintf("%d m. %s %d d. %s val. (UTC)", t.Year(), lithuanianMonths[t.Month()-1], t.Day(), t.Format("15:04"))
	},
}

// lithuanianMonths are in the genitive, as dates need them.
var lithuanianMonths = [12]string{"sausio", "vasario", "kovo", "balandžio", "gegužės", "birželio",
	"liepos", "rugpjūčio", "rugsėjo", "spalio", "lapkričio", "gruodžio"}

// until writes when something ends, in UTC since nobody knows where the customer is; nothing for no time.
func until(spoken language, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return calendars[spoken](t.UTC())
}
