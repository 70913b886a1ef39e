package mailforensics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports lists the packages of ours that each package may import. An entry ending in "/*" stands for every package below. A new
// package must be entered here.
var imports = map[string][]string{
	"mail":              {},
	"logfile":           {},
	"geo":               {},
	"parse":             {"mail"},
	"parse/postfix":     {"parse", "mail"},
	"parse/exim":        {"parse", "mail"},
	"parse/dovecot":     {"parse", "mail"},
	"parse/filter":      {"parse", "mail"},
	"parse/webmail":     {"parse", "mail"},
	"parse/all":         {"parse", "parse/*"},
	"parse/parsetest":   {"parse", "mail"},
	"ingest":            {"parse", "logfile", "mail"},
	"correlate":         {"parse", "mail"}, // parse for the moment that a queue ID holds
	"where":             {"mail"},
	"analyze":           {"mail"},
	"report":            {"analyze", "ingest", "mail"},
	"cmd/mailforensics": {"*"},
	"samples":           {},
	"bench":             {"bench/loggen"},
	"bench/loggen":      {},
}

// homes lists the packages that may import each third-party module.
var homes = map[string]string{
	"github.com/spf13/cobra":               "cmd/mailforensics",
	"github.com/spf13/pflag":               "cmd/mailforensics",
	"github.com/BurntSushi/toml":           "cmd/mailforensics",
	"golang.org/x/term":                    "cmd/mailforensics",
	"github.com/olekukonko/tablewriter":    "report",
	"github.com/dustin/go-humanize":        "report",
	"github.com/parquet-go/parquet-go":     "report",
	"github.com/klauspost/compress":        "logfile",
	"github.com/ulikunitz/xz":              "logfile",
	"github.com/expr-lang/expr":            "where",
	"github.com/oschwald/maxminddb-golang": "geo",
	"github.com/axiomhq/hyperloglog":       "analyze",
	"golang.org/x/net/publicsuffix":        "analyze",
}

// packageOf is the source of one directory.
type packageOf struct {
	dir   string
	files map[string]*ast.File
}

// sources parses all Go files of the repository except tests.
func sources(t *testing.T) map[string]*packageOf {
	t.Helper()
	all := make(map[string]*packageOf)
	fset := token.NewFileSet()
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(filepath.ToSlash(name))
		if all[dir] == nil {
			all[dir] = &packageOf{dir: dir, files: make(map[string]*ast.File)}
		}
		all[dir].files[name] = f
	})
	if len(all) < 8 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

// walk visits every file that a clone of the repository has.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The import graph is the one in this file: a new import must be entered here, as a decision.
func TestImports(t *testing.T) {
	used := make(map[string]bool)
	for dir, p := range sources(t) {
		allowed, known := imports[dir]
		if !known {
			t.Errorf("%s is not in the list of packages", dir)
		}
		for name, f := range p.files {
			for _, spec := range f.Imports {
				target, _ := strconv.Unquote(spec.Path.Value)
				used[moduleOf(target)] = true
				if problem := forbidden(dir, target, allowed); problem != "" {
					t.Errorf("%s imports %s: %s", name, target, problem)
				}
			}
		}
	}
	for module, home := range homes {
		if !used[module] {
			t.Errorf("%s has a home in %s, and nobody there", module, home)
		}
	}
}

// moduleOf returns the module in homes that a package belongs to; "": none.
func moduleOf(target string) string {
	for module := range homes {
		if target == module || strings.HasPrefix(target, module+"/") {
			return module
		}
	}
	return ""
}

// forbidden says why a package may not import another; "": it may.
func forbidden(dir, target string, allowed []string) string {
	if ours, ok := strings.CutPrefix(target, "mailforensics/"); ok {
		for _, a := range allowed {
			if a == ours || a == "*" || strings.HasSuffix(a, "/*") && strings.HasPrefix(ours, strings.TrimSuffix(a, "*")) {
				return ""
			}
		}
		return "no such arrow in the import graph"
	}
	first, _, _ := strings.Cut(target, "/")
	if strings.Contains(first, ".") {
		switch home := homes[moduleOf(target)]; home {
		case dir:
			return ""
		case "":
			return "no home for it"
		default:
			return "its home is " + home
		}
	}
	return standard(dir, target)
}

// offline are packages that open connections or run programs, which the program does not.
var offline = []string{"net", "net/http", "net/rpc", "net/smtp", "crypto/tls", "os/exec", "plugin"}

// standard says why a package may not import one of the standard library; "": it may.
func standard(dir, target string) string {
	switch {
	case target == "unsafe" && (dir == "logfile" || dir == "correlate"): // for strings whose memory is reused: logfile.Pool, and slices of them
	case target == "unsafe" || target == "reflect" || target == "C":
		return "not used here"
	case slices.Contains(offline, target) && dir != "bench":
		return "this program opens no connection and runs no other"
	case hot(dir) && (target == "regexp" || strings.HasPrefix(dir, "parse/") && target == "fmt" && dir != "parse/parsetest"):
		return "too slow for what runs once a line"
	case !world(dir) && (target == "os" || target == "os/signal"):
		return "files and environment are for cmd and logfile"
	}
	return ""
}

// hot reports whether a package does work for each line.
func hot(dir string) bool {
	return dir == "mail" || dir == "parse" || strings.HasPrefix(dir, "parse/") && dir != "parse/parsetest" || dir == "ingest" || dir == "correlate"
}

// world reports whether a package may see files, the environment and the clock.
func world(dir string) bool {
	return strings.HasPrefix(dir, "cmd/") || dir == "logfile" || dir == "geo" || dir == "bench" || dir == "parse/parsetest"
}

// House rules that the compiler does not check.
func TestHabits(t *testing.T) {
	for dir, p := range sources(t) {
		if base := path.Base(dir); slices.Contains([]string{"util", "utils", "common", "helpers", "helper", "misc", "base", "shared", "types"}, base) {
			t.Errorf("%s: a package is named after what it is about", dir)
		}
		for name, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				if problem := habit(dir, n); problem != "" {
					t.Errorf("%s: %s", name, problem)
				}
				return true
			})
		}
	}
}

func habit(dir string, n ast.Node) string {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" {
			return "init: nothing happens by import"
		}
	case *ast.GoStmt:
		if dir != "logfile" && dir != "ingest" && !strings.HasPrefix(dir, "cmd/") {
			return "a goroutine: they are for logfile and ingest"
		}
	case *ast.SelectorExpr:
		return call(dir, n)
	}
	return ""
}

func call(dir string, n *ast.SelectorExpr) string {
	x, ok := n.X.(*ast.Ident)
	if !ok {
		return ""
	}
	name := x.Name + "." + n.Sel.Name
	switch {
	case name == "time.Now" && !world(dir):
		return "time.Now: the clock is for cmd and logfile"
	case hot(dir) && (name == "time.Parse" || name == "time.ParseInLocation" || strings.HasPrefix(name, "fmt.Sscan")):
		return name + ": too slow for what runs once a line"
	}
	return ""
}

// Each package has a document that says where it stands.
func TestPackageDocuments(t *testing.T) {
	for dir, p := range sources(t) {
		lines := 0
		for _, f := range p.files {
			if f.Doc != nil {
				lines += strings.Count(f.Doc.Text(), "\n")
			}
		}
		if lines == 0 {
			t.Errorf("%s has no package document", dir)
		}
	}
}

// machinePath matches a path that only one machine has.
var machinePath = regexp.MustCompile(`(^|[^a-zA-Z0-9_.~/-])/(work|root|Users|build|builds)/[a-z]|[A-Z]:\\Users\\|\.\./` + `shared/`)

// The repository is complete by itself: no file, except logs, names a path that only one machine has.
func TestNoMachinePaths(t *testing.T) {
	walk(t, func(name string) {
		slash := filepath.ToSlash(name)
		switch path.Ext(slash) {
		case ".go", ".md", ".json", ".toml", ".yml", ".yaml", ".sh", ".mod", "":
		default:
			return
		}
		if strings.HasPrefix(slash, ".git/") || slash == "mailforensics" {
			return
		}
		for i, line := range strings.Split(read(t, name), "\n") {
			if machinePath.MatchString(line) {
				t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	})
}

// The links in the documents lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	walk(t, func(name string) {
		if path.Ext(name) != ".md" || strings.Contains(filepath.ToSlash(name), "/testdata/") {
			return
		}
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if !exists(filepath.Join(filepath.Dir(name), m[1])) {
				t.Errorf("%s: no such file: %s", name, m[1])
			}
		}
	})
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
