package composetest

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"kyc/app"
)

// programs of the binary that a container may run.
var programs = []string{
	app.ProgramWorker, app.ProgramBridge, app.ProgramAPI, app.ProgramSandbox, app.ProgramSetupNamespace, app.ProgramKeys, app.ProgramCodecServer,
}

func TestCompose_OurServices_AreTheProgramsEachUnderItsName(t *testing.T) {
	services := ours(project(t))
	require.ElementsMatch(t, programs, slices.Collect(maps.Keys(services)))
	for name, s := range services {
		require.Equal(t, name, s.Command[0])
		require.Nil(t, s.Entrypoint, "the image has one")
	}
}

func TestCompose_ConfigurationOfOurServices_IsAcceptedByTheProgram(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	p := project(t)
	for name, s := range ours(p) {
		env := asInContainer(t, p, s)
		_, err := app.Load(s.Command[0], func(n string) (string, bool) { v, ok := env[n]; return v, ok }, pairs(env))
		require.NoError(t, err, name)
	}
}

// asInContainer is a service's environment with the paths of mounted files replaced by those they are mounted from.
func asInContainer(t *testing.T, p *types.Project, s types.ServiceConfig) map[string]string {
	t.Helper()
	env := environment(s)
	for name, value := range env {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind && value == v.Target {
				env[name] = v.Source
			}
		}
		if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
			require.True(t, slices.ContainsFunc(s.Secrets, func(m types.ServiceSecretConfig) bool { return m.Source == secret }),
				"%s: %s names a secret that is not mounted", s.Name, name)
			env[name] = p.Secrets[secret].File
		}
	}
	return env
}

func pairs(env map[string]string) []string {
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

func TestCompose_VariablesOfOurServices_AreReadByTheProgram(t *testing.T) {
	for name, s := range ours(project(t)) {
		known := map[string]bool{}
		for _, v := range app.Variables() {
			if slices.Contains(v.Programs, s.Command[0]) {
				known[v.Name] = true
				known[v.Name+"_FILE"] = v.Secret
			}
		}
		for given := range environment(s) {
			temporal := strings.HasPrefix(given, "TEMPORAL_") && usesTemporal(s)
			require.True(t, known[given] || temporal, "%s does not read %s", name, given)
		}
		if usesTemporal(s) {
			require.NotEmpty(t, environment(s)["TEMPORAL_ADDRESS"], name)
			require.NotEmpty(t, environment(s)["TEMPORAL_NAMESPACE"], name)
		}
	}
}

func usesTemporal(s types.ServiceConfig) bool {
	return !slices.Contains([]string{app.ProgramSandbox, app.ProgramKeys, app.ProgramCodecServer}, s.Command[0])
}

func TestCompose_RequiredVariables_AreGivenToOurServices(t *testing.T) {
	for name, s := range ours(project(t)) {
		env := environment(s)
		groups := map[string]bool{}
		for _, v := range app.Variables() {
			if !slices.Contains(v.Required, s.Command[0]) {
				continue
			}
			given := env[v.Name] != "" || env[v.Name+"_FILE"] != ""
			if v.When != "" && !given {
				continue // whether the example's setups need it is told by loading them, above
			}
			if v.AnyOf != "" {
				groups[v.AnyOf] = groups[v.AnyOf] || given
				continue
			}
			require.True(t, given, "%s lacks %s", name, v.Name)
		}
		for group, given := range groups {
			require.True(t, given, "%s lacks all of the %s", name, group)
		}
	}
}

func TestCompose_RequiredValueMissingInEnv_SaysWhatToSet(t *testing.T) {
	for _, name := range []string{"HANDOFF_URL", "NOTIFY_FROM", "ONDATO_CLIENT_ID", "ONDATO_APPLICATION_ID"} {
		env := exampleEnv(t)
		delete(env, name)
		_, err := load(t, env)
		require.ErrorContains(t, err, "set "+name+" in .env")
	}
}

func TestEnvExample_EachVariable_IsUsedByTheComposeFile(t *testing.T) {
	content := read(t, "docker-compose.yml")
	for name := range exampleEnv(t) {
		if name != "COMPOSE_PROFILES" {
			require.Contains(t, content, "${"+name, "docker-compose.yml does not use it")
		}
	}
}

func TestCompose_Images_ArePinned(t *testing.T) {
	for name, s := range project(t).Services {
		requirePinned(t, name, s.Image)
	}
	for _, line := range strings.Split(read(t, "Dockerfile"), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "FROM" {
			image := fields[1]
			if strings.HasPrefix(image, "--platform") {
				image = fields[2]
			}
			requirePinned(t, "Dockerfile", image)
		}
	}
}

func requirePinned(t *testing.T, where, image string) {
	t.Helper()
	if strings.Contains(image, "@sha256:") {
		require.Regexp(t, `@sha256:[0-9a-f]{64}$`, image, where)
		return
	}
	_, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	require.True(t, ok && tag != "" && tag != "latest", "%s: %s is not pinned", where, image)
	if !strings.HasPrefix(image, "onboarding:") {
		require.Regexp(t, `\d+\.\d+`, tag, "%s: the tag of %s moves", where, image)
	}
}

func TestCompose_TemporalServerAndTools_HaveOneVersion(t *testing.T) {
	services := project(t).Services
	tag := func(name string) string { return strings.Split(services[name].Image, ":")[1] }
	require.Equal(t, tag("temporal"), tag("temporal-schema"))
	require.Equal(t, tag("temporal"), tag("temporal-namespace"))
}

func TestCompose_Dependencies_ExistAndHaveAConditionThatCanCome(t *testing.T) {
	p := project(t)
	for name, s := range p.Services {
		for on, d := range s.DependsOn {
			target, err := p.GetService(on)
			require.NoError(t, err, name)
			switch d.Condition {
			case types.ServiceConditionHealthy:
				require.NotNil(t, target.HealthCheck, "%s waits for the health of %s, which has no check", name, on)
			case types.ServiceConditionCompletedSuccessfully:
				require.NotContains(t, []string{types.RestartPolicyAlways, types.RestartPolicyUnlessStopped}, target.Restart,
					"%s waits for the end of %s, which never ends", name, on)
			default:
				t.Errorf("%s depends on %s with condition %q", name, on, d.Condition)
			}
			require.Subset(t, append(slices.Clone(s.Profiles), ""), append(slices.Clone(target.Profiles), ""),
				"%s can be up without %s, whose profile is another", name, on)
		}
	}
}

func TestCompose_OurServices_AreConfined(t *testing.T) {
	for name, s := range ours(project(t)) {
		uid, _, _ := strings.Cut(s.User, ":")
		require.Regexp(t, `^[1-9]\d*$`, uid, "%s runs as root", name)
		require.True(t, s.ReadOnly, "%s can write to its image", name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", name)
		require.False(t, s.Privileged, name)
	}
}

func TestCompose_EveryService_RestartsAndGainsNoPrivileges(t *testing.T) {
	for name, s := range project(t).Services {
		require.NotEmpty(t, s.Restart, name)
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", name)
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s publishes port %s to the network", name, port.Published)
		}
	}
}

// secretLike are names whose values must not stand in the file.
var secretLike = regexp.MustCompile(`(?i)(PASSWORD|PWD|SECRET|TOKEN$|API_KEY|CREDENTIAL)`)

func TestCompose_Secrets_AreFilesAndNeverInline(t *testing.T) {
	p := project(t)
	secret := map[string]bool{}
	for _, v := range app.Variables() {
		secret[v.Name] = v.Secret
	}
	for name, s := range p.Services {
		for variable, value := range environment(s) {
			require.False(t, secret[variable], "%s: give %s by its _FILE variable", name, variable)
			if secretLike.MatchString(variable) && value != "true" { // a switch is no secret
				require.Contains(t, value, "/run/secrets/", "%s: %s", name, variable)
			}
			require.NotContains(t, value, "whsec_", "%s: %s", name, variable)
			if u, err := url.Parse(value); err == nil {
				require.Nil(t, u.User, "%s: %s holds a password", name, variable)
			}
		}
		for _, mounted := range s.Secrets {
			require.Contains(t, p.Secrets, mounted.Source, name)
		}
	}
	for name := range exampleEnv(t) {
		require.False(t, secret[name] || secretLike.MatchString(name) && name != "SECRETS_DIR", ".env.example holds %s", name)
	}
	for name, s := range p.Secrets {
		require.NotEmpty(t, s.File, name)
		content, err := os.ReadFile(s.File)
		require.NoError(t, err, "deploy/make-dev-secrets.sh does not make %s", name)
		require.NotEmpty(t, strings.TrimSpace(string(content)), name)
	}
}

func TestCompose_SecretsMade_AreNotOverwrittenByMakingThemAgain(t *testing.T) {
	directory := madeSecrets(t)
	before, err := os.ReadFile(filepath.Join(directory, "webhook_basic"))
	require.NoError(t, err)
	makeSecrets(t, directory)
	after, err := os.ReadFile(filepath.Join(directory, "webhook_basic"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	info, err := os.Stat(directory)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "others may enter the directory")
}

func TestCompose_HealthchecksOfOurServices_UseNothingButTheBinary(t *testing.T) {
	listen := map[string]string{
		app.ProgramWorker: "METRICS_LISTEN", app.ProgramBridge: "WEBHOOK_LISTEN", app.ProgramAPI: "API_LISTEN",
		app.ProgramSandbox: "SANDBOX_LISTEN", app.ProgramCodecServer: "CODEC_LISTEN",
	}
	for name, s := range ours(project(t)) {
		if name == app.ProgramSetupNamespace || name == app.ProgramKeys {
			require.Nil(t, s.HealthCheck, "a job ends")
			continue
		}
		require.NotNil(t, s.HealthCheck, name)
		test := s.HealthCheck.Test
		require.Len(t, test, 4, name)
		require.Equal(t, []string{"CMD", "/onboarding", "healthcheck"}, []string(test[:3]), "%s: there is no shell in the image", name)
		u, err := url.Parse(test[3])
		require.NoError(t, err, name)
		require.Equal(t, environment(s)[listen[name]], ":"+u.Port(), "%s is asked at a port where it does not listen", name)
	}
}

func TestCompose_MountedFiles_Exist(t *testing.T) {
	for name, s := range project(t).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			require.True(t, v.ReadOnly, "%s may write to %s", name, v.Source)
			_, err := os.Stat(v.Source)
			require.NoError(t, err, name)
		}
	}
}

func TestCompose_AddressesInside_NameServicesThatListenThere(t *testing.T) {
	p := project(t)
	listening := map[string][]string{
		"temporal": {"7233"}, "sandbox": {"8090"}, "webhookbridge": {"8080"}, "mailcatcher": {"1025"},
		"keystore": {"5432"},
	}
	for name, s := range ours(p) {
		for variable, value := range environment(s) {
			if strings.HasPrefix(value, "/run/secrets/") {
				content, err := os.ReadFile(p.Secrets[strings.TrimPrefix(value, "/run/secrets/")].File)
				require.NoError(t, err)
				value = strings.TrimSpace(string(content))
			}
			if variable == "TEMPORAL_ADDRESS" {
				value = "grpc://" + value
			}
			u, err := url.Parse(value)
			if err != nil || u.Host == "" || u.Hostname() == "localhost" || u.Hostname() == "host.docker.internal" {
				continue
			}
			require.Contains(t, listening, u.Hostname(), "%s: %s", name, variable)
			require.Contains(t, listening[u.Hostname()], u.Port(), "%s: %s", name, variable)
			target, err := p.GetService(u.Hostname())
			require.NoError(t, err, "%s: %s", name, variable)
			require.True(t, shareNetwork(s, target), "%s cannot reach %s", name, u.Hostname())
		}
	}
}

func shareNetwork(a, b types.ServiceConfig) bool {
	for network := range a.Networks {
		if _, ok := b.Networks[network]; ok {
			return true
		}
	}
	return false
}

func TestDockerfile_ImageIsStaticAndNotRoot(t *testing.T) {
	content := read(t, "Dockerfile")
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "distroless/static", "USER 65532:65532", `ENTRYPOINT ["/onboarding"]`} {
		require.Contains(t, content, want)
	}
	modules := read(t, "go.mod")
	version := regexp.MustCompile(`golang:(\d+\.\d+)`).FindStringSubmatch(content)
	require.Len(t, version, 2)
	require.Contains(t, modules, "\ngo "+version[1], "builder and go.mod name different versions of Go")
}

func TestDockerignore_SecretsStayOut(t *testing.T) {
	lines := strings.Split(read(t, ".dockerignore"), "\n")
	for _, want := range []string{".*", "deploy", "**/.env*"} {
		require.Contains(t, lines, want)
	}
	require.Contains(t, strings.Split(read(t, "deploy/.gitignore"), "\n"), "dev-secrets/")
}
