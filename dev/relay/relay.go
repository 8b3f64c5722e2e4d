// Package relay stands between two programs on one machine: it passes requests on, holds them back or refuses them.
package relay

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// Relay passes every request on to its target until it is told otherwise. It is safe for concurrent use.
type Relay struct {
	// URL is where the relay listens.
	URL string

	server *http.Server
	proxy  *httputil.ReverseProxy

	turn   sync.Mutex // held by the request whose turn it is while requests are paced
	mu     sync.Mutex
	before func(context.Context) error
	refuse int
	passed int
}

// Start listens on a free port of the loopback interface. The target is asked for at each request, so that it may start
// later than the relay.
func Start(target func() string) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{URL: "http://" + l.Addr().String()}
	r.proxy = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		if u, err := url.Parse(target()); err == nil {
			p.SetURL(u)
		}
	}}
	r.server = &http.Server{Handler: r}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

// Pace lets requests pass one at a time, each when before has returned for it; one for which it fails is answered 503.
func (r *Relay) Pace(before func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = before
}

// Refuse answers every request with a status from now on; 0 passes them on again.
func (r *Relay) Refuse(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = status
}

// Passed counts the requests that have been passed on and answered.
func (r *Relay) Passed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed
}

func (r *Relay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	before, refuse := r.before, r.refuse
	r.mu.Unlock()
	if refuse != 0 {
		http.Error(w, "refused by the relay", refuse)
		return
	}
	if before != nil {
		r.turn.Lock()
		defer r.turn.Unlock()
		if err := before(q.Context()); err != nil {
			http.Error(w, "held back by the relay", http.StatusServiceUnavailable)
			return
		}
	}
	r.proxy.ServeHTTP(w, q)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.passed++
}

// Close ends the relay and what is passing through it.
func (r *Relay) Close() error { return r.server.Close() }
