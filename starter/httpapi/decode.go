package httpapi

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kyc/internal/strictjson"
	"kyc/onboarding"
)

// readBody reads a JSON object into its members. The errors name what is wrong, all of it at once, and show no value.
func readBody(c *gin.Context, into strictjson.Members) error {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || kind != "application/json" {
		return &refusal{status: http.StatusUnsupportedMediaType, code: codeMediaType, detail: "the body is not declared as JSON; send Content-Type: application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &refusal{status: http.StatusRequestEntityTooLarge, code: codeTooLarge, detail: "the body has more than 65536 bytes; shorten it"}
	case err != nil:
		r := malformed(field("body", "ended early", "send it completely"))
		r.cause = err
		return r
	}
	found := into.Read(body)
	for _, f := range found {
		if f.Field == "" { // the body as a whole
			f.Field = "body"
		}
	}
	if len(found) > 0 {
		return malformed(found...)
	}
	return nil
}

// parameter reads a parameter of the query that may be given once.
type parameters struct {
	values map[string][]string
	found  onboarding.FieldErrors
}

// query reads the query, which may have the known parameters, each once.
func query(c *gin.Context, known ...string) *parameters {
	p := &parameters{values: map[string][]string{}}
	values := c.Request.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case !slices.Contains(known, name):
			remedy := "this path takes none"
			if len(known) > 0 {
				remedy = "use " + strings.Join(known, ", ")
			}
			if strictjson.Showable(name) {
				p.found = append(p.found, field(name, "is not a parameter of this path", remedy))
			} else {
				p.found = append(p.found, field("query", "has a parameter of a name that is not known, and not shown because it may be personal", remedy))
			}
		case len(values[name]) > 1:
			p.found = append(p.found, field(name, "is given twice", "give it once"))
		case values.Get(name) == "":
			p.found = append(p.found, field(name, "is empty", "give a value, or leave it out"))
		default:
			p.values[name] = values[name]
		}
	}
	return p
}

// get returns a parameter's value; empty means that it was not given.
func (p *parameters) get(name string) string {
	if len(p.values[name]) == 0 {
		return ""
	}
	return p.values[name][0]
}

// oneOf returns a parameter's value, which must be one of the choices; the first is used when it was not given.
func (p *parameters) oneOf(name string, choices ...string) string {
	value := p.get(name)
	if value == "" {
		return choices[0]
	}
	if !slices.Contains(choices, value) {
		p.found = append(p.found, field(name, "is none of the choices", "use "+strings.Join(choices, " or ")))
	}
	return value
}

// err returns everything that is wrong, or nil.
func (p *parameters) err() error {
	if len(p.found) == 0 {
		return nil
	}
	return malformed(p.found...)
}

// idempotencyKey reconciles the header Idempotency-Key with a member of the body: either may be given, or both alike.
func idempotencyKey(c *gin.Context, member, inBody string) (string, error) {
	const header = "Idempotency-Key"
	given := c.Request.Header.Values(header)
	switch {
	case len(given) == 0:
		return inBody, nil
	case len(given) > 1:
		return "", malformed(field(header, "is given twice", "send one"))
	}
	key := given[0]
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' { // as the IETF's draft writes it
		key = key[1 : len(key)-1]
	}
	switch {
	case key == "":
		return "", malformed(field(header, "is empty", "give a key, or leave the header out"))
	case !utf8.ValidString(key):
		return "", malformed(field(header, "is not valid UTF-8", "encode it as UTF-8"))
	case inBody != "" && inBody != key:
		return "", malformed(field(header, "differs from "+member+" in the body", "give one of them, or the same in both"))
	}
	return key, nil
}

// pathID reads the onboarding's id from the path.
func pathID(c *gin.Context) (onboarding.ID, error) {
	id, err := onboarding.ParseID(strings.ToLower(c.Param("id")))
	if err != nil {
		return "", malformed(onboarding.Fields(err)...)
	}
	visited(c).id = id
	return id, nil
}
