package notify

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"
	_ "time/tzdata"

	"kyc/onboarding"
)

// folder writes templates of one's own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return root
}

// wrongWith returns what is wrong with templates, a line each.
func wrongWith(t *testing.T, files map[string]string) []string {
	t.Helper()
	var lines []string
	for _, f := range onboarding.Fields(Config{SMTPURL: "smtp://mail.example", From: sender, Templates: folder(t, files)}.Validate()) {
		require.Equal(t, "Templates", f.Field)
		require.NotEmpty(t, f.Remedy)
		lines = append(lines, strings.TrimPrefix(f.Problem, "has a problem in ")+": "+f.Remedy)
	}
	return lines
}

// saying renders with templates of one's own.
func saying(t *testing.T, files map[string]string, m onboarding.Message) rendered {
	t.Helper()
	book, wrong := readPhrasebook(folder(t, files), "Bank")
	require.Empty(t, wrong)
	out, err := book.render(m, "Bank")
	require.NoError(t, err)
	return out
}

func TestTemplates_BuiltIn_RenderInEveryVariant(t *testing.T) {
	book := builtIn(t)
	require.Empty(t, book.prove("Bank"))
	require.Equal(t, builtInLanguages, slices.Sorted(maps.Keys(book.words)))
	for _, kinds := range book.words {
		require.Len(t, kinds, len(forCustomer))
	}
}

func TestTemplates_OneBlockOfOnesOwn_LeavesTheRestBuiltIn(t *testing.T) {
	m := message(onboarding.MessageInvitation, "en")
	before, err := builtIn(t).render(m, "Bank")
	require.NoError(t, err)
	after := saying(t, map[string]string{"en/invitation.tmpl": "{{define \"button\"}}Start now{{end}}\r\n"}, m)
	require.Equal(t, strings.ReplaceAll(before.Text, "Confirm my identity", "Start now"), after.Text)
	require.Equal(t, before.Subject, after.Subject)

	quiet := saying(t, map[string]string{"en/invitation.tmpl": `{{define "greeting"}}{{end}}`}, m)
	require.False(t, strings.HasPrefix(quiet.Text, "Hello"), "an empty block counts")

	footer := saying(t, map[string]string{"en/common.tmpl": `{{define "footer"}}{{.Company}}, Main Street 1{{end}}`}, m)
	require.True(t, strings.HasSuffix(strings.TrimSpace(footer.Text), "-- \nBank, Main Street 1"), footer.Text)

	special := map[string]string{"en/reminder.tmpl": `{{define "footer"}}Only here.{{end}}`}
	require.NotContains(t, saying(t, special, m).Text, "Only here.")
	require.Contains(t, saying(t, special, message(onboarding.MessageReminder, "en")).Text, "Only here.")
}

func TestTemplates_HelperBlock_MayBeCalledFromEveryMessage(t *testing.T) {
	files := map[string]string{
		"en/common.tmpl":     `{{define "hotline"}}Questions? Call {{.Company}} at 1234.{{end}}`,
		"en/invitation.tmpl": `{{define "after"}}{{template "hotline" .}}{{end}}`,
	}
	require.Contains(t, saying(t, files, message(onboarding.MessageInvitation, "en")).Text, "Questions? Call Bank at 1234.")
}

func TestTemplates_LayoutOfOnesOwn_ReplacesTheBuiltIn(t *testing.T) {
	files := map[string]string{layoutHTML: `<!doctype html><title>{{.Subject}}</title>{{range .Before}}<p>{{.Text}}</p>{{end}}{{with .Link}}<a href="{{.}}">{{$.Button}}</a>{{end}}`}
	out := saying(t, files, message(onboarding.MessageInvitation, "en"))
	require.True(t, strings.HasPrefix(out.HTML, "<!doctype html><title>Bank: please"), out.HTML)
	require.Contains(t, out.Text, "-- \n", "the other layout stays")
}

func TestTemplates_HiddenFiles_AreLeftAlone(t *testing.T) {
	require.Empty(t, wrongWith(t, map[string]string{".DS_Store": "x", "..data/x": "x", "en/.invitation.tmpl.swp": "x"}))
}

func TestTemplates_MountedVolume_IsReadThroughItsLinks(t *testing.T) {
	root := folder(t, map[string]string{"..2026_03_09/en/common.tmpl": `{{define "link-hint"}}Or open:{{end}}`})
	require.NoError(t, os.Symlink("..2026_03_09", filepath.Join(root, "..data")))
	require.NoError(t, os.Symlink("..data/en", filepath.Join(root, "en")))
	book, wrong := readPhrasebook(root, "Bank")
	require.Empty(t, wrong)
	out, err := book.render(message(onboarding.MessageInvitation, "en"), "Bank")
	require.NoError(t, err)
	require.Contains(t, out.HTML, "Or open:")
}

func TestTemplates_Mistake_NamesFileAndRemedy(t *testing.T) {
	for name, row := range map[string]struct {
		file, text string
		want       string // of the first line
	}{
		"not a template":            {"en/invitation.tmpl", "\n{{define \"subject\"}}{{.Company}", "en/invitation.tmpl: is not a template (template: en/invitation.tmpl:2:"},
		"unknown function":          {"en/invitation.tmpl", `{{define "subject"}}{{upper .Company}}{{end}}`, `en/invitation.tmpl: is not a template (template: en/invitation.tmpl:1: function "upper" not defined)`},
		"defined twice":             {"en/invitation.tmpl", `{{define "subject"}}a{{end}}{{define "subject"}}b{{end}}`, "en/invitation.tmpl: is not a template"},
		"unknown field":             {"en/invitation.tmpl", `{{define "subject"}}{{.Name}}{{end}}`, "en/invitation.tmpl: there is no field .Name: use .Company, .FirstName, .Link"},
		"unknown field in a branch": {"lt/reminder.tmpl", `{{define "subject"}}x{{if eq .Number 77}}{{$.Name}}{{end}}{{end}}`, "lt/reminder.tmpl: there is no field .Name"},
		"field of a text":           {"en/invitation.tmpl", `{{define "subject"}}{{.Company.Name}}{{end}}`, "en/invitation.tmpl: .Company has no field .Name: use .Company"},
		"time of day as a fact":     {"en/invitation.tmpl", `{{define "before"}}{{.Clock}}{{end}}`, "en/invitation.tmpl: there is no field .Clock"},
		"fact in a reason":          {"en/reasons.tmpl", `{{define "reason-BlurredPhoto"}}{{.FirstName}}{{end}}`, "en/reasons.tmpl: there is no field .FirstName: nothing is known here"},
		"block called in vain":      {"en/invitation.tmpl", `{{define "after"}}{{template "hotline" .}}{{end}}`, "en/invitation.tmpl: block hotline is called and not defined"},
		"misspelt block":            {"en/common.tmpl", `{{define "foter"}}x{{end}}`, "en/common.tmpl: block foter is not used here"},
		"block in the wrong file":   {"en/common.tmpl", `{{define "subject"}}x{{end}}`, "en/common.tmpl: block subject is not used here"},
		"button without a link":     {"en/confirmation.tmpl", `{{define "button"}}x{{end}}`, "en/confirmation.tmpl: block button is not used here"},
		"critical reason":           {"en/reasons.tmpl", `{{define "reason-Sanctioned"}}x{{end}}`, "en/reasons.tmpl: block reason-Sanctioned is about no reason that customers may be told: remove it"},
		"critical reason elsewhere": {"en/new-link.tmpl", `{{define "reason-Sanctioned"}}x{{end}}`, "en/new-link.tmpl: block reason-Sanctioned is about no reason"},
		"text outside of blocks":    {"en/invitation.tmpl", `Dear customer, {{define "greeting"}}x{{end}}`, "en/invitation.tmpl: holds text outside of every block"},
		"empty subject":             {"en/invitation.tmpl", `{{define "subject"}} {{end}}`, "en/invitation.tmpl: block subject is empty"},
		"empty in one case":         {"en/reminder.tmpl", `{{define "button"}}{{if .Started}}x{{end}}{{end}}`, "en/reminder.tmpl: block button is empty"},
		"empty body":                {"en/escalation.tmpl", `{{define "before"}}{{end}}`, "en/escalation.tmpl: block before is empty"},
		"short without link":        {"en/invitation.tmpl", `{{define "short"}}Hello{{end}}`, "en/invitation.tmpl: does not show the link: write {{.Link}} in the block short"},
		"month that does not exist": {"en/common.tmpl", `{{define "time"}}{{pick .Month "January"}}{{end}}`, "en/invitation.tmpl: cannot be rendered with sample data (template: en/common.tmpl:1"},
		"wrong use of a function":   {"en/invitation.tmpl", `{{define "subject"}}{{index .Company "x"}}{{end}}`, "en/invitation.tmpl: cannot be rendered with sample data (template: en/invitation.tmpl:1"},
		"letter of a short name":    {"en/invitation.tmpl", `{{define "greeting"}}Hello {{with .FirstName}}{{slice . 0 3}}{{end}}{{end}}`, "en/invitation.tmpl: cannot be rendered with sample data (template: en/invitation.tmpl:1"},
		"letter of a long name":     {"en/invitation.tmpl", `{{define "greeting"}}{{if gt (len .FirstName) 40}}{{index .FirstName 99}}{{end}}{{end}}`, "en/invitation.tmpl: cannot be rendered with sample data (template: en/invitation.tmpl:1"},
		"half a letter":             {"en/invitation.tmpl", `{{define "greeting"}}{{with .FirstName}}{{slice . 0 1}}{{end}}{{end}}`, `en/invitation.tmpl: writes a part of a letter: do not slice by bytes: {{printf "%.1s" .FirstName}} is the first letter`},
		"loop":                      {"en/invitation.tmpl", `{{define "before"}}{{range 30000000}}x{{end}}{{end}}`, "en/invitation.tmpl: cannot be rendered with sample data (block before writes more than 1 MiB): look there for a loop"},
		"loop in a layout":          {layoutHTML, `{{range 30000000}}x{{end}}`, "en/confirmation.tmpl: cannot be rendered with sample data (layout.html writes more than 1 MiB): look there for a loop"},
		"layout that calls itself":  {layoutText, `{{template "layout.txt" .}}`, "en/confirmation.tmpl: cannot be rendered with sample data (template: layout.txt:1:11"},
		"not UTF-8":                 {"en/invitation.tmpl", "{{define \"subject\"}}f\xfcr{{end}}", "en/invitation.tmpl: is not valid UTF-8: save it as UTF-8"},
		"layout not UTF-8":          {layoutText, "Gr\xfc\xdfe", "layout.txt: is not valid UTF-8: save it as UTF-8"},
		"layout without link":       {layoutText, `{{.Subject}}{{range .Before}}{{.Text}}{{end}}`, "layout.txt: does not show the link"},
		"layout without body":       {layoutHTML, `{{.Subject}}{{.Link}}`, "layout.html: does not show the paragraphs of .Before"},
		"layout unknown field":      {layoutHTML, `{{.Title}}`, "layout.html: there is no field .Title: use .Language, .Company, .Subject"},
		"layout not a template":     {layoutHTML, `{{.Title`, "layout.html: is not a template"},
		"file name in a language":   {"en/invite.tmpl", `x`, "en/invite.tmpl: has a name that means nothing here: use common.tmpl, reasons.tmpl, confirmation.tmpl"},
		"file name at the top":      {"invitation.tmpl", `x`, "invitation.tmpl: is neither a layout nor the folder of a language"},
		"language with a region":    {"en-GB/invitation.tmpl", `x`, "en-GB: is neither a layout nor the folder of a language: name folders by the language's code, such as de"},
		"folder in a language":      {"en/invitation.tmpl/x", `x`, "en/invitation.tmpl: is not a file"},
		"too large":                 {"en/invitation.tmpl", strings.Repeat("x", maxTemplate+1), "en/invitation.tmpl: is larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := wrongWith(t, map[string]string{row.file: row.text})
			require.NotEmpty(t, lines)
			require.True(t, strings.HasPrefix(lines[0], row.want), "%q", lines)
		})
	}
}

func TestProve_LayoutThatFails_IsTriedOncePerMessage(t *testing.T) {
	book, tries := builtIn(t), 0
	book.text = template.Must(template.New(layoutText).Funcs(map[string]any{"fail": func() (string, error) {
		tries++
		return "", errUnspeakable
	}}).Parse("{{fail}}"))
	require.NotEmpty(t, book.prove("Bank"))
	require.Equal(t, len(book.words)*len(kinds()), tries)
}

// What the start did not find, operations can still mend: a permanent error would drop the message.
func TestSend_TemplateThatFailsForOneCustomer_KeepsTheMessage(t *testing.T) {
	for name, words := range map[string]string{"fails": "{{index .FirstName 99}}", "never ends": "{{range 30000000}}x{{end}}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"en/invitation.tmpl": `{{define "after"}}{{if eq .FirstName "Slaptoji"}}` + words + `{{end}}{{end}}`}
			s := newSender(t, Config{SMTPURL: "smtp://mail.example", Webhook: newService(t).config(), Templates: folder(t, files)})
			for _, way := range []onboarding.Channel{byMail, byWebhook} {
				m := onChannels(onboarding.NotifyFirst, way)
				m.FirstName = "Slaptoji"
				_, err := s.Send(t.Context(), m)
				requireFailure(t, err, CodeTemplate, false)
				require.NotContains(t, err.Error(), "Slaptoji")
			}
		})
	}
}

func TestTemplates_ManyMistakes_AreToldAtOnceAndOnlyOnce(t *testing.T) {
	lines := wrongWith(t, map[string]string{
		"en/common.tmpl":  `{{define "footer"}}{{.Street}}{{end}}`,
		"lt/reminder.tmp": "x",
		"readme.md":       "x",
	})
	require.Len(t, lines, 3, "%q", lines)
}

func TestTemplates_NewLanguage_NeedsEveryMessageToCustomers(t *testing.T) {
	lines := wrongWith(t, map[string]string{"de/invitation.tmpl": `{{define "subject"}}x{{end}}`})
	all := strings.Join(lines, "\n")
	for _, want := range []string{
		"de/confirmation.tmpl: is missing", "de/reminder.tmpl: is missing", "de/new-link.tmpl: is missing",
		"de/invitation.tmpl: block greeting is missing", "de/invitation.tmpl: block short is missing",
		"de/common.tmpl: block time is missing", "de/common.tmpl: block footer is missing", "de/common.tmpl: block link-hint is missing",
		"de/reasons.tmpl: block reason-none is missing", "de/reasons.tmpl: block reason-NameMismatch is missing",
	} {
		require.Contains(t, all, want)
	}
	require.NotContains(t, all, "escalation", "operations may be told in English")
}

func TestTemplates_FolderThatIsNone_IsRefused(t *testing.T) {
	for _, path := range []string{"/nowhere/templates", filepath.Join(folder(t, map[string]string{"file": "x"}), "file")} {
		fields := onboarding.Fields(Config{SMTPURL: "smtp://mail.example", From: sender, Templates: path}.Validate())
		require.Len(t, fields, 1)
		require.Equal(t, "is not a folder that can be read", fields[0].Problem)
	}
	require.Empty(t, wrongWith(t, nil), "an empty folder changes nothing")
}

func TestMoment_Zones_AreNamedForPeople(t *testing.T) {
	at := time.Date(2026, 7, 5, 21, 30, 0, 0, time.UTC)
	for zone, want := range map[string]moment{
		"":                  {2026, 7, 5, 7, "21:30", "UTC", "UTC"},
		"Europe/Vilnius":    {2026, 7, 6, 1, "00:30", "EEST", "Europe/Vilnius"},
		"Europe/London":     {2026, 7, 5, 7, "22:30", "BST", "Europe/London"},
		"America/New_York":  {2026, 7, 5, 7, "17:30", "EDT", "America/New_York"},
		"Asia/Dubai":        {2026, 7, 6, 1, "01:30", "UTC+04:00", "Asia/Dubai"},
		"Asia/Kathmandu":    {2026, 7, 6, 1, "03:15", "UTC+05:45", "Asia/Kathmandu"},
		"America/Sao_Paulo": {2026, 7, 5, 7, "18:30", "UTC-03:00", "America/Sao_Paulo"},
		"nonsense":          {2026, 7, 5, 7, "21:30", "UTC", "UTC"},
		"Local":             {2026, 7, 5, 7, "21:30", "UTC", "UTC"},
	} {
		require.Equal(t, want, momentOf(at, zoneOf(zone)), zone)
	}
}

func TestCompose_Times_AreToldInTheCustomersZone(t *testing.T) {
	m := message(onboarding.MessageInvitation, "en")
	m.TimeZone = "Europe/Vilnius"
	require.Contains(t, composed(t, m).text, "The link works until 9 March 2026, 16:05 (EET).")
	m.Language = "lt"
	require.Contains(t, composed(t, m).text, "Nuoroda galioja iki 2026 m. kovo 9 d. 16:05 val. (Lietuvos laiku).")
	m.TimeZone = "Europe/Warsaw"
	require.Contains(t, composed(t, m).text, "2026 m. kovo 9 d. 15:05 val. (CET)")
}
