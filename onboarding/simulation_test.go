package onboarding

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"
)

// The simulation plays an Ondato, a customer, a backend and the passing of time against a Process, without Temporal.
// It knows the truth, so it can tell whether the process found it. The same seed gives the same run.

var simStart = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// act is one thing that happens to a session at Ondato, a while after the one before it.
type act struct {
	after time.Duration
	what  string // start consent create process approve reject:<Reason> reject!:<Reason> complete abort suspend resume resubmit edit
}

// script says what the customer and Ondato do in each attempt; the truth is what the onboarding must end with.
type script struct {
	name     string
	attempts [][]act
	truth    Outcome
	versions int // how many versions are handed off when everything arrives at once
}

type simConfig struct {
	lose      float64 // probability that a webhook is lost
	repeat    int     // deliveries of each webhook, at most
	delay     time.Duration
	stepFails float64
	orphans   float64 // probability that a create succeeds at Ondato and fails here
	outages   int     // times during which nothing of ours runs
	watchFor  time.Duration
	// prompt: every event arrives at once, so that each decision is handed off exactly once.
	prompt bool
}

type simEvent struct {
	at  time.Time
	seq int
	do  func(now time.Time)
	// ours: it happens on our side, so that it waits while nothing of ours runs.
	ours bool
}

type simQueue []simEvent

func (q simQueue) Len() int { return len(q) }
func (q simQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].seq < q[j].seq
}
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *simQueue) Pop() any     { old := *q; x := old[len(old)-1]; *q = old[:len(old)-1]; return x }

type simSession struct {
	id, kyc    string
	attempt    int
	orphan     bool
	status     SessionStatus
	modified   time.Time
	identified IdentificationStatus
	reason     string
	completed  time.Time
	edits      int
}

type simulation struct {
	rng      *rand.Rand
	cfg      simConfig
	script   script
	p        *Process
	now      time.Time
	queue    simQueue
	seq      int
	sessions []*simSession
	byID     map[string]*simSession
	events   int
	wakeSeq  int
	outages  [][2]time.Time
	// what the backend has accepted, by version
	handed   []Decision
	problems []string
	observe  func(before, after Stage)
}

func newSimulation(seed uint64, sc script, cfg simConfig) *simulation {
	rng := rand.New(rand.NewPCG(seed, 7))
	policy := DefaultPolicy()
	policy.WatchFor = Duration(cfg.watchFor)
	in := Input{
		Request: Request{Reference: Reference(fmt.Sprintf("sim-%d", seed)), Setup: "sim", Applicant: Applicant{Email: "ona@example.test"}},
		Setup:   Setup{Name: "sim", OndatoSetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11", Language: "en", Notify: []Channel{ChannelEmail}, Events: DeliverAll, Policy: policy},
		Call:    "call",
	}
	s := &simulation{rng: rng, cfg: cfg, script: sc, now: simStart, byID: map[string]*simSession{}}
	s.p = Begin(in, simStart)
	at := simStart
	for range cfg.outages {
		at = at.Add(time.Duration(rng.Int64N(int64(4 * day))))
		end := at.Add(time.Duration(rng.Int64N(int64(10 * time.Hour))))
		s.outages = append(s.outages, [2]time.Time{at, end})
		at = end
	}
	return s
}

func (s *simulation) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func (s *simulation) schedule(at time.Time, ours bool, do func(time.Time)) {
	s.seq++
	heap.Push(&s.queue, simEvent{at: at, seq: s.seq, do: do, ours: ours})
}

func (s *simulation) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}

func (s *simulation) chance(p float64) bool { return p > 0 && s.rng.Float64() < p }

// up moves a time on our side out of the outages.
func (s *simulation) up(at time.Time) time.Time {
	for _, o := range s.outages {
		if at.After(o[0]) && at.Before(o[1]) {
			return o[1]
		}
	}
	return at
}

// run plays until the process is done; it returns the problems found.
func (s *simulation) run() []string {
	s.turn()
	for steps := 0; len(s.queue) > 0 && !s.p.Done(s.now); steps++ {
		if steps > 20000 {
			s.problem("does not come to an end")
			return s.problems
		}
		e := heap.Pop(&s.queue).(simEvent)
		if e.ours {
			if later := s.up(e.at); later.After(e.at) {
				s.schedule(later, true, e.do)
				continue
			}
		}
		s.now = e.at
		e.do(e.at)
		if len(s.problems) > 0 {
			return s.problems
		}
	}
	s.judge()
	return s.problems
}

func (s *simulation) judge() {
	if !s.p.Done(s.now) {
		s.problem("waits for ever in %s", s.p.Stage())
		return
	}
	last := s.handed[len(s.handed)-1]
	if last.Outcome != s.script.truth || s.p.Outcome() != s.script.truth {
		s.problem("ended %s (handed off %s), the truth is %s", s.p.Outcome(), last.Outcome, s.script.truth)
	}
	if len(s.handed) != s.script.versions && s.cfg.prompt {
		s.problem("%d versions handed off, expected %d", len(s.handed), s.script.versions)
	}
	for i := 1; i < len(s.handed); i++ {
		if s.handed[i].Version <= s.handed[i-1].Version {
			s.problem("version %d was handed off after version %d", s.handed[i].Version, s.handed[i-1].Version)
		}
	}
}

func (s *simulation) apply(what Occurrence) {
	before := s.p.Stage()
	if err := s.p.Apply(s.now, what); err != nil {
		s.problem("apply: %v", err)
	}
	if after := s.p.Stage(); after != before && s.observe != nil {
		s.observe(before, after)
	}
}

// turn does what the shell does after each occurrence.
func (s *simulation) turn() {
	s.apply(Clock{})
	plan := s.p.Next(s.now)
	if plan.Done {
		return
	}
	for _, step := range plan.Steps {
		s.p.Started(s.now, step)
		s.carryOut(step)
	}
	if plan.Wake.IsZero() && len(s.p.s.Doing) == 0 {
		s.problem("no step, no wake in %s", s.p.Stage())
	}
	if !plan.Wake.IsZero() {
		if !plan.Wake.After(s.now) {
			s.problem("a wake in the past in %s", s.p.Stage())
		}
		s.wakeSeq++
		mine := s.wakeSeq
		s.schedule(plan.Wake, true, func(time.Time) {
			if mine == s.wakeSeq {
				s.turn()
			}
		})
	}
}

func (s *simulation) finished(after time.Duration, f Finished) {
	s.schedule(s.now.Add(after), true, func(time.Time) {
		s.apply(f)
		s.turn()
	})
}

func (s *simulation) carryOut(step Step) {
	took := s.between(50*time.Millisecond, 3*time.Second)
	if s.chance(s.cfg.stepFails) {
		if step.Kind == StepOpen && s.chance(s.cfg.orphans) {
			s.open(true)
		}
		s.finished(took, Finished{Kind: step.Kind, Failure: &Failure{Code: "unavailable"}})
		return
	}
	switch step.Kind {
	case StepOpen:
		if s.chance(s.cfg.orphans) {
			s.open(true)
		}
		c := s.open(false)
		s.finished(took, Finished{Kind: StepOpen, Opened: &OpenedSession{SessionID: c.id, Link: "https://idv.example.test/?id=" + c.id}})
	case StepLook:
		c := s.byID[step.Look.SessionID]
		if s.rng.IntN(2) == 0 { // Ondato answers as of the beginning …
			seen := c.sight()
			s.finished(took, Finished{Kind: StepLook, Sight: &seen})
			return
		}
		s.schedule(s.now.Add(took), true, func(time.Time) { // … or as of the end
			seen := c.sight()
			s.apply(Finished{Kind: StepLook, Sight: &seen})
			s.turn()
		})
	case StepMessage:
		if m := step.Message; m.Kind == MessageReminder {
			if c := s.current(); !c.completed.IsZero() && c.completed.Before(s.p.s.LookedAt) && c.identified != IdentificationRejected {
				s.problem("reminded a customer who had finished")
			}
		}
		s.finished(took, Finished{Kind: StepMessage, Sent: &SentMessage{Channel: ChannelEmail}})
	case StepHandOff:
		d := step.HandOff.Decision
		if d.byOndato() {
			if c := s.byID[d.SessionID]; c.sight().RecordDigest != d.RecordDigest {
				s.finished(took, Finished{Kind: StepHandOff, Handed: &HandedOff{Changed: true}})
				return
			}
		}
		s.handed = append(s.handed, d)
		s.finished(took, Finished{Kind: StepHandOff, Handed: &HandedOff{Version: d.Version, WebhookID: "w"}})
	}
}

func (s *simulation) current() *simSession { return s.byID[s.p.s.Session.ID] }

func (s *simulation) open(orphan bool) *simSession {
	n := len(s.sessions) + 1
	c := &simSession{id: fmt.Sprintf("s%d", n), kyc: fmt.Sprintf("k%d", n), orphan: orphan, status: SessionPending, modified: s.now, attempt: s.p.s.Attempt}
	s.sessions, s.byID[c.id] = append(s.sessions, c), c
	s.expireAfter(c, 7*day)
	if orphan {
		return c
	}
	at := s.now
	acts := s.script.attempts[min(c.attempt, len(s.script.attempts))-1]
	for _, a := range acts {
		at = at.Add(a.after)
		s.schedule(at, false, func(time.Time) { s.act(c, a.what) })
	}
	return c
}

func (s *simulation) expireAfter(c *simSession, life time.Duration) {
	since := c.modified
	s.schedule(since.Add(life), false, func(time.Time) {
		if c.modified.Equal(since) && !c.status.Terminal() {
			s.become(c, SessionExpired)
		}
	})
}

func (s *simulation) become(c *simSession, to SessionStatus) {
	c.status, c.modified = to, s.now
	s.webhook(c, EventStatusChanged, string(to))
	switch to {
	case SessionInProgress:
		s.expireAfter(c, 2*time.Hour)
	case SessionSuspended:
		s.expireAfter(c, 7*day)
	}
}

func (s *simulation) act(c *simSession, what string) {
	touch := func() { c.modified = s.now; s.expireAfter(c, 2*time.Hour) }
	decided := c.identified != "" && c.identified != IdentificationAwaiting
	if c.status.Terminal() && !(decided || c.status == SessionCompleted) {
		return // the session had ended before
	}
	word, reason, _ := cutColon(what)
	switch word {
	case "start", "resume":
		s.become(c, SessionInProgress)
	case "consent":
		touch()
		s.webhook(c, EventConsented, "InProgress")
	case "create":
		c.identified = IdentificationAwaiting
		touch()
		s.webhook(c, EventCreated, "Awaiting")
	case "process":
		c.completed = s.now
		touch()
		s.webhook(c, EventProcessed, "Awaiting")
	case "approve":
		c.identified, c.reason = IdentificationApproved, "AutomaticallyIdentified"
		s.webhook(c, EventApproved, "Approved")
	case "reject":
		c.identified, c.reason = IdentificationRejected, reason
		s.webhook(c, EventRejected, "Rejected")
	case "resubmit":
		c.identified, c.reason, c.completed = IdentificationAwaiting, "", time.Time{}
		touch()
	case "complete":
		s.become(c, SessionCompleted)
	case "abort":
		s.become(c, SessionAborted)
	case "suspend":
		s.become(c, SessionSuspended)
	case "edit":
		c.edits++
		s.webhook(c, EventUpdated, string(c.identified))
	}
}

func cutColon(s string) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == ':' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func (c *simSession) sight() Sight {
	seen := Sight{Session: c.status, ModifiedUtc: c.modified, Identification: c.identified, Reason: c.reason, CompletedUtc: c.completed}
	if c.identified != "" {
		seen.IdentificationID = c.kyc
		seen.RecordDigest = fmt.Sprintf("%s-%s-%d", c.identified, c.reason, c.edits)
		seen.RetryableReason = c.reason == "BlurredPhoto"
	}
	return seen
}

// webhook delivers an event, or loses, repeats and delays it.
func (s *simulation) webhook(c *simSession, t EventType, status string) {
	s.events++
	e := Event{ID: fmt.Sprintf("e%d", s.events), Type: t, CreatedUtc: s.now.Add(time.Duration(s.rng.IntN(900)) * time.Microsecond), SessionID: c.id, Status: status}
	if t != EventStatusChanged && t != EventConsented {
		e.IdentificationID = c.kyc
	}
	if s.chance(s.cfg.lose) {
		return
	}
	for range 1 + s.rng.IntN(max(1, s.cfg.repeat)) {
		s.schedule(s.now.Add(s.between(time.Millisecond, s.cfg.delay)), true, func(time.Time) {
			s.apply(e)
			s.turn()
		})
	}
}
