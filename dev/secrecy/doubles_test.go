package secrecy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// indiscreet stands before a server. A request that holds a marked text, in its address or its body, is refused a number
// of times, and the refusal quotes all that was sent, as servers do that somebody has left in debugging mode.
type indiscreet struct {
	url    string
	target func() string

	mu    sync.Mutex
	marks []*mark
}

type mark struct {
	text, method, path string
	status             int
	// after lets the request be carried out, and only its answer be lost.
	after  bool
	left   int // negative: until it is taken off
	struck int
}

func startIndiscreet(t *testing.T, target func() string) *indiscreet {
	t.Helper()
	i := &indiscreet{target: target}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		if u, err := url.Parse(i.target()); err == nil {
			p.SetURL(u)
		}
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if status, after := i.strike(r, body); status != 0 {
			if after {
				proxy.ServeHTTP(httptest.NewRecorder(), r)
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"title":"cannot %s %s","errors":{"everything":["%s"]},"detail":%q}`, r.Method, r.URL, body, body)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// refuse has requests that hold the text refused with a status, so many times, or until the mark is lifted if that is
// negative.
func (i *indiscreet) refuse(text string, status, times int) *mark {
	return i.refuseOnly("", "", text, status, times)
}

// refuseOnly is refuse for one method and what a path ends with.
func (i *indiscreet) refuseOnly(method, path, text string, status, times int) *mark {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := &mark{text: text, method: method, path: path, status: status, left: times}
	i.marks = append(i.marks, m)
	return m
}

// refuseAfter has requests of a method that hold the text carried out, and refused all the same.
func (i *indiscreet) refuseAfter(method, text string, status, times int) *mark {
	m := i.refuseOnly(method, "", text, status, times)
	m.after = true
	return m
}

func (i *indiscreet) lift(m *mark) {
	i.mu.Lock()
	defer i.mu.Unlock()
	m.left = 0
}

// struck is how often a mark has refused.
func (i *indiscreet) struck(m *mark) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return m.struck
}

func (i *indiscreet) strike(r *http.Request, body []byte) (status int, after bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.marks {
		at := m.method == "" || m.method == r.Method && strings.HasSuffix(r.URL.Path, m.path)
		if m.left != 0 && at && (strings.Contains(r.URL.String(), m.text) || bytes.Contains(body, []byte(m.text))) {
			m.left--
			m.struck++
			return m.status, m.after
		}
	}
	return 0, false
}

// postmaster is a mail server that quotes whom it refuses: for good where the address begins with "refused", twice where
// it begins with "busy".
type postmaster struct {
	address string

	mu   sync.Mutex
	told map[string]int
	to   []string
}

func startPostmaster(t *testing.T) *postmaster {
	t.Helper()
	p := &postmaster{told: map[string]int{}}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailing{of: p}, nil }))
	server.Domain = "localhost"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.address = l.Addr().String()
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

type mailing struct {
	of *postmaster
	to string
}

func (m *mailing) Mail(string, *smtp.MailOptions) error { return nil }

func (m *mailing) Rcpt(to string, _ *smtp.RcptOptions) error {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	m.of.told[to]++
	switch {
	case strings.HasPrefix(to, "refused"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<" + to + "> is unknown here, " + to}
	case strings.HasPrefix(to, "busy") && m.of.told[to] <= 2:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "greylisted <" + to + ">"}
	}
	m.to = to
	return nil
}

func (m *mailing) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	m.of.to = append(m.of.to, m.to)
	return nil
}

func (m *mailing) Reset()        {}
func (m *mailing) Logout() error { return nil }

// sent counts the mails to an address.
func (p *postmaster) sent(to string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.to {
		if t == to {
			n++
		}
	}
	return n
}
