package composetest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// root is the top of the checkout. It is left uncleaned on purpose: go test keeps a result until a file changes that the
// test has opened, but disregards files whose path does not begin with the module's. Joining must keep the dots too.
var root = func() string {
	here, err := os.Getwd()
	if err != nil {
		panic(err) // no test can run without it
	}
	return filepath.Dir(here) + "/.."
}()

func at(path string) string { return root + "/" + path }

// madeSecrets runs the script that makes the secret files, into a directory of the test's own.
func madeSecrets(t *testing.T) string {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "secrets")
	makeSecrets(t, directory)
	return directory
}

func makeSecrets(t *testing.T, directory string) {
	t.Helper()
	_ = read(t, "deploy/make-dev-secrets.sh") // the result depends on it, which go test sees of files that are opened here
	out, err := exec.Command("sh", at("deploy/make-dev-secrets.sh"), directory).CombinedOutput()
	require.NoError(t, err, string(out))
}

// exampleEnv reads .env.example.
func exampleEnv(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(at(".env.example"))
	require.NoError(t, err)
	defer f.Close()
	env := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		require.True(t, ok, line)
		env[name] = value
	}
	return env
}

func load(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	directory, err := filepath.Abs(root)
	require.NoError(t, err)
	content := read(t, "docker-compose.yml")
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  directory,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(directory, "docker-compose.yml"), Content: []byte(content)}},
		Environment: env,
	}, loader.WithProfiles([]string{"*"}))
}

// project is the whole file, all profiles, with the values of .env.example.
func project(t *testing.T) *types.Project {
	t.Helper()
	env := exampleEnv(t)
	env["SECRETS_DIR"] = madeSecrets(t)
	p, err := load(t, env)
	require.NoError(t, err)
	return p
}

// ours are the services that run our image, by name.
func ours(p *types.Project) map[string]types.ServiceConfig {
	out := map[string]types.ServiceConfig{}
	for name, s := range p.Services {
		if strings.HasPrefix(s.Image, "onboarding:") {
			out[name] = s
		}
	}
	return out
}

func environment(s types.ServiceConfig) map[string]string {
	env := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			env[name] = *value
		}
	}
	return env
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(at(path))
	require.NoError(t, err)
	return string(content)
}
