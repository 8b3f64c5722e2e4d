package chaos

import "syscall"

// bound has a process killed when the thread that started it ends, so that a run which is killed itself leaves nothing
// running behind.
func bound() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
