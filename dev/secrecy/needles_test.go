package secrecy

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// form is a way in which a text may be written down.
type form struct {
	name  string
	bytes string
}

// shortest is how long a form must be to be looked for: anything shorter may be found by chance.
const shortest = 8

// forms are all ways in which a text may be written down.
func forms(text string) (out []form) {
	add := func(name, bytes string) {
		if len(bytes) >= shortest {
			out = append(out, form{name, bytes})
		}
	}
	for name, t := range map[string]string{"": text, " in capitals": strings.ToUpper(text), " in small letters": strings.ToLower(text)} {
		add("plain"+name, t)
		add("hex"+name, hex.EncodeToString([]byte(t)))
		add("hex with capitals"+name, strings.ToUpper(hex.EncodeToString([]byte(t))))
		for shift := range 3 {
			add(fmt.Sprintf("base64 at %d%s", shift, name), base64At(base64.RawStdEncoding, t, shift))
			add(fmt.Sprintf("base64 for URLs at %d%s", shift, name), base64At(base64.RawURLEncoding, t, shift))
		}
		add("JSON escapes"+name, escaped(t, `\u%04x`, false))
		add("JSON escapes with capitals"+name, escaped(t, `\u%04X`, false))
		add("JSON escapes throughout"+name, escaped(t, `\u%04x`, true))
		add("JSON escapes with capitals throughout"+name, escaped(t, `\u%04X`, true))
		add("entities"+name, escaped(t, `&#%d;`, false))
		add("quoted bytes"+name, strings.Trim(fmt.Sprintf("%+q", []byte(t)), `"`))
		add("quoted"+name, strings.Trim(strconv.QuoteToASCII(t), `"`))
		add("octal"+name, octal(t))
		add("URL"+name, url.QueryEscape(t))
		add("URL path"+name, url.PathEscape(t))
		add("URL in small letters"+name, strings.ToLower(url.QueryEscape(t)))
		add("UTF-16 LE"+name, utf16Bytes(t, 0))
		add("UTF-16 BE"+name, utf16Bytes(t, 1))
	}
	return out
}

// base64At is what stays the same of a text's base64 when so many bytes of a group of three come before it, whatever
// they are and whatever follows.
func base64At(encoding *base64.Encoding, text string, shift int) string {
	all := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
	begin := (shift*8 + 5) / 6
	end := (shift + len(text)) * 8 / 6
	return all[min(begin, end):end]
}

// escaped writes what is not ASCII, or everything, by its code.
func escaped(text, as string, everything bool) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && !everything {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, as, unit)
		}
	}
	return b.String()
}

// octal writes bytes beyond ASCII as protocol buffers' text format does.
func octal(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return b.String()
}

// utf16Bytes is the UTF-16 of a text, with the high byte second (0) or first (1).
func utf16Bytes(text string, highAt int) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		low, high := byte(unit), byte(unit>>8)
		if highAt == 0 {
			out = append(out, low, high)
		} else {
			out = append(out, high, low)
		}
	}
	return string(out)
}

// needles are texts to be looked for, by class: "name", "e-mail" and so on.
type needles struct {
	byStart map[[shortest]byte][]needle
	classes map[string]bool
}

type needle struct {
	class, text string
	form        form
}

// find is a needle in a haystack.
type find struct {
	class, text, form string
	at                int
}

func (f find) String() string {
	return fmt.Sprintf("%s %q as %s at byte %d", f.class, f.text, f.form, f.at)
}

func newNeedles() *needles {
	return &needles{byStart: map[[shortest]byte][]needle{}, classes: map[string]bool{}}
}

// add has texts of a class looked for in every form.
func (n *needles) add(t *testing.T, class string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.GreaterOrEqual(t, len(text), shortest, "%s %q is too short to be told from chance", class, text)
		n.classes[class] = true
		for _, f := range forms(text) {
			start := [shortest]byte([]byte(f.bytes[:shortest]))
			n.byStart[start] = append(n.byStart[start], needle{class, text, f})
		}
	}
}

// in looks through a haystack, and returns the first find of each needle.
func (n *needles) in(hay []byte) (found []find) {
	seen := map[string]bool{}
	for at := 0; at+shortest <= len(hay); at++ {
		for _, x := range n.byStart[[shortest]byte(hay[at:at+shortest])] {
			if at+len(x.form.bytes) > len(hay) || string(hay[at:at+len(x.form.bytes)]) != x.form.bytes || seen[x.class+x.text] {
				continue
			}
			seen[x.class+x.text] = true
			found = append(found, find{x.class, x.text, x.form.name, at})
		}
	}
	return found
}

// TestNeedles_EveryWayOfWriting_IsFound proves that the search of the other tests can find.
func TestNeedles_EveryWayOfWriting_IsFound(t *testing.T) {
	const text = "Žygimantė O'Pavyzdė"
	n := newNeedles()
	n.add(t, "name", text)
	std := func(before int) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + text + strings.Repeat("\xff", before)))
	}
	for how, written := range map[string]string{
		"plain": text, "capitals": strings.ToUpper(text), "small": strings.ToLower(text),
		"base64": std(0), "base64, 1 before": std(1), "base64, 2 before": std(2), "base64, 3 before": std(3), "base64, 4 before": std(4),
		"base64 for URLs": base64.URLEncoding.EncodeToString([]byte("{" + text + "}")),
		"hex":             hex.EncodeToString([]byte(text)), "hex in capitals": strings.ToUpper(hex.EncodeToString([]byte(text))),
		"JSON":          `\u017dygimant\u0117 O'Pavyzd\u0117`,
		"JSON capitals": `\u017Dygimant\u0117 O'Pavyzd\u0117`,
		"URL":           url.QueryEscape(text), "URL path": url.PathEscape(text), "URL small": strings.ToLower(url.QueryEscape(text)),
		"UTF-16 LE": utf16Bytes(text, 0), "UTF-16 BE": utf16Bytes(text, 1),
		"Go": fmt.Sprintf("%+q", text), "octal": octal(text), "entities": "&#381;ygimant&#279; O'Pavyzd&#279;",
	} {
		noise := make([]byte, 300)
		for i := range noise {
			noise[i] = byte(rand.N(256))
		}
		hay := string(noise[:rand.N(100)]) + written + string(noise[100:])
		require.NotEmpty(t, n.in([]byte(hay)), how)
		require.Empty(t, n.in(noise), how)
		require.Empty(t, n.in([]byte(written[:len(written)-len(written)/3])), "a part of it is not it: %s", how)
	}
}
