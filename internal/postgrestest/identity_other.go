//go:build !linux

package postgrestest

import "os/exec"

// identity is who runs the server: here always this process's user.
type identity struct{}

func unprivileged() (*identity, error) { return nil, nil }

func (*identity) own(string) error { return nil }

func (*identity) become(*exec.Cmd) {}
