package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
)

// The pages of docs that are made from the program itself: one for each detector from its essay, the thresholds with their
// reasons from the source, the table of commands. They are compared, and written with -update (make docs), by tests, because
// the commands are in package main, and because the program that is shipped needs none of it.

func TestDetectorPages(t *testing.T) {
	dir := filepath.Join(repository, "docs", "detectors")
	want := []string{"README.md"}
	index := "# Detectors\n\n<!-- made by make docs -->\n\nEach of them is one question to the log. `mailforensics investigate` asks all of them over one reading and joins the\nanswers to stories; the other commands show the findings of one or two.\n\n| detector | command | finds |\n|---|---|---|\n"
	for _, d := range analyze.Detectors() {
		index += fmt.Sprintf("| [%s](%s.md) | `%s` | %s |\n", d.Name, d.Name, d.Command, d.Title)
		want = append(want, d.Name+".md")
		compare(t, filepath.Join(dir, d.Name+".md"), detectorPage(t, d))
	}
	compare(t, filepath.Join(dir, "README.md"), index)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(want, e.Name()) {
			t.Errorf("docs/detectors/%s is of no detector", e.Name())
		}
	}
}

func detectorPage(t *testing.T, d analyze.Detector) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n<!-- made by make docs from the essay in the source -->\n\n", d.Name, d.Title)
	fmt.Fprintf(&b, "```sh\nmailforensics %s /var/log/mail.log*\n```\n\n", d.Command)
	b.WriteString(markdownOf(d.Doc))
	b.WriteString("## Thresholds\n\n")
	rows := 0
	for _, row := range thresholds(t) {
		if section, _, _ := strings.Cut(row.name, "."); strings.HasPrefix(sectionOf(d.Name), section) {
			if rows++; rows == 1 {
				b.WriteString(thresholdHead)
			}
			b.WriteString(row.markdown())
		}
	}
	if rows == 0 {
		b.WriteString("It has none of its own.\n")
	}
	b.WriteString("\nAll of them, and how to change them: [thresholds](../thresholds.md).\n")
	return b.String()
}

// sectionOf returns the part of a threshold's name that stands for a detector.
func sectionOf(detector string) string {
	switch detector {
	case "open-relay":
		return "relay"
	case "secondary-mx":
		return "secondary"
	}
	return detector
}

// markdownOf is an essay as Markdown: what is indented is a list where it begins so, else as it stands; the words at the
// beginning of a paragraph that say what it is about are set off.
func markdownOf(essay string) string {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(essay), "\n\n") {
		first, _, _ := strings.Cut(paragraph, "\n")
		switch {
		case strings.HasPrefix(first, "  - ") || strings.HasPrefix(first, "  * "):
			for line := range strings.SplitSeq(paragraph, "\n") {
				b.WriteString(escapedMarkdown(strings.TrimPrefix(line, "  ")) + "\n")
			}
		case strings.HasPrefix(first, "  "):
			b.WriteString("```\n" + paragraph + "\n```\n")
		default:
			b.WriteString(setOff(escapedMarkdown(paragraph)) + "\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// heads are the words at the beginning of a paragraph that say what it is about.
var heads = []string{"What it looks for", "Why that means abuse", "Honest mail that looks similar", "Honest failures that look similar",
	"What it cannot see", "One story, one finding"}

// setOff makes the head of a paragraph bold.
func setOff(paragraph string) string {
	for _, head := range heads {
		if rest, ok := strings.CutPrefix(paragraph, head); ok && rest != "" && (rest[0] == '.' || rest[0] == ':') {
			return "**" + head + rest[:1] + "**" + rest[1:]
		}
	}
	return paragraph
}

func escapedMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "<", "&lt;", "|", `\|`, "`", "\\`").Replace(s)
}

const thresholdHead = "| key | default | what it is | why |\n|---|---|---|---|\n"

func TestThresholdPage(t *testing.T) {
	text := "# Thresholds\n\n<!-- made by make docs from analyze/thresholds.go -->\n\n" +
		"The numbers of the detectors that a site may change, in the file of `--config`, where a key that is not known is an error:\n\n" +
		"```toml\n[thresholds]\nburst.min-messages = 12\naccount.together = \"10m\"\n```\n\n" +
		"`mailforensics help config` prints the same list.\n\n" + thresholdHead
	for _, row := range thresholds(t) {
		text += row.markdown()
	}
	compare(t, filepath.Join(repository, "docs", "thresholds.md"), text)
}

// threshold is one of them, with the words of the source.
type threshold struct{ name, value, what, why string }

func (row *threshold) markdown() string {
	return fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", row.name, row.value, escapedMarkdown(row.what), escapedMarkdown(row.why))
}

// thresholds are all of them, in the order of Keys. What they are stands behind the fields of the structs, and why beside the
// defaults.
func thresholds(t *testing.T) []threshold {
	t.Helper()
	source := thresholdSource{what: make(map[string]string), why: make(map[string]string), fields: make(map[string]string), fset: token.NewFileSet()}
	file, err := parser.ParseFile(source.fset, filepath.Join(repository, "analyze", "thresholds.go"), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	source.structs(file)
	source.defaults(file)
	what, why, fields := source.what, source.why, source.fields
	var rows []threshold
	defaults := analyze.DefaultThresholds()
	for _, key := range defaults.Keys() {
		field := fields[key.Name]
		if field == "" {
			t.Errorf("%s: no field found in the source", key.Name)
		}
		if what[field] == "" {
			t.Errorf("%s: the field has no comment that says what it is", key.Name)
		}
		if why[field] == "" {
			t.Errorf("%s: the default has no comment that says why", key.Name)
		}
		rows = append(rows, threshold{key.Name, valueOf(key), what[field], why[field]})
	}
	return rows
}

// thresholdSource is what the source says of thresholds, by "Burst.Span".
type thresholdSource struct {
	what, why, fields map[string]string // fields: by key
	fset              *token.FileSet
}

// structs takes the comments of the fields of BurstThresholds and its like.
func (s *thresholdSource) structs(file *ast.File) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			typed, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			of, isThresholds := strings.CutSuffix(typed.Name.Name, "Thresholds")
			fields, isStruct := typed.Type.(*ast.StructType)
			if !isThresholds || !isStruct {
				continue
			}
			for _, f := range fields.Fields.List {
				for _, name := range f.Names {
					s.what[of+"."+name.Name] = sentence(f.Comment, f.Doc)
				}
			}
		}
	}
}

// defaults takes the reasons beside the defaults, and which field a key sets: {"burst.span", &t.Burst.Span}.
func (s *thresholdSource) defaults(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if lit, ok := n.Value.(*ast.CompositeLit); ok {
				for _, e := range lit.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						s.why[n.Key.(*ast.Ident).Name+"."+kv.Key.(*ast.Ident).Name] = commentBefore(s.fset, file, kv)
					}
				}
			}
		case *ast.CompositeLit:
			if len(n.Elts) != 2 {
				return true
			}
			name, isName := n.Elts[0].(*ast.BasicLit)
			pointer, isPointer := n.Elts[1].(*ast.UnaryExpr)
			if isName && isPointer {
				field := pointer.X.(*ast.SelectorExpr)
				s.fields[strings.Trim(name.Value, `"`)] = field.X.(*ast.SelectorExpr).Sel.Name + "." + field.Sel.Name
			}
		}
		return true
	})
}

func valueOf(key analyze.ThresholdKey) string {
	switch v := key.Value.(type) {
	case *int:
		return fmt.Sprint(*v)
	case *float64:
		return fmt.Sprintf("%g", *v)
	case *time.Duration:
		return shortSpan(*v)
	}
	return ""
}

func sentence(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if g != nil {
			return strings.Join(strings.Fields(g.Text()), " ")
		}
	}
	return ""
}

// commentBefore returns the comment that ends on the line before a node.
func commentBefore(fset *token.FileSet, file *ast.File, n ast.Node) string {
	for _, g := range file.Comments {
		if fset.Position(g.End()).Line == fset.Position(n.Pos()).Line-1 {
			return sentence(g)
		}
	}
	return ""
}

// Parts of README.md are made from the program; they stand between comments that name them.
func TestReadmeIsOfThisProgram(t *testing.T) {
	path := filepath.Join(repository, "README.md")
	text := readFile(t, path)
	root := everyCommand()
	commands := "| command | what it answers | formats |\n|---|---|---|\n"
	for _, cmd := range root.Commands() {
		formats := strings.ReplaceAll(cmd.Annotations[formatsNote], ",", ", ")
		if formats == strings.Join(findingsFormats, ", ") {
			formats = "those of findings"
		}
		if formats != "" {
			commands += fmt.Sprintf("| `%s` | %s | %s |\n", cmd.Name(), escapedMarkdown(cmd.Short), formats)
		}
	}
	commands += "\nThe formats of findings: " + strings.Join(findingsFormats, ", ") + ".\n"
	compare(t, path, replaced(t, text, "commands", commands))
}

// replaced is a text with a part of it, between <!-- name --> and <!-- end -->, made anew.
func replaced(t *testing.T, text, name, part string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, "<!-- "+name+" -->\n")
	_, after, closed := strings.Cut(rest, "<!-- end -->")
	if !found || !closed {
		t.Fatalf("no part <!-- %s --> … <!-- end -->", name)
	}
	return before + "<!-- " + name + " -->\n" + part + "<!-- end -->" + after
}

// everyCommand returns the tree of commands, as help shows it.
func everyCommand() *cobra.Command {
	root, _ := newRoot(console{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	return root
}
