package postgrestest

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// process is a running server.
type process struct {
	cmd *exec.Cmd
	// ended is closed when it has ended, with err.
	ended chan struct{}
	err   error
}

// start starts a server that ends with this process at the latest, where the system can see to that.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // its parent is the thread: were that to end, so would the server
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	return p, <-started
}

// stop has the server close its connections and end; one that does not is killed.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(patience):
		err := errors.Join(errors.New("it did not end and was killed"), p.cmd.Process.Kill())
		<-p.ended
		return err
	}
}
