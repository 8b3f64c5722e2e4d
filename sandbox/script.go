package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// A script is chosen by registration.lastName and plays a session without hands. %R stands for the given reason.
var scripts = []struct {
	name       string
	takes      bool // a reason follows after a dash
	fallback   string
	needsRetry bool // only a reason that lets the customer retry makes sense
	plan       string
}{
	{name: "AutoApprove", plan: "start consent submit approve"},
	{name: "AutoReject", takes: true, fallback: "BlurredPhoto", plan: "start consent submit reject-final"},
	{name: "AutoRejectThenApprove", takes: true, fallback: "BlurredPhoto", needsRetry: true,
		plan: "start consent submit reject resubmit submit approve"},
	{name: "AutoApproveThenReject", takes: true, fallback: "PossibleFraudAttempt", plan: "start consent submit approve reject"},
	{name: "AutoApproveThenUpdate", plan: "start consent submit approve update"},
	{name: "AutoSuspendThenApprove", plan: "start consent suspend resume submit approve"},
	{name: "AutoSuspend", plan: "start consent suspend"},
	{name: "AutoSubmit", plan: "start consent submit"},
	{name: "AutoDeclineConsent", plan: "start decline-consent"},
	{name: "AutoAbort", plan: "start consent abort"},
	{name: "AutoExpire", plan: "start expire"},
}

// parseScript turns a last name into the actions to play; nil for a name that is no script. A name that looks like a
// script but is none is an error, so that a typing mistake does not wait a week for its expiry.
func parseScript(lastName string) ([]action, error) {
	rest, ok := strings.CutPrefix(lastName, "Auto")
	if !ok || rest == "" || rest[0] < 'A' || rest[0] > 'Z' {
		return nil, nil
	}
	name, reason, hasReason := strings.Cut(lastName, "-")
	known := make([]string, 0, len(scripts))
	for _, sc := range scripts {
		known = append(known, sc.name)
		if sc.name != name {
			continue
		}
		if hasReason && !sc.takes {
			return nil, fmt.Errorf("script %s takes no reason: leave out %q", name, "-"+reason)
		}
		if !hasReason {
			reason = sc.fallback
		}
		if sc.takes {
			r, ok := findReason(reason)
			if !ok {
				return nil, fmt.Errorf("script %s has the unknown reason %q: use one of GET /_sandbox/reasons", name, reason)
			}
			if sc.needsRetry && r.Critical {
				return nil, fmt.Errorf("script %s needs a reason that the customer may retry after, %s is critical", name, reason)
			}
		}
		var plan []action
		for _, word := range strings.Fields(sc.plan) {
			a := action{Kind: word}
			switch word {
			case "reject", "reject-final":
				a = action{Kind: actReject, Reason: reason, Final: word == "reject-final"}
			}
			plan = append(plan, a)
		}
		return plan, nil
	}
	slices.Sort(known)
	return nil, fmt.Errorf("unknown script %q: use one of %s, with -<Reason> where it rejects", name, strings.Join(known, ", "))
}
