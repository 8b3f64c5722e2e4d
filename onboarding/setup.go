package onboarding

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

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
