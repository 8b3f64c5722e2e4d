package retryafter

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// most caps what a server can make us wait: after an hour it is better to try again.
const most = time.Hour

// Of reads both forms of the header, seconds and an HTTP date, and returns how long to wait, from 0 (it does not say) to
// one hour.
func Of(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(seconds, uint64(most/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), most)
}
