package ondato

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	// A token is renewed this long before it expires, so that none expires on the way; short-lived ones at 9/10 of their life.
	tokenMargin = time.Minute
	// A token without expires_in is used this long (contract 1: always obey expires_in).
	unstatedLifetime = 5 * time.Minute
)

// accessToken is one answer of the token endpoint.
type accessToken struct {
	value    string
	lifetime time.Duration
}

// tokens keeps the current token. Any number of callers wait for one exchange; each as long as its own context allows.
type tokens struct {
	exchange func(context.Context) (accessToken, error)
	now      func() time.Time

	mu         sync.Mutex
	value      string
	renewAt    time.Time
	inProgress *exchange
}

type exchange struct {
	done  chan struct{} // closed when value and err are set
	value string
	err   error
}

func (t *tokens) get(ctx context.Context, op string) (string, error) {
	t.mu.Lock()
	if t.value != "" && t.now().Before(t.renewAt) {
		defer t.mu.Unlock()
		return t.value, nil
	}
	x := t.inProgress
	if x == nil {
		x = &exchange{done: make(chan struct{})}
		t.inProgress = x
		// Detached: the first caller's cancellation must not fail the others. The exchange has its own time-out.
		go t.run(context.WithoutCancel(ctx), x)
	}
	t.mu.Unlock()

	select {
	case <-x.done:
		return x.value, x.err
	case <-ctx.Done():
		return "", transportError(ctx, op, ctx.Err())
	}
}

func (t *tokens) run(ctx context.Context, x *exchange) {
	token, err := t.exchange(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	x.value, x.err = token.value, err
	if err == nil {
		t.value = token.value
		t.renewAt = t.now().Add(token.lifetime - min(tokenMargin, token.lifetime/10))
	}
	t.inProgress = nil
	close(x.done)
}

// drop forgets a refused token, unless it has been replaced already.
func (t *tokens) drop(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == value {
		t.value = ""
	}
}

// newTokenExchange returns the client-credentials exchange of contract 1; its errors are [*Error].
func newTokenExchange(cfg Config, client *http.Client) func(context.Context) (accessToken, error) {
	grant := clientcredentials.Config{
		ClientID:     cfg.ClientID,
		ClientSecret: cfg.ClientSecret,
		TokenURL:     tokenAddress(cfg.TokenURL),
		Scopes:       cfg.Scopes,
		AuthStyle:    oauth2.AuthStyleInParams,
	}
	labelled := *client
	labelled.Transport = &tokenHeaders{next: client.Transport, userAgent: cfg.UserAgent}

	return func(ctx context.Context) (accessToken, error) {
		ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, &labelled), cfg.Timeout)
		defer cancel()
		token, err := grant.Token(ctx)
		if err != nil {
			return accessToken{}, tokenError(ctx, err, time.Now())
		}
		if !strings.EqualFold(token.Type(), "bearer") {
			return accessToken{}, &Error{Op: "token", Class: Permanent, Problem: "the answer's token_type is not Bearer"}
		}
		lifetime := unstatedLifetime
		if !token.Expiry.IsZero() {
			lifetime = time.Until(token.Expiry)
		}
		return accessToken{value: token.AccessToken, lifetime: lifetime}, nil
	}
}

func tokenAddress(address string) string {
	if bare := strings.TrimRight(address, "/"); strings.Count(bare, "/") == 2 { // scheme://host
		return bare + tokenPath
	}
	return address
}

// tokenHeaders adds the headers that x/oauth2 does not set.
type tokenHeaders struct {
	next      http.RoundTripper
	userAgent string
}

func (t *tokenHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.userAgent)
	r.Header.Set("Accept", "application/json")
	return t.next.RoundTrip(r)
}
