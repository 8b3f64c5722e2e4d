package handoff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"kyc/internal/signedpost"
	"kyc/onboarding"
)

// Deliverer hands decisions to backends. It is safe for concurrent use.
type Deliverer struct{ posts map[string]*signedpost.Poster }

// New returns a Deliverer, or what Config.Validate finds wrong.
func New(cfg Config) (*Deliverer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("handoff configuration: %w", err)
	}
	d := &Deliverer{posts: make(map[string]*signedpost.Poster, len(cfg.Targets))}
	for target, at := range cfg.Targets {
		post, err := signedpost.New(cfg.post(at))
		if err != nil {
			return nil, fmt.Errorf("handoff configuration, target %s: %w", target, err)
		}
		d.posts[target] = post
	}
	return d, nil
}

// Targets are the names of the backends, sorted.
func (d *Deliverer) Targets() []string { return slices.Sorted(maps.Keys(d.posts)) }

// SetSecrets signs what this target gets from here on with other secrets. On an error those at hand stay.
func (d *Deliverer) SetSecrets(target string, secrets []string) error {
	post, ok := d.posts[target]
	if !ok {
		return unusable(CodeUnknownTarget, errUnknownTarget)
	}
	return post.SetSecrets(secrets)
}

var errUnknownTarget = errors.New("no target of this name is configured")

// Deliver posts the decision to one target, with the identification record if there is one, and returns the id under
// which the backend has accepted it. Every error is an *Error. Delivering the same again repeats body and id to the byte,
// and they are the same for all targets.
func (d *Deliverer) Deliver(ctx context.Context, target string, h onboarding.HandOff, record json.RawMessage) (webhookID string, err error) {
	post, ok := d.posts[target]
	if !ok {
		return "", unusable(CodeUnknownTarget, errUnknownTarget)
	}
	if err := check(h, record); err != nil {
		return "", unusable(CodeInvalid, err)
	}
	body, err := encode(h, record)
	if err != nil { // strings, numbers and a checked time: nothing that cannot be encoded
		return "", unusable(CodeInvalid, nil)
	}
	if len(body) > MaxBodySize {
		return "", unusable(CodeTooLarge, fmt.Errorf("the body has %d bytes, at most %d are sent", len(body), MaxBodySize))
	}
	id := WebhookID(h)
	if err := post.Post(ctx, id, body); err != nil {
		return "", err
	}
	return id, nil
}
