package app

import (
	"slices"
	"strings"
)

// prefixes are the beginnings of our variables' names; a variable that begins so and is not ours may be a slip.
var prefixes = []string{"ONBOARDING_", "ONDATO_", "WEBHOOK_", "NOTIFY_", "HANDOFF_", "PRIVACY_", "API_", "CODEC_", "SANDBOX_"}

// findTypos reports variables that are nearly ours: left alone, they would have no effect in silence. Other people's
// variables with the same beginning, such as systemd's NOTIFY_SOCKET, are none of our business.
func findTypos(environ []string, found *problems) {
	names := make([]string, 0, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	known := withTargets(targetsIn(environ))
	for _, name := range slices.Compact(names) {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if plain, ok := strings.CutSuffix(name, fileSuffix); ok {
			if i := slices.IndexFunc(known, func(v Variable) bool { return v.Name == plain && !v.Secret }); i >= 0 {
				found.add(name, fault{"has no effect, because " + plain + " is no secret", "set " + plain + " itself"})
				continue
			}
		}
		switch meant, ours := nearest(name, known); {
		case ours:
		case meant != "":
			found.add(name, fault{"is not a variable of ours", "did you mean " + meant + "?"})
		case orphan(name) && !found.about(targetsVariable):
			found.add(name, fault{"has no effect, because its target is not in " + targetsVariable, "add the target there, or remove the variable"})
		}
	}
}

// nearest tells that name is ours, or which variable it is a misspelling of; nothing when it is not similar to any.
func nearest(name string, known []Variable) (meant string, ours bool) {
	best, distance := "", 4
	for _, v := range known {
		for _, one := range []string{v.Name, v.fileName()} {
			if one == "" {
				continue
			}
			if name == one {
				return "", true
			}
			_, after, _ := strings.Cut(one, "_")
			// One slip for every four letters that tell our variables apart.
			if d := editDistance(name, one); d < distance && d <= 1+len(after)/4 {
				best, distance = one, d
			}
		}
	}
	return best, false
}

// editDistance counts the letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
