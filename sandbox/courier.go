package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The retry schedule of contract 5.5; the last step repeats.
var retrySteps = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

const (
	maxAttempts  = 30
	retryFor     = 24 * time.Hour
	retryJitter  = 0.05 // up to a twentieth later: the first 12 h step still ends within the day
	lateFactor   = 6    // an answer within 3 min instead of 30 s still takes an event off the queue
	holdReorders = 5 * time.Second
)

// Event Grid never retries these (contract 5.5).
var neverRetried = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge}

// States of a delivery.
const (
	deliveryPending   = "pending"
	deliveryDelivered = "delivered"
	deliveryDropped   = "dropped"
)

// delivery is one webhook on its way: a duplicate is a further delivery with the same webhook id.
type delivery struct {
	Seq       int64           `json:"seq"`
	WebhookID string          `json:"webhookId"`
	SessionID string          `json:"sessionId"`
	Type      string          `json:"type"`
	Created   time.Time       `json:"created"`
	Payload   json.RawMessage `json:"payload"`
	State     string          `json:"state"`
	Why       string          `json:"why,omitempty"`
	Delivered time.Time       `json:"delivered,omitzero"`
	First     time.Time       `json:"first,omitzero"` // when the first attempt began
	Due       time.Time       `json:"due,omitzero"`   // of the next attempt; zero = in its turn
	Pascal    bool            `json:"pascal,omitempty"`
	OldName   bool            `json:"oldName,omitempty"`
	Attempts  []attempt       `json:"attempts"`

	queued bool // its first attempt went through the session's lane
}

type attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"` // 0: no answer
	Error  string    `json:"error,omitempty"`
	Millis int64     `json:"millis"` // real time
}

// lane keeps the first attempts of one session's events in order; retries go their own way.
type lane struct {
	queue []*delivery
	busy  bool
	held  *delivery // reordered: goes after the next event, or by itself after a while
}

// courier delivers webhooks. All of it belongs to the world's lock, except send and what it calls.
type courier struct {
	w        *world
	log      []*delivery            // by number
	sessions map[string][]*delivery // the same, by session
	lanes    map[string]*lane
	agenda   agenda[func(now time.Time)]
	ready    []*delivery
	inFlight int
	nextSeq  int64
	jitter   *rand.Rand

	client      *http.Client
	credentials *credentials
	base        context.Context // ends when Close stops waiting
	cancel      context.CancelFunc
	running     sync.WaitGroup
}

func newCourier(w *world) *courier {
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: w.cfg.MaxInFlight, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &courier{w: w, sessions: map[string][]*delivery{}, lanes: map[string]*lane{}, jitter: rand.New(rand.NewPCG(w.cfg.Seed, 1)), client: client}
	c.credentials = &credentials{auth: w.cfg.WebhookAuth, client: client, now: w.clock.real}
	c.base, c.cancel = context.WithCancel(context.Background())
	return c
}

// restore takes up what an earlier process left undelivered.
func (c *courier) restore(now time.Time) {
	for _, d := range c.log {
		c.nextSeq = max(c.nextSeq, d.Seq)
		c.sessions[d.SessionID] = append(c.sessions[d.SessionID], d)
		switch {
		case d.State != deliveryPending:
		case d.Due.IsZero():
			c.queue(d)
		default:
			c.agenda.put(d.Due, func(time.Time) { c.ready = append(c.ready, d) })
		}
	}
}

// emit turns an event into deliveries, through the faults that are switched on.
func (c *courier) emit(s *session, event string, at time.Time) {
	d := &delivery{WebhookID: uuid.NewString(), SessionID: s.ID, Type: event, Created: at, Payload: c.w.payload(s, event)}
	strike := func(name string) (*faultRule, bool) {
		return c.w.faults.strike(c.w.faults.Webhooks, name, event)
	}
	_, d.Pascal = strike(faultPascalCase)
	if strings.HasPrefix(event, "IdentityVerification.") {
		_, d.OldName = strike(faultOldNames)
	}
	list := []*delivery{d}
	if rule, ok := strike(faultDuplicate); ok {
		for range rule.Copies {
			twin := *d
			list = append(list, &twin)
		}
	}
	if _, ok := strike(faultNewID); ok {
		again := *d
		again.WebhookID, again.Created = uuid.NewString(), at.Add(time.Millisecond)
		list = append(list, &again)
	}
	_, dropped := strike(faultDrop)
	delay, delayed := strike(faultDelay)
	for _, d := range list {
		c.record(d)
		switch {
		case dropped:
			c.finish(d, deliveryDropped, "dropped by a fault")
		case c.w.cfg.WebhookURL == "":
			c.finish(d, deliveryDropped, "no receiver is configured")
		case delayed:
			d.Due = at.Add(delay.by)
			c.agenda.put(d.Due, func(time.Time) { c.ready = append(c.ready, d) })
		}
	}
	if list[0].State != deliveryPending || delayed {
		return
	}
	l := c.lane(s.ID)
	earlier := l.held
	if earlier == nil {
		if _, ok := strike(faultReorder); ok {
			l.held = list[0]
			list = list[1:]
			held := l.held
			c.agenda.put(at.Add(holdReorders), func(time.Time) { c.release(l, held) })
		}
	}
	for _, d := range list {
		c.queue(d)
	}
	if earlier != nil {
		c.release(l, earlier)
	}
}

// release queues a held event unless that has happened.
func (c *courier) release(l *lane, d *delivery) {
	if l.held == d {
		l.held = nil
		c.queue(d)
	}
}

func (c *courier) lane(sessionID string) *lane {
	l := c.lanes[sessionID]
	if l == nil {
		l = &lane{}
		c.lanes[sessionID] = l
	}
	return l
}

func (c *courier) queue(d *delivery) {
	l := c.lane(d.SessionID)
	d.queued = true
	l.queue = append(l.queue, d)
	c.advance(d.SessionID, l)
}

// advance makes the lane's next event ready once the one before has had its first attempt.
func (c *courier) advance(sessionID string, l *lane) {
	for !l.busy && len(l.queue) > 0 {
		d := l.queue[0]
		l.queue = l.queue[1:]
		if d.State == deliveryPending {
			l.busy = true
			c.ready = append(c.ready, d)
		}
	}
	if !l.busy && l.held == nil {
		delete(c.lanes, sessionID)
	}
}

// record puts a delivery into the log, which is bounded.
func (c *courier) record(d *delivery) {
	c.nextSeq++
	d.Seq, d.State, d.Attempts = c.nextSeq, deliveryPending, []attempt{}
	c.log = append(c.log, d)
	c.sessions[d.SessionID] = append(c.sessions[d.SessionID], d)
	c.w.changed.deliveries[d.Seq] = d
	if len(c.log) <= c.w.cfg.MaxDeliveries {
		return
	}
	i := slices.IndexFunc(c.log, func(d *delivery) bool { return d.State != deliveryPending })
	if i < 0 {
		i = 0
		c.w.log.Warn("a webhook is dropped: too many wait for delivery", "webhook", c.log[0].WebhookID, "type", c.log[0].Type)
		c.log[0].State = deliveryDropped
	}
	gone := c.log[i]
	c.log = slices.Delete(c.log, i, i+1)
	c.sessions[gone.SessionID] = slices.DeleteFunc(c.sessions[gone.SessionID], func(d *delivery) bool { return d == gone })
	if len(c.sessions[gone.SessionID]) == 0 {
		delete(c.sessions, gone.SessionID)
	}
	delete(c.w.changed.deliveries, gone.Seq)
	c.w.changed.goneDeliveries[gone.Seq] = true
}

func (c *courier) finish(d *delivery, state, why string) {
	d.State, d.Why, d.Due = state, why, time.Time{}
	c.keep(d)
}

// keep marks a delivery as changed; one that has left the log is not kept any more.
func (c *courier) keep(d *delivery) {
	if !c.w.changed.goneDeliveries[d.Seq] && c.logged(d) {
		c.w.changed.deliveries[d.Seq] = d
	}
}

func (c *courier) logged(d *delivery) bool {
	_, found := slices.BinarySearchFunc(c.log, d.Seq, func(e *delivery, seq int64) int { return cmp.Compare(e.Seq, seq) })
	return found
}

// forget removes personal data from what has been delivered.
func (c *courier) forget(sessionID string) {
	for _, d := range c.sessions[sessionID] {
		if d.State == deliveryPending {
			continue
		}
		var only struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(d.Payload, &only) == nil {
			d.Payload = mustJSON(only)
			c.keep(d)
		}
	}
}

// next tells when dispatch has to run again by itself.
func (c *courier) next() (time.Time, bool) { return c.agenda.next() }

// dispatch starts what is due, as far as the bound of requests in flight allows.
func (c *courier) dispatch(now time.Time) {
	for {
		do, _, ok := c.agenda.take(now)
		if !ok {
			break
		}
		do(now)
	}
	for len(c.ready) > 0 && c.inFlight < c.w.cfg.MaxInFlight && !c.w.closed {
		d := c.ready[0]
		c.ready = c.ready[1:]
		if d.State != deliveryPending {
			c.turnOver(d)
			continue
		}
		if d.First.IsZero() {
			d.First = now
		}
		c.inFlight++
		c.running.Add(1)
		go c.deliver(d, c.body(d), now)
	}
}

// turnOver lets the next event of the session go.
func (c *courier) turnOver(d *delivery) {
	if !d.queued {
		return
	}
	d.queued = false
	if l := c.lanes[d.SessionID]; l != nil {
		l.busy = false
		c.advance(d.SessionID, l)
	}
}

func (c *courier) body(d *delivery) []byte {
	name := d.Type
	if d.OldName {
		name = strings.Replace(name, "IdentityVerification.", "Idv.", 1)
	}
	if d.Pascal {
		return mustJSON(pascalEnvelope{d.WebhookID, c.w.cfg.ApplicationID, sevenDigits(d.Created), name, d.Payload})
	}
	return mustJSON(envelope{ID: d.WebhookID, ApplicationID: c.w.cfg.ApplicationID, CreatedUTC: sevenDigits(d.Created), Type: name, Payload: d.Payload})
}

// deliver makes one attempt. It counts as failed when the answer takes too long; an answer that comes late all the same
// takes the event off the queue.
func (c *courier) deliver(d *delivery, body []byte, began time.Time) {
	defer c.running.Done()
	ctx, cancel := context.WithTimeout(c.base, lateFactor*c.w.cfg.DeliveryTimeout)
	defer cancel()
	start := time.Now()
	answer := make(chan attempt, 1)
	go func() { answer <- c.send(ctx, body) }()
	timer := time.NewTimer(c.w.cfg.DeliveryTimeout)
	defer timer.Stop()
	judge := func(a attempt, late bool) {
		a.At, a.Millis = began, time.Since(start).Milliseconds()
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		c.judge(d, a, late)
	}
	select {
	case a := <-answer:
		judge(a, false)
	case <-timer.C:
		judge(attempt{Error: fmt.Sprintf("no answer within %v", c.w.cfg.DeliveryTimeout)}, false)
		judge(<-answer, true)
	}
	c.w.mu.Lock()
	c.inFlight--
	_ = c.w.commit() // logged there, and tried again with the next change
	c.w.mu.Unlock()
	c.w.poke()
}

// judge records an attempt and decides what follows.
func (c *courier) judge(d *delivery, a attempt, late bool) {
	if c.base.Err() != nil && a.Status == 0 {
		return // cut off by Close: it was no attempt, the next process makes it
	}
	ok := a.Status >= 200 && a.Status < 300
	if late {
		if ok && d.State == deliveryPending {
			d.Delivered = c.w.clock.now()
			c.finish(d, deliveryDelivered, "answered late")
		}
		return
	}
	d.Attempts = append(d.Attempts, a)
	now := c.w.clock.now()
	n := len(d.Attempts)
	c.turnOver(d)
	switch {
	case d.State != deliveryPending: // it left the log meanwhile
	case ok:
		d.Delivered = now
		c.finish(d, deliveryDelivered, "")
	case !c.w.cfg.RetryClientErrors && slices.Contains(neverRetried, a.Status):
		c.finish(d, deliveryDropped, fmt.Sprintf("%d is never retried", a.Status))
	case n >= maxAttempts:
		c.finish(d, deliveryDropped, fmt.Sprintf("%d attempts were made", n))
	default:
		wait := retrySteps[min(n, len(retrySteps))-1]
		wait += time.Duration(c.jitter.Float64() * retryJitter * float64(wait))
		d.Due = now.Add(wait)
		if d.Due.Sub(d.First) > retryFor {
			c.finish(d, deliveryDropped, "24 hours have passed")
			break
		}
		c.agenda.put(d.Due, func(time.Time) { c.ready = append(c.ready, d) })
		c.keep(d)
	}
	c.w.log.Debug("webhook attempt", "webhook", d.WebhookID, "type", d.Type, "attempt", n, "status", a.Status, "state", d.State)
}

// close waits for requests in flight until ctx ends, then cuts them off.
func (c *courier) close(ctx context.Context) {
	finished := make(chan struct{})
	go func() { c.running.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	c.cancel()
	<-finished
	c.client.CloseIdleConnections()
}
