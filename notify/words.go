package notify

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
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

// phrasebook holds the words of every kind of message in every language. The words of a message are written once, as
// templates of plain text; two layouts make its text part and its HTML part of them, so that the two always say the same.
type phrasebook struct {
	words map[language]map[onboarding.MessageKind]*template.Template
	text  *template.Template
	html  *htmltemplate.Template
	// own tells that there is something beside the built-in templates, which the tests have tried.
	own bool
}

// speak chooses the language of a message for a tag such as lt-LT: that of its base, or the fallback.
func (b *phrasebook) speak(tag string, kind onboarding.MessageKind) language {
	base, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	if spoken := language(strings.ToLower(base)); b.words[spoken][kind] != nil {
		return spoken
	}
	return fallbackLanguage
}

// facts are what the words may speak of. Those of the customer are empty in messages to operations.
type facts struct {
	Company       string // the sender, as customers know it
	FirstName     string // empty where there is none that is safe to write
	Link          string // empty where the message needs none
	Until         string // when the link expires; empty where that is not known
	Reason        string // why there is a new link, in words; empty in other messages
	Started       bool
	Number, Total int
	ID            string
	Setup         string
	Attempt       int
}

// page is what the layouts lay out.
type page struct {
	Language      string
	Company       string // empty in messages to operations
	Subject       string
	Greeting      string
	Before, After []paragraph
	// Link, Button and LinkHint are empty in messages without a link.
	Link, Button, LinkHint string
	Footer                 []paragraph
}

// paragraph is a piece of a mail; a literal one, such as a command, keeps its lines.
type paragraph struct {
	Text    string
	Literal bool
}

// rendered is a message in words.
type rendered struct {
	Language language
	Subject  string
	Text     string
	HTML     string
	// Short is a line for SMS and push, with the link where there is one; empty for operations.
	Short string

	page page
}

// speaker says the blocks of a message, up to the first that fails.
type speaker struct {
	words  *template.Template
	failed error
}

func (s *speaker) say(block string, about any) string {
	if s.failed != nil {
		return ""
	}
	out := bounded{what: "block " + block}
	s.failed = s.words.ExecuteTemplate(&out, block, about)
	return out.text.String()
}

// maxRendered bounds what a template may write, so that a loop in one neither fills the memory nor goes on for minutes.
const maxRendered = 1 << 20

var errTooLong = errors.New("writes more than 1 MiB")

// bounded takes no more than maxRendered of what a block or layout writes.
type bounded struct {
	what string
	text strings.Builder
}

// Write refuses what would be too much, which ends the template.
func (b *bounded) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("%s %w", b.what, errTooLong)
	}
	return b.text.Write(p)
}

func (b *phrasebook) render(m onboarding.Message, company string) (rendered, error) {
	spoken := b.speak(m.Language, m.Kind)
	s := &speaker{words: b.words[spoken][m.Kind]}
	known := s.factsOf(m, company)
	p := page{
		Language: string(spoken),
		Subject:  oneLine(s.say(blockSubject, known)),
		Greeting: oneLine(s.say(blockGreeting, known)),
		Before:   paragraphs(s.say(blockBefore, known)),
		After:    paragraphs(s.say(blockAfter, known)),
	}
	out := rendered{Language: spoken, Subject: p.Subject}
	if forCustomer[m.Kind] {
		p.Company, p.Footer = company, paragraphs(s.say(blockFooter, known))
		out.Short = oneLine(s.say(blockShort, known))
	} else {
		p.Footer = paragraphs(s.say(blockFooterOperations, known))
	}
	if needsLink(m.Kind) {
		p.Link, p.Button, p.LinkHint = m.Link, oneLine(s.say(blockButton, known)), oneLine(s.say(blockLinkHint, known))
	}
	if s.failed != nil {
		return rendered{}, s.failed
	}
	out.page = p
	text, html := bounded{what: layoutText}, bounded{what: layoutHTML}
	if err := b.text.Execute(&text, p); err != nil {
		return rendered{}, err
	}
	if err := b.html.Execute(&html, p); err != nil {
		return rendered{}, err
	}
	out.Text, out.HTML = text.text.String(), html.text.String()
	return out, nil
}

// factsOf lets through what a message of this kind may say, and nothing else.
func (s *speaker) factsOf(m onboarding.Message, company string) facts {
	known := facts{Company: company, ID: string(m.ID), Setup: oneLine(m.Setup), Attempt: m.Attempt}
	if !forCustomer[m.Kind] {
		return known
	}
	known.FirstName = greetable(m.FirstName)
	if !needsLink(m.Kind) {
		return known
	}
	known.Link, known.Started, known.Number, known.Total = m.Link, m.Started, m.Number, m.Total
	if !m.LinkUntil.IsZero() {
		known.Until = oneLine(s.say(blockTime, momentOf(m.LinkUntil, zoneOf(m.TimeZone))))
	}
	if m.Kind == onboarding.MessageNewLink {
		known.Reason = oneLine(s.say(reasonBlock(m.RetryReason), nil))
	}
	return known
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

// longestName is how many letters a name has at most that a mail greets with.
const longestName = 60

// greetable returns a name that a mail may greet with, or nothing. Customers choose their names: one that a mail client
// could take for an address would let a stranger send links in our name.
func greetable(name string) string {
	if name = strings.TrimSpace(name); !utf8.ValidString(name) || utf8.RuneCountInString(name) > longestName {
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
