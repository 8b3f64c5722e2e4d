package law

import (
	"fmt"
	"slices"
	"strings"
)

// judge says what is wrong with a file in folder importing path, or nothing. Folders are relative to the root of the
// module, with slashes.
func judge(module, folder, path string) string {
	for prefix, why := range forbidden {
		if within(path, prefix) {
			return why
		}
	}
	name, rules, known := roomOf(folder)
	if !known {
		return fmt.Sprintf("the folder %q has no row in internal/law/table_test.go: add one", folder)
	}
	if within(path, module) {
		other, _, known := roomOf(strings.TrimPrefix(strings.TrimPrefix(path, module), "/"))
		switch {
		case !known:
			return "that is no room of the table in internal/law/table_test.go"
		case other == name || slices.Contains(rules.ours, other):
			return ""
		}
		return fmt.Sprintf("room %s may import of ours: %s (%s)", name, list(rules.ours), rules.reason)
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, prefix := range rules.modules {
		if within(path, prefix) {
			return ""
		}
	}
	return fmt.Sprintf("room %s may import of others: %s (%s)", name, list(rules.modules), rules.reason)
}

// roomOf finds the row of a folder, which is its own or that of the nearest folder above.
func roomOf(folder string) (string, room, bool) {
	for name := folder; name != ""; {
		if rules, ok := table[name]; ok {
			return name, rules, true
		}
		name = name[:max(strings.LastIndex(name, "/"), 0)]
	}
	return "", room{}, false
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
