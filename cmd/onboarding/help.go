package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// fitHelp makes the help of all commands fit the terminal that it is read on.
func fitHelp(root *cobra.Command) {
	cobra.AddTemplateFunc("flagsThatFit", func(f *pflag.FlagSet) string { return f.FlagUsagesWrapped(sizeOf(os.Stdout).wide) })
	cobra.AddTemplateFunc("textThatFits", func(text string) string { return paragraphs(text, sizeOf(os.Stdout).wide) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages", "Flags | flagsThatFit"))
	root.SetHelpTemplate(strings.ReplaceAll(root.HelpTemplate(), "{{. |", "{{. | textThatFits |"))
}

// paragraphs folds those lines that are longer than a width, 0 for none. What is indented stays so.
func paragraphs(text string, width int) string {
	if width < leastFold {
		return text
	}
	var out []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		lines := strings.Split(paragraph, "\n")
		for i := range lines {
			if len([]rune(lines[i])) <= width {
				continue
			}
			var anew []string
			for len(lines) > 0 { // lines of one indentation are folded together
				indent := indentOf(lines[0])
				n := 1
				for n < len(lines) && indentOf(lines[n]) == indent {
					n++
				}
				for _, line := range folded(strings.Join(lines[:n], " "), width-len(indent)) {
					anew = append(anew, indent+line)
				}
				lines = lines[n:]
			}
			lines = anew
			break
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return strings.Join(out, "\n\n")
}

func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " "))] }
