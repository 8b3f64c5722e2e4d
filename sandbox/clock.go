package sandbox

import (
	"sync"
	"time"
)

const (
	maxScale   = 100_000
	maxAdvance = 366 * 24 * time.Hour
)

// The virtual clock stops here, so that every time it tells can be written as RFC 3339.
var endOfTime = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// clock tells virtual time: it runs at scale times real time (0 = it stands still) and can be moved forward.
type clock struct {
	mu     sync.Mutex
	real   func() time.Time
	base   time.Time // virtual time at anchor
	anchor time.Time // real time
	scale  float64
}

func newClock(real func() time.Time, scale float64) *clock {
	now := real()
	return &clock{real: real, base: now.UTC(), anchor: now, scale: scale}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rebase()
}

// rebase moves the anchor to the present, which also keeps the scaled difference far from overflow.
func (c *clock) rebase() time.Time {
	now := c.real()
	if passed := now.Sub(c.anchor); passed > 0 {
		c.base = c.base.Add(time.Duration(float64(passed) * c.scale))
		c.anchor = now
	}
	if c.base.After(endOfTime) {
		c.base = endOfTime
	}
	return c.base
}

func (c *clock) advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebase()
	c.base = c.base.Add(d)
	return c.rebase()
}

func (c *clock) setScale(scale float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebase()
	c.scale = scale
}

func (c *clock) getScale() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scale
}

// offset says how far virtual time is ahead of real time.
func (c *clock) offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rebase().Sub(c.anchor)
}

// restore continues a clock kept in a file; virtual time never runs backwards past notBefore.
func (c *clock) restore(offset time.Duration, notBefore time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.real()
	c.anchor, c.base = now, now.UTC().Add(offset)
	if c.base.Before(notBefore) {
		c.base = notBefore
	}
}

// realUntil says how long to sleep until virtual time t; false when the clock stands still before t.
func (c *clock) realUntil(t time.Time) (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := t.Sub(c.rebase())
	if left <= 0 {
		return 0, true
	}
	if c.scale == 0 {
		return 0, false
	}
	real := float64(left) / c.scale
	if real > float64(time.Hour) {
		return time.Hour, true
	}
	return time.Duration(real) + 1, true
}
