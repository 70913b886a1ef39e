// Package where selects messages by an expression over their fields, such as
//
//	ip == "84.60.208.31" && sender_domain != "example.org"
//	helo matches "^[0-9]+$" && any(recipients, # startsWith "smtp")
//	within(ip, "84.60.0.0/16") and time > at("2024-01-24 14:40")
//
// The language is that of github.com/expr-lang/expr; the fields of a message are its variables (see Fields). An expression is
// compiled once and filters what correlate hands out, before it is shown.
package where

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"mailforensics/mail"
)

// Expr is a compiled expression. It may be used by one goroutine at a time.
type Expr struct {
	source  string
	program *vm.Program
	used    []Field        // that occur in source: only these are computed
	env     map[string]any // their values for the current message, reused
	zone    *time.Location
}

// maxNodes bounds the size of an expression; the signature of a campaign with a hundred members has about 400 nodes.
const maxNodes = 20_000

// Compile compiles an expression. Times in it that have no offset are in zone. The error says what is wrong and where, and, if it
// can be guessed, what was meant.
func Compile(source string, zone *time.Location) (*Expr, error) {
	env := make(map[string]any, len(fields))
	for _, f := range fields {
		env[f.Name] = f.zero
	}
	seen := &names{zone: zone}
	program, err := expr.Compile(source, append(functions(zone), expr.Env(env), expr.AsBool(), expr.MaxNodes(maxNodes), expr.Patch(seen))...)
	if err != nil {
		return nil, explain(err)
	}
	if seen.wrong != nil {
		return nil, seen.wrong
	}
	x := &Expr{source: source, program: program, env: env, zone: zone}
	for _, f := range fields {
		if slices.Contains(seen.list, f.Name) {
			x.used = append(x.used, f)
		}
	}
	return x, nil
}

// Match reports whether the message is selected. An expression that fails on this message, such as an index beyond the
// end of a list, does not select it; the error says why.
func (x *Expr) Match(m *mail.Message) (bool, error) {
	for _, f := range x.used {
		x.env[f.Name] = f.of(m, x.zone)
	}
	out, err := vm.Run(x.program, x.env)
	if err != nil {
		return false, fmt.Errorf("--where %s: %w", x.source, err)
	}
	return out.(bool), nil
}

// names is a visitor that collects the identifiers in an expression, so that only the fields that it uses are computed for each
// message. It also checks the networks and times that are literals: a wrong one would be noticed only by the first message.
type names struct {
	list  []string
	zone  *time.Location
	wrong error // the first wrong literal
}

func (n *names) Visit(node *ast.Node) {
	switch node := (*node).(type) {
	case *ast.IdentifierNode:
		n.list = append(n.list, node.Value)
	case *ast.CallNode:
		if err := n.checkLiteral(node); err != nil && n.wrong == nil {
			n.wrong = err
		}
	}
}

// checkLiteral returns what is wrong with the last argument of a call of within or at, if it is a literal.
func (n *names) checkLiteral(call *ast.CallNode) error {
	name, ok := call.Callee.(*ast.IdentifierNode)
	if !ok || len(call.Arguments) == 0 {
		return nil
	}
	text, ok := call.Arguments[len(call.Arguments)-1].(*ast.StringNode)
	if !ok {
		return nil
	}
	var err error
	switch name.Value {
	case "within":
		_, err = within("", text.Value)
	case "at":
		_, err = at(text.Value, n.zone)
	}
	return err
}

// functions returns the functions of our own: within, at, domain.
func functions(zone *time.Location) []expr.Option {
	return []expr.Option{
		expr.Function("within", func(args ...any) (any, error) { return within(args[0].(string), args[1].(string)) },
			new(func(string, string) bool)),
		expr.Function("at", func(args ...any) (any, error) { return at(args[0].(string), zone) },
			new(func(string) time.Time)),
		expr.Function("domain", func(args ...any) (any, error) { return mail.Domain(args[0].(string)), nil },
			new(func(string) string)),
	}
}

// within reports whether the address lies in the network; an unknown address lies in none.
func within(ip, network string) (bool, error) {
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return false, fmt.Errorf("%q is not a network such as 84.60.0.0/16", network)
	}
	a, err := netip.ParseAddr(ip)
	return err == nil && p.Contains(a.Unmap()), nil
}

func at(text string, zone *time.Location) (time.Time, error) {
	if t, ok := Moment(text, zone); ok {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2026-01-04 14:44 or 2026-01-04T14:44:00+01:00", text)
}

// Moment parses a time as people write it, to the second, the minute or the day. Without an offset it is in zone; of an hour that
// is repeated at the end of summer time, it is in the first one.
func Moment(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			if first := t.Add(-time.Hour); first.Format(layout) == t.Format(layout) { // package time takes either
				return first, true
			}
			return t, true
		}
	}
	return time.Time{}, false
}

// mistakes are common mistakes of people who know other languages, each with a part of the library's error message. The first match
// gives the hint.
var mistakes = [...]struct{ says, hint string }{
	{`token Operator("=")`, `== compares: ip == "192.0.2.7"`},
	{"expected bool", `an expression must be true or false for a message: ip == "192.0.2.7", bounced > 0`},
	{"in (mismatched types string and string)", `for networks, within(ip, "192.0.2.0/24"); for parts of texts, subject contains "x"; for lists, sender in ["a@b.example", "c@d.example"]`},
	{"mismatched types []string", `for lists, any(recipients, # contains "x") and "a@b.example" in recipients`},
	{"mismatched types time.Time", `compare times with at("2026-01-04 14:44")`},
	{"unexpected token Number", `put texts, addresses too, in quotes: ip == "192.0.2.7"`},
	{"unexpected token Identifier", "operators are ==, !=, <, >, contains, startsWith, endsWith, matches, in; join conditions with and, or"},
	{"unrecognized character", "operators are ==, !=, <, >, contains, startsWith, endsWith, matches, in; join conditions with and, or"},
}

// explain adds a hint to the library's error, which shows the place.
func explain(err error) error {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, "unknown name "); ok {
		name, _, _ := strings.Cut(rest, " ")
		if guess := Nearest(name, Names()); guess != "" {
			return fmt.Errorf("%w\nhint: did you mean %s?", err, guess)
		}
		return fmt.Errorf("%w\nhint: put texts in quotes; the fields are %s", err, strings.Join(Names(), ", "))
	}
	for _, m := range mistakes {
		if strings.Contains(text, m.says) {
			return fmt.Errorf("%w\nhint: %s", err, m.hint)
		}
	}
	return err
}

// Nearest returns the word with the fewest edits from what was typed; "": none needs few enough, one for every five letters and
// one more: half of "yaml" is in "html".
func Nearest(typed string, words []string) string {
	best, least := "", 1+len(typed)/5
	for _, word := range words {
		if d := edits(strings.ToLower(typed), word); d <= least {
			best, least = word, d-1
		}
	}
	return best
}

// edits returns the number of bytes to change, add, drop or swap with their neighbour (optimal string alignment distance).
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
