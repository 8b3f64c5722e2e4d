package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// tally is what is told of a run beside its differences.
type tally struct {
	fired    fired
	webhooks webhooks
	kills    map[string]int
}

// progress tells how far the run is.
func (c *chaos) progress() {
	c.mu.Lock()
	started := 0
	for _, s := range c.starts {
		if s.done {
			started++
		}
	}
	c.mu.Unlock()
	decided := map[string]bool{}
	list, _, _ := c.backend.all()
	for _, d := range list {
		if d.Accepted {
			decided[d.Message.Data.ID] = true
		}
	}
	c.say("%d onboardings started, %d handed off; %s", started, len(decided), c.killed())
}

// killed counts the kills of each program that is killed.
func (c *chaos) killed() string {
	var parts []string
	for _, name := range programNames {
		if len(c.plan.kills[name]) > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, c.programs[name].killed()))
		}
	}
	return "kills: " + strings.Join(parts, ", ")
}

// judge makes the second pass and tells the result.
func (c *chaos) judge(all *evidence) *Result {
	found := check(all)
	c.tally.kills = map[string]int{}
	for name, p := range c.programs {
		c.tally.kills[name] = p.killed()
	}
	out := &Result{evidence: all, tally: c.tally}
	for _, d := range found {
		out.Differences = append(out.Differences, d.String())
	}
	c.report(all, found)
	return out
}

func (c *chaos) report(all *evidence, found []difference) {
	line := func(format string, args ...any) { fmt.Fprintf(c.cfg.Out, format+"\n", args...) }
	line("")
	line("%s", verdictLine(all, found))
	line("outcomes: %s", counts(outcomes(all)))
	line("sessions at Ondato: %d, of which %d that no customer was told of", sessions(all), untold(all))
	line("%s; ended by themselves for want of Temporal: worker %d, webhookbridge %d",
		c.killed(), c.programs[programWorker].ownEnds(), c.programs[programBridge].ownEnds())
	w := c.tally.webhooks
	line("webhooks: %d sent or dropped, %d delivered, %d lost, %d waiting to be sent again; %d requests", w.Sent, w.Delivered, w.Lost, w.Pending, w.Attempts)
	line("faults of the webhooks: %s", counts(struck(c.tally.fired.Webhooks)))
	line("faults of Ondato's API: %s", counts(struck(c.tally.fired.API)))
	line("faults of the backend: %s", counts(c.backend.failures))
	line("mails: %d", c.told.count())
	line("seed %d; %s", c.cfg.Seed, time.Since(c.began).Round(time.Second))
	for _, d := range found {
		line("  %s", d)
	}
	if len(found) > 0 {
		line("the logs are in %s", c.cfg.Dir)
	}
}

// verdictLine is the line that counts. An onboarding with several differences counts once, under the worst.
func verdictLine(all *evidence, found []difference) string {
	worst := map[string]verdict{}
	runs := 0
	for _, v := range []verdict{lost, stuck, wrong} {
		for _, d := range found {
			if d.Verdict != v {
				continue
			}
			if d.Name == "" {
				runs++
			} else if worst[d.Name] == "" {
				worst[d.Name] = v
			}
		}
	}
	n := map[verdict]int{}
	for _, v := range worst {
		n[v]++
	}
	ids, repeats := map[string]bool{}, 0
	for _, e := range all.Onboardings {
		for _, d := range e.Deliveries {
			if ids[d.WebhookID] {
				repeats++
			}
			ids[d.WebhookID] = true
		}
	}
	text := fmt.Sprintf("%d onboardings: %d lost, %d wrong, %d stuck, %d decisions handed off (%d repeats of the same id)",
		len(all.Onboardings), n[lost], n[wrong], n[stuck], len(ids), repeats)
	if runs > 0 {
		text += fmt.Sprintf("; %d differences that concern no single one", runs)
	}
	return text
}

func outcomes(all *evidence) map[string]int {
	n := map[string]int{}
	for i := range all.Onboardings {
		if held := all.Onboardings[i].held(); held != nil {
			n[held.Message.Data.Outcome]++
			if held.Message.Data.Version > 1 {
				n["amended"]++
			}
		}
	}
	return n
}

func sessions(all *evidence) (n int) {
	for _, e := range all.Onboardings {
		n += len(e.Sessions)
	}
	return n
}

func untold(all *evidence) (n int) {
	for _, e := range all.Onboardings {
		for _, s := range e.Sessions {
			if !slices.Contains(e.Told, s.ID) {
				n++
			}
		}
	}
	return n
}

func struck(faults map[string]struct {
	Fired int `json:"fired"`
}) map[string]int {
	n := map[string]int{}
	for name, f := range faults {
		n[name] = f.Fired
	}
	return n
}

// counts writes numbers by name.
func counts(n map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, n[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
