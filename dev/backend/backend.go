// Package backend is the example of a backend that is handed decisions, as docs/receiving.md describes it: it verifies the
// signature with the official Standard Webhooks library, drops repeats, and tells which message of an onboarding stands.
package backend

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxBody bounds what is read of a message.
const maxBody = 8 << 20

// Received is a decision as it came in, with a signature that is right.
type Received struct {
	WebhookID string    `json:"webhookId"`
	At        time.Time `json:"at"`
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	Outcome   string    `json:"outcome"`
	Version   int       `json:"version"`
	// SaidAt is the message's timestamp: the newest of an onboarding's messages stands.
	SaidAt time.Time       `json:"saidAt"`
	Body   json.RawMessage `json:"body"`
	// Repeats counts further deliveries with the same webhook id.
	Repeats int `json:"repeats"`
}

// Backend receives decisions. It is an http.Handler: POST /decisions, and a page at /.
type Backend struct {
	verify *standardwebhooks.Webhook
	file   string
	mux    *http.ServeMux

	mu       sync.Mutex
	received []Received
	refused  int
	arrived  chan struct{}
}

// New makes a backend with a Standard Webhooks secret. A file, when given, keeps what was received over restarts.
func New(secret, file string) (*Backend, error) {
	verify, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("backend's secret: %w", err)
	}
	b := &Backend{verify: verify, file: file, mux: http.NewServeMux(), arrived: make(chan struct{})}
	if file != "" {
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &b.received)
		}
		if err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("backend's file: %w", err)
		}
	}
	b.mux.HandleFunc("POST /decisions", b.accept)
	b.mux.HandleFunc("GET /{$}", b.page)
	return b, nil
}

func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

func (b *Backend) accept(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	if err := b.verify.Verify(body, r.Header); err != nil {
		b.mu.Lock()
		b.refused++
		b.mu.Unlock()
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	var message struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      struct {
			ID      string `json:"id"`
			Outcome string `json:"outcome"`
			Version int    `json:"version"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		http.Error(w, "not a decision", http.StatusUnprocessableEntity)
		return
	}
	if err := b.keep(Received{
		WebhookID: r.Header.Get(standardwebhooks.HeaderWebhookID), At: time.Now(), Type: message.Type,
		ID: message.Data.ID, Outcome: message.Data.Outcome, Version: message.Data.Version, SaidAt: message.Timestamp, Body: body,
	}); err != nil {
		http.Error(w, "cannot keep it", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// keep stores a decision before it is acknowledged, and drops a repeat.
func (b *Backend) keep(r Received) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := slices.IndexFunc(b.received, func(k Received) bool { return k.WebhookID == r.WebhookID }); at >= 0 {
		b.received[at].Repeats++
		return nil
	}
	all := append(slices.Clone(b.received), r)
	if b.file != "" {
		data, err := json.Marshal(all)
		if err == nil {
			err = os.WriteFile(b.file+".new", data, 0o600)
		}
		if err == nil {
			err = os.Rename(b.file+".new", b.file)
		}
		if err != nil {
			return err
		}
	}
	b.received = all
	close(b.arrived)
	b.arrived = make(chan struct{})
	return nil
}

// Of returns what was received of an onboarding, in the order of arrival, and a channel that is closed when more comes.
func (b *Backend) Of(id string) (received []Received, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.received {
		if r.ID == id {
			received = append(received, r)
		}
	}
	return received, b.arrived
}

// Standing returns the message that counts for an onboarding: the newest, in whatever order they came. Versions alone do not
// tell, because the reset of a workflow counts them anew.
func (b *Backend) Standing(id string) (newest Received, found bool) {
	received, _ := b.Of(id)
	for _, r := range received {
		if later := r.SaidAt.Compare(newest.SaidAt); !found || later > 0 || later == 0 && r.Version > newest.Version {
			newest, found = r, true
		}
	}
	return newest, found
}

// Refused counts messages whose signature was wrong.
func (b *Backend) Refused() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Example backend</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b2733}
article{border:1px solid #ccd5dd;border-radius:8px;padding:1rem;margin:1rem 0}pre{overflow:auto;background:#f4f7f9;padding:1rem;border-radius:6px}
.ok{color:#11693b}</style><h1>Example backend</h1><p>Decisions as they were handed off, newest first.</p>
{{range .}}<article><h2>{{.Outcome}} · version {{.Version}}{{if not .Stands}} · <s>superseded</s>{{end}}</h2><p class="ok">✓ signature verified</p>
<p>{{.Type}} at {{.At.Format "15:04:05"}}, webhook-id <code>{{.WebhookID}}</code>{{if .Repeats}}, repeated {{.Repeats}} times{{end}}</p><pre>{{.Pretty}}</pre></article>
{{else}}<p>Nothing yet.</p>{{end}}</html>`))

// shown is what the page shows of a message.
type shown struct {
	Received
	Stands bool
}

// Pretty is the body, indented.
func (r Received) Pretty() string {
	var v any
	if json.Unmarshal(r.Body, &v) != nil {
		return string(r.Body)
	}
	out, _ := json.MarshalIndent(v, "", "  ")
	return string(out)
}

func (b *Backend) page(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	received := slices.Clone(b.received)
	b.mu.Unlock()
	slices.Reverse(received)
	list := make([]shown, len(received))
	for i, r := range received {
		standing, _ := b.Standing(r.ID)
		list[i] = shown{r, standing.WebhookID == r.WebhookID}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_ = page.Execute(w, list)
}
