package notify

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"path"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"kyc/onboarding"
)

// fallbackLanguage is spoken where there are no words in the customer's.
const fallbackLanguage language = "en"

// language is the base of a language tag: en, lt.
type language string

//go:embed templates
var embedded embed.FS

// phrasebook holds the words of every kind of message in every language. The words of a message are written once, as
// templates of plain text; two layouts make its text part and its HTML part of them, so that the two always say the same.
type phrasebook struct {
	words map[language]map[onboarding.MessageKind]*template.Template
	text  *template.Template
	html  *htmltemplate.Template
}

// loadPhrasebook reads layout.txt, layout.html and, for each language, common.tmpl and a file for each kind.
func loadPhrasebook(from fs.FS) (*phrasebook, error) {
	book := &phrasebook{words: make(map[language]map[onboarding.MessageKind]*template.Template)}
	var err error
	if book.text, err = template.ParseFS(from, "layout.txt"); err != nil {
		return nil, fmt.Errorf("message templates: %w", err)
	}
	if book.html, err = htmltemplate.ParseFS(from, "layout.html"); err != nil {
		return nil, fmt.Errorf("message templates: %w", err)
	}
	for spoken := range calendars {
		book.words[spoken] = make(map[onboarding.MessageKind]*template.Template)
		for kind := range forCustomer {
			folder := string(spoken)
			words, err := template.ParseFS(from, path.Join(folder, "common.tmpl"), path.Join(folder, string(kind)+".tmpl"))
			if err != nil {
				return nil, fmt.Errorf("message templates: %w", err)
			}
			book.words[spoken][kind] = words
		}
	}
	return book, nil
}

// speak chooses the language for a tag such as lt-LT: that of its base, or the fallback.
func (b *phrasebook) speak(tag string) language {
	base, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	if spoken := language(strings.ToLower(base)); b.words[spoken] != nil {
		return spoken
	}
	return fallbackLanguage
}

// facts are what the words may speak of.
type facts struct {
	Company       string // the sender, as customers know it
	FirstName     string // empty where there is none that is safe to write
	Until         string // when the link expires; empty where that is not known
	Reason        string // why there is a new link
	Started       bool
	Number, Total int
	ID            onboarding.ID
	Setup         string
	Attempt       int
}

// paragraph is a piece of a mail; a literal one, such as a command, keeps its lines.
type paragraph struct {
	Text    string
	Literal bool
}

// rendered is a message in words.
type rendered struct {
	Subject string
	Text    string
	HTML    string
}

func (b *phrasebook) render(m onboarding.Message, company string) (rendered, error) {
	spoken := b.speak(m.Language)
	words := b.words[spoken][m.Kind]
	if words == nil {
		return rendered{}, fmt.Errorf("no words for messages of this kind")
	}
	known := facts{
		Company:   company,
		FirstName: greetable(m.FirstName),
		Until:     until(spoken, m.LinkUntil),
		Reason:    explainRetry(spoken, m.RetryReason),
		Started:   m.Started,
		Number:    m.Number,
		Total:     m.Total,
		ID:        m.ID,
		Setup:     oneLine(m.Setup),
		Attempt:   m.Attempt,
	}
	var failed error
	say := func(block string) string {
		var out strings.Builder
		if err := words.ExecuteTemplate(&out, block, known); err != nil && failed == nil {
			failed = err
		}
		return out.String()
	}
	page := struct {
		Language      language
		Subject       string
		Greeting      string
		Before, After []paragraph
		Link          string
		Button        string
		LinkHint      string
		Footer        []paragraph
	}{
		Language: spoken,
		Subject:  oneLine(say("subject")),
		Greeting: oneLine(say("greeting")),
		Before:   paragraphs(say("before")),
		After:    paragraphs(say("after")),
	}
	if forCustomer[m.Kind] {
		page.Link, page.Button, page.LinkHint = m.Link, oneLine(say("button")), oneLine(say("link-hint"))
		page.Footer = paragraphs(say("footer"))
	} else {
		page.Footer = paragraphs(say("footer-operations"))
	}
	var text, html strings.Builder
	if err := b.text.Execute(&text, page); err != nil && failed == nil {
		failed = err
	}
	if err := b.html.Execute(&html, page); err != nil && failed == nil {
		failed = err
	}
	if failed != nil {
		return rendered{}, failed
	}
	return rendered{Subject: page.Subject, Text: text.String(), HTML: html.String()}, nil
}

// paragraphs are parted by empty lines. Indented ones are literal; the lines of others flow.
func paragraphs(text string) []paragraph {
	const indent = "    "
	var all []paragraph
	for block := range strings.SplitSeq(text, "\n\n") {
		block = strings.Trim(block, "\n")
		switch {
		case strings.TrimSpace(block) == "":
		case strings.HasPrefix(block, indent):
			all = append(all, paragraph{Text: strings.ReplaceAll(block[len(indent):], "\n"+indent, "\n"), Literal: true})
		default:
			all = append(all, paragraph{Text: oneLine(block)})
		}
	}
	return all
}

// oneLine makes every run of white space and control characters a single space.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// greetable returns a name that a mail may greet with, or nothing. Customers choose their names: one that a mail client
// could take for an address would let a stranger send links in our name.
func greetable(name string) string {
	if name = strings.TrimSpace(name); !utf8.ValidString(name) || utf8.RuneCountInString(name) > 60 {
		return ""
	}
	before := ' '
	for _, r := range name {
		inName := unicode.IsLetter(r) || unicode.IsMark(r) || strings.ContainsRune(" .-'’", r)
		if !inName || (before == '.' && r != ' ') {
			return ""
		}
		before = r
	}
	return name
}
