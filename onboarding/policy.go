package onboarding

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Policy is the timing of an onboarding. It is resolved when the onboarding starts and carried in its workflow input,
// so that a running onboarding keeps the rules it began with. DefaultPolicy documents the ordinary values; every range
// admits seconds, so that tests and drills can run a whole life in a minute.
type Policy struct {
	// MaxAttempts is how many sessions an onboarding may open on its own account; an operator's renew may go beyond.
	MaxAttempts int `json:"maxAttempts" yaml:"maxAttempts"`

	// PendingLife, IdleLife and SuspendedLife are Ondato's own clocks (contract 2.5): how long a session lives unopened,
	// in progress without action, and suspended. ExpiryGrace is waited beyond them before Ondato is asked.
	PendingLife   Duration `json:"pendingLife" yaml:"pendingLife"`
	IdleLife      Duration `json:"idleLife" yaml:"idleLife"`
	SuspendedLife Duration `json:"suspendedLife" yaml:"suspendedLife"`
	ExpiryGrace   Duration `json:"expiryGrace" yaml:"expiryGrace"`

	// NotStartedReminders are counted from the invitation, IdleReminders from the customer's last sign while the
	// session is in progress, SuspendedReminders from the suspension.
	NotStartedReminders []Duration `json:"notStartedReminders" yaml:"notStartedReminders"`
	IdleReminders       []Duration `json:"idleReminders" yaml:"idleReminders"`
	SuspendedReminders  []Duration `json:"suspendedReminders" yaml:"suspendedReminders"`

	// Rechecks follow a decision event that the API does not show yet, counted from the event.
	Rechecks []Duration `json:"rechecks" yaml:"rechecks"`
	// Asks are counted from the submission, while no decision comes; after the last of them Ondato is asked every
	// AskEvery. DecisionSLA, from the submission, is when a missing decision is escalated.
	Asks        []Duration `json:"asks" yaml:"asks"`
	AskEvery    Duration   `json:"askEvery" yaml:"askEvery"`
	DecisionSLA Duration   `json:"decisionSLA" yaml:"decisionSLA"`

	// RetryDelays are the growing pauses after a step has failed for good in its own retries: the first failure waits
	// the first, and so on; the last one repeats.
	RetryDelays []Duration `json:"retryDelays" yaml:"retryDelays"`
	// StepPatience is how long one step retries by itself before the process takes over with RetryDelays.
	StepPatience Duration `json:"stepPatience" yaml:"stepPatience"`

	// Deadline ends the onboarding as expired, counted from its start.
	Deadline Duration `json:"deadline" yaml:"deadline"`
	// WatchFor is how long a decision is watched for changes after it was handed off; 0 ends the onboarding at once.
	WatchFor Duration `json:"watchFor" yaml:"watchFor"`
}

func hours(h ...int) []Duration {
	out := make([]Duration, len(h))
	for i, n := range h {
		out[i] = Duration(time.Duration(n) * time.Hour)
	}
	return out
}

// DefaultPolicy is the ordinary timing. Each call returns a value of its own.
func DefaultPolicy() Policy {
	return Policy{
		MaxAttempts:         3,
		PendingLife:         Duration(7 * day),
		IdleLife:            Duration(2 * time.Hour),
		SuspendedLife:       Duration(7 * day),
		ExpiryGrace:         Duration(15 * time.Minute),
		NotStartedReminders: hours(24, 3*24, 6*24),
		IdleReminders:       []Duration{Duration(45 * time.Minute)},
		SuspendedReminders:  hours(24, 3*24),
		Rechecks:            []Duration{Duration(5 * time.Second), Duration(30 * time.Second), Duration(2 * time.Minute)},
		Asks:                []Duration{Duration(10 * time.Minute), Duration(time.Hour), Duration(6 * time.Hour)},
		AskEvery:            Duration(12 * time.Hour),
		DecisionSLA:         Duration(48 * time.Hour),
		RetryDelays: []Duration{Duration(5 * time.Minute), Duration(15 * time.Minute), Duration(30 * time.Minute),
			Duration(time.Hour), Duration(2 * time.Hour), Duration(4 * time.Hour), Duration(6 * time.Hour)},
		StepPatience: Duration(15 * time.Minute),
		Deadline:     Duration(30 * day),
		WatchFor:     Duration(7 * day),
	}
}

// maxPeriod bounds every duration of a policy: far beyond any use, well inside what Temporal's timers take.
const maxPeriod = 366 * day

// Validate returns FieldErrors naming each value out of range with the range, or nil.
func (p Policy) Validate() error {
	var found FieldErrors
	if p.MaxAttempts < 1 || p.MaxAttempts > 20 {
		found.add("maxAttempts", "is out of range", "give 1 to 20")
	}
	period := func(name string, d Duration, least time.Duration) {
		if d.Std() < least || d.Std() > maxPeriod {
			found.add(name, "is out of range", fmt.Sprintf("give %s to %s", Duration(least), Duration(maxPeriod)))
		}
	}
	period("pendingLife", p.PendingLife, time.Second)
	period("idleLife", p.IdleLife, time.Second)
	period("suspendedLife", p.SuspendedLife, time.Second)
	period("expiryGrace", p.ExpiryGrace, 0)
	period("askEvery", p.AskEvery, time.Second)
	period("decisionSLA", p.DecisionSLA, time.Second)
	period("stepPatience", p.StepPatience, time.Second)
	period("deadline", p.Deadline, time.Second)
	period("watchFor", p.WatchFor, 0)

	series := func(name string, ds []Duration, least int) {
		if len(ds) < least || len(ds) > 50 {
			found.add(name, "has the wrong number of values", fmt.Sprintf("give %d to 50", least))
			return
		}
		before := Duration(0)
		for i, d := range ds {
			period(fmt.Sprintf("%s[%d]", name, i), d, time.Second)
			if d < before {
				found.add(fmt.Sprintf("%s[%d]", name, i), "is less than the one before it", "list the values in rising order")
			}
			before = d
		}
	}
	series("notStartedReminders", p.NotStartedReminders, 0)
	series("idleReminders", p.IdleReminders, 0)
	series("suspendedReminders", p.SuspendedReminders, 0)
	series("rechecks", p.Rechecks, 0)
	series("asks", p.Asks, 1)
	series("retryDelays", p.RetryDelays, 1)
	return found.orNil()
}

// Channel is a way to reach a customer.
type Channel string

const (
	// ChannelEmail sends the setup's messages by e-mail.
	ChannelEmail Channel = "email"
	// ChannelWebhook posts them, signed, to a service that reaches customers its own way, such as by SMS or push.
	ChannelWebhook Channel = "webhook"
)

// NotifyBy says how many of a setup's channels carry a message.
type NotifyBy string

const (
	// NotifyFirst tries the channels in their order until one has taken the message.
	NotifyFirst NotifyBy = "first"
	// NotifyEach sends the message on every channel.
	NotifyEach NotifyBy = "each"
)

// QuietHours are hours of the day, in the setup's time zone, in which customers are not sent what can wait: reminders,
// confirmations, and new links that time alone has brought about. From and To are written as 21:00; a From after To
// spans midnight. The zero value means none.
type QuietHours struct {
	From string `json:"from,omitempty" yaml:"from"`
	To   string `json:"to,omitempty" yaml:"to"`
}

// Until returns when the quiet hours that hold at a moment will end, or the zero time if none hold. Hours that cannot be
// read, which Setup.Validate refuses, never hold.
func (q QuietHours) Until(now time.Time, zone *time.Location) time.Time {
	from, errFrom := clockTime(q.From)
	to, errTo := clockTime(q.To)
	if errFrom != nil || errTo != nil || from == to {
		return time.Time{}
	}
	local := now.In(zone)
	// Today's hours, and yesterday's that may reach into today.
	for _, day := range []int{-1, 0} {
		at := func(minutes, day int) time.Time {
			return time.Date(local.Year(), local.Month(), local.Day()+day, 0, minutes, 0, 0, zone)
		}
		begin, end := at(from, day), at(to, day)
		if from > to {
			end = at(to, day+1)
		}
		if !now.Before(begin) && now.Before(end) {
			return end
		}
	}
	return time.Time{}
}

// clockTime reads 21:00 as minutes of the day.
func clockTime(s string) (minutes int, err error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, errors.New("not a time of day")
	}
	return t.Hour()*60 + t.Minute(), nil
}

// DefaultTarget is the handoff target of setups that name none.
const DefaultTarget = "default"

// Deliver says which of Ondato's events the bridge hands to an onboarding.
type Deliver string

const (
	// DeliverAll hands over every event: the status shows each sign of the customer.
	DeliverAll Deliver = "all"
	// DeliverDecisive leaves out the events that cannot change what happens next (Consented, Created), which saves a
	// signal each.
	DeliverDecisive Deliver = "decisive"
)

// Setup is a named set of rules that operations configure and callers choose by name.
type Setup struct {
	// Name is what a Request says.
	Name string `json:"name" yaml:"-"`
	// OndatoSetupID is Ondato's IDV setup (contract 2.1: not the KYC setup), a UUID.
	OndatoSetupID string `json:"ondatoSetupId" yaml:"ondatoSetupId"`
	// Language of messages when the request names none.
	Language string `json:"language" yaml:"language"`
	// Notify lists how customers are reached; empty means that the caller passes the link on itself and sends reminders.
	Notify []Channel `json:"notify,omitempty" yaml:"notify"`
	// NotifyBy says whether one of them is enough; empty means NotifyFirst.
	NotifyBy NotifyBy `json:"notifyBy,omitempty" yaml:"notifyBy"`
	// Confirm sends customers a confirmation once an approval has been handed off.
	Confirm bool `json:"confirm,omitempty" yaml:"confirm"`
	// TimeZone is the IANA name of the zone in which quiet hours are meant and customers are told times; empty means UTC.
	TimeZone string `json:"timeZone,omitempty" yaml:"timeZone"`
	// QuietHours hold back what can wait.
	QuietHours QuietHours `json:"quietHours,omitzero" yaml:"quietHours"`
	// OperationsEmail receives escalations; empty means they show in the search attribute only.
	OperationsEmail string `json:"operationsEmail,omitempty" yaml:"operationsEmail"`
	// HandOff names the targets that each get the decision; empty means DefaultTarget alone.
	HandOff []string `json:"handOff,omitempty" yaml:"handOff"`
	// Events says which events reach the onboarding.
	Events Deliver `json:"events" yaml:"events"`
	// Policy is the timing.
	Policy Policy `json:"policy" yaml:"policy"`
}

// Validate returns FieldErrors with everything that is wrong with the setup, or nil.
func (s Setup) Validate() error {
	var found FieldErrors
	if !setupName.MatchString(s.Name) {
		found.add("name", "is not a setup's name", "use lower-case letters, digits, - and _, at most 64")
	}
	if !isUUID(s.OndatoSetupID) {
		found.add("ondatoSetupId", "is not a UUID", "copy the IDV setup's id from Ondato")
	}
	if !languageTag.MatchString(s.Language) {
		found.add("language", "is not a language tag", "write it as en or en-GB")
	}
	s.validateMessages(&found)
	for i, name := range s.HandOff {
		field := fmt.Sprintf("handOff[%d]", i)
		if !setupName.MatchString(name) {
			found.add(field, "is not a target's name", "use lower-case letters, digits, - and _, at most 64")
		}
		if slices.Contains(s.HandOff[:i], name) {
			found.add(field, "is listed twice", "remove one of them")
		}
	}
	if s.OperationsEmail != "" && !validEmail(s.OperationsEmail) {
		found.add("operationsEmail", "is not an e-mail address", "write it as name@example.com")
	}
	if s.Events != DeliverAll && s.Events != DeliverDecisive {
		found.add("events", "is neither all nor decisive", "choose one of them")
	}
	found.addErr("policy.", s.Policy.Validate())
	return found.orNil()
}

func (s Setup) validateMessages(found *FieldErrors) {
	for i, c := range s.Notify {
		field := fmt.Sprintf("notify[%d]", i)
		switch {
		case c != ChannelEmail && c != ChannelWebhook:
			found.add(field, "is not a known channel", "use email or webhook, or leave notify empty")
		case slices.Contains(s.Notify[:i], c):
			found.add(field, "is listed twice", "remove one of them")
		}
	}
	if s.NotifyBy != "" && s.NotifyBy != NotifyFirst && s.NotifyBy != NotifyEach {
		found.add("notifyBy", "is neither first nor each", "choose one of them")
	}
	if s.Confirm && len(s.Notify) == 0 {
		found.add("confirm", "needs a channel", "list at least one in notify, or leave confirm out")
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		found.add("timeZone", "is not the name of a time zone", "use an IANA name such as Europe/Vilnius")
	}
	if s.QuietHours == (QuietHours{}) {
		return
	}
	from, errFrom := clockTime(s.QuietHours.From)
	to, errTo := clockTime(s.QuietHours.To)
	if errFrom != nil {
		found.add("quietHours.from", "is not a time of day", "write it as 21:00")
	}
	if errTo != nil {
		found.add("quietHours.to", "is not a time of day", "write it as 08:00")
	}
	if errFrom == nil && errTo == nil && from == to {
		found.add("quietHours", "begins and ends at the same time", "give different times, or leave quietHours out")
	}
}

// Targets are the names of the handoff targets, at least one.
func (s Setup) Targets() []string {
	if len(s.HandOff) == 0 {
		return []string{DefaultTarget}
	}
	return s.HandOff
}

// ValidateRequest checks what this setup demands of a request beyond Request.Validate: an address where e-mail is the
// only way, or one of several that are all to be used.
func (s Setup) ValidateRequest(r Request) error {
	var found FieldErrors
	needsEmail := slices.Contains(s.Notify, ChannelEmail) && (len(s.Notify) == 1 || s.NotifyBy == NotifyEach)
	if needsEmail && r.Applicant.Email == "" {
		found.add("applicant.email", "is missing", "setup "+s.Name+" reaches its customers by e-mail")
	}
	return found.orNil()
}
