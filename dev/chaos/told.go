package chaos

import (
	"context"
	"regexp"
	"slices"
	"sync"

	"kyc/dev/mailbox"
)

// told is which sessions each customer has been given the link of, by mail or by the answer to the start. It is how the
// second pass knows the sessions of an onboarding's attempts from the orphans that a lost answer of Ondato leaves behind,
// without asking the product.
type told struct {
	mu       sync.Mutex
	sessions map[int][]string // by the customer's number, in the order of the first telling
	more     chan struct{}
	mails    int
}

func newTold() *told { return &told{sessions: map[int][]string{}, more: make(chan struct{})} }

var linked = regexp.MustCompile(`\?id=([0-9a-fA-F-]{36})`)

// mail takes in a mail as the mail server got it.
func (t *told) mail(m mailbox.Mail) {
	t.mu.Lock()
	t.mails++
	t.mu.Unlock()
	if number, ok := numberOf(m.To); ok {
		t.hear(number, m.Text)
	}
}

// hear takes in a text with a link.
func (t *told) hear(number int, text string) {
	found := linked.FindStringSubmatch(text)
	if found == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.sessions[number], found[1]) {
		return
	}
	t.sessions[number] = append(t.sessions[number], found[1])
	close(t.more)
	t.more = make(chan struct{})
}

// link waits for a customer's nth link, counted from 0, and returns its session.
func (t *told) link(ctx context.Context, number, n int) (session string, err error) {
	for {
		t.mu.Lock()
		list, more := t.sessions[number], t.more
		t.mu.Unlock()
		if len(list) > n {
			return list[n], nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-more:
		}
	}
}

// count of the mails.
func (t *told) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mails
}

// of returns the sessions that a customer was told of.
func (t *told) of(number int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sessions[number])
}
