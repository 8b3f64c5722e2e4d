package notify

import (
	"errors"
	htmlescape "html"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kyc/onboarding"
)

// readPhrasebook reads the built-in templates and those of a folder, if one is named, and tries them all.
func readPhrasebook(folder, company string) (*phrasebook, flaws) {
	if folder == "" {
		return loadPhrasebook(nil)
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, flaws{{Field: "Templates", Problem: "is not a folder that can be read", Remedy: "give the path of a folder of templates"}}
	}
	book, wrong := loadPhrasebook(os.DirFS(folder))
	if len(wrong) > 0 || !book.own {
		return book, wrong
	}
	return book, book.prove(company)
}

// sampleLink is long, as Ondato's are.
const sampleLink = "https://idv.example/?id=0f8fad5b-d9cb-469f-a165-70867728950e"

// sampleNames are as short, as long and as far from ASCII as those that messages may greet with.
var sampleNames = []string{"Ona", "B", strings.Repeat("Abcde", longestName/5), "Žydrūnė", "Ž"}

// prove renders every message of every language in every variant, and returns what goes wrong.
func (b *phrasebook) prove(company string) flaws {
	var found flaws
	for _, spoken := range slices.Sorted(maps.Keys(b.words)) {
		for _, kind := range kinds() {
			if b.words[spoken][kind] == nil {
				continue
			}
			for _, m := range samples(kind) {
				m.Language = string(spoken)
				if !b.proveOne(&found, path.Join(string(spoken), string(kind)+wordsEnding), m, company) {
					break // the others would hardly tell more, and a loop takes its time
				}
			}
		}
	}
	return found
}

// proveOne tells whether the message can be rendered at all.
func (b *phrasebook) proveOne(found *flaws, file string, m onboarding.Message, company string) bool {
	out, err := b.render(m, company)
	switch {
	case errors.Is(err, errTooLong):
		found.add(file, "cannot be rendered with sample data ("+err.Error()+")", "look there for a loop")
		return false
	case err != nil:
		found.add(file, "cannot be rendered with sample data ("+err.Error()+")", "mend the line that is named")
		return false
	}
	if !utf8.ValidString(out.Subject + out.Text + out.HTML + out.Short) {
		found.add(file, "writes a part of a letter", `do not slice by bytes: {{printf "%.1s" .FirstName}} is the first letter`)
	}
	empty := func(block, words string) {
		if words == "" {
			found.add(file, "block "+block+" is empty", "write something for every case")
		}
	}
	empty(blockSubject, out.Subject)
	if len(out.page.Before) == 0 {
		empty(blockBefore, "")
	}
	if forCustomer[m.Kind] {
		empty(blockShort, out.Short)
	}
	html := htmlescape.UnescapeString(out.HTML)
	if needsLink(m.Kind) {
		empty(blockButton, out.page.Button)
		for _, shown := range []struct{ file, words string }{{file, out.Short}, {layoutText, out.Text}, {layoutHTML, html}} {
			if !strings.Contains(shown.words, m.Link) {
				found.add(shown.file, "does not show the link", "write {{.Link}} in the block "+blockShort+" of every message and in the layouts")
			}
		}
	}
	for _, p := range out.page.Before {
		for _, shown := range []struct{ file, words string }{{layoutText, out.Text}, {layoutHTML, html}} {
			if !p.Literal && !strings.Contains(shown.words, p.Text) {
				found.add(shown.file, "does not show the paragraphs of .Before", "range over .Before and write .Text of each")
			}
		}
	}
	return true
}

// samples are the variants of a message, of customers and texts that are made up.
func samples(kind onboarding.MessageKind) []onboarding.Message {
	id := onboarding.Reference("sample").ID()
	all := []onboarding.Message{{ID: id, Kind: kind, Setup: "sample", Attempt: 1, MessageID: string(id) + ".1." + string(kind)}}
	// vary has every variant so far occur with each of the changes as well.
	vary := func(changes ...func(*onboarding.Message)) {
		for _, m := range slices.Clone(all) {
			for _, change := range changes {
				change(&m)
				all = append(all, m)
			}
		}
	}
	if !forCustomer[kind] {
		return all
	}
	var names []func(*onboarding.Message)
	for _, name := range sampleNames {
		names = append(names, func(m *onboarding.Message) { m.FirstName = name })
	}
	vary(names...)
	if !needsLink(kind) {
		return all
	}
	for i := range all {
		all[i].Link = sampleLink
	}
	switch kind {
	case onboarding.MessageReminder:
		vary(func(m *onboarding.Message) { m.Started = true })
		vary(func(m *onboarding.Message) { m.Number, m.Total = 1, 1 },
			func(m *onboarding.Message) { m.Number, m.Total = 1, 3 },
			func(m *onboarding.Message) { m.Number, m.Total = 3, 3 })
	case onboarding.MessageNewLink:
		var reasons []func(*onboarding.Message)
		for _, reason := range tellable {
			reasons = append(reasons, func(m *onboarding.Message) { m.RetryReason = reason })
		}
		vary(reasons...)
	}
	// A day in every month, and every day of the week.
	var times []func(*onboarding.Message)
	for month := time.January; month <= time.December; month++ {
		times = append(times, func(m *onboarding.Message) { m.LinkUntil = time.Date(2026, month, int(month), 16, 5, 0, 0, time.UTC) })
	}
	for day := range 7 {
		times = append(times, func(m *onboarding.Message) { m.LinkUntil = time.Date(2026, time.June, 1+day, 9, 0, 0, 0, time.UTC) })
	}
	if kind != onboarding.MessageInvitation { // all messages tell times in the same words
		times = times[:1]
	}
	vary(times...)
	vary(func(m *onboarding.Message) { m.TimeZone = "Europe/Vilnius" })
	return all
}
