package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
	"kyc/dev/temporalserver"
	"kyc/onboarding"
)

// demoSetups are those of make demo, which the page is read with.
const demoSetups = `setups:
  standard:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
    language: en
    notify: [email]
    operationsEmail: operations@bank.example
    events: all
`

// block is a piece of the page that stands between fences.
type block struct{ kind, text string }

var fences = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

func blocksOf(t *testing.T, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, found := range fences.FindAllStringSubmatch(string(text), -1) {
		all = append(all, block{found[1], found[2]})
	}
	require.Equal(t, 2*len(all), strings.Count(string(text), "```"), "every fence says what is in it")
	return all
}

// reader does what the page says, in a folder of their own.
type reader struct {
	rig
	dir string
	env []string
}

func newReader(t *testing.T) reader {
	r := reader{rig: ownRig(t, stack.Config{Setups: demoSetups}), dir: t.TempDir()}
	bin := filepath.Join(r.dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o700))
	require.NoError(t, os.Rename(commandLine(t), filepath.Join(bin, "onboarding")))
	r.env = append(os.Environ(), r.Environ()...)
	r.env = append(r.env, "API="+r.APIURL, "TOKEN="+r.APIToken(), "NO_COLOR=1")
	return r
}

// shell runs a line of the page. How it ends is for the page to say: echo "exit $?".
func (r reader) shell(t *testing.T, line string) string {
	t.Helper()
	run := exec.CommandContext(timed(t), "sh", "-c", line)
	run.Dir, run.Env = r.dir, r.env
	out, err := run.CombinedOutput()
	if _, ended := err.(*exec.ExitError); !ended {
		require.NoError(t, err, line)
	}
	return string(out)
}

// curl runs a call of the HTTP API; the block ends with the status and with a part of the answer.
func (r reader) curl(t *testing.T, text string) {
	t.Helper()
	command, answer, ok := strings.Cut(text, "\n# ")
	require.True(t, ok, "the example ends with what it answers:\n%s", text)
	status, part, _ := strings.Cut(strings.TrimSpace(answer), " ")
	out := r.shell(t, strings.Replace(command, "curl -sS", `curl -sS -w '\n%{http_code}'`, 1))
	at := strings.LastIndexByte(strings.TrimSpace(out), '\n')
	require.Positive(t, at, out)
	lines := strings.Split(out, "\n")
	require.True(t, slices.ContainsFunc(strings.Split(status, "|"), func(want string) bool { return slices.Contains(lines, want) }), "%s\n%s", command, out)
	require.Contains(t, out, part, command)
}

// session runs commands, each of which stands after a $ and is followed by what it prints. A list may be some seconds
// behind: what only looks is looked at again.
func (r reader) session(t *testing.T, text string) {
	t.Helper()
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, printed, _ := strings.Cut(part, "\n")
		said := r.shell(t, command)
		if regexp.MustCompile(`^bin/onboarding (list|funnel|status) `).MatchString(command) {
			require.Eventually(t, func() bool {
				said = r.shell(t, command)
				return printedLike(printed).MatchString(said)
			}, patience, 10*tick, "%s\n%s", command, said)
		}
		require.Regexp(t, printedLike(printed), said, command)
	}
}

// program builds a Go program as it stands in the page, in the module's root.
func (r reader) program(t *testing.T, n int, source string) (path string) {
	t.Helper()
	path = filepath.Join(r.dir, fmt.Sprintf("program%d", n))
	require.NoError(t, os.WriteFile(path+".go", []byte(source), 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, path+".go")
	build.Dir = "../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// receiver runs the page's backend, and gives it the decision that the stack's own has received.
func (r reader) receiver(t *testing.T, path, printed string) {
	t.Helper()
	port, err := temporalserver.FreePort()
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var said bytes.Buffer
	serve := exec.CommandContext(t.Context(), path)
	serve.Env, serve.Stdout, serve.Stderr = append(r.env, "LISTEN="+address), &said, &said
	require.NoError(t, serve.Start())

	message := r.received(t, onboarding.Reference("customer-4712").ID(), 1)[0]
	var secret string
	for _, variable := range r.env {
		if value, ok := strings.CutPrefix(variable, "HANDOFF_SECRETS="); ok {
			secret = value
		}
	}
	webhook, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	now := time.Now()
	signature, err := webhook.Sign(message.WebhookID, now, message.Body)
	require.NoError(t, err)
	deliver := func(signature string) (status int) {
		q, err := http.NewRequestWithContext(timed(t), "POST", "http://"+address+"/decisions", bytes.NewReader(message.Body))
		require.NoError(t, err)
		q.Header.Set("webhook-id", message.WebhookID)
		q.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		q.Header.Set("webhook-signature", signature)
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			return 0
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	require.Eventually(t, func() bool { return deliver("v1,AAAA") == http.StatusUnauthorized }, patience, tick, "it listens")
	require.Equal(t, http.StatusNoContent, deliver(signature))
	require.NoError(t, serve.Process.Kill())
	require.Error(t, serve.Wait())
	require.Regexp(t, printedLike(printed), said.String())
}

// printedLike matches what a page shows: … stands for what differs from one reader to another, and alone on a line for any
// lines. Spaces at the end of lines are not in the page.
func printedLike(text string) *regexp.Regexp {
	pattern := `(?m)\A`
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line == "…" {
			pattern += `(?s:.*?)^`
			continue
		}
		pattern += strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + ` *\n`
	}
	return regexp.MustCompile(pattern + `\z`)
}

func TestPrintedLike_WhatThePageDoesNotShow_DoesNotMatch(t *testing.T) {
	page := "began …\n…\nended   1\n"
	for said, want := range map[string]bool{
		"began at nine\nended   1\n":           true,
		"began at nine\nx\ny\nended   1  \n":   true,
		"began at nine\nx\ny\nended   2\n":     false,
		"x\nbegan at nine\nended   1\n":        false,
		"began at nine\nnot ended   1\n":       false,
		"":                                     false,
		"began at nine\nended   1\nand more\n": false,
	} {
		require.Equal(t, want, printedLike(page).MatchString(said), said)
	}
}

// TestAPIPage_EveryExample_DoesWhatThePageSays reads docs/api.md as a newcomer does: from the top, beside a stack like the
// demo's, doing whatever it says.
func TestAPIPage_EveryExample_DoesWhatThePageSays(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	demoStarts(t, r.rig)
	programs := map[string]int{}
	blocks := blocksOf(t, "../../docs/api.md")
	for i, b := range blocks {
		programs[b.kind]++
		switch {
		case b.kind == "sh": // variables: the demo's are there already, the others are as the page says
			for line := range strings.Lines(b.text) {
				if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && name == "ID" {
					require.Equal(t, string(onboarding.Reference("customer-4711").ID()), value)
					r.env = append(r.env, "ID="+value)
				}
			}
		case b.kind == "csv":
			require.NoError(t, os.WriteFile(filepath.Join(r.dir, "customers.csv"), []byte(b.text), 0o600))
		case b.kind == "console" && strings.HasPrefix(b.text, "$ "):
			r.session(t, b.text)
		case b.kind == "console":
			r.curl(t, b.text)
		case b.kind == "go":
			require.Less(t, i+1, len(blocks))
			require.Equal(t, "text", blocks[i+1].kind, "what a program prints follows it")
			path := r.program(t, programs["go"], b.text)
			if strings.Contains(b.text, "http.ListenAndServe") {
				r.receiver(t, path, blocks[i+1].text)
			} else {
				require.Regexp(t, printedLike(blocks[i+1].text), r.shell(t, path))
			}
		case b.kind == "text" && i > 0 && blocks[i-1].kind == "go": // what the program printed
		default:
			t.Errorf("nobody runs this block:\n%s", b.text)
		}
	}
	require.GreaterOrEqual(t, programs["console"], 12)
	require.Equal(t, 3, programs["go"])
}

// demoStarts starts what the demo has begun before it can be read with.
func demoStarts(t *testing.T, r rig) {
	t.Helper()
	first, _ := r.start(t, "standard", "ona@customer.example")
	r.play(t, stack.SessionOf(first.Link), "start", "consent", "submit", "approve")
	r.start(t, "standard", "jonas@customer.example")
}
