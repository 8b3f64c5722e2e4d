package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is what the figures were measured on.
type Machine struct {
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
	System string `json:"system"`
	Server string `json:"server"`
	SDK    string `json:"sdk"`
	Store  string `json:"store"`
}

func thisMachine() Machine {
	m := Machine{
		Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Store: "SQLite file, WAL, synchronous=NORMAL, 1 history shard",
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			switch module.Path {
			case "go.temporal.io/server":
				m.Server = strings.TrimPrefix(module.Version, "v")
			case "go.temporal.io/sdk":
				m.SDK = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return m
}

// String is the machine's line.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores, %s, %s; Temporal Server %s (%s), SDK %s", m.Cores, m.System, m.Go, m.Server, m.Store, m.SDK)
}
