package app

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"kyc/onboarding"
)

// SetupProblem is one thing that is wrong with the file of setups.
type SetupProblem struct {
	// Setup is empty when the problem is the file's.
	Setup string
	// Line of the file, 0 when it has none.
	Line int
	// Field is the path inside the setup, such as policy.deadline; empty when the problem is the whole setup's.
	Field   string
	Problem string
	Remedy  string
}

func (p SetupProblem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Setup != "" {
		fmt.Fprintf(&b, "setup %s: ", p.Setup)
	}
	if p.Field != "" {
		b.WriteString(p.Field + " ")
	}
	b.WriteString(p.Problem)
	if p.Remedy != "" {
		b.WriteString(": " + p.Remedy)
	}
	return b.String()
}

// SetupsError is everything that is wrong with a file of setups.
type SetupsError struct {
	Problems []SetupProblem
	// usable setups let the caller look for further problems of the configuration.
	usable map[string]onboarding.Setup
}

// Error has a line for each problem.
func (e *SetupsError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return "the setups cannot be used:\n  " + strings.Join(lines, "\n  ")
}

// maxSetupsFile is far above thousands of setups.
const maxSetupsFile = 4 << 20

// LoadSetups reads the setups of a file (ONBOARDING_SETUPS) by name; what a setup does not say has the default of
// onboarding.DefaultPolicy. What is wrong comes back all at once, as a *SetupsError.
func LoadSetups(path string) (map[string]onboarding.Setup, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file of setups cannot be read: %w; give the path of a file that this program may read", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSetupsFile+1))
	if err != nil {
		return nil, fmt.Errorf("the file of setups cannot be read: %w; give the path of a file that this program may read", err)
	}
	if len(data) > maxSetupsFile {
		return nil, errors.New("the file of setups is larger than 4 MiB; name the file with the setups and nothing else")
	}
	return ParseSetups(data)
}

// ParseSetups does what LoadSetups does, with the file's content.
func ParseSetups(data []byte) (map[string]onboarding.Setup, error) {
	r := setupsReader{setups: map[string]onboarding.Setup{}}
	r.file(data)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b SetupProblem) int { return a.Line - b.Line })
		return nil, &SetupsError{Problems: r.problems, usable: r.setups}
	}
	return r.setups, nil
}

// setupsReader goes through the YAML by hand rather than have it decoded in one go: the decoder stops at the first wrong
// duration and speaks of Go types.
type setupsReader struct {
	setups   map[string]onboarding.Setup
	problems []SetupProblem

	name  string         // of the setup at hand
	lines map[string]int // of its fields
	bad   map[string]bool
}

const setupsShape = "begin it with setups: and list each setup below under its name"

func (r *setupsReader) file(data []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		r.report(0, "", "the file is empty", setupsShape)
		return
	case err != nil:
		r.report(0, "", "the file is not YAML ("+strings.TrimPrefix(err.Error(), "yaml: ")+")", setupsShape)
		return
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.report(0, "", "the file holds more than one document", "keep all setups in the first and remove the line ---")
	}
	root := resolve(document.Content[0])
	if root.Kind != yaml.MappingNode {
		r.report(root.Line, "", "the file is not a list of settings", setupsShape)
		return
	}
	var setups *yaml.Node
	r.fields(root, "", []string{"setups"}, func(_ string, value *yaml.Node) { setups = value })
	switch {
	case setups == nil || isNull(setups):
		r.report(0, "", "the file has no setups", setupsShape)
	case setups.Kind != yaml.MappingNode:
		r.report(setups.Line, "", "setups is not a list of named setups", setupsShape)
	case len(setups.Content) == 0:
		r.report(setups.Line, "", "the file has no setups", setupsShape)
	default:
		first := map[string]int{}
		for key, value := range pairs(setups) {
			if line, again := first[key.Value]; again {
				r.name = key.Value
				r.report(key.Line, "", "has the name of another setup", fmt.Sprintf("rename it or the one in line %d", line))
				continue
			}
			first[key.Value] = key.Line
			r.setup(key, value)
		}
	}
}

func (r *setupsReader) setup(key, value *yaml.Node) {
	before := len(r.problems)
	r.name, r.lines, r.bad = key.Value, map[string]int{"": key.Line}, map[string]bool{}
	s := onboarding.Setup{
		Name: key.Value, Language: "en", NotifyBy: onboarding.NotifyFirst, TimeZone: "UTC",
		HandOff: []string{onboarding.DefaultTarget}, Events: onboarding.DeliverAll,
		Policy: onboarding.DefaultPolicy(),
	}
	if value.Kind != yaml.MappingNode {
		r.report(key.Line, "", "is empty", "give at least ondatoSetupId")
		return
	}
	r.structure(value, "", reflect.ValueOf(&s).Elem())
	for _, f := range onboarding.Fields(s.Validate()) {
		if r.bad[f.Field] {
			continue
		}
		problem, remedy := f.Problem, f.Remedy
		if f.Field == "ondatoSetupId" && s.OndatoSetupID == "" {
			problem = "is missing"
		}
		r.report(r.lineOf(f.Field), f.Field, problem, remedy)
	}
	if len(r.problems) == before {
		s.OndatoSetupID = strings.ToLower(s.OndatoSetupID) // ids are compared in lower case
		r.setups[s.Name] = s
	}
}

// lineOf finds the line of the field, or of the nearest thing around it.
func (r *setupsReader) lineOf(field string) int {
	for {
		if line, ok := r.lines[field]; ok {
			return line
		}
		i := strings.LastIndexAny(field, ".[")
		if i < 0 {
			return r.lines[""]
		}
		field = field[:i]
	}
}

func (r *setupsReader) report(line int, field, problem, remedy string) {
	r.problems = append(r.problems, SetupProblem{r.name, line, field, problem, remedy})
}

// structure reads a mapping into a struct by its yaml tags.
func (r *setupsReader) structure(node *yaml.Node, prefix string, into reflect.Value) {
	places := map[string]reflect.Value{}
	var known []string
	for i := range into.NumField() {
		if tag, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("yaml"), ","); tag != "" && tag != "-" {
			places[tag] = into.Field(i)
			known = append(known, tag)
		}
	}
	r.fields(node, prefix, known, func(name string, value *yaml.Node) {
		r.lines[prefix+name] = value.Line
		r.value(value, prefix+name, places[name])
	})
}

// fields calls take for each known field of a mapping and reports the others.
func (r *setupsReader) fields(node *yaml.Node, prefix string, known []string, take func(string, *yaml.Node)) {
	seen := map[string]bool{}
	for key, value := range pairs(node) {
		switch {
		case key.Value == "<<":
			r.report(key.Line, prefix+"<<", "is not supported", "write the values out in each setup")
		case !slices.Contains(known, key.Value):
			r.report(key.Line, prefix+key.Value, "is not a known field", suggestion(key.Value, known))
		case seen[key.Value]:
			r.report(key.Line, prefix+key.Value, "is given twice", "remove one of them")
		default:
			seen[key.Value] = true
			take(key.Value, value)
		}
	}
}

func suggestion(name string, known []string) string {
	best, distance := "", 4
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "use " + strings.Join(known, ", ")
}

func (r *setupsReader) value(node *yaml.Node, field string, into reflect.Value) {
	refuse := func(problem, remedy string) {
		r.bad[field] = true
		r.report(node.Line, field, problem, remedy)
	}
	text, isText := into.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case isNull(node):
		refuse("has no value", "give one, or remove the line to keep the default")
	case isText:
		if node.Kind != yaml.ScalarNode || text.UnmarshalText([]byte(node.Value)) != nil {
			refuse("is not a duration", "write it as 7d, 1d12h or 45m")
		}
	case into.Kind() == reflect.Struct:
		if node.Kind != yaml.MappingNode {
			refuse("is not a group of fields", "write its fields below it, indented")
			return
		}
		r.structure(node, field+".", into)
	case into.Kind() == reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			refuse("is not a list", "write it as [first, second]")
			return
		}
		out := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
		for i, item := range node.Content {
			item = resolve(item)
			element := fmt.Sprintf("%s[%d]", field, i)
			r.lines[element] = item.Line
			r.value(item, element, out.Index(i))
			// A list with a wrong element is not judged as a whole.
			r.bad[field] = r.bad[field] || r.bad[element]
		}
		if !r.bad[field] {
			into.Set(out)
		}
	case into.Kind() == reflect.Bool:
		if node.ShortTag() != "!!bool" || node.Decode(into.Addr().Interface()) != nil {
			refuse("is neither true nor false", "write true or false")
		}
	case into.Kind() == reflect.Int:
		if node.ShortTag() != "!!int" || node.Decode(into.Addr().Interface()) != nil {
			refuse("is not a whole number", "write it in digits")
		}
	case into.Kind() == reflect.String:
		// A bare no is a boolean to YAML and Norwegian to us, so any plain value counts as text.
		if node.Kind != yaml.ScalarNode {
			refuse("is not a text", "write one value on the same line")
			return
		}
		into.SetString(node.Value)
	default:
		// Only a new type of field in onboarding.Setup leads here; the tests go through all of them.
		refuse("cannot be given in this file", "remove the line")
	}
}

// pairs goes through a mapping's keys and values, aliases resolved.
func pairs(mapping *yaml.Node) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(resolve(mapping.Content[i]), resolve(mapping.Content[i+1])) {
				return
			}
		}
	}
}

func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }
