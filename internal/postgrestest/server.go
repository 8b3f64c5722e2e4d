package postgrestest

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

const (
	role     = "kyc"
	password = "made-up-password"
	// patience is how long the server may take to start or to stop.
	patience = 30 * time.Second
)

// Server is a PostgreSQL server of a test's own, gone with it.
type Server struct {
	dir, bin  string
	as        *identity
	port      int
	process   *process
	databases atomic.Int64
}

// Start starts a server. A test that needs PostgreSQL where there is none fails, and says what to install.
func Start(t testing.TB) *Server {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	as, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir, whose parent only its owner may enter, nor a long path: PostgreSQL's lock files have limits.
	dir, err := os.MkdirTemp("", "pg-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{dir: dir, bin: bin, as: as}
	t.Cleanup(func() {
		s.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("PostgreSQL's directory stays: %v", err)
		}
	})
	if err := s.initialise(); err != nil {
		t.Fatal(err)
	}
	s.Resume(t)
	return s
}

// Database makes an empty database and returns its address, password included.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "db" + strconv.FormatInt(s.databases.Add(1), 10)
	create := s.command("createdb", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", role, name)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("createdb: %v: %s", err, out)
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: s.host(), Path: name}
	return address.String()
}

// Stop stops the server; one that is stopped is left as it is. Its data stay for Resume.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.stop(); err != nil {
		t.Errorf("stopping PostgreSQL: %v", err)
	}
	s.process = nil
}

// Resume starts the server again, at the same address.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	var err error
	for range 5 { // somebody else may take the port that was free
		fresh := s.port == 0
		if fresh {
			if s.port, err = freePort(); err != nil {
				t.Fatal(err)
			}
		}
		if err = s.run(); err == nil {
			return
		}
		if !fresh {
			break
		}
		s.port = 0
	}
	t.Fatalf("starting PostgreSQL: %v", err)
}

func (s *Server) initialise() error {
	if err := s.as.own(s.dir); err != nil {
		return err
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.as.own(secret); err != nil {
		return err
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", role, "--auth=scram-sha-256", "--pwfile="+secret,
		"--encoding=UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// run returns when the server answers.
func (s *Server) run() error {
	log := &bytes.Buffer{}
	server := s.command("postgres", "-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", "",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60")
	server.Stdout, server.Stderr = log, log
	process, err := start(server)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; {
		if s.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run() == nil {
			s.process = process
			return nil
		}
		select {
		case <-process.ended:
			return fmt.Errorf("it ended: %w: %s", process.err, log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it does not answer after %s (stopping it: %v): %s", patience, process.stop(), log)
		}
	}
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir // any user may be there
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + s.bin, "PGPASSWORD=" + password}
	s.as.become(cmd)
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) host() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
