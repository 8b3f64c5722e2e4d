package onboarding

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDiagram_InTheDocs_IsThatOfTheCode holds the state diagram against Transitions; with UPDATE_DOCS=1 it is rewritten.
func TestDiagram_InTheDocs_IsThatOfTheCode(t *testing.T) {
	const file, begin = "../docs/how-it-works.md", "stateDiagram-v2\n"
	var want strings.Builder
	fmt.Fprintf(&want, "    [*] --> %s\n", StageAwaitingStart)
	for _, tr := range Transitions() {
		fmt.Fprintf(&want, "    %s --> %s: %s\n", tr.From, tr.To, tr.When)
	}
	fmt.Fprintf(&want, "    %s --> [*]\n", StageDone)

	data, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(data), begin)
	require.True(t, found)
	have, after, found := strings.Cut(rest, "```")
	require.True(t, found)
	if os.Getenv("UPDATE_DOCS") == "1" {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+want.String()+"```"+after), 0o644))
		return
	}
	require.Equal(t, want.String(), have, "rewrite it with UPDATE_DOCS=1 go test ./onboarding -run Diagram")
}
