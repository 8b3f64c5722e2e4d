// Package demo shows the main job on one machine: a customer goes through Ondato until the backend holds a signed
// decision.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kyc/dev/backend"
	"kyc/dev/stack"
	"kyc/onboarding"
)

// Config of a demo.
type Config struct {
	// Dir keeps everything; a demo that was killed goes on there when it is started again.
	Dir string
	// Once ends the demo after the decision has been handed off.
	Once  bool
	Ports stack.Ports
	Out   io.Writer
	// Pause between the customer's actions.
	Pause time.Duration
	// Backend is the address of a backend that gets every decision as well, besides the example backend; empty means none.
	Backend string
	// BackendSecret is what decisions for it are signed with.
	BackendSecret string
}

// patience bounds the demo's onboarding.
const patience = 2 * time.Minute

// setups of the demo: ordinary timing.
const setups = `setups:
  standard:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
    language: en
    notify: [email]
    confirm: true
    timeZone: Europe/Vilnius
    operationsEmail: operations@bank.example
    events: all
`

// visitor is the target that the visitor's backend is.
const visitor = "yours"

func (c Config) setups() string {
	if c.Backend == "" {
		return setups
	}
	return setups + "    handOff: [default, " + visitor + "]\n"
}

// Run runs the demo until ctx ends, or with Once until the decision has been handed off.
func Run(ctx context.Context, cfg Config) (err error) {
	d := &demo{cfg: cfg, began: time.Now()}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	variables := map[string]string{}
	if cfg.Backend != "" {
		if err := reach(ctx, cfg.Backend); err != nil {
			return err
		}
		variables = map[string]string{"HANDOFF_TARGETS": visitor, "HANDOFF_YOURS_URL": cfg.Backend, "HANDOFF_YOURS_SECRETS": cfg.BackendSecret}
	}
	log, err := os.OpenFile(filepath.Join(cfg.Dir, "demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	d.say("Starting everything on this machine (logs in %s)", log.Name())
	d.stack, err = stack.Start(ctx, stack.Config{
		Dir: cfg.Dir, Ports: cfg.Ports, Setups: cfg.setups(), Variables: variables, Log: log,
		Progress: func(what string, took time.Duration) { d.say("  ✓ %s (%s)", what, took.Round(10*time.Millisecond)) },
	})
	if err != nil {
		return err
	}
	defer func() {
		d.say("Stopping …")
		if stopErr := d.stack.Stop(); err == nil {
			err = stopErr
		}
		d.say("Stopped.")
	}()
	if err := d.mainJob(ctx); err != nil {
		return err
	}
	if cfg.Once {
		return nil
	}
	return d.stayUp(ctx)
}

// reach looks whether the visitor's backend is there: one that is not would only show by a decision that is tried again
// and again.
func reach(ctx context.Context, address string) error {
	asked, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return fmt.Errorf("the address of your backend: %w", err)
	}
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(asked)
	if err != nil {
		return fmt.Errorf("your backend does not answer, start it first: %w", err)
	}
	return answer.Body.Close()
}

type demo struct {
	cfg   Config
	stack *stack.Stack
	began time.Time
	mu    sync.Mutex
}

func (d *demo) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.cfg.Out, "%7.1fs  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// mainJob takes one customer from start to handoff.
func (d *demo) mainJob(ctx context.Context) error {
	reference, resumed, err := d.reference()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	started, err := d.stack.Starter.Start(ctx, request(reference, "Ona", "Pavyzdė", "ona@customer.example"))
	if err != nil {
		return fmt.Errorf("starting the onboarding: %w", err)
	}
	if resumed {
		d.say("An earlier demo was interrupted: going on with the same onboarding")
	}
	d.say("Onboarding %s: %s", started.ID, started.How)
	if o, err := d.stack.Starter.Overview(ctx, started.ID); err == nil {
		d.say("  its workflow      %s", d.stack.UIURL(started.ID.WorkflowID(), o.RunID)+"/history")
	}
	if started.Link != "" {
		d.say("  the customer's link, as mailed  %s", started.Link)
	}
	acting, stopActing := context.WithCancel(ctx)
	defer stopActing()
	played := make(chan error, 1)
	go func() { played <- d.play(acting, started.Link) }()

	var last onboarding.Stage
	for seen, err := range d.stack.Starter.Watch(ctx, started.ID, false) {
		if err != nil {
			return fmt.Errorf("watching the onboarding: %w", err)
		}
		if seen.Stage != last {
			d.say("  stage  %-17s %s", seen.Stage, seen.Outcome)
		}
		last = seen.Stage
	}
	if err := <-played; err != nil {
		return err
	}
	got, err := d.decision(ctx, started.ID)
	if err != nil {
		return err
	}
	d.show(got)
	if d.cfg.Backend != "" {
		d.say("Your backend has taken it as well")
	}
	return os.Remove(d.referenceFile())
}

// reference names the demo's onboarding; one that was not finished is taken up again.
func (d *demo) reference() (reference string, resumed bool, err error) {
	data, err := os.ReadFile(d.referenceFile())
	if err == nil {
		return string(data), true, nil
	}
	if !os.IsNotExist(err) {
		return "", false, err
	}
	reference = "demo-" + time.Now().UTC().Format("20060102T150405")
	return reference, false, os.WriteFile(d.referenceFile(), []byte(reference), 0o600)
}

func (d *demo) referenceFile() string { return filepath.Join(d.cfg.Dir, "unfinished") }

func request(reference, first, last, email string) onboarding.Request {
	return onboarding.Request{
		Reference: onboarding.Reference(reference), Setup: "standard",
		Applicant: onboarding.Applicant{FirstName: first, LastName: last, DateOfBirth: "1991-04-17", Email: email, Phone: "+37060000001", CountryCode: "LT"},
	}
}

// play is the customer: everything over HTTP at the sandbox. What was done before an interruption is passed over.
func (d *demo) play(ctx context.Context, link string) error {
	session := stack.SessionOf(link)
	if session == "" {
		return nil
	}
	for _, act := range []struct{ action, text string }{
		{"start", "opens the page"}, {"consent", "consents"}, {"submit", "photographs document and face, and submits"}, {"approve", "Ondato approves"},
	} {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d.cfg.Pause):
		}
		var body any
		if act.action == "approve" {
			body = map[string]any{"automatic": true}
		}
		err := d.stack.Act(ctx, session, act.action, body)
		var refused *stack.ActError
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusConflict:
			continue
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("playing the customer: %w", err)
		}
		if act.action == "approve" {
			d.say("%s", act.text)
		} else {
			d.say("the customer %s", act.text)
		}
	}
	return nil
}

// decision waits for the decision at the backend.
func (d *demo) decision(ctx context.Context, id onboarding.ID) (backend.Received, error) {
	for {
		got, more := d.stack.Backend.Of(string(id))
		if len(got) > 0 {
			return got[len(got)-1], nil
		}
		select {
		case <-ctx.Done():
			return backend.Received{}, fmt.Errorf("the backend has received no decision: %w", ctx.Err())
		case err := <-d.stack.Died():
			return backend.Received{}, err
		case <-more:
		}
	}
}

func (d *demo) show(got backend.Received) {
	d.say("The backend holds the decision: %s, version %d · signature verified ✓ · webhook-id %s", got.Outcome, got.Version, got.WebhookID)
	var v any
	if json.Unmarshal(got.Body, &v) == nil {
		if pretty, err := json.MarshalIndent(v, "          ", "  "); err == nil {
			fmt.Fprintf(d.cfg.Out, "          %s\n", pretty)
		}
	}
}

// stayUp leaves everything running, with a second customer who waits to be played by hand.
func (d *demo) stayUp(ctx context.Context) error {
	reference := "demo-visitor-" + time.Now().UTC().Format("20060102T150405")
	second, err := d.stack.Starter.Start(ctx, request(reference, "Jonas", "Bandytojas", "jonas@customer.example"))
	if err != nil {
		return fmt.Errorf("starting the second onboarding: %w", err)
	}
	fmt.Fprintf(d.cfg.Out, `
Everything stays up. Open:
  %s   be the second customer
  %s   all onboardings in the Temporal UI
  %s/login   sign in here first, to read what is sealed; token %s
  %s   the mails that were sent
  %s   the example backend and its decisions
  %s/_sandbox/   Ondato's back office
  %s/openapi.yaml   the HTTP API (docs/api.md)
Try:
  TEMPORAL_ADDRESS=%s PRIVACY_KEYSET=%s/keyset.json PRIVACY_KEYS_URL=sqlite:%s/keys.db bin/onboarding status %s
  curl -H "Authorization: Bearer %s" %s/v1/onboardings/%s
Ctrl-C ends everything.

`, second.Link, d.stack.Temporal.UIURL()+"/namespaces/default/workflows", d.stack.CodecURL, d.stack.CodecToken(), d.stack.MailURL, d.stack.BackendURL, d.stack.SandboxURL, d.stack.APIURL,
		d.stack.Temporal.FrontendAddr(), d.cfg.Dir, d.cfg.Dir, second.ID,
		d.stack.APIToken(), d.stack.APIURL, second.ID)
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.stack.Died():
		return err
	}
}
