package app

import (
	"fmt"
	"strings"
)

//go:generate go test . -run TestConfigurationPage -update

// ConfigurationPage is the configuration's documentation in Markdown, made from Variables. It is kept as
// docs/configuration.md.
func ConfigurationPage() string {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Made from the table in app/variables.go. Change it there and run: go test ./app -update -->

Every program is configured by environment variables. A program reads only what is listed for it, demands only what it
needs, and stops at its start when something is missing or malformed, with all problems listed at once. An empty variable
counts as absent. A variable that looks like a misspelling of one of these is reported too.

A **secret** can also be given as a file: set the variable's name with ` + "`_FILE`" + ` appended to the file's path. One line
break at the file's end is ignored. Giving both is refused. No secret is ever part of an error message or a log line.

`)
	b.WriteString("| Variable | Default | Meaning | Value | Read by | Needed by |\n|---|---|---|---|---|---|\n")
	for _, v := range withTargets([]string{"<target>"}) {
		name := "`" + v.Name + "`"
		if v.Secret {
			name += " (secret)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", name, code(v.Default), v.Meaning, v.Form, v.readers(), v.needs())
	}
	b.WriteString(`
` + "`cli`" + ` stands for the commands that need the setups (` + "`start`, `batch`" + `), ` + "`operator`" + ` for all commands on onboardings that exist.

## Temporal

The connection is configured as for every program with Temporal's SDK (its ` + "`envconfig`" + `), by these variables or by a TOML
file with profiles; the sandbox needs none.

| Variable | Default | Meaning |
|---|---|---|
| ` + "`TEMPORAL_ADDRESS`" + ` | ` + "`localhost:7233`" + ` | host:port of the Temporal frontend |
| ` + "`TEMPORAL_NAMESPACE`" + ` | ` + "`default`" + ` | namespace |
| ` + "`TEMPORAL_API_KEY`" + ` (secret) | – | API key; switches TLS on |
| ` + "`TEMPORAL_TLS`" + ` | – | ` + "`true`" + ` switches TLS on, ` + "`false`" + ` off |
| ` + "`TEMPORAL_TLS_CLIENT_CERT_PATH`, `TEMPORAL_TLS_CLIENT_KEY_PATH`" + ` | – | client certificate and key (mTLS) |
| ` + "`TEMPORAL_TLS_SERVER_CA_CERT_PATH`, `TEMPORAL_TLS_SERVER_NAME`" + ` | – | whom to trust, and by which name |
| ` + "`TEMPORAL_CONFIG_FILE`, `TEMPORAL_PROFILE`" + ` | the SDK's, ` + "`default`" + ` | TOML file and the profile in it; the file can hold the API key |

## Setups

` + "`ONBOARDING_SETUPS`" + ` names a YAML file; ` + "`deploy/setups.example.yaml`" + ` shows every field with its default.
A setup that open onboardings use must stay in the file: worker and bridge refuse to start without it
([operations](operations.md#changing-the-setups)).
`)
	return b.String()
}

func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + s + "`"
}

func (v Variable) readers() string {
	if len(v.Programs) == len(Programs()) {
		return "all"
	}
	return strings.Join(v.Programs, ", ")
}

func (v Variable) needs() string {
	if len(v.Required) == 0 {
		return "–"
	}
	text := strings.Join(v.Required, ", ")
	if v.When != "" {
		text += ", when " + v.When
	}
	if v.AnyOf != "" {
		text += ": at least one of the " + v.AnyOf
	}
	return text
}
