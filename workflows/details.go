package workflows

import (
	"fmt"
	"strings"
	"time"

	"kyc/onboarding"
)

// details tells a person in the Temporal UI, in Markdown, how the onboarding stands, what comes next and what they can
// do. It is encrypted like a payload, and still holds no personal data.
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
	fmt.Fprintf(&b, "\nAttempt %d of %d · deadline %s", s.Attempt, s.MaxAttempts, clock(s.Deadline))
	if s.HandedOff != nil {
		fmt.Fprintf(&b, " · handed off version %d at %s", s.HandedOff.Version, clock(s.HandedOff.HandedAt))
	}
	b.WriteString("\n")
	if len(s.Attention) > 0 {
		b.WriteString("\n**Needs attention:**\n")
		for _, a := range s.Attention {
			fmt.Fprintf(&b, "- `%s`\n", a)
		}
	}
	if e := s.LastEvent; e != nil {
		fmt.Fprintf(&b, "\nLast event: `%s` %s, arrived %s.\n", e.Type, e.Status, clock(e.ArrivedAt))
	}
	if s.NotedTotal > 0 {
		fmt.Fprintf(&b, "\n%d events were noted without being acted on; the `status` query tells why.\n", s.NotedTotal)
	}
	if len(s.Allowed) > 0 {
		fmt.Fprintf(&b, "\n**You can** send one of these updates: %s.\n", commands(s.Allowed))
	}
	if n := len(s.Trail); n > 0 {
		b.WriteString("\n| When | What | Who |\n|---|---|---|\n")
		for _, t := range s.Trail[max(0, n-8):] {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", clock(t.At), cell(t.What), cell(t.Actor))
		}
	}
	return b.String()
}

func commands(kinds []onboarding.CommandKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = "`" + string(k) + "`"
	}
	return strings.Join(names, ", ")
}

// cell keeps a text inside its table cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(text)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
