package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kyc/handoff"
	"kyc/onboarding"
)

// Each target that HANDOFF_TARGETS names has variables of its own, made from its name.

const (
	targetsVariable = "HANDOFF_TARGETS"
	handOffPrefix   = "HANDOFF_"
	urlSuffix       = "URL"
	secretsSuffix   = "SECRETS"
)

// ofTarget is the name of a target's variable: that of the default target has no name in it.
func ofTarget(target, suffix string) string {
	if target == onboarding.DefaultTarget {
		return handOffPrefix + suffix
	}
	return handOffPrefix + strings.ToUpper(strings.ReplaceAll(target, "-", "_")) + "_" + suffix
}

// targetVariables are the variables of one target. Those of the default target are in the table itself.
func targetVariables(target string) []Variable {
	return []Variable{
		{
			Name:    ofTarget(target, urlSuffix),
			Meaning: "the endpoint of the target `" + target + "`", Form: "an https address",
			Programs: onlyWorker, Required: onlyWorker, When: whenTargets,
			read: intoTarget(target, asGiven, func(t *handoff.Target) *string { return &t.URL }),
		},
		{
			Name:    ofTarget(target, secretsSuffix),
			Meaning: "what decisions for the target `" + target + "` are signed with (Standard Webhooks)", Form: secretsForm,
			Secret: true, Programs: onlyWorker, Required: onlyWorker, When: whenTargets,
			read: intoTarget(target, parseEntries, func(t *handoff.Target) *[]string { return &t.Secrets }),
		},
	}
}

const secretsForm = "whsec_ and base64, several separated by commas while one replaces another"

// intoTarget is into for a field of a target.
func intoTarget[T any](target string, parse func(string) (T, []fault), place func(*handoff.Target) *T) func(*Config, string) []fault {
	return func(c *Config, value string) []fault {
		parsed, faults := parse(value)
		if len(faults) > 0 {
			return faults
		}
		if c.HandOff.Targets == nil {
			c.HandOff.Targets = map[string]handoff.Target{}
		}
		t := c.HandOff.Targets[target]
		*place(&t) = parsed
		c.HandOff.Targets[target] = t
		return nil
	}
}

// withTargets is the table with the variables of these targets where they belong.
func withTargets(targets []string) []Variable {
	var own []Variable
	for _, target := range targets {
		own = append(own, targetVariables(target)...)
	}
	after := slices.IndexFunc(table, func(v Variable) bool { return v.Name == targetsVariable }) + 1
	return slices.Insert(slices.Clone(table), after, own...)
}

func parseTargets(value string) ([]string, []fault) {
	var before []string
	return list(value, "the name of a target: lower-case letters, digits, - and _", func(entry string) (string, string) {
		switch {
		case !isTarget(entry):
			return "", "is not the name of a target"
		case entry == onboarding.DefaultTarget:
			return "", "is the target of HANDOFF_URL, which is not listed"
		case slices.ContainsFunc(before, func(b string) bool { return ofTarget(b, urlSuffix) == ofTarget(entry, urlSuffix) }):
			return "", "has the variables of another entry"
		}
		before = append(before, entry)
		return entry, ""
	})
}

// isTarget applies the rule of setups for the names that they hand off to.
func isTarget(name string) bool {
	problems := onboarding.Fields(onboarding.Setup{HandOff: []string{name}}.Validate())
	return !slices.ContainsFunc(problems, func(f *onboarding.FieldError) bool { return f.Field == "handOff[0]" })
}

// handingTo names the first setup, by name, that hands off to the target.
func (c *Config) handingTo(target string) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(c.Setups)) {
		if slices.Contains(c.Setups[name].Targets(), target) {
			return name, true
		}
	}
	return "", false
}

// demandDefault tells why the default target's variables are needed, or that they are not. As long as nothing is known of
// setups and targets, they are: most configurations have this target alone.
func (c *Config) demandDefault(given map[string]bool) (why string, needed bool) {
	setup, used := c.handingTo(onboarding.DefaultTarget)
	switch {
	case used:
		return "is missing, and setup " + setup + " hands off to the target " + onboarding.DefaultTarget, true
	case given["HANDOFF_URL"] || given["HANDOFF_SECRETS"] || len(c.Setups) == 0 && len(c.targets) == 0:
		return "is missing", true
	}
	return "", false
}

// checkTargets reports targets of setups that are not configured, unless the list of targets could not be read.
func (c *Config) checkTargets(found *problems) {
	if c.Program != ProgramWorker || found.about(targetsVariable) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Setups)) {
		for _, target := range c.Setups[name].Targets() {
			if target == onboarding.DefaultTarget || slices.Contains(c.targets, target) {
				continue
			}
			found.add(targetsVariable, fault{
				fmt.Sprintf("does not list %s, and setup %s hands off to it", target, name),
				fmt.Sprintf("add %s, with %s and %s, or take it out of the setup", target, ofTarget(target, urlSuffix), ofTarget(target, secretsSuffix)),
			})
		}
	}
}

// checkHandOff has the deliverer's own rules applied.
func (c *Config) checkHandOff(found *problems) {
	if c.Program != ProgramWorker {
		return
	}
	judge := c.judge(found)
	for _, f := range onboarding.Fields(c.HandOff.Validate()) {
		target, field, ofOne := strings.Cut(strings.TrimPrefix(f.Field, "Targets["), "].")
		if !ofOne { // no target at all: reported as missing
			continue
		}
		var entry int
		switch {
		case scanned(field, "Secrets[%d]", &entry):
			judge(ofTarget(target, secretsSuffix), fault{fmt.Sprintf("entry %d %s", entry+1, f.Problem), f.Remedy})
		case field == "Secrets":
			judge(ofTarget(target, secretsSuffix), fault{f.Problem, f.Remedy})
		case strings.HasPrefix(f.Problem, "is plain http"):
			judge(ofTarget(target, urlSuffix), fault{f.Problem, "use https, or set HANDOFF_ALLOW_INSECURE=true if the network encrypts by other means"})
		default:
			judge(ofTarget(target, urlSuffix), fault{f.Problem, f.Remedy})
		}
	}
}

// targetsIn are the targets that an environment names, for finding slips; names that cannot be used are left out.
func targetsIn(environ []string) []string {
	var targets []string
	for _, entry := range environ {
		if value, ours := strings.CutPrefix(entry, targetsVariable+"="); ours {
			names, _ := parseEntries(value)
			targets = slices.DeleteFunc(names, func(name string) bool { return !isTarget(name) })
		}
	}
	return targets
}

// orphan tells that a variable looks like a target's whose name is not listed.
func orphan(name string) bool {
	name = strings.TrimSuffix(name, fileSuffix)
	return strings.HasPrefix(name, handOffPrefix) &&
		(strings.HasSuffix(name, "_"+urlSuffix) || strings.HasSuffix(name, "_"+secretsSuffix))
}

// HandOffSecretFiles returns the paths of the files that ReloadHandOffSecrets reads, for watching them.
func (c *Config) HandOffSecretFiles() []string {
	var paths []string
	for _, target := range slices.Sorted(maps.Keys(c.HandOff.Targets)) {
		if path := c.files[ofTarget(target, secretsSuffix)]; path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// ReloadHandOffSecrets reads the secrets of those targets anew whose secrets came from files, for rotation without a
// restart. On an error, a *ConfigError that names the targets' variables, those of the other targets come along: go on with
// the ones at hand where there are none.
func (c *Config) ReloadHandOffSecrets() (map[string][]string, error) {
	fresh := Config{Program: c.Program, HandOff: c.HandOff, files: c.files, targets: c.targets}
	fresh.HandOff.Targets = maps.Clone(c.HandOff.Targets)
	out := map[string][]string{}
	var found problems
	for target, t := range c.HandOff.Targets {
		variable := ofTarget(target, secretsSuffix)
		path := c.files[variable]
		if path == "" {
			continue
		}
		value, faults := readSecretFile(path)
		if len(faults) > 0 {
			found.add(variable+fileSuffix, faults...)
			continue
		}
		t.Secrets, _ = parseEntries(value)
		fresh.HandOff.Targets[target], out[target] = t, t.Secrets
	}
	fresh.checkHandOff(&found)
	if len(found) == 0 {
		return out, nil
	}
	maps.DeleteFunc(out, func(target string, _ []string) bool { return found.about(ofTarget(target, secretsSuffix) + fileSuffix) })
	return out, &ConfigError{Program: c.Program, Problems: found.inTableOrder(withTargets(c.targets))}
}
