package histories

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"kyc/dev/relay"
	"kyc/dev/stack"
	"kyc/onboarding"
)

// play is one situation at play.
type play struct {
	ctx     context.Context
	stack   *stack.Stack
	backend *relay.Relay
	// ledger is what the second handoff target answers.
	ledger *atomic.Int32

	id      onboarding.ID
	session string
}

// then plays one part after the other.
func then(parts ...func(*play) error) func(*play) error {
	return func(p *play) error {
		for i, part := range parts {
			if err := part(p); err != nil {
				return fmt.Errorf("part %d: %w", i+1, err)
			}
		}
		return nil
	}
}

// acts does something at the sandbox as the customer or as Ondato, one after the other. A rejection is written
// reject:Reason, or reject:Reason:final for one that ends the session.
func acts(actions ...string) func(*play) error {
	return func(p *play) error {
		for _, a := range actions {
			word, rest, _ := strings.Cut(a, ":")
			var body any
			if word == "reject" {
				reason, final := strings.CutSuffix(rest, ":final")
				body = map[string]any{"reason": reason, "final": final}
			}
			if err := p.stack.Act(p.ctx, p.session, word, body); err != nil {
				return err
			}
		}
		return nil
	}
}

// until waits for a status.
func (p *play) until(what string, ok func(onboarding.Status) bool) error {
	for {
		s, err := p.stack.Starter.Status(p.ctx, p.id)
		if err == nil && ok(s) {
			return nil
		}
		select {
		case <-p.ctx.Done():
			return fmt.Errorf("waited for %s in vain: stage %s, attention %v, %v", what, s.Stage, s.Attention, err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func at(stage onboarding.Stage) func(*play) error {
	return func(p *play) error {
		return p.until("stage "+string(stage), func(s onboarding.Status) bool { return s.Stage == stage && len(s.Doing) == 0 })
	}
}

// attempt waits until the given attempt's session is open, and goes on with it.
func attempt(n int) func(*play) error {
	return func(p *play) error {
		return p.until(fmt.Sprintf("attempt %d", n), func(s onboarding.Status) bool {
			p.session = stack.SessionOf(s.Link)
			return s.Attempt == n && p.session != ""
		})
	}
}

func attention(code onboarding.Attention) func(*play) error {
	return func(p *play) error {
		return p.until("attention "+string(code), func(s onboarding.Status) bool { return slices.Contains(s.Attention, code) })
	}
}

// handed waits until the backend has accepted the given version.
func handed(version int) func(*play) error {
	return func(p *play) error {
		return p.until(fmt.Sprintf("version %d", version), func(s onboarding.Status) bool {
			return s.HandedOff != nil && s.HandedOff.Version == version
		})
	}
}

// sent waits until a message of the kind has been sent.
func sent(kind onboarding.MessageKind) func(*play) error {
	return func(p *play) error {
		return p.until("message "+string(kind), func(s onboarding.Status) bool {
			return slices.ContainsFunc(s.Trail, func(t onboarding.TrailEntry) bool { return t.What == "sent "+string(kind) })
		})
	}
}

func command(c onboarding.Command) func(*play) error {
	return func(p *play) error {
		c.Actor, c.Reason = "operator", "as the situation has it"
		_, err := p.stack.Starter.Obey(p.ctx, p.id, c)
		return err
	}
}

// refuse makes the backend answer with a status; 0 lets it work again.
func refuse(status int) func(*play) error {
	return func(p *play) error {
		p.backend.Refuse(status)
		return nil
	}
}

// ledger has the second handoff target answer with a status from here on.
func ledger(status int32) func(*play) error {
	return func(p *play) error {
		p.ledger.Store(status)
		return nil
	}
}

// faults replaces the sandbox's faults.
func faults(body string) func(*play) error {
	return func(p *play) error {
		return p.stack.Control(p.ctx, http.MethodPut, "faults", strings.NewReader(body))
	}
}

func (p *play) cancel() error {
	return p.stack.Client.CancelWorkflow(p.ctx, p.id.WorkflowID(), "")
}

// strangers signals events that change nothing: of another session, of unknown type and status, from the past and the
// future, and each of them twice.
func (p *play) strangers() error {
	now := time.Now().UTC()
	for _, e := range []onboarding.Event{
		{Type: onboarding.EventApproved, SessionID: uuid.NewString(), CreatedUtc: now, Status: "Approved"},
		{Type: "KycIdentification.Dreamt", SessionID: p.session, CreatedUtc: now},
		{Type: onboarding.EventStatusChanged, SessionID: p.session, CreatedUtc: now.Add(-24 * time.Hour), Status: "Pending"},
		{Type: onboarding.EventConsented, SessionID: p.session, CreatedUtc: now.Add(24 * time.Hour), Status: "Dreaming"},
	} {
		e.ID = uuid.NewString()
		for range 2 {
			if err := p.stack.Client.SignalWorkflow(p.ctx, p.id.WorkflowID(), "", onboarding.SignalEvent, e); err != nil {
				return err
			}
			if err := p.stack.Settle(p.ctx, p.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// done waits until the onboarding is over, with the outcome.
func (p *play) done(want onboarding.Outcome) error {
	for seen, err := range p.stack.Starter.Watch(p.ctx, p.id, true) {
		if err != nil {
			return err
		}
		if seen.Closed && (seen.Unfinished || seen.Outcome != want) {
			return fmt.Errorf("ended as %q (unfinished: %t), not as %s", seen.Outcome, seen.Unfinished, want)
		}
	}
	return nil
}
