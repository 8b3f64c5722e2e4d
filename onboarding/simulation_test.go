package onboarding

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The simulation plays an Ondato, a customer, a backend and the passing of time against a Process, without Temporal.
// It knows the truth, so it can tell whether the process found it. The same seed gives the same run.

// vilnius is where the simulated customers live; the nights there are quiet.
var vilnius = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		panic(err)
	}
	return zone
}()

var simStart = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// act is one thing that happens to a session at Ondato, a while after the one before it.
type act struct {
	after time.Duration
	what  string // start consent create process approve reject:<Reason> complete abort suspend resume pause resubmit edit
}

// script says what the customer and Ondato do in each attempt; the truth is what the onboarding must end with.
type script struct {
	name     string
	attempts [][]act
	truth    Outcome
	versions int // how many versions are handed off when everything arrives at once; 0 where that hangs on chance
}

type simConfig struct {
	lose      float64 // probability that a webhook is lost
	repeat    int     // deliveries of each webhook, at most
	delay     time.Duration
	stepFails float64
	orphans   float64 // probability that a create succeeds at Ondato and fails here
	deaf      float64 // probability that the backend accepts and its answer is lost
	outages   int     // times during which nothing of ours runs, each as long as outageFor at most
	outageFor time.Duration
	leaps     int // times at which our clock leaps ahead, by leapBy at most
	leapBy    time.Duration
	skew      time.Duration // how far Ondato's clock may be wrong, either way
	misdated  float64       // probability that a webhook bears a date that is hours or days off
	strays    float64       // probability that a webhook is followed by one that means nothing here
	deadline  time.Duration // where the script needs more than the ordinary one
	partly    float64       // probability that only some targets take a decision
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
	// finished is completed by our clock.
	finished time.Time
	edits    int
}

type simulation struct {
	name     string
	rng      *rand.Rand
	cfg      simConfig
	script   script
	p        *Process
	now      time.Time // the true time
	leapt    time.Duration
	skew     time.Duration
	queue    simQueue
	seq      int
	sessions []*simSession
	byID     map[string]*simSession
	events   int
	wakeSeq  int
	outages  [][2]time.Time
	// what each target has accepted, by version
	handed map[string][]Decision
	// amendments are the versions that were tried; all tries of one say alike whether it is an amendment.
	amendments map[int]bool
	// confirmed counts the confirmations that customers were sent.
	confirmed int
	// elsewhere: an approval of a session that was never ours has been delivered.
	elsewhere bool
	problems  []string
	observe   func(before, after Stage)
	// strict holds the process to faultsOf after each turn, which takes its time.
	strict bool
}

func newSimulation(seed uint64, sc script, cfg simConfig) *simulation {
	rng := rand.New(rand.NewPCG(seed, 7))
	policy := DefaultPolicy()
	policy.WatchFor = Duration(7 * day)
	policy.Deadline = cmp.Or(Duration(cfg.deadline), policy.Deadline)
	in := Input{
		Request: Request{Reference: Reference(fmt.Sprintf("sim-%d", seed)), Setup: "sim", Applicant: Applicant{Email: "ona@example.test"}},
		Setup: Setup{
			Name: "sim", OndatoSetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11", Language: "en", Notify: []Channel{ChannelEmail},
			Confirm: true, TimeZone: vilnius.String(), QuietHours: QuietHours{From: "21:00", To: "08:00"},
			HandOff: []string{"crm", "ledger"}, Events: DeliverAll, Policy: policy,
		},
		Call: "call",
	}
	s := &simulation{rng: rng, cfg: cfg, script: sc, now: simStart, byID: map[string]*simSession{}, handed: map[string][]Decision{}, amendments: map[int]bool{}}
	s.p = Begin(in, simStart)
	s.skew = s.between(-cfg.skew, cfg.skew)
	at := simStart
	for range cfg.outages {
		at = at.Add(s.between(0, 4*day))
		end := at.Add(s.between(0, cfg.outageFor))
		s.outages = append(s.outages, [2]time.Time{at, end})
		at = end
	}
	for range cfg.leaps {
		s.schedule(simStart.Add(s.between(0, 20*day)), false, s.leap)
	}
	return s
}

// ours is the time by our clock, ondatos by Ondato's.
func (s *simulation) ours() time.Time    { return s.now.Add(s.leapt) }
func (s *simulation) ondatos() time.Time { return s.now.Add(s.skew) }

// leap sets our clock ahead; what was waiting for a time finds that it has come.
func (s *simulation) leap(now time.Time) {
	s.leapt += s.between(time.Minute, s.cfg.leapBy)
	s.schedule(now, true, func(time.Time) { s.turn() })
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
	for steps := 0; len(s.queue) > 0 && !s.p.Done(s.ours()); steps++ {
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
	if !s.p.Done(s.ours()) {
		s.problem("waits for ever in %s", s.p.Stage())
		return
	}
	for _, target := range s.p.in.Setup.Targets() {
		handed := s.handed[target]
		last := handed[len(handed)-1]
		if last.Outcome != s.script.truth || s.p.Outcome() != s.script.truth {
			s.problem("ended %s (handed off %s to %s), the truth is %s", s.p.Outcome(), last.Outcome, target, s.script.truth)
		}
		if want := s.script.versions; s.cfg.prompt && want > 0 && len(handed) != want {
			s.problem("%d versions handed off to %s, expected %d", len(handed), target, want)
		}
	}
	if s.confirmed > 1 || s.confirmed == 0 && s.script.truth == OutcomeApproved {
		s.problem("%d confirmations of %s", s.confirmed, s.script.truth)
	}
	if s.elsewhere && !slices.Contains(s.p.s.Attention, AttentionOtherSession) {
		s.problem("another session was approved, and nobody is told: %v", s.p.s.Attention)
	}
}

func (s *simulation) apply(what Occurrence) {
	before := s.p.Stage()
	if err := s.p.Apply(s.ours(), what); err != nil {
		s.problem("apply: %v", err)
	}
	if after := s.p.Stage(); after != before && s.observe != nil {
		s.observe(before, after)
	}
}

// turn does what the shell does after each occurrence.
func (s *simulation) turn() {
	s.apply(Clock{})
	if s.strict {
		s.problems = append(s.problems, faultsOf(s.p, s.ours())...)
	}
	plan := s.p.Next(s.ours())
	if plan.Done {
		return
	}
	for _, step := range plan.Steps {
		s.p.Started(s.ours(), step)
		s.carryOut(step)
	}
	if plan.Wake.IsZero() && len(s.p.s.Doing) == 0 {
		s.problem("no step, no wake in %s", s.p.Stage())
	}
	if !plan.Wake.IsZero() {
		if !plan.Wake.After(s.ours()) {
			s.problem("a wake in the past in %s", s.p.Stage())
		}
		s.wakeSeq++
		mine := s.wakeSeq
		s.schedule(plan.Wake.Add(-s.leapt), true, func(time.Time) {
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
			seen := s.sight(c)
			s.finished(took, Finished{Kind: StepLook, Sight: &seen})
			return
		}
		s.schedule(s.now.Add(took), true, func(time.Time) { // … or as of the end
			seen := s.sight(c)
			s.apply(Finished{Kind: StepLook, Sight: &seen})
			s.turn()
		})
	case StepMessage:
		if m := step.Message; m.Kind == MessageReminder {
			if c := s.current(); !c.completed.IsZero() && c.finished.Before(s.p.s.LookedAt) && c.identified != IdentificationRejected {
				s.problem("reminded a customer who had finished")
			}
		}
		s.finished(took, Finished{Kind: StepMessage, Sent: s.send(*step.Message)})
	case StepHandOff:
		d := step.HandOff.Decision
		if d.byOndato() {
			if c := s.byID[d.SessionID]; s.sight(c).RecordDigest != d.RecordDigest {
				s.finished(took, Finished{Kind: StepHandOff, Handed: &HandedOff{Changed: true}})
				return
			}
		}
		if amendment, known := s.amendments[d.Version]; known && amendment != step.HandOff.Amendment {
			s.problem("version %d is an amendment to some and none to others", d.Version)
		}
		s.amendments[d.Version] = step.HandOff.Amendment
		targets := step.HandOff.Targets
		takers := targets
		if s.chance(s.cfg.partly) {
			takers = targets[:s.rng.IntN(len(targets))]
		}
		s.schedule(s.now.Add(took), true, func(time.Time) {
			for _, t := range takers {
				s.accept(t, d)
			}
		})
		if len(takers) < len(targets) {
			s.finished(took, Finished{Kind: StepHandOff, Failure: &Failure{Code: "unavailable", Taken: takers}})
			return
		}
		s.finished(took, s.answer(d))
	}
}

// send does what a channel does: in quiet hours, what may wait is held.
func (s *simulation) send(m Message) *SentMessage {
	if until := m.Quiet.Until(s.ours(), vilnius); !until.IsZero() {
		return &SentMessage{HeldUntil: until}
	}
	if m.Kind == MessageConfirmation {
		s.confirmed++
	}
	return &SentMessage{Channels: []Channel{ChannelEmail}}
}

// accept does what a backend does: it drops repeats, and its last version is what it believes.
func (s *simulation) accept(target string, d Decision) {
	handed := s.handed[target]
	if n := len(handed); n > 0 && d.Version <= handed[n-1].Version {
		if last := handed[n-1]; d.Version != last.Version || !d.says(last) {
			s.problem("version %d (%s) was handed off after version %d (%s)", d.Version, d.Outcome, last.Version, last.Outcome)
		}
		return
	}
	s.handed[target] = append(handed, d)
}

func (s *simulation) answer(d Decision) Finished {
	if s.chance(s.cfg.deaf) {
		return Finished{Kind: StepHandOff, Failure: &Failure{Code: "timeout"}}
	}
	return Finished{Kind: StepHandOff, Handed: &HandedOff{Version: d.Version, WebhookID: "w"}}
}

func (s *simulation) current() *simSession { return s.byID[s.p.s.Session.ID] }

func (s *simulation) open(orphan bool) *simSession {
	n := len(s.sessions) + 1
	c := &simSession{id: fmt.Sprintf("s%d", n), kyc: fmt.Sprintf("k%d", n), orphan: orphan, status: SessionPending, modified: s.now, attempt: s.p.s.Attempt}
	s.sessions, s.byID[c.id] = append(s.sessions, c), c
	s.expireAfter(c, 7*day)
	at := s.now
	acts := s.script.attempts[min(c.attempt, len(s.script.attempts))-1]
	if orphan {
		acts = orphanActs(s.rng)
	}
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
	case SessionInProgress, statusPaused:
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
		c.completed, c.finished = s.now, s.ours()
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
	case "pause":
		s.become(c, statusPaused)
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

// sight is what Ondato shows of a session, by its clock.
func (s *simulation) sight(c *simSession) Sight {
	seen := Sight{Session: c.status, ModifiedUtc: c.modified.Add(s.skew), Identification: c.identified, Reason: c.reason}
	if !c.completed.IsZero() {
		seen.CompletedUtc = c.completed.Add(s.skew)
	}
	if c.identified != "" {
		seen.IdentificationID = c.kyc
		seen.RecordDigest = fmt.Sprintf("%s-%s-%d", c.identified, c.reason, c.edits)
		seen.RetryableReason = c.reason == "BlurredPhoto"
	}
	return seen
}

// webhook delivers an event, or loses, repeats, delays and misdates it.
func (s *simulation) webhook(c *simSession, t EventType, status string) {
	dated := s.ondatos().Add(time.Duration(s.rng.IntN(900)) * time.Microsecond)
	if s.chance(s.cfg.misdated) {
		dated = dated.Add(s.between(-10*day, 10*day))
	}
	e := Event{Type: t, CreatedUtc: dated, SessionID: c.id, Status: status}
	if t != EventStatusChanged && t != EventConsented {
		e.IdentificationID = c.kyc
	}
	s.deliver(e)
	if s.chance(s.cfg.strays) {
		s.deliver(s.stray(c))
	}
}

func (s *simulation) deliver(e Event) {
	s.events++
	e.ID = fmt.Sprintf("e%d", s.events)
	if s.chance(s.cfg.lose) {
		return
	}
	for range 1 + s.rng.IntN(max(1, s.cfg.repeat)) {
		s.schedule(s.now.Add(s.between(time.Millisecond, s.cfg.delay)), true, func(time.Time) {
			if c := s.byID[e.SessionID]; e.Type == EventApproved && (c == nil || c.orphan) {
				s.elsewhere = true
			}
			s.apply(e)
			s.turn()
		})
	}
}

// stray is an event that means nothing: of an unknown type or status, of a session that is nobody's or not the present
// one, or a decision that Ondato's API knows nothing of.
func (s *simulation) stray(c *simSession) Event {
	types := eventTypes()
	e := Event{Type: types[s.rng.IntN(len(types))], CreatedUtc: s.ondatos(), SessionID: c.id, Status: "Unheard-of"}
	switch s.rng.IntN(4) {
	case 0:
		e.Type = unknownType
	case 1:
		e.Type = EventStatusChanged
	case 2:
		e.SessionID = fmt.Sprintf("foreign%d", s.rng.IntN(3))
	case 3:
		e.SessionID = s.sessions[s.rng.IntN(len(s.sessions))].id
	}
	return e
}
