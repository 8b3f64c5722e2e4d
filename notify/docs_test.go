package notify

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/onboarding"
)

const messagesPage = "../docs/messages.md"

// exampleOf takes the files out of the page.
func exampleOf(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(messagesPage)
	require.NoError(t, err)
	files := map[string]string{}
	for _, found := range regexp.MustCompile("(?s)\n`(de/[a-z-]+\\.tmpl)`\n\n```\n(.*?)```\n").FindAllStringSubmatch(string(page), -1) {
		files[found[1]] = found[2]
	}
	return files
}

func TestMessagesPage_ExampleOfALanguage_RendersInEveryVariant(t *testing.T) {
	files := exampleOf(t)
	require.Len(t, files, 6)
	cfg := Config{SMTPURL: "smtp://mail.example", From: sender, Templates: folder(t, files)}
	require.NoError(t, cfg.Validate())
	book, wrong := readPhrasebook(cfg.Templates, "Bank")
	require.Empty(t, wrong)
	require.Empty(t, book.prove("Bank"))

	m := message(onboarding.MessageReminder, "de-AT")
	m.TimeZone, m.LinkUntil = "Europe/Vienna", time.Date(2026, 3, 9, 16, 5, 0, 0, time.UTC)
	out, err := book.render(m, "Bank")
	require.NoError(t, err)
	require.Equal(t, language("de"), out.Language)
	require.Contains(t, out.Text, "Der Link ist bis zum 9. März 2026, 17:05 Uhr (CET) gültig.")
	require.Contains(t, out.Text, "Dies ist Erinnerung 2 von 3.")
	require.Contains(t, out.HTML, `<html lang="de">`)

	require.Equal(t, language("en"), book.speak("de", onboarding.MessageEscalation), "operations are told in English")
	require.Equal(t, language("lt"), book.speak("lt", onboarding.MessageReminder))
	for _, reason := range untellable {
		require.Equal(t, noReason, reasonBlock(reason))
	}
}

func TestMessagesPage_Tables_NameEveryBlockFieldAndKind(t *testing.T) {
	page, err := os.ReadFile(messagesPage)
	require.NoError(t, err)
	names := append([]string{blockTime, blockLinkHint, blockFooter, blockFooterOperations, noReason}, ownBlocks(onboarding.MessageInvitation)...)
	names = append(names, wordsFileNames()...)
	for _, field := range append(append([]string{}, factFields...), momentFields...) {
		names = append(names, "."+field)
	}
	for _, field := range pageFields {
		names = append(names, "."+field)
	}
	for _, name := range names {
		require.True(t, strings.Contains(string(page), "`"+name+"`") || strings.Contains(string(page), name+" "), name)
	}
}
