package app

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the configuration. It never holds a variable's value.
type Problem struct {
	// Variable is the name of the environment variable.
	Variable string
	// Problem reads after the name, such as "is missing".
	Problem string
	// Remedy says what to do.
	Remedy string
}

func (p Problem) String() string {
	if p.Remedy == "" {
		return p.Variable + " " + p.Problem
	}
	return p.Variable + " " + p.Problem + ": " + p.Remedy
}

// ConfigError is everything that is wrong with a program's configuration, in the order of the table of variables.
type ConfigError struct {
	Program  string
	Problems []Problem
}

// Error has a line for each problem.
func (e *ConfigError) Error() string {
	var b strings.Builder
	count := "1 problem"
	if len(e.Problems) != 1 {
		count = fmt.Sprintf("%d problems", len(e.Problems))
	}
	fmt.Fprintf(&b, "the configuration of %s has %s:", e.Program, count)
	for _, p := range e.Problems {
		b.WriteString("\n  ")
		b.WriteString(p.String())
	}
	return b.String()
}

// fault is a problem before it is known which variable it belongs to.
type fault struct{ problem, remedy string }

func faultf(problem, remedyFormat string, args ...any) []fault {
	return []fault{{problem, fmt.Sprintf(remedyFormat, args...)}}
}

// problems collects what is wrong while a configuration is loaded.
type problems []Problem

func (p *problems) add(variable string, faults ...fault) {
	for _, f := range faults {
		*p = append(*p, Problem{variable, f.problem, f.remedy})
	}
}

func (p problems) about(variable string) bool {
	return slices.ContainsFunc(p, func(q Problem) bool { return q.Variable == variable })
}

// inTableOrder sorts by the table's order; what is not in the table comes last, in the order it was found.
func (p problems) inTableOrder(table []Variable) []Problem {
	place := func(name string) int {
		i := slices.IndexFunc(table, func(v Variable) bool { return v.Name == name || v.fileName() == name })
		if i < 0 {
			return len(table)
		}
		return i
	}
	out := slices.Clone(p)
	slices.SortStableFunc(out, func(a, b Problem) int { return place(a.Variable) - place(b.Variable) })
	return out
}
