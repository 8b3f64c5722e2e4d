package ondato

import "time"

// UseClock replaces the client's clock.
func UseClock(c *Client, now func() time.Time) { c.now = now }
