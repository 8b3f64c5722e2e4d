package webhookbridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"kyc/onboarding"
	"kyc/ondato"
)

const (
	// A session's facts never change; the limit only lets go of those that no event comes for any more.
	knownFor = 24 * time.Hour
	// Foreign sessions are believed foreign briefly: a setup may be added, an answer may have been wrong.
	foreignFor = 30 * time.Second
	// lookupPatience leaves the rest of the five seconds to the delivery.
	lookupPatience = 3 * time.Second
)

// Sessions reads identity verifications from Ondato; *ondato.Client is one.
type Sessions interface {
	IdentityVerification(ctx context.Context, id string) (*ondato.IdentityVerification, error)
}

// session is what the bridge knows of an identity verification.
type session struct {
	foreign string // why it is not ours, or empty
	id      onboarding.ID
	runID   string // empty: not known
	setupID string // empty: not known, or not shown
	asked   bool   // whether Ondato was asked: then there is no more to learn
}

// merge keeps what an older entry about the same onboarding knew beyond the newer one.
func (s session) merge(older session) session {
	if s.foreign != "" || older.foreign != "" || s.id != older.id {
		return s
	}
	if s.runID == "" {
		s.runID = older.runID
	}
	if s.setupID == "" {
		s.setupID = older.setupID
	}
	s.asked = s.asked || older.asked
	return s
}

// directory knows the sessions of recent events and asks Ondato for others.
type directory struct {
	ours    ours
	ondato  Sessions
	known   *otter.Cache[string, session] // by session id in lower case
	flights singleflight.Group
	failed  func(class string)
}

func newDirectory(ours ours, ondato Sessions, size int, clock otter.Clock, failed func(class string)) (*directory, error) {
	cache, err := otter.New(&otter.Options[string, session]{
		MaximumSize: size,
		Clock:       clock,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, session]) time.Duration {
			if e.Value.foreign != "" {
				return foreignFor
			}
			return knownFor
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("session cache: %w", err)
	}
	return &directory{ours: ours, ondato: ondato, known: cache, failed: failed}, nil
}

// learn records what is known of a session and returns it together with what was known before.
func (d *directory) learn(sessionID string, s session) session {
	merged, _ := d.known.Compute(sessionID, func(older session, found bool) (session, otter.ComputeOp) {
		if found {
			return s.merge(older), otter.WriteOp
		}
		return s, otter.WriteOp
	})
	return merged
}

// forgetRun drops a run id that Temporal no longer knows.
func (d *directory) forgetRun(sessionID, runID string) {
	d.known.ComputeIfPresent(sessionID, func(s session) (session, otter.ComputeOp) {
		if s.runID != runID {
			return s, otter.CancelOp
		}
		s.runID = ""
		return s, otter.WriteOp
	})
}

// recall returns what is known of a session without asking.
func (d *directory) recall(sessionID string) (session, bool) {
	return d.known.GetIfPresent(sessionID)
}

// ask reads the session from Ondato, once for all who ask at the same time. Errors are not remembered.
func (d *directory) ask(ctx context.Context, sessionID string) (session, error) {
	result := d.flights.DoChan(sessionID, func() (found any, err error) {
		defer func() { // on this goroutine a panic would end the process
			if p := recover(); p != nil {
				err = fmt.Errorf("asking Ondato panicked with a %T", p)
			}
		}()
		// Detached: the first caller's deadline must not fail those who joined later.
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupPatience)
		defer cancel()
		return d.fetch(detached, sessionID)
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return session{}, r.Err
		}
		s, _ := r.Val.(session)
		return s, nil
	case <-ctx.Done():
		return session{}, fmt.Errorf("asking Ondato for a session: %w", ctx.Err())
	}
}

func (d *directory) fetch(ctx context.Context, sessionID string) (session, error) {
	idv, err := d.ondato.IdentityVerification(ctx, sessionID)
	switch {
	case ondato.IsNotFound(err):
		return d.learn(sessionID, session{foreign: ignoredUnknown, asked: true}), nil
	case err != nil:
		d.failed(ondatoClass(err))
		return session{}, err
	}
	s := d.ours.judge(idv.ApplicationID, idv.Setup.ID, idv.ExternalReferenceID)
	s.asked = true
	return d.learn(sessionID, s), nil
}

func ondatoClass(err error) string {
	var e *ondato.Error
	if errors.As(err, &e) {
		return string(e.Class)
	}
	return "other"
}
