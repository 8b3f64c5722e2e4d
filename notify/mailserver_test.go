package notify

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// mailbox is a real SMTP server that keeps what it accepts. Its members are set before it is started.
type mailbox struct {
	user, password            string // demanded where set
	mailErr, rcptErr, dataErr error  // refusals
	utf8                      bool   // SMTPUTF8
	tls                       *tls.Config
	implicitTLS               bool

	address string

	mu   sync.Mutex
	kept []receivedMail
}

type receivedMail struct {
	from, to  string
	utf8      bool
	encrypted bool
	content   string
}

func (b *mailbox) start(t *testing.T) *mailbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b.address = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{box: b, conn: c}, nil
	}))
	server.Domain = "mail.test"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = b.utf8
	server.ErrorLog = log.New(io.Discard, "", 0)
	if b.implicitTLS {
		listener = tls.NewListener(listener, b.tls)
	} else {
		server.TLSConfig = b.tls
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // a server that is closed before it serves would not do it
		<-done
	})
	return b
}

func (b *mailbox) mails() []receivedMail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]receivedMail(nil), b.kept...)
}

type mailSession struct {
	box  *mailbox
	conn *smtp.Conn
	mail receivedMail
	in   bool
}

func (s *mailSession) AuthMechanisms() []string {
	if s.box.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.box.user || password != s.box.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "private words about " + user}
		}
		s.in = true
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, options *smtp.MailOptions) error {
	if s.box.user != "" && !s.in {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "private words"}
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.mail = receivedMail{from: from, utf8: options.UTF8, encrypted: encrypted}
	return s.box.mailErr
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = to
	return s.box.rcptErr
}

func (s *mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.box.dataErr != nil {
		return s.box.dataErr
	}
	s.mail.content = string(content)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.kept = append(s.box.kept, s.mail)
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// certificate returns a server's TLS configuration for 127.0.0.1 and example.com, and the roots that vouch for it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	made := httptest.NewTLSServer(nil)
	defer made.Close()
	roots := x509.NewCertPool()
	roots.AddCert(made.Certificate())
	return &tls.Config{Certificates: made.TLS.Certificates}, roots
}

// conversation is a server that says what real ones refuse to: talk leads one connection by hand.
func conversation(t *testing.T, talk func(say func(string), hear func() string)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			lines := bufio.NewReader(conn)
			talk(
				func(line string) { _, _ = io.WriteString(conn, line+"\r\n") },
				func() string {
					line, err := lines.ReadString('\n')
					if err != nil {
						return "EOF"
					}
					return strings.TrimRight(line, "\r\n")
				})
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}
