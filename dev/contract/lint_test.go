package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	linting "github.com/speakeasy-api/openapi/linter"
	"github.com/speakeasy-api/openapi/openapi"
	openapilint "github.com/speakeasy-api/openapi/openapi/linter"
	"github.com/speakeasy-api/openapi/validation"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"kyc/dev/contract"
	"kyc/starter/httpapi"
)

// exempt are the rules of the linter that the document does not follow, and why. Every other rule holds.
var exempt = []struct{ rule, message, why string }{
	{"style-info-contact", "", "the project has no address"},
	{"style-license-url", "", "the license has an SPDX identifier, which excludes a URL"},
	{"owasp-security-hosts-https-oas3", "localhost", "the one server named is the demo's"},
	{"owasp-no-credentials-in-url", "pageToken", "a place in a list is no credential"},
	{"owasp-rate-limit", "", "429 and 503 say when to come back, nothing counts down"},
	{"owasp-string-limit", "", "for answers it says nothing; what callers send is bounded: see the test below"},
	{"owasp-string-restricted", "", "as above"},
	{"oas3-example-missing", "schema", "the bodies that schemas make up have the examples"},
}

// lint is what the linter finds in a document, one line each.
func lint(t *testing.T, document []byte) (found []string) {
	t.Helper()
	parsed, early, err := openapi.Unmarshal(t.Context(), bytes.NewReader(document))
	require.NoError(t, err)
	config := linting.NewConfig()
	for _, e := range exempt {
		off := true
		config.Rules = append(config.Rules, linting.RuleEntry{ID: e.rule, Disabled: &off, Match: regexp.MustCompile(e.message)})
	}
	linter, err := openapilint.NewLinter(config)
	require.NoError(t, err)
	out, err := linter.Lint(t.Context(), linting.NewDocumentInfo(parsed, "openapi.yaml"), early, nil)
	require.NoError(t, err)
	from, to := openOnes(document)
	for _, result := range out.Results {
		var e *validation.Error
		if errors.As(result, &e) && e.GetLineNumber() >= from && e.GetLineNumber() < to && aboutRefusals.MatchString(e.Rule) {
			continue
		}
		found = append(found, result.Error())
	}
	return found
}

// aboutRefusals are rules that ask for errors which operations without a token cannot answer: they take no input.
var aboutRefusals = regexp.MustCompile(`^(style-operation-error-response|owasp-define-error-.*)$`)

// openOnes are the lines of the operations that need no token, which stand together at the end of the paths.
func openOnes(document []byte) (from, to int) {
	for i, line := range strings.Split(string(document), "\n") {
		switch line {
		case "  /openapi.yaml:":
			from = i + 1
		case "components:":
			to = i + 1
		}
	}
	return from, to
}

func TestOpenAPI_Linted_IsClean(t *testing.T) {
	require.Empty(t, strings.Join(lint(t, httpapi.OpenAPI()), "\n"))
}

// TestOpenAPI_BrokenOnPurpose_IsFound proves that the linter looks.
func TestOpenAPI_BrokenOnPurpose_IsFound(t *testing.T) {
	for name, c := range map[string]struct{ old, new, rule string }{
		"an operation without an id":      {"      operationId: remind\n", "", "operation-id"},
		"two operations of one id":        {"operationId: refresh", "operationId: remind", "operation-id"},
		"an operation without a tag":      {"      tags: [personal data]\n", "", "tag"},
		"a tag that is not declared":      {"tags: [personal data]", "tags: [erasure]", "tag"},
		"a parameter of nothing":          {"      name: id\n", "      name: other\n", "path-params"},
		"a parameter without description": {"          description: Whether the onboarding goes on.\n", "", "parameter-description"},
		"a component that nothing uses":   {"  schemas:\n    Stage:", "  schemas:\n    Unused: {type: string, description: Nothing., enum: [a]}\n    Stage:", "unused"},
		"a reference to nothing":          {`"#/components/schemas/Erasing"`, `"#/components/schemas/Gone"`, "reference"},
		"an answer without description":   {"          description: It has been done.\n", "", "description"},
		"no 401":                          {"        \"401\": {$ref: \"#/components/responses/Unauthorized\"}\n", "", "401"},
		"an answer without an example":    {", examples: {answer: {$ref: \"#/components/examples/Obeyed\"}}", "", "example"},
		"a verb in a path":                {"/v1/onboardings/{id}/events:", "/v1/onboardings/{id}/get-events:", "verb"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := bytes.Replace(httpapi.OpenAPI(), []byte(c.old), []byte(c.new), 1)
			require.NotEqual(t, httpapi.OpenAPI(), broken, "the document has changed: break it otherwise")
			require.Contains(t, strings.ToLower(strings.Join(lint(t, broken), "\n")), c.rule)
		})
	}
}

// tree is a document as plain values.
func tree(t *testing.T) map[string]any {
	t.Helper()
	var all map[string]any
	require.NoError(t, yaml.Unmarshal(httpapi.OpenAPI(), &all))
	return all
}

// at goes down a tree, following references; what is not there is nil.
func at(root map[string]any, from any, path ...string) any {
	for {
		object, _ := from.(map[string]any)
		if ref, ok := object["$ref"].(string); ok {
			from = at(root, root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			continue
		}
		if len(path) == 0 {
			return from
		}
		from, path = object[path[0]], path[1:]
	}
}

func TestOpenAPI_EveryTextOfARequest_IsBounded(t *testing.T) {
	root := tree(t)
	texts := 0
	var visit func(where string, schema any)
	visit = func(where string, schema any) {
		s, _ := at(root, schema).(map[string]any)
		switch s["type"] {
		case "string":
			texts++
			require.True(t, slices.ContainsFunc([]string{"maxLength", "enum", "pattern"}, func(k string) bool { return s[k] != nil }) ||
				s["format"] == "uuid" || s["format"] == "date", "%s: say how long it may be, or of what form", where)
		case "object":
			require.Equal(t, false, s["additionalProperties"], "%s: refuse what is not known", where)
			for name, property := range s["properties"].(map[string]any) {
				visit(where+"."+name, property)
			}
		}
	}
	for path, item := range root["paths"].(map[string]any) {
		item := item.(map[string]any)
		for method, operation := range item {
			parameters := []any{}
			if method == "parameters" {
				parameters = operation.([]any)
			} else if own, ok := at(root, operation, "parameters").([]any); ok {
				parameters = own
			}
			for _, p := range parameters {
				visit(path+" "+at(root, p, "name").(string), at(root, p, "schema"))
			}
			if body := at(root, operation, "requestBody", "content", "application/json", "schema"); body != nil {
				visit(path+" "+method, body)
			}
		}
	}
	require.Greater(t, texts, 30, "the walk has missed the requests")
}

func TestOpenAPI_EveryExample_IsAsItsSchemaSays(t *testing.T) {
	root, document := tree(t), contract.Document(t)
	checked := 0
	for path, item := range root["paths"].(map[string]any) {
		url := "http://localhost:8081" + strings.ReplaceAll(path, "{id}", string(id))
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			where := fmt.Sprint(method, " ", path)
			request := httptest.NewRequest(strings.ToUpper(method), url, nil)
			if example := at(root, operation, "requestBody", "content", "application/json", "example"); example != nil {
				body, err := json.Marshal(example)
				require.NoError(t, err)
				asked := httptest.NewRequest(strings.ToUpper(method), url, bytes.NewReader(body))
				asked.Header.Set("Content-Type", "application/json")
				asked.Header.Set("Authorization", "Bearer "+token)
				ok, found := document.ValidateHttpRequestSync(asked)
				require.True(t, ok, "%s: %v", where, found)
				checked++
			}
			for status, response := range at(root, operation, "responses").(map[string]any) {
				for kind, media := range at(root, response, "content").(map[string]any) {
					if !strings.Contains(kind, "json") {
						continue
					}
					examples := []any{}
					if one := at(root, media, "example"); one != nil {
						examples = append(examples, one)
					}
					named, _ := at(root, media, "examples").(map[string]any)
					for name := range named {
						examples = append(examples, at(root, named, name, "value"))
					}
					require.NotEmpty(t, examples, "%s %s", where, status)
					for _, example := range examples {
						body, err := json.Marshal(example)
						require.NoError(t, err)
						code, err := strconv.Atoi(status)
						require.NoError(t, err)
						ok, found := document.ValidateHttpResponse(request, &http.Response{StatusCode: code, Request: request,
							Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body))})
						require.True(t, ok, "%s %s: %v\n%s", where, status, found, body)
						checked++
					}
				}
			}
		}
	}
	require.Greater(t, checked, 100, "the walk has missed the examples")
}
