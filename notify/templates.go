package notify

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"kyc/onboarding"
)

// The blocks that messages are made of. Those of the first group stand in the file of each message, the others in the
// common file of each language.
const (
	blockSubject  = "subject"
	blockGreeting = "greeting"
	blockBefore   = "before"
	blockButton   = "button"
	blockAfter    = "after"
	blockShort    = "short"

	blockTime             = "time"
	blockLinkHint         = "link-hint"
	blockFooter           = "footer"
	blockFooterOperations = "footer-operations"
)

const (
	layoutText   = "layout.txt"
	layoutHTML   = "layout.html"
	commonFile   = "common.tmpl"
	reasonsFile  = "reasons.tmpl"
	wordsEnding  = ".tmpl"
	maxTemplate  = 1 << 20
	maxLanguages = 100
)

//go:embed templates
var embedded embed.FS

// functions are what templates may call beside the built-in ones.
var functions = map[string]any{"pick": pick}

// ownBlocks are those that the file of a message must define.
func ownBlocks(kind onboarding.MessageKind) []string {
	blocks := []string{blockSubject, blockGreeting, blockBefore, blockAfter}
	if needsLink(kind) {
		blocks = append(blocks, blockButton)
	}
	if forCustomer[kind] {
		blocks = append(blocks, blockShort)
	}
	return blocks
}

// sharedBlocks are those that a message needs of the other files of its language.
func sharedBlocks(kind onboarding.MessageKind) []string {
	switch {
	case !forCustomer[kind]:
		return []string{blockFooterOperations}
	case !needsLink(kind):
		return []string{blockFooter}
	}
	return append([]string{blockFooter, blockLinkHint, blockTime}, reasonBlocks()...)
}

// flaws are what is wrong with templates; each names the file.
type flaws []*onboarding.FieldError

func (f *flaws) add(file, problem, remedy string) {
	found := &onboarding.FieldError{Field: "Templates", Problem: "has a problem in " + file + ": " + problem, Remedy: remedy}
	if !slices.ContainsFunc(*f, func(known *onboarding.FieldError) bool { return *known == *found }) {
		*f = append(*f, found)
	}
}

// wordsFile is a parsed file of blocks.
type wordsFile struct {
	name   string // as lt/common.tmpl
	blocks map[string]*parse.Tree
	broken bool
}

// loader makes a phrasebook of the built-in templates, and of others where there are some.
type loader struct {
	flaws flaws
	// own and builtIn are the files of blocks by name.
	own, builtIn map[string]*wordsFile
	// layouts are the texts of the layouts, those of own ones where there are some.
	layouts map[string]string
	// called are the blocks that others of the language call.
	called map[language]map[string]bool
}

// loadPhrasebook reads the built-in templates and lays those of own, which may be nil, over them: block by block, and
// layouts as a whole. It returns everything that is wrong with own; without own, nothing is.
func loadPhrasebook(own fs.FS) (*phrasebook, flaws) {
	builtIn, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, flaws{{Field: "Templates", Problem: "cannot be found in the program", Remedy: "build it anew"}}
	}
	l := &loader{layouts: map[string]string{}, called: map[language]map[string]bool{}}
	l.builtIn = l.read(builtIn)
	layouts := maps.Clone(l.layouts)
	if own != nil {
		l.own = l.read(own)
	}
	book := &phrasebook{words: l.words(), own: len(l.own) > 0 || !maps.Equal(layouts, l.layouts)}
	book.text, book.html = l.layout()
	if len(l.flaws) > 0 {
		return nil, l.flaws
	}
	return book, nil
}

var languageFolder = regexp.MustCompile(`^[a-z]{2,3}$`)

// read takes every file there is; a name that means nothing is a flaw, because it would be without effect.
func (l *loader) read(from fs.FS) map[string]*wordsFile {
	files := map[string]*wordsFile{}
	for _, name := range l.list(from, ".") {
		switch {
		case name == layoutText || name == layoutHTML:
			if text, ok := l.content(from, name); ok {
				l.layouts[name] = text
			}
		case isFolder(from, name) && languageFolder.MatchString(name):
			for _, file := range l.list(from, name) {
				l.readWords(from, path.Join(name, file), files)
			}
		default:
			l.flaws.add(name, "is neither a layout nor the folder of a language",
				"name folders by the language's code, such as de, and layouts "+layoutText+" and "+layoutHTML+", or remove it")
		}
	}
	return files
}

// list leaves out hidden files, as those of mounted Kubernetes volumes.
func (l *loader) list(from fs.FS, folder string) []string {
	entries, err := fs.ReadDir(from, folder)
	if err != nil {
		l.flaws.add(folder, "cannot be read ("+reasonOf(err)+")", "give a folder of templates that this program may read")
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if len(names) > maxLanguages {
		l.flaws.add(folder, fmt.Sprintf("there are more than %d files", maxLanguages), "name the folder with the templates and nothing else")
		return nil
	}
	return names
}

func isFolder(from fs.FS, name string) bool {
	info, err := fs.Stat(from, name)
	return err == nil && info.IsDir()
}

// reasonOf leaves out the path, which the flaw names already.
func reasonOf(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

func (l *loader) content(from fs.FS, name string) (string, bool) {
	const remedy = "make it a file of text that this program may read"
	info, err := fs.Stat(from, name)
	switch {
	case err != nil:
		l.flaws.add(name, "cannot be read ("+reasonOf(err)+")", remedy)
		return "", false
	case !info.Mode().IsRegular():
		l.flaws.add(name, "is not a file", remedy)
		return "", false
	}
	f, err := from.Open(name)
	if err != nil {
		l.flaws.add(name, "cannot be read ("+reasonOf(err)+")", remedy)
		return "", false
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	switch {
	case err != nil:
		l.flaws.add(name, "cannot be read ("+reasonOf(err)+")", remedy)
	case len(text) > maxTemplate:
		l.flaws.add(name, "is larger than 1 MiB", remedy)
	case !utf8.Valid(text):
		l.flaws.add(name, "is not valid UTF-8", "save it as UTF-8")
	default:
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
		return strings.ReplaceAll(string(text), "\r\n", "\n"), true
	}
	return "", false
}

func (l *loader) readWords(from fs.FS, name string, files map[string]*wordsFile) {
	allowed := wordsFileNames()
	if !slices.Contains(allowed, path.Base(name)) {
		l.flaws.add(name, "has a name that means nothing here", "use "+strings.Join(allowed, ", ")+", or remove it")
		return
	}
	text, ok := l.content(from, name)
	if !ok {
		files[name] = &wordsFile{name: name, broken: true}
		return
	}
	parsed, err := template.New(name).Funcs(functions).Parse(text)
	if err != nil {
		files[name] = &wordsFile{name: name, broken: true}
		l.flaws.add(name, "is not a template ("+err.Error()+")", "mend the line that is named")
		return
	}
	file := &wordsFile{name: name, blocks: map[string]*parse.Tree{}}
	for _, block := range parsed.Templates() {
		if block.Name() != name {
			file.blocks[block.Name()] = block.Tree
		}
	}
	if parsed.Tree != nil && !parse.IsEmptyTree(parsed.Tree.Root) {
		l.flaws.add(name, "holds text outside of every block, which is never shown", `put it between {{define "…"}} and {{end}}, or remove it`)
	}
	files[name] = file
}

// wordsFileNames are the names that a file in a language's folder may have.
func wordsFileNames() []string {
	names := []string{commonFile, reasonsFile}
	for _, kind := range kinds() {
		names = append(names, string(kind)+wordsEnding)
	}
	return names
}

// words puts the blocks of each message together.
func (l *loader) words() map[language]map[onboarding.MessageKind]*template.Template {
	all := map[language]map[onboarding.MessageKind]*template.Template{}
	for _, spoken := range l.languages() {
		all[spoken] = map[onboarding.MessageKind]*template.Template{}
		l.called[spoken] = map[string]bool{}
		for _, kind := range kinds() {
			if words := l.message(spoken, kind); words != nil {
				all[spoken][kind] = words
			}
		}
		l.inspectNames(spoken)
	}
	return all
}

func (l *loader) languages() []language {
	found := map[language]bool{}
	for _, files := range []map[string]*wordsFile{l.builtIn, l.own} {
		for name := range files {
			found[language(path.Dir(name))] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// message returns nil where a language has no words for a kind. A new language may leave out what goes to operations,
// which is then told in the fallback language as a whole.
func (l *loader) message(spoken language, kind onboarding.MessageKind) *template.Template {
	file := path.Join(string(spoken), string(kind)+wordsEnding)
	common, reasons := path.Join(string(spoken), commonFile), path.Join(string(spoken), reasonsFile)
	if l.builtIn[file] == nil && l.own[file] == nil {
		if forCustomer[kind] {
			l.flaws.add(file, "is missing", "write it: a language of your own needs every message to customers")
		}
		return nil
	}
	blocks := map[string]*parse.Tree{}
	for _, files := range []map[string]*wordsFile{l.builtIn, l.own} {
		for _, name := range []string{common, reasons, file} {
			switch {
			case files[name] == nil:
			case files[name].broken:
				return nil
			default:
				maps.Copy(blocks, files[name].blocks)
			}
		}
	}
	l.inspect(spoken, kind, blocks)
	words := template.New("").Funcs(functions)
	for name, tree := range blocks {
		if _, err := words.AddParseTree(name, tree); err != nil {
			l.flaws.add(file, "cannot be used ("+err.Error()+")", "mend the line that is named")
		}
	}
	return words
}

// layout parses the layouts.
func (l *loader) layout() (*template.Template, *htmltemplate.Template) {
	text, err := template.New(layoutText).Funcs(functions).Parse(l.layouts[layoutText])
	if err != nil {
		l.flaws.add(layoutText, "is not a template ("+err.Error()+")", "mend the line that is named")
	} else {
		for _, block := range text.Templates() {
			l.inspectTree(layoutText, block.Tree, pageFields, nil)
		}
	}
	html, err := htmltemplate.New(layoutHTML).Funcs(functions).Parse(l.layouts[layoutHTML])
	if err != nil {
		l.flaws.add(layoutHTML, "is not a template ("+err.Error()+")", "mend the line that is named")
		return text, nil
	}
	for _, block := range html.Templates() {
		l.inspectTree(layoutHTML, block.Tree, pageFields, nil)
	}
	return text, html
}
