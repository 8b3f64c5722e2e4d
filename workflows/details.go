package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kyc/onboarding"
)

// maxShown is how many entries of the audit trail are shown.
const maxShown = 10

// details tells a person in the Temporal UI, in Markdown, how the onboarding stands, what comes next and what they can
// do. It is encrypted like a payload, and still holds no personal data. A run that continued as new has lost its summary,
// so that nothing may be left to that.
func details(s onboarding.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s", s.Stage)
	if s.Outcome != "" {
		fmt.Fprintf(&b, " · %s", s.Outcome)
	}
	fmt.Fprintf(&b, "\n\n**Awaiting** %s, since %s.\n", s.Awaited, clock(s.AwaitedSince))
	if s.Next != "" {
		fmt.Fprintf(&b, "\n**Next**, if nothing happens before: %s, at %s.\n", s.Next, clock(s.NextAt))
	}
	if len(s.Attention) > 0 {
		b.WriteString("\n**Needs attention:**\n\n")
		for _, a := range s.Attention {
			fmt.Fprintf(&b, "- `%s`: %s.\n", a, advice(a))
		}
	}
	b.WriteString("\n" + standing(s) + "\n")
	if e := s.LastEvent; e != nil {
		fmt.Fprintf(&b, "\nLast event: `%s` %s, arrived %s.\n", e.Type, cell(e.Status), clock(e.ArrivedAt))
	}
	if s.NotedTotal > 0 {
		fmt.Fprintf(&b, "\nEvents that were noted without being acted on: %d; the query `%s` tells why.\n", s.NotedTotal, onboarding.QueryStatus)
	}
	b.WriteString(commands(s.Allowed))
	b.WriteString(trail(s.Trail))
	return b.String()
}

// standing is the line of plain facts.
func standing(s onboarding.Status) string {
	facts := []string{"Setup " + s.Setup, "started " + clock(s.StartedAt), fmt.Sprintf("attempt %d of %d", s.Attempt, s.MaxAttempts)}
	if s.Outcome == "" {
		facts = append(facts, "deadline "+clock(s.Deadline))
	}
	if h := s.HandedOff; h != nil {
		facts = append(facts, fmt.Sprintf("handed off version %d (%s) at %s", h.Version, h.Outcome, clock(h.HandedAt)))
	}
	return strings.Join(facts, " · ")
}

// commands says what a person can do here and now, and how.
func commands(allowed []onboarding.CommandKind) string {
	if len(allowed) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n**You can** send one of these (*More Actions*, *Send an Update*, or `onboarding <name>` in a shell):\n\n")
	for _, k := range allowed {
		fmt.Fprintf(&b, "- `%s`: %s", k, description(k))
		switch k {
		case onboarding.CommandExtend:
			b.WriteString("; add `\"by\": \"7d\"`")
		case onboarding.CommandDecide:
			b.WriteString("; add `\"outcome\": \"Approved\"` or `\"Rejected\"`")
		}
		b.WriteString(".\n")
	}
	b.WriteString("\nThe data of each: `{\"actor\": \"your name\", \"reason\": \"why\"}`. *Request Cancellation* ")
	if slices.Contains(allowed, onboarding.CommandCancel) {
		b.WriteString("does what `cancel` does")
	} else {
		b.WriteString("changes nothing any more")
	}
	b.WriteString("; *Terminate* ends everything: nothing is handed off, sent or watched after it.\n")
	return b.String()
}

// advice says what a code means and what helps.
func advice(a onboarding.Attention) string {
	switch a {
	case onboarding.AttentionOpeningFailing:
		return "Ondato opens no session; it is being tried again. Check Ondato, the credentials and the setup"
	case onboarding.AttentionOndatoFailing:
		return "Ondato does not answer; it is being asked again"
	case onboarding.AttentionMessageFailing:
		return "a message cannot be sent; it is being tried again. Check the mail server"
	case onboarding.AttentionMessageRefused:
		return "a message was refused for good and dropped. Reach the customer in another way, or mend the cause and `remind`"
	case onboarding.AttentionOverdue:
		return "Ondato has not decided in time. Ask Ondato's support, or `decide`"
	case onboarding.AttentionHandOffFailing:
		return "the backend does not accept the decision; it is being tried again. Mend the backend, then `retry-handoff`"
	case onboarding.AttentionLateDecision:
		return "Ondato decided otherwise than what stands. Look at Ondato's record, then `decide`"
	case onboarding.AttentionOtherSession:
		return "a session that is not the present one was approved. Look at Ondato's record, then `decide`"
	}
	return "see the operations documentation"
}

// trail is the end of the audit trail. Why something was done is shown only of what no person did: people write freely.
func trail(entries []onboarding.TrailEntry) string {
	if len(entries) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| When | What | Who |\n|---|---|---|\n")
	for _, t := range entries[max(0, len(entries)-maxShown):] {
		what := t.What
		if t.Reason != "" && (t.Actor == "process" || t.Actor == onboarding.DecidedByRule) {
			what += " (" + t.Reason + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", clock(t.At), cell(what), cell(t.Actor))
	}
	return b.String()
}

// cell keeps a text inside its table cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(text)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
