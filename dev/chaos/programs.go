package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Names of the programs, as their commands are called.
const (
	programTemporal = "temporal"
	programWorker   = "worker"
	programBridge   = "webhookbridge"
	programSandbox  = "sandbox"
)

const (
	// restartPause is waited before a program that has ended by itself is started again, as a supervisor does.
	restartPause = 500 * time.Millisecond
	// farewell is how long a program may take to end when it is asked to.
	farewell = 25 * time.Second
)

// program is a process that is kept running, killed by plan, and asked to end in the end.
type program struct {
	name string
	argv []string
	env  []string
	// health is nil once the program serves.
	health func(context.Context) error
	log    string

	strikes chan time.Duration // kills, each with the pause after it
	ending  chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	kills   int
	ends    []end
	lastErr error
}

// end is a process that ended by itself.
type end struct {
	at   time.Time
	code int
}

func newProgram(name, dir string, env []string, health func(context.Context) error, argv ...string) *program {
	return &program{name: name, argv: argv, env: env, health: health, log: filepath.Join(dir, name+".log"),
		strikes: make(chan time.Duration), ending: make(chan struct{}), ended: make(chan struct{})}
}

// keep runs the program until end is called, through its kills and its own ends. It returns when the last process is
// gone. Cancelling ctx kills.
func (p *program) keep(ctx context.Context) {
	defer close(p.ended)
	runtime.LockOSThread() // see bound
	for {
		process, done, err := p.start()
		if err != nil {
			p.note(fmt.Errorf("starting %s: %w", p.name, err))
			if !p.pause(ctx, restartPause) {
				return
			}
			continue
		}
		pause := restartPause
		select {
		case pause = <-p.strikes:
			_ = process.Kill()
			<-done
			p.mu.Lock()
			p.kills++
			p.mu.Unlock()
		case code := <-done:
			p.mu.Lock()
			p.ends = append(p.ends, end{time.Now(), code})
			p.mu.Unlock()
		case <-p.ending:
			p.note(p.dismiss(process, done))
			return
		case <-ctx.Done():
			_ = process.Kill()
			<-done
			return
		}
		if !p.pause(ctx, pause) {
			return
		}
	}
}

// haunt kills the program by plan. A kill that is due while the program is not there waits until it is.
func (p *program) haunt(ctx context.Context, began time.Time, kills []kill) {
	for _, k := range kills {
		if pause(ctx, time.Until(began.Add(k.at))) != nil {
			return
		}
		select {
		case p.strikes <- k.pause:
		case <-ctx.Done():
			return
		}
	}
}

func (p *program) start() (*os.Process, <-chan int, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close() // the process has its own handle
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.env, log, log, bound()
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	done := make(chan int, 1)
	go func() {
		_ = cmd.Wait() // the code says it all
		done <- cmd.ProcessState.ExitCode()
	}()
	return cmd.Process, done, nil
}

// dismiss asks a process to end, and makes it end when it does not.
func (p *program) dismiss(process *os.Process, done <-chan int) error {
	_ = process.Signal(syscall.SIGTERM)
	select {
	case code := <-done:
		if code != 0 {
			return fmt.Errorf("%s was asked to end and ended with code %d", p.name, code)
		}
		return nil
	case <-time.After(farewell):
		_ = process.Kill()
		<-done
		return fmt.Errorf("%s was asked to end and had not ended after %s", p.name, farewell)
	}
}

// pause is false when the program is not wanted any more.
func (p *program) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.ending:
	case <-ctx.Done():
	}
	return false
}

func (p *program) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastErr = errors.Join(p.lastErr, err)
}

// end asks the program to end and waits for it.
func (p *program) end() {
	close(p.ending)
	<-p.ended
}

// ready waits until the program serves.
func (p *program) ready(ctx context.Context) error {
	for {
		err := p.health(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not serve: %w (its log: %s)", p.name, err, p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// killed counts the kills.
func (p *program) killed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kills
}

// faultsOf returns what cannot be excused about a program that was kept until quiet, when the trouble ended: errors,
// crashes, ends without a reason, and what its log says of itself or should not say: secrets are what no log may hold.
func (p *program) faultsOf(quiet time.Time, secrets []string) (found []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lastErr != nil {
		found = append(found, p.lastErr.Error())
	}
	for _, e := range p.ends {
		needsTemporal := p.name == programWorker || p.name == programBridge
		switch {
		case e.code != 1 || !needsTemporal: // those end with 1 when they cannot reach Temporal at their start
			found = append(found, fmt.Sprintf("%s ended by itself with code %d", p.name, e.code))
		case e.at.After(quiet):
			found = append(found, fmt.Sprintf("%s ended by itself after the trouble had ended", p.name))
		}
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return append(found, err.Error())
	}
	for _, word := range []string{"panic:", "TMPRL1100", "onDeterminis", "DATA RACE"} {
		if n := bytes.Count(text, []byte(word)); n > 0 {
			found = append(found, fmt.Sprintf("the log of %s says %q %d times", p.name, word, n))
		}
	}
	for _, secret := range secrets {
		if bytes.Contains(text, []byte(secret)) {
			return append(found, fmt.Sprintf("the log of %s holds a session's id, or what is a customer's", p.name))
		}
	}
	return found
}

// ownEnds counts the times the program ended by itself.
func (p *program) ownEnds() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ends)
}
