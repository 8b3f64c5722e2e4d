// Package mailbox is a mail server for one machine: it accepts every mail by SMTP and shows it on a page.
package mailbox

import (
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
)

// maxMails and maxSize bound what is kept.
const (
	maxMails = 500
	maxSize  = 4 << 20
)

// Mail is a mail as a person sees it.
type Mail struct {
	At      time.Time
	To      string
	Subject string
	Text    string
	HTML    string
}

// Mailbox keeps the newest mails. It is an http.Handler that shows them.
type Mailbox struct {
	server *smtp.Server

	mu    sync.Mutex
	mails []Mail
	hear  func(Mail)
}

// New makes a mailbox; SMTP says where it is reached.
func New() *Mailbox {
	m := &Mailbox{}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: m}, nil }))
	m.server.Domain = "localhost"
	m.server.ReadTimeout, m.server.WriteTimeout = 10*time.Second, 10*time.Second
	m.server.MaxMessageBytes, m.server.MaxRecipients = maxSize, 10
	return m
}

// SMTP is the mail server, to be served by the caller.
func (m *Mailbox) SMTP() *smtp.Server { return m.server }

// OnMail has f called with each mail from now on, before the sender is told that it was accepted.
func (m *Mailbox) OnMail(f func(Mail)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hear = f
}

// Mails returns the mails, oldest first.
func (m *Mailbox) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

type session struct {
	box *Mailbox
	to  []string
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}
func (s *session) Reset()        { s.to = nil }
func (s *session) Logout() error { return nil }

func (s *session) Data(r io.Reader) error {
	read, err := read(io.LimitReader(r, maxSize))
	if err != nil {
		return fmt.Errorf("reading the mail: %w", err)
	}
	read.At, read.To = time.Now(), strings.Join(s.to, ", ")
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	if s.box.hear != nil {
		s.box.hear(read)
	}
	s.box.mails = append(s.box.mails, read)
	if len(s.box.mails) > maxMails {
		s.box.mails = slices.Clone(s.box.mails[1:])
	}
	return nil
}

func read(r io.Reader) (Mail, error) {
	var out Mail
	message, err := mail.CreateReader(r)
	if err != nil {
		return out, err
	}
	out.Subject, _ = message.Header.Subject()
	for {
		part, err := message.NextPart()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		header, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return out, err
		}
		if kind, _, _ := header.ContentType(); kind == "text/html" {
			out.HTML = string(body)
		} else {
			out.Text = string(body)
		}
	}
}

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Mailbox</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b2733}
article{border:1px solid #ccd5dd;border-radius:8px;padding:1rem;margin:1rem 0}iframe{width:100%;height:34rem;border:1px solid #e3e9ee;border-radius:6px}
pre{white-space:pre-wrap}</style><h1>Mailbox</h1><p>Every mail that was sent, newest first.</p>
{{range .}}<article><h2>{{.Subject}}</h2><p>to {{.To}}, {{.At.Format "15:04:05"}}</p>
{{if .HTML}}<iframe sandbox="allow-popups" title="{{.Subject}}" srcdoc="{{.HTML}}"></iframe>{{end}}
<details><summary>As plain text</summary><pre>{{.Text}}</pre></details></article>{{else}}<p>No mail yet.</p>{{end}}</html>`))

func (m *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	mails := m.Mails()
	slices.Reverse(mails)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, mails)
}
