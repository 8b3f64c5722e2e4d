package law

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLaw_EveryImportOfTheModule_IsAllowedByTheTable(t *testing.T) {
	module, err := modulePath()
	require.NoError(t, err)
	folders, err := goFolders()
	require.NoError(t, err)
	require.Contains(t, folders, "onboarding", "the walk has missed the domain: it started in the wrong place")

	for folder, files := range folders {
		for _, file := range files {
			arrows, err := arrowsOf(folder, file)
			require.NoError(t, err)
			for _, a := range arrows {
				if wrong := judge(module, a.folder, a.path); wrong != "" {
					t.Errorf("%s imports %q: %s", a.position, a.path, wrong)
				}
			}
		}
	}
}

func TestLaw_EveryFolderWithGoFiles_HasARowAndAPackageComment(t *testing.T) {
	folders, err := goFolders()
	require.NoError(t, err)
	for folder := range folders {
		_, _, known := roomOf(folder)
		assert.True(t, known, "%s has no row in internal/law/table_test.go: add one", folder)

		comment, err := packageComment(folder)
		if assert.NoError(t, err, "%s needs a doc.go that says what lives there", folder) {
			assert.NotEmpty(t, comment, "%s/doc.go needs a comment on its package clause", folder)
		}
	}
}

func TestLaw_TheTable_NamesOnlyItsOwnRooms(t *testing.T) {
	for name, rules := range table {
		assert.NotEmpty(t, rules.reason, "%s: a rule without a reason convinces nobody", name)
		for _, other := range rules.ours {
			assert.Contains(t, table, other, "%s may import a room that has no row", name)
			assert.NotContains(t, table[other].ours, name, "%s and %s may import each other", name, other)
		}
	}
	assert.Empty(t, table["sandbox"].ours, table["sandbox"].reason)
	assert.NotContains(t, table["workflows"].ours, "activities")
	assert.NotContains(t, table["activities"].ours, "workflows")
}

func TestJudge_AnImportAgainstTheLaw_IsNamedWithItsRule(t *testing.T) {
	for name, c := range map[string]struct{ folder, path, rule string }{
		"workflow imports an activity": {"workflows", "m/activities", "declared in onboarding"},
		"activity imports a workflow":  {"activities", "m/workflows", "declared in onboarding"},
		"sandbox imports our client":   {"sandbox", "m/ondato", "nothing of ours"},
		"sandbox below imports ours":   {"sandbox/page", "m/onboarding", "nothing of ours"},
		"domain knows Temporal":        {"onboarding", "go.temporal.io/sdk/workflow", "pure Go"},
		"domain speaks HTTP":           {"onboarding", "github.com/gin-gonic/gin", "pure Go"},
		"workflow calls the client":    {"workflows", "go.temporal.io/sdk/client", "workflow API"},
		"gin in the starter":           {"starter", "github.com/gin-gonic/gin", "starter/httpapi"},
		"starter imports its API":      {"starter", "m/starter/httpapi", "may import of ours"},
		"a look-alike of a module":     {"sandbox", "go.etcd.io/bboltx", "nothing of ours"},
		"server in app":                {"app", "go.temporal.io/server/temporal", "nested module"},
		"product imports dev":          {"app", "m/dev/temporalserver", "no room"},
		"command skips app":            {"cmd/onboarding", "m/worker", "thin"},
		"tests' library in the code":   {"ondato", "github.com/stretchr/testify/require", "knows nothing"},
		"a room without a row":         {"attic", "fmt", "add one"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Contains(t, judge("m", c.folder, c.path), c.rule)
		})
	}
}

func TestJudge_AnImportWithinTheLaw_IsFine(t *testing.T) {
	for name, c := range map[string]struct{ folder, path string }{
		"standard library":        {"onboarding", "encoding/json"},
		"domain in a workflow":    {"workflows", "m/onboarding"},
		"a package of a family":   {"ondato", "golang.org/x/oauth2/clientcredentials"},
		"gin in the HTTP API":     {"starter/httpapi", "github.com/gin-gonic/gin"},
		"HTTP API on the starter": {"starter/httpapi", "m/starter"},
		"folders of one room":     {"notify", "m/notify/templates"},
		"the sandbox in app":      {"app", "m/sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Empty(t, judge("m", c.folder, c.path))
		})
	}
}
