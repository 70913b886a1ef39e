package report

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// width is the number of columns that s takes on a terminal.
func width(s string) int { return twwidth.Width(s) }

// cut shortens s to at most columns columns, and shows that it did.
func cut(s string, columns int) string {
	if columns <= 0 || len(s) <= columns || width(s) <= columns {
		return s
	}
	used := 0
	for i, r := range s {
		w := width(string(r))
		if used+w > columns-1 {
			return s[:i] + "…"
		}
		used += w
	}
	return s
}

// drawTable draws a table in at most columns columns, 0 for as many as it needs, and names the columns for which there was no
// room. Cells are made harmless first: tablewriter would pass an escape sequence on to the terminal. It costs 12 to 40 µs a
// row, so tables are what --top leaves.
func drawTable(t *Table, columns int, zone *time.Location) (text string, left []string) {
	kept, grid := textGrid(t, zone)
	if columns > 0 {
		bars := 0
		if t.Bars > 0 {
			bars = len(between) + leastBar
		}
		kept, grid, left = narrow(kept, grid, columns-bars)
	}
	if t.Bars > 0 {
		grid = withBars(t, grid, columns)
		kept = append(kept, drawn{})
	}
	var out bytes.Buffer
	w := tablewriter.NewTable(&out,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off), // it would turn sender_name into SENDER NAME
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(alignment(kept)),
		tablewriter.WithAlignment(alignment(kept).PerColumn),
		tablewriter.WithPadding(tw.Padding{Left: "", Right: between, Overwrite: true}),
		tablewriter.WithTrimSpace(tw.Off),
	)
	w.Header(grid[0])
	for _, row := range grid[1:] {
		w.Append(row)
	}
	if w.Render() != nil {
		return "", nil // it writes into memory, and has no other way to fail
	}
	return trimLines(out.String()), left
}

// textGrid is the head and the rows as harmless text, and the columns that are for a person.
func textGrid(t *Table, zone *time.Location) ([]drawn, [][]string) {
	var kept []drawn
	var at []int
	for i, c := range t.Columns {
		if kind, any := kindOf(t.Rows, i); c.Title != "" && any {
			kept, at = append(kept, drawn{Column: c, cuttable: kind == textValue}), append(at, i)
		}
	}
	grid := make([][]string, 0, len(t.Rows)+1)
	head := make([]string, len(kept))
	for i, c := range kept {
		head[i] = c.Title
	}
	grid = append(grid, head)
	for _, row := range t.Rows {
		cells := make([]string, len(at))
		for i, j := range at {
			cells[i] = Visible(shown(row[j], zone))
		}
		grid = append(grid, cells)
	}
	for i := range kept {
		kept[i].width = columnWidth(grid, i)
		kept[i].cuttable = kept[i].cuttable && !isAddresses(grid[1:], i)
		kept[i].zeros = kept[i].Number && !slices.ContainsFunc(grid[1:], func(row []string) bool { return row[i] != "0" })
	}
	return kept, grid
}

// drawn is a column that is drawn.
type drawn struct {
	Column
	width    int
	cuttable bool // its texts may be shortened
	zeros    bool // no number in it is other than 0
}

// spared is the order in which columns go, the largest first: one that holds nothing but 0 before all others. 0: never.
func (c *drawn) spared() int {
	if c.zeros && c.Spare > 0 {
		return math.MaxInt
	}
	return c.Spare
}

// isAddresses reports whether a column holds IP addresses or networks: half of one says nothing.
func isAddresses(rows [][]string, i int) bool {
	for _, row := range rows {
		if _, err := netip.ParseAddr(row[i]); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(row[i]); err != nil && row[i] != "" {
			return false
		}
	}
	return true
}

// kindOf is the kind of the values in column i, and whether any is known: an empty column says nothing and takes room.
func kindOf(rows [][]Value, i int) (valueKind, bool) {
	for _, row := range rows {
		if row[i].kind != unknownValue {
			return row[i].kind, true
		}
	}
	return unknownValue, len(rows) == 0
}

// What a column of text is not cut below: one that can be spared, and one that says what a row is about.
const (
	leastWidth = 12
	leastKey   = 24
)

// narrow makes a table fit: columns that can be spared go, as long as cutting texts would not be enough, and then the widest
// texts are cut. Numbers and times are never cut. What is left may still be too wide.
func narrow(kept []drawn, grid [][]string, columns int) (fitting []drawn, cells [][]string, left []string) {
	titles := slices.Clone(grid[0])
	for needed(kept, leastKey) > columns {
		most := 0
		for i, c := range kept {
			if c.spared() > kept[most].spared() {
				most = i
			}
		}
		if kept[most].Spare == 0 {
			break
		}
		kept = slices.Delete(kept, most, most+1)
		for r := range grid {
			grid[r] = slices.Delete(grid[r], most, most+1)
		}
	}
	for _, title := range titles {
		if !slices.Contains(grid[0], title) {
			left = append(left, title)
		}
	}
	cutTexts(kept, grid, columns)
	return kept, grid, left
}

// needed is how wide a table is when its texts are cut as far as they may be.
func needed(kept []drawn, leastKey int) int {
	total := -len(between)
	for _, c := range kept {
		total += c.least(leastKey) + len(between)
	}
	return total
}

// least is what a column is not cut below.
func (c *drawn) least(leastKey int) int {
	switch {
	case !c.cuttable:
		return c.width
	case c.Spare > 0:
		return min(c.width, leastWidth)
	}
	return min(c.width, leastKey)
}

// cutTexts cuts the widest columns of text until the table fits, or cannot be cut further.
func cutTexts(kept []drawn, grid [][]string, columns int) {
	key := leastKey
	if needed(kept, key) > columns {
		key = leastWidth
	}
	total := -len(between)
	for _, c := range kept {
		total += c.width + len(between)
	}
	for ; total > columns; total-- {
		widest := -1
		for i, c := range kept {
			if c.width > c.least(key) && (widest < 0 || c.width > kept[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		kept[widest].width--
	}
	for i := range kept {
		cutColumn(grid, i, kept[i].width)
	}
}

// cutColumn cuts the texts of a column at their ends; in the middle, where they would look alike otherwise.
func cutColumn(grid [][]string, i, columns int) {
	whole, shorten := make(map[string]string), cut
	for _, row := range grid {
		short := cut(row[i], columns)
		if other, known := whole[short]; known && other != row[i] {
			shorten = cutMiddle
		}
		whole[short] = row[i]
	}
	for _, row := range grid {
		row[i] = shorten(row[i], columns)
	}
}

// cutMiddle shortens s to at most columns columns, and keeps both of its ends.
func cutMiddle(s string, columns int) string {
	if columns <= 0 || len(s) <= columns || width(s) <= columns {
		return s
	}
	head := cut(s, columns/2+1) // with its ellipsis
	tail, used := len(s), width(head)
	for tail > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:tail])
		if used += width(string(r)); used > columns {
			break
		}
		tail -= size
	}
	return head + s[tail:]
}

// between stands after every cell.
const between = "  "

func columnWidth(grid [][]string, i int) int {
	w := 0
	for _, row := range grid {
		w = max(w, width(row[i]))
	}
	return w
}

// leastBar is how long the longest bar is where there is hardly room for it.
const leastBar = 8

// withBars adds a column of bars in the room that is left.
func withBars(t *Table, grid [][]string, columns int) [][]string {
	used := 0
	for i := range grid[0] {
		used += columnWidth(grid, i) + len(between)
	}
	room := 40
	if columns > 0 {
		room = min(max(columns-used, leastBar), 60)
	}
	most := 0
	for _, row := range t.Rows {
		most = max(most, int(row[t.Bars-1].whole))
	}
	grid[0] = append(grid[0], "")
	for i, row := range t.Rows {
		grid[i+1] = append(grid[i+1], bar(int(row[t.Bars-1].whole), most, room))
	}
	return grid
}

func alignment(columns []drawn) tw.CellAlignment {
	a := tw.CellAlignment{Global: tw.AlignLeft}
	for _, c := range columns {
		if c.Number {
			a.PerColumn = append(a.PerColumn, tw.AlignRight)
		} else {
			a.PerColumn = append(a.PerColumn, tw.AlignLeft)
		}
	}
	return a
}

// trimLines removes the blanks at the ends of lines.
func trimLines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	return b.String()
}
