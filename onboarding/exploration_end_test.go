package onboarding

import "fmt"

// comeToAnEnd lets everything go well from a node on: looks show the truth, steps succeed, and time passes from wake to
// wake. It says what is wrong with how that goes, if anything is.
func comeToAnEnd(n *node, truth Sight) (end *node, turns int, fault string) {
	// Ondato is asked every 12 hours, each time with a wake and a look.
	most := 100 + 4*int(n.p.s.Deadline.Sub(simStart)/day)
	end = &node{p: clone(n.p), now: n.now, from: n, by: move{kind: "all goes well"}}
	p := end.p
	for ; turns < most; turns++ {
		if err := p.Apply(end.now, Clock{}); err != nil {
			return end, turns, err.Error()
		}
		plan := p.Next(end.now)
		if plan.Done {
			return end, turns, untrue(n, p, truth)
		}
		for _, step := range plan.Steps {
			p.Started(end.now, step)
		}
		switch {
		case len(p.s.Doing) > 0:
			end.now = end.now.Add(moment)
			if err := p.Apply(end.now, goesWell(p.s.Doing[0], truth, n.deep*1000+turns)); err != nil {
				return end, turns, err.Error()
			}
		case plan.Wake.IsZero():
			return end, turns, "waits for ever in " + string(p.Stage())
		default:
			end.now = plan.Wake
		}
	}
	return end, turns, fmt.Sprintf("does not end within %d turns", most)
}

// untrue tells where the end differs from what Ondato says. What a person or a rule has settled stands; and without a
// watch, or after it, so does what had been delivered.
func untrue(n *node, p *Process, truth Sight) string {
	d := p.s.Decision
	over := n.p.s.delivered() && !n.p.s.LookedAt.Before(n.p.watchEnd()) // only a message is still under way
	settled := n.p.s.delivered() && p.in.Setup.Policy.WatchFor == 0 || over || n.p.Stage() == StageDone
	if d.byOndato() && final(truth) && string(d.Outcome) != string(truth.Identification) && !settled {
		return "ends as " + string(d.Outcome)
	}
	if !p.s.delivered() || p.s.Handed.Outcome != d.Outcome {
		return "ends without having delivered the decision"
	}
	return ""
}

// final tells whether Ondato has decided for good.
func final(seen Sight) bool { return seen.Session.Terminal() && seen.Identification != "" }

func goesWell(step Step, truth Sight, n int) Finished {
	f := Finished{Kind: step.Kind}
	switch step.Kind {
	case StepOpen:
		f.Opened = &OpenedSession{SessionID: fmt.Sprintf("t%d", n), Link: "https://idv.example.test/"}
	case StepLook:
		f.Sight = &truth
	case StepMessage:
		f.Sent = &SentMessage{Channels: []Channel{ChannelEmail}}
	case StepHandOff:
		d := step.HandOff.Decision
		f.Handed = &HandedOff{Version: d.Version, WebhookID: "w", Changed: d.byOndato() && d.RecordDigest != truth.RecordDigest}
	}
	return f
}
