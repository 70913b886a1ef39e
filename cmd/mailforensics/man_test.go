package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestManPages compares man/ with the commands, or writes it (-update, make docs). The pages are made here and not by
// cobra/doc, because help is written for a terminal: lists that are indented stay as they are, instead of being run together.
func TestManPages(t *testing.T) {
	root := everyCommand()
	dir := filepath.Join(repository, "man")
	var want []string
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "version" {
			continue
		}
		name := manName(cmd) + "." + manSection(cmd)
		want = append(want, name)
		compare(t, filepath.Join(dir, name), manPage(cmd))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(want, e.Name()) {
			t.Errorf("man/%s is of no command", e.Name())
		}
	}
}

// TestManPagesAreRight lets groff read the pages, where there is one.
func TestManPagesAreRight(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("no groff here")
	}
	files, err := filepath.Glob(filepath.Join(repository, "man", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no man pages: %v", err)
	}
	for _, file := range files {
		out, err := exec.Command("groff", "-man", "-ww", "-Tutf8", "-k", "-z", file).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", file, err, out)
		}
	}
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manSection is 5 for what tells the form of a file.
func manSection(cmd *cobra.Command) string {
	if cmd.Runnable() {
		return "1"
	}
	return "5"
}

func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" made by make docs\n.TH %s %s \"\" mailforensics \"\"\n", strings.ToUpper(manName(cmd)), manSection(cmd))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	if cmd.Runnable() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n[flags]\n", roff(strings.TrimSuffix(cmd.UseLine(), " [flags]")))
	}
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, cmd.Long)
	if !cmd.HasParent() {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range cmd.Commands() {
			if !c.Hidden && c.Name() != "help" {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(c.Name()), roff(c.Short))
			}
		}
	}
	manFlags(&b, "OPTIONS", cmd.LocalNonPersistentFlags())
	if cmd.HasParent() && cmd.Runnable() {
		manFlags(&b, "OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	} else {
		manFlags(&b, "OPTIONS OF ALL COMMANDS", cmd.PersistentFlags())
	}
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n.nf\n" + roff(strings.ReplaceAll("\n"+cmd.Example, "\n  ", "\n")[1:]) + "\n.fi\n")
	}
	manEnd(&b, cmd)
	return b.String()
}

// manText writes help as it is: what is indented keeps its lines, the rest is filled.
func manText(b *strings.Builder, text string) {
	indented, first := false, true
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		isIndented := strings.HasPrefix(line, "  ")
		switch {
		case line == "" && indented:
			b.WriteString("\n")
			continue
		case line == "":
			b.WriteString(".PP\n")
			continue
		case isIndented != indented && isIndented:
			b.WriteString(".nf\n")
		case isIndented != indented && !first:
			b.WriteString(".fi\n")
		}
		indented, first = isIndented, false
		b.WriteString(roff(line) + "\n")
	}
	if indented {
		b.WriteString(".fi\n")
	}
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	wrote := false
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if !wrote {
			fmt.Fprintf(b, ".SH %s\n", title)
			wrote = true
		}
		value, usage := pflag.UnquoteUsage(f)
		name := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + name
		}
		if value != "" {
			name += ` \fI` + roff(value) + `\fR`
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", name, roff(usage))
	})
}

func manEnd(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Runnable() && cmd.HasParent() {
		b.WriteString(".SH EXIT STATUS\n0 done, whatever was found; 1 an input could not be read or was no mail log; 2 wrong usage; 3 a finding\nreaches \\-\\-fail\\-on; 130 interrupted.\n")
	}
	b.WriteString(".SH SEE ALSO\n")
	if cmd.HasParent() {
		b.WriteString(".BR mailforensics (1)\n")
		return
	}
	var others []string
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "version" {
			others = append(others, fmt.Sprintf(".BR %s (%s)", roff(manName(c)), manSection(c)))
		}
	}
	b.WriteString(strings.Join(others, " ,\n") + "\n")
}

// roff makes a text harmless for troff: a line must not begin with a control character, and a hyphen is a minus sign, so that
// what is copied from the page works.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, `\(aq`) {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// TestCompletions compares completions/ with what the program prints, or writes it.
func TestCompletions(t *testing.T) {
	for name, write := range map[string]func(*cobra.Command, *bytes.Buffer) error{
		"mailforensics.bash": func(c *cobra.Command, b *bytes.Buffer) error { return c.GenBashCompletionV2(b, true) },
		"_mailforensics":     func(c *cobra.Command, b *bytes.Buffer) error { return c.GenZshCompletion(b) },
		"mailforensics.fish": func(c *cobra.Command, b *bytes.Buffer) error { return c.GenFishCompletion(b, true) },
		"mailforensics.ps1":  func(c *cobra.Command, b *bytes.Buffer) error { return c.GenPowerShellCompletionWithDesc(b) },
	} {
		var b bytes.Buffer
		if err := write(everyCommand(), &b); err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join(repository, "completions", name), b.String())
	}
	for _, shell := range [][]string{{"bash", "-n", "mailforensics.bash"}, {"zsh", "-n", "_mailforensics"}, {"fish", "-n", "mailforensics.fish"}} {
		if _, err := exec.LookPath(shell[0]); err != nil {
			continue
		}
		cmd := exec.Command(shell[0], shell[1:]...)
		cmd.Dir = filepath.Join(repository, "completions")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell[2], err, out)
		}
	}
}
