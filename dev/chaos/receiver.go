package chaos

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kyc/onboarding"
)

// delivery is a message that came to the backend with a signature that is right. Accepted tells that it was answered
// with 2xx; the backend may hold one that it did not accept, as after a crash between keeping and answering.
type delivery struct {
	At        time.Time
	WebhookID string
	Body      json.RawMessage
	Accepted  bool
	Message   message
}

// message is what the check reads of a body. It is written down here once more, not shared with the product.
type message struct {
	Type string `json:"type"`
	Data struct {
		ID             string          `json:"id"`
		Reference      string          `json:"reference"`
		Setup          string          `json:"setup"`
		Outcome        string          `json:"outcome"`
		Reason         string          `json:"reason"`
		Attempt        int             `json:"attempt"`
		DecidedAt      time.Time       `json:"decidedAt"`
		DecidedBy      string          `json:"decidedBy"`
		Version        int             `json:"version"`
		Ondato         ondatoIDs       `json:"ondato"`
		Identification json.RawMessage `json:"identification,omitempty"`
	} `json:"data"`
}

type ondatoIDs struct {
	Session        string `json:"identityVerificationId"`
	Identification string `json:"identificationId"`
}

// receiver is the backend: it keeps every delivery, and while there is trouble it fails now and then.
type receiver struct {
	verify *standardwebhooks.Webhook

	mu         sync.Mutex
	rng        *rand.Rand
	deliveries []delivery
	refused    int
	unreadable int
	failures   map[string]int
	more       chan struct{} // closed when a delivery has been accepted
	calm       chan struct{} // closed when the trouble ends
}

func newReceiver(secret string, rng *rand.Rand) (*receiver, error) {
	verify, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, err
	}
	return &receiver{verify: verify, rng: rng, failures: map[string]int{}, more: make(chan struct{}), calm: make(chan struct{})}, nil
}

// Failures of the backend.
const (
	failDown    = "answered 500"
	failAnswer  = "kept and answered 500"
	failBreak   = "kept and broke the connection"
	failTimeout = "kept and answered too late"
)

// late is longer than the product waits for an answer.
const late = 16 * time.Second

func (r *receiver) fails() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.calm:
		return ""
	default:
	}
	fail := ""
	switch lot := r.rng.Float64(); {
	case lot < 0.06:
		fail = failDown
	case lot < 0.10:
		fail = failAnswer
	case lot < 0.13:
		fail = failBreak
	case lot < 0.145:
		fail = failTimeout
	}
	if fail != "" {
		r.failures[fail]++
	}
	return fail
}

// calmDown ends the failures.
func (r *receiver) calmDown() { close(r.calm) }

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 8<<20))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	fail := r.fails()
	if fail == failDown {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	if err := r.verify.Verify(body, q.Header); err != nil {
		r.count(&r.refused)
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	d := delivery{At: time.Now(), WebhookID: q.Header.Get(standardwebhooks.HeaderWebhookID), Body: body, Accepted: fail == ""}
	if err := json.Unmarshal(body, &d.Message); err != nil {
		r.count(&r.unreadable)
		http.Error(w, "not a decision", http.StatusUnprocessableEntity)
		return
	}
	r.keep(d)
	switch fail {
	case failAnswer:
		http.Error(w, "kept, and failed then", http.StatusInternalServerError)
	case failBreak:
		panic(http.ErrAbortHandler) // cuts the connection
	case failTimeout:
		select {
		case <-time.After(late):
		case <-r.calm:
		case <-q.Context().Done():
		}
		panic(http.ErrAbortHandler)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *receiver) count(what *int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*what++
}

func (r *receiver) keep(d delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries = append(r.deliveries, d)
	close(r.more)
	r.more = make(chan struct{})
}

// of returns the deliveries about an onboarding, in the order of arrival, and a channel that is closed when more comes.
func (r *receiver) of(id onboarding.ID) (list []delivery, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.deliveries {
		if d.Message.Data.ID == string(id) {
			list = append(list, d)
		}
	}
	return list, r.more
}

// all returns every delivery, and how many were refused or unreadable.
func (r *receiver) all() (list []delivery, refused, unreadable int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.deliveries), r.refused, r.unreadable
}

// accepted waits until a version of an onboarding's decision has been accepted.
func (r *receiver) accepted(ctx context.Context, id onboarding.ID, version int) error {
	for {
		list, more := r.of(id)
		for _, d := range list {
			if d.Accepted && d.Message.Data.Version >= version {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}
