package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kyc/onboarding"
)

// members says which members an object may have: each is a *string, a *bool or members of its own. encoding/json alone
// would let pass names in another case and members given twice, and it stops at the first thing that is wrong.
type members map[string]any

// readBody reads a JSON object into its members. The errors name what is wrong, all of it at once, and show no value.
func readBody(c *gin.Context, into members) error {
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
	case len(bytes.TrimSpace(body)) == 0:
		return malformed(field("body", "is missing", "send a JSON object"))
	case !utf8.Valid(body):
		return malformed(field("body", "is not valid UTF-8", "encode it as UTF-8"))
	case !json.Valid(body):
		return malformed(field("body", "is not valid JSON"+whereBroken(body), "send one JSON object"))
	case kindOf(body) != "an object":
		return malformed(field("body", "is "+kindOf(body), "send a JSON object"))
	}
	var found onboarding.FieldErrors
	into.read(body, "", &found)
	if len(found) > 0 {
		return malformed(found...)
	}
	return nil
}

// whereBroken says where, without quoting what is there.
func whereBroken(body []byte) string {
	var syntax *json.SyntaxError
	var anything json.RawMessage
	if err := json.Unmarshal(body, &anything); errors.As(err, &syntax) {
		return " at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	return ""
}

// read takes a valid object over. Names of members are the sender's own words, so they are shown short.
func (m members) read(object []byte, path string, found *onboarding.FieldErrors) {
	add := func(name, problem, remedy string) { *found = append(*found, field(path+name, problem, remedy)) }
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token() // the brace: the object is valid
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, isName := token.(string)
		var value json.RawMessage
		if err != nil || !isName || d.Decode(&value) != nil {
			return // cannot be in a valid object
		}
		target, known := m[name]
		switch {
		case !known:
			add(short(name), "is not a member of this object", "use "+m.names())
			continue
		case seen[name]:
			add(name, "is given twice", "give it once")
			continue
		}
		seen[name] = true
		kind := kindOf(value)
		switch to := target.(type) {
		case *string:
			if kind != "a string" {
				add(name, "is "+kind, "give a string, or leave it out")
			} else if json.Unmarshal(value, to) != nil {
				add(name, "is not a readable string", "give plain text")
			}
		case *bool:
			if kind != "a boolean" {
				add(name, "is "+kind, "give true or false, or leave it out")
			} else {
				*to = string(value) == "true"
			}
		case members:
			if kind != "an object" {
				add(name, "is "+kind, "give an object, or leave it out")
			} else {
				to.read(value, path+name+".", found)
			}
		}
	}
}

func (m members) names() string { return strings.Join(slices.Sorted(maps.Keys(m)), ", ") }

// short keeps a name readable, whatever it holds.
func short(name string) string {
	const most = 40
	runes := []rune(name)
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	if slices.ContainsFunc(runes, func(r rune) bool { return !strconv.IsPrint(r) }) || len(runes) == 0 {
		return strconv.Quote(string(runes))
	}
	return string(runes)
}

// kindOf names the type of a valid JSON value.
func kindOf(value []byte) string {
	switch bytes.TrimSpace(value)[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
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
			p.found = append(p.found, field(short(name), "is not a parameter of this path", remedy))
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
