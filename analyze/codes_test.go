package analyze

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every reason that a detector can give is named in a test or a case, so that it cannot be lost or changed unnoticed.
func TestReasonsAreTested(t *testing.T) {
	codes := reasonCodes(t)
	if len(codes) < 100 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	words := make(map[string]bool)
	take := func(pattern string, code *regexp.Regexp) {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range code.FindAllStringSubmatch(string(text), -1) {
				if name != "codes_test.go" {
					for word := range strings.FieldsSeq(found[1]) {
						words[word] = true
					}
				}
			}
		}
	}
	take("*_test.go", regexp.MustCompile(`"([a-z][a-z0-9-]+)"`))
	take("testdata/*.txtar", regexp.MustCompile(`(?m)^\treasons (.*)$`))
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if !words[code] {
			t.Errorf("%s: no test names the reason %q", codes[code], code)
		}
	}
}

// giveReasons are the functions that give a reason; its code is their first text.
var giveReasons = map[string]bool{"because": true, "mark": true, "atMost": true}

// reasonCodes returns the codes in the source of this package, and where each is.
func reasonCodes(t *testing.T) map[string]string {
	t.Helper()
	codes := make(map[string]string)
	files := token.NewFileSet()
	names, _ := filepath.Glob("*.go")
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		take := func(args []ast.Expr) {
			for _, a := range args {
				if lit, ok := a.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if code, err := strconv.Unquote(lit.Value); err == nil && regexp.MustCompile(`^[a-z][a-z0-9-]+$`).MatchString(code) {
						codes[code] = files.Position(lit.Pos()).String()
					}
					return
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				called := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					called = f.Name
				case *ast.SelectorExpr:
					called = f.Sel.Name
				}
				if giveReasons[called] && len(n.Args) >= 3 {
					take(n.Args)
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Reason" {
					take(n.Elts)
				}
			}
			return true
		})
	}
	return codes
}
