//go:build !linux

package chaos

import "syscall"

// bound does nothing here: only Linux kills a process whose parent was killed.
func bound() *syscall.SysProcAttr { return nil }
