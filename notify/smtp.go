package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// farewell is how long the server may take over QUIT: the mail has been accepted by then.
const farewell = time.Second

// smtpServer holds one conversation for each mail. It leads the conversation itself instead of leaving it to go-mail's
// client, because what a refusal means depends on the command it answers, because one time limit holds for the whole,
// and because a mail that has been accepted must not count as failed (and be sent twice) when what follows goes wrong.
type smtpServer struct {
	mailServer
	timeout time.Duration
	tls     *tls.Config
	helo    string
}

func newSMTPServer(server mailServer, timeout time.Duration, roots *x509.CertPool) smtpServer {
	return smtpServer{
		mailServer: server,
		timeout:    timeout,
		tls:        &tls.Config{ServerName: server.host, RootCAs: roots, MinVersion: tls.VersionTLS12},
		helo:       heloName(),
	}
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

func heloName() string {
	if name, err := os.Hostname(); err == nil && hostName.MatchString(name) {
		return name
	}
	return "localhost"
}

// transmit hands one mail to the server. A nil error means that it has accepted the mail.
func (s smtpServer) transmit(ctx context.Context, from, to string, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return failure(ctx, phaseConnect, err)
	}
	defer func() { _ = conn.Close() }()
	// The conversation knows no context: its end breaks the connection instead.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return s.converse(ctx, conn, from, to, content)
}

func (s smtpServer) dial(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(s.host, s.port)
	if s.encryption == fromTheStart {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, "tcp", address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

func (s smtpServer) converse(ctx context.Context, conn net.Conn, from, to string, content []byte) error {
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return failure(ctx, phaseConnect, err)
	}
	if err := client.Hello(s.helo); err != nil {
		return failure(ctx, phaseConnect, err)
	}
	encrypted, err := s.encrypt(ctx, client)
	if err != nil {
		return err
	}
	if err := s.authenticate(ctx, client, encrypted); err != nil {
		return err
	}
	if offered, _ := client.Extension("SMTPUTF8"); !offered && !ascii(to) {
		return &Error{Code: CodeRecipient, Permanent: true, cause: errNoUTF8}
	}
	client.SkipSMTPUTF8(ascii(to)) // asked for without need, it would keep the mail from servers further on
	if err := client.Mail("<" + from + ">"); err != nil {
		return failure(ctx, phaseSender, err)
	}
	if err := client.Rcpt("<" + to + ">"); err != nil {
		return failure(ctx, phaseRecipient, err)
	}
	data, err := client.Data()
	if err != nil {
		return failure(ctx, phaseContent, err)
	}
	if _, err := data.Write(content); err != nil {
		return failure(ctx, phaseContent, err)
	}
	if err := data.Close(); err != nil {
		return failure(ctx, phaseContent, err)
	}
	_ = conn.SetDeadline(time.Now().Add(farewell))
	_ = client.Quit()
	return nil
}

// encrypt begins TLS as the configuration says, and tells whether the conversation is encrypted.
func (s smtpServer) encrypt(ctx context.Context, client *smtp.Client) (bool, error) {
	offered, _ := client.Extension("STARTTLS")
	switch {
	case s.encryption == fromTheStart:
		return true, nil
	case s.encryption == unencrypted, s.encryption == opportunistic && !offered:
		return false, nil
	case !offered:
		return false, &Error{Code: CodeTLS, cause: errNoTLS}
	}
	if err := client.StartTLS(s.tls); err != nil {
		return false, failure(ctx, phaseTLS, err)
	}
	return true, nil
}

func (s smtpServer) authenticate(ctx context.Context, client *smtp.Client, encrypted bool) error {
	if s.user == "" {
		return nil
	}
	if !encrypted && !loopback(s.host) {
		return &Error{Code: CodeTLS, cause: errPlainAuth}
	}
	_, offered := client.Extension("AUTH")
	mechanism := s.mechanism(strings.Fields(strings.ToUpper(offered)))
	if mechanism == nil {
		return &Error{Code: CodeAuth, cause: errNoAuth}
	}
	if err := client.Auth(mechanism); err != nil {
		return failure(ctx, phaseAuth, err)
	}
	return nil
}

// mechanism chooses the way to authenticate. The simple ones come first: the conversation is encrypted, and they are
// what servers get right.
func (s smtpServer) mechanism(offered []string) smtp.Auth {
	const encryptedOrLocal = true
	switch {
	case slices.Contains(offered, "PLAIN"):
		return smtp.PlainAuth("", s.user, s.password, s.host, encryptedOrLocal)
	case slices.Contains(offered, "LOGIN"):
		return smtp.LoginAuth(s.user, s.password, s.host, encryptedOrLocal)
	case slices.Contains(offered, "SCRAM-SHA-256"):
		return smtp.ScramSHA256Auth(s.user, s.password)
	case slices.Contains(offered, "CRAM-MD5"):
		return smtp.CRAMMD5Auth(s.user, s.password)
	}
	return nil
}
