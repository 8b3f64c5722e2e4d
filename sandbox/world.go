package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Errors that the HTTP side turns into status codes.
var (
	errNotFound = errors.New("no such session")
	errFull     = errors.New("the sandbox holds as many unfinished sessions as it may: finish some or raise MaxSessions")
	errClosed   = errors.New("the sandbox is closed")
)

// world holds all sessions and moves them: by actions from outside, and by itself as virtual time passes. Before
// anything is looked at or done, whatever was due by then has happened, in order and with its own time.
type world struct {
	cfg   Config
	log   *slog.Logger
	clock *clock
	store *store // nil keeps nothing

	mu         sync.Mutex
	sessions   map[string]*session
	byKYC      map[string]*session
	newest     []*session // by number; the last is the newest
	agenda     agenda[*session]
	courier    *courier
	faults     *faultSet
	latest     time.Time
	nextNumber int64
	generation int64 // tokens of an older generation are dead
	changed    changes
	broken     error // the last failure to write the file
	closed     bool

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

func newWorld(cfg Config, c *clock, st *store) (*world, error) {
	w := &world{
		cfg: cfg, log: cfg.Logger, clock: c, store: st,
		sessions: map[string]*session{}, byKYC: map[string]*session{}, faults: noFaults(cfg.Seed), changed: newChanges(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	w.courier = newCourier(w)
	if st == nil {
		return w, nil
	}
	if err := w.restore(); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *world) restore() error {
	m, found, err := w.store.load(
		func(s *session) {
			w.sessions[s.ID] = s
			w.newest = append(w.newest, s)
			if s.KYC != nil {
				w.byKYC[s.KYC.ID] = s
			}
		},
		func(d *delivery) { w.courier.log = append(w.courier.log, d) },
	)
	if err != nil {
		return err
	}
	if found {
		w.clock.restore(m.ClockOffset, m.Latest)
		if w.cfg.TimeScale == 0 {
			w.clock.setScale(m.ClockScale)
		}
		w.latest, w.nextNumber, w.generation, w.courier.nextSeq = m.Latest, m.NextNumber, m.Generation, m.NextSeq
	}
	slices.SortFunc(w.newest, func(a, b *session) int { return cmp.Compare(a.Number, b.Number) })
	for _, s := range w.newest {
		w.schedule(s)
	}
	w.courier.restore(w.clock.now())
	return nil
}

// run is the one goroutine that lets virtual time pass, until stop is closed.
func (w *world) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		w.mu.Lock()
		now := w.catchUp()
		w.courier.dispatch(now)
		_ = w.commit() // logged there, and tried again with the next change
		wait := w.untilNext()
		w.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-w.stop:
			return
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// untilNext is the real time to sleep; what stands still or is full wakes the goroutine itself.
func (w *world) untilNext() time.Duration {
	wait := time.Hour
	sooner := func(at time.Time, ok bool) {
		if !ok {
			return
		}
		if d, ok := w.clock.realUntil(at); ok {
			wait = min(wait, d)
		}
	}
	sooner(w.agenda.next())
	sooner(w.courier.next())
	return wait
}

func (w *world) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// catchUp lets everything happen that is due by now, each thing at its own time.
func (w *world) catchUp() time.Time {
	now := w.clock.now()
	for {
		s, at, ok := w.agenda.take(now)
		if !ok {
			return now
		}
		w.fire(s, at)
	}
}

// fire does what is due to a session at a time.
func (w *world) fire(s *session, at time.Time) {
	defer w.touch(s)
	switch {
	case at.Equal(s.ScriptAt):
		a := s.Script[0]
		s.Script, s.ScriptAt = s.Script[1:], time.Time{}
		if len(s.Script) > 0 {
			s.ScriptAt = at.Add(w.cfg.StepDelay)
		}
		if err := w.apply(s, a, at); err != nil {
			s.Script, s.ScriptAt = nil, time.Time{}
			w.log.Warn("a session's script ends early", "action", a.Kind, "why", err)
		}
	case at.Equal(s.DecideAt):
		a := *s.Decide
		s.Decide, s.DecideAt = nil, time.Time{}
		if err := w.apply(s, a, at); err != nil {
			w.log.Warn("an automatic decision was not possible", "action", a.Kind, "why", err)
		}
	case w.finishRedaction(s, at):
	default:
		if err := w.apply(s, action{Kind: actExpire}, at); err != nil {
			w.log.Error("an expiry was not possible", "why", err)
		}
	}
}

func (w *world) finishRedaction(s *session, at time.Time) bool {
	for i := range s.Redactions {
		r := &s.Redactions[i]
		if r.Completed.IsZero() && at.Equal(r.Due) {
			s.Modified = w.stamp(s, at)
			r.Completed = s.Modified
			s.redact(r.Scope)
			if r.Scope == scopePersonal {
				w.courier.forget(s.ID)
			}
			return true
		}
	}
	return false
}

// apply runs the state machine and records each step at a time of its own.
func (w *world) apply(s *session, a action, now time.Time) error {
	steps, err := next(s.state, a, rules{w.cfg.Retries, w.cfg.CompleteBeforeDecision})
	if err != nil {
		return err
	}
	for _, st := range steps {
		now = w.stamp(s, now)
		s.settle(st.state, st.event, a, now)
		if st.event == eventCreated {
			w.byKYC[s.KYC.ID] = s
		}
		what := a.Kind
		if st.event != "" {
			what += " → " + st.event
		}
		s.note(now, what)
		if st.event != "" {
			w.courier.emit(s, st.event, now)
		}
	}
	if a.Kind == actSubmit {
		s.Decide, err = parseDecision(a.Decision)
		if err != nil {
			return err // checked at the door
		}
		if s.Decide != nil {
			s.DecideAt = now.Add(w.cfg.DecisionDelay)
		}
	} else if !s.waitsForOndato() {
		s.Decide, s.DecideAt = nil, time.Time{}
	}
	return nil
}

// stamp gives the time of a step: at least 1 ms after the session's last one, in .NET's ticks of 100 ns.
func (w *world) stamp(s *session, at time.Time) time.Time {
	at = at.UTC().Truncate(100 * time.Nanosecond)
	if earliest := s.Modified.Add(time.Millisecond); at.Before(earliest) {
		at = earliest
	}
	if at.After(w.latest) {
		w.latest = at
	}
	return at
}

// touch marks a session as changed: to be kept, and to be looked at when it is next due.
func (w *world) touch(s *session) {
	w.changed.sessions[s.ID] = s
	w.schedule(s)
}

func (w *world) schedule(s *session) {
	w.agenda.remove(s.entry)
	s.entry = nil
	if at := s.due(); !at.IsZero() {
		s.entry = w.agenda.put(at, s)
	}
}

// newSession is what a checked create request comes to.
type newSession struct {
	setupID, reference, representative string
	registration                       []byte
	script                             []action
}

func (w *world) create(n newSession) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return "", errClosed
	}
	now := w.catchUp()
	if err := w.makeRoom(); err != nil {
		return "", err
	}
	w.nextNumber++
	s := &session{ID: uuid.NewString(), Number: w.nextNumber, Reference: n.reference, SetupID: n.setupID, Representative: n.representative,
		Registration: n.registration, Script: n.script}
	s.Status = pending
	s.Created = w.stamp(s, now)
	s.Modified, s.Acted = s.Created, s.Created
	if len(s.Script) > 0 {
		s.ScriptAt = s.Created.Add(w.cfg.StepDelay)
	}
	s.note(s.Created, "create")
	w.sessions[s.ID] = s
	w.newest = append(w.newest, s)
	w.touch(s)
	w.poke()
	return s.ID, w.commit()
}

// makeRoom lets the oldest finished session go when there are too many.
func (w *world) makeRoom() error {
	if len(w.newest) < w.cfg.MaxSessions {
		return nil
	}
	i := slices.IndexFunc(w.newest, func(s *session) bool { return s.terminal() && len(s.Script) == 0 })
	if i < 0 {
		return errFull
	}
	gone := w.newest[i]
	w.agenda.remove(gone.entry)
	w.newest = slices.Delete(w.newest, i, i+1)
	delete(w.sessions, gone.ID)
	delete(w.changed.sessions, gone.ID)
	w.changed.goneSessions[gone.ID] = true
	if gone.KYC != nil {
		delete(w.byKYC, gone.KYC.ID)
	}
	return nil
}

// do runs one action on a session.
func (w *world) do(id string, a action) error {
	return w.with(id, true, func(s *session, now time.Time) error { return w.apply(s, a, now) })
}

// with calls f with a session as it is now; what f changes is kept if keep is set and f succeeds.
func (w *world) with(id string, keep bool, f func(s *session, now time.Time) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	now := w.catchUp()
	s := w.sessions[id]
	if s == nil {
		return errors.Join(errNotFound, w.commit())
	}
	err := f(s, now)
	if keep && err == nil {
		w.touch(s)
	}
	w.poke()
	return errors.Join(err, w.commit())
}

// withKYC is with by the id of the identification, for reading.
func (w *world) withKYC(id string, f func(s *session)) error {
	w.mu.Lock()
	s := w.byKYC[id]
	w.mu.Unlock()
	if s == nil {
		return errNotFound
	}
	return w.with(s.ID, false, func(s *session, _ time.Time) error { f(s); return nil })
}

// redact starts a redaction; it completes one step delay later (contract 8.2: at once, observable).
func (w *world) redact(id, scope, clientID string) error {
	return w.with(id, true, func(s *session, now time.Time) error {
		if len(s.Redactions) >= maxRedactions {
			return &notAllowedError{"redact", fmt.Sprintf("the session has been redacted %d times", maxRedactions)}
		}
		at := w.stamp(s, now)
		s.Modified = at
		s.Redactions = append(s.Redactions, redaction{Scope: scope, ClientID: clientID, Created: at, Due: at.Add(w.cfg.StepDelay)})
		return nil
	})
}

const maxRedactions = 50

// commit writes what has changed; the caller holds mu. A failure is told to the caller, to the log and by /healthz.
func (w *world) commit() error {
	if w.store == nil || w.changed.empty() {
		w.changed = newChanges()
		return nil
	}
	err := w.store.save(w.changed, meta{
		ClockOffset: w.clock.offset(), ClockScale: w.clock.getScale(), Latest: w.latest,
		NextNumber: w.nextNumber, NextSeq: w.courier.nextSeq, Generation: w.generation,
	})
	w.broken = err
	if err != nil {
		w.log.Error("the sandbox cannot keep its state", "error", err)
		return err // the changes stay noted, and the next commit tries again
	}
	w.changed = newChanges()
	return nil
}
