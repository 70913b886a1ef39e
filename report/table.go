package report

import (
	"bytes"
	"strings"
	"time"

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

// drawTable draws a table in at most columns columns, 0 for as many as it needs. Cells are made harmless first: tablewriter
// would pass an escape sequence on to the terminal. It costs 12 to 40 µs a row, so tables are what --top leaves.
func drawTable(t *Table, columns int, zone *time.Location) string {
	kept, grid := textGrid(t, zone)
	if columns > 0 {
		narrow(kept, grid, columns)
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
		return "" // it writes into memory, and has no other way to fail
	}
	return trimLines(out.String())
}

// textGrid is the head and the rows as harmless text, and the columns that are for a person.
func textGrid(t *Table, zone *time.Location) ([]drawn, [][]string) {
	var kept []drawn
	var at []int
	for i, c := range t.Columns {
		if kind, any := kindOf(t.Rows, i); c.Title != "" && any {
			kept, at = append(kept, drawn{c, kind == textValue}), append(at, i)
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
	return kept, grid
}

// drawn is a column that is drawn.
type drawn struct {
	Column
	cuttable bool
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

// leastWidth is what a column of text is not cut below.
const leastWidth = 12

// narrow cuts the widest columns of text until the table fits, or cannot be cut further: numbers and times are never cut.
func narrow(kept []drawn, grid [][]string, columns int) {
	widths, total := make([]int, len(kept)), 0
	for i := range kept {
		widths[i] = columnWidth(grid, i)
		total += widths[i] + len(between)
	}
	for total > columns {
		widest := -1
		for i, c := range kept {
			if c.cuttable && widths[i] > leastWidth && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	for _, row := range grid {
		for i := range row {
			row[i] = cut(row[i], widths[i])
		}
	}
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

// withBars adds a column of bars in the room that is left.
func withBars(t *Table, grid [][]string, columns int) [][]string {
	used := 0
	for i := range grid[0] {
		used += columnWidth(grid, i) + len(between)
	}
	room := 40
	if columns > 0 {
		room = min(max(columns-used, 8), 60)
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
