package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// stopPatience is how long a program may take to stop before it is killed.
const stopPatience = 15 * time.Second

// process is a program of its own, so that its CPU time can be told from ours.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	err   error // once ended is closed
}

// launch starts a program with its output going to a file, as the log of a service does.
func launch(name string, command []string, env []string, logPath string) (*process, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: exec.Command(command[0], command[1:]...), log: log, ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, log, log
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the %s: %w", name, err), log.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// until polls until the program is ready, it has ended, or ctx has.
func (p *process) until(ctx context.Context, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the %s ended by itself (%w); its log ends with:\n%s", p.name, p.err, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("the %s does not answer (%w); its log ends with:\n%s", p.name, err, p.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// output is what the program has written so far.
func (p *process) output() []byte {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// tail is the end of what it has written.
func (p *process) tail() []byte {
	text := p.output()
	return text[max(0, len(text)-2000):]
}

// stop asks the program to end, and kills it when it does not.
func (p *process) stop() error {
	defer p.log.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("the %s did not stop within %s and was killed", p.name, stopPatience)
	}
	if p.err != nil {
		return fmt.Errorf("the %s: %w; its log ends with:\n%s", p.name, p.err, p.tail())
	}
	return nil
}

// cpuTime is the user and system time that a process has used so far, in steps of 10 ms. It is known on Linux alone;
// elsewhere ok is false.
func cpuTime(pid int) (used time.Duration, ok bool) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, false
	}
	stat, err := p.Stat()
	if err != nil {
		return 0, false
	}
	return time.Duration(stat.CPUTime() * float64(time.Second)), true
}
