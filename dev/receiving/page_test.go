// Package receiving runs docs/receiving.md: its backends, its commands, its messages and its SQL, as they stand in the page.
package receiving

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const page = "../../docs/receiving.md"

// block is a piece of the page that stands between fences.
type block struct{ kind, text string }

var fences = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

func blocks(t *testing.T) (all []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, found := range fences.FindAllStringSubmatch(string(text), -1) {
		all = append(all, block{found[1], found[2]})
	}
	require.Equal(t, 2*len(all), strings.Count(string(text), "```"), "every fence says what is in it")
	return all
}

// only is the one block of a kind that holds a text.
func only(t *testing.T, kind, holds string) string {
	t.Helper()
	var found []string
	for _, b := range blocks(t) {
		if b.kind == kind && strings.Contains(b.text, holds) {
			found = append(found, b.text)
		}
	}
	require.Len(t, found, 1, "%s with %q", kind, holds)
	return found[0]
}

// Each block of the page is run by a test of this package or by the one that its kind and text tell here.
func TestPage_EveryBlock_IsRunByATest(t *testing.T) {
	run := []string{
		"sh export WEBHOOK_SECRET=", "sh npm install ", "js ", "sh node receiver.mjs", "sh make demo", "text listening on port",
		"go ", "json ", "sql create table", "sql with message", "sh bin/onboarding", "sh HANDOFF_TARGETS", "yaml handOff", "sh openssl dgst",
	}
	for _, b := range blocks(t) {
		require.True(t, slices.ContainsFunc(run, func(r string) bool {
			kind, holds, _ := strings.Cut(r, " ")
			return kind == b.kind && strings.Contains(b.text, holds)
		}), "nobody runs this block:\n%s", b.text)
	}
}
