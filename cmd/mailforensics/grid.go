package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// grid counts over time, by value, in bounded memory: when it gets too large, its steps get longer, and if that is not
// enough, the values with least are forgotten.
type grid struct {
	step  time.Duration
	fixed bool // the user wants this step
	most  int
	cells map[cell]*counts
	lost  bool // values were forgotten
}

type cell struct {
	value string
	at    int64 // number of the step since 1970
}

type counts struct{ messages, delivered, bounced, deferred, rejected int }

func (c *counts) add(o *counts) {
	c.messages += o.messages
	c.delivered += o.delivered
	c.bounced += o.bounced
	c.deferred += o.deferred
	c.rejected += o.rejected
}

// mostCells takes some 60 MB.
const mostCells = 400_000

func newGrid(step time.Duration) *grid {
	g := &grid{step: step, fixed: step != 0, most: mostCells, cells: make(map[cell]*counts)}
	if !g.fixed {
		g.step = time.Minute
	}
	return g
}

func (g *grid) at(value string, when mail.Instant) *counts {
	c := cell{value, int64(when) / int64(g.step)}
	if n := g.cells[c]; n != nil {
		return n
	}
	if len(g.cells) >= g.most {
		g.shrink()
		c.at = int64(when) / int64(g.step)
		if n := g.cells[c]; n != nil {
			return n
		}
	}
	n := &counts{}
	c.value = strings.Clone(value)
	g.cells[c] = n
	return n
}

// coarser are the steps that a grid may take; each is a multiple of the one before.
var coarser = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

func (g *grid) shrink() {
	if !g.fixed {
		for _, step := range coarser {
			if step > g.step && len(g.cells) >= g.most/2 {
				g.stretch(step)
			}
		}
	}
	if len(g.cells) >= g.most/2 {
		g.forget()
	}
}

// stretch makes the steps longer. A step that is no multiple of the old one moves counts to where their step began.
func (g *grid) stretch(step time.Duration) {
	cells := make(map[cell]*counts)
	for c, n := range g.cells {
		c.at = c.at * int64(g.step) / int64(step)
		if old := cells[c]; old != nil {
			old.add(n)
		} else {
			cells[c] = n
		}
	}
	g.cells, g.step = cells, step
}

// forget drops the values with least, until half of the room is free.
func (g *grid) forget() {
	g.lost = true
	sizes := make(map[string]int)
	for c := range g.cells {
		sizes[c.value]++
	}
	keep := g.ranked()
	room := g.most / 2
	kept := make(map[string]bool)
	for _, v := range keep {
		if room -= sizes[v]; room < 0 {
			break
		}
		kept[v] = true
	}
	maps.DeleteFunc(g.cells, func(c cell, _ *counts) bool { return !kept[c.value] })
}

// totals are the counts of every value over all time.
func (g *grid) totals() map[string]*counts {
	totals := make(map[string]*counts)
	for c, n := range g.cells {
		if totals[c.value] == nil {
			totals[c.value] = &counts{}
		}
		totals[c.value].add(n)
	}
	return totals
}

// ranked are the values, those with most first.
func (g *grid) ranked() []string {
	totals := g.totals()
	return slices.SortedFunc(maps.Keys(totals), func(a, b string) int {
		x, y := totals[a], totals[b]
		return cmp.Or(cmp.Compare(y.messages+y.rejected, x.messages+x.rejected), cmp.Compare(a, b))
	})
}

// bounds are the first and the last moment that something was counted at.
func (g *grid) bounds() (first, last mail.Instant) {
	for c := range g.cells {
		at := mail.Instant(c.at * int64(g.step))
		if first == 0 || at < first {
			first = at
		}
		last = max(last, at)
	}
	return first, last
}

// raster is evenly spaced steps by the clock on the wall: a day begins at midnight there.
type raster struct {
	from  int64 // seconds on the wall since 1970 at which the first step begins
	step  int64 // seconds
	count int
	zone  *time.Location
}

// newRaster covers the moments from first to last; first 0 is no moment at all, and there are no steps.
func newRaster(first, last mail.Instant, step time.Duration, zone *time.Location) raster {
	r := raster{step: max(int64(step/time.Second), 1), zone: zone}
	if first == 0 {
		return r
	}
	r.from = onWall(first, zone) / r.step * r.step
	r.count = int((onWall(last, zone)-r.from)/r.step) + 1
	return r
}

// onWall is what a clock in the zone shows, as seconds since 1970.
func onWall(t mail.Instant, zone *time.Location) int64 {
	at := t.In(zone)
	_, offset := at.Zone()
	return at.Unix() + int64(offset)
}

// index is the step that t lies in; false where it lies outside.
func (r raster) index(t mail.Instant) (int, bool) {
	i := onWall(t, r.zone) - r.from
	return int(i / r.step), i >= 0 && i < r.step*int64(r.count)
}

// start is the moment at which step i begins.
func (r raster) start(i int) mail.Instant {
	wall := time.Unix(r.from+int64(i)*r.step, 0).UTC()
	return mail.InstantOf(time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, r.zone))
}

// row are the counts of a value in the steps of a raster.
func (g *grid) row(value string, r raster) []counts {
	row := make([]counts, r.count)
	for c, n := range g.cells {
		if c.value != value {
			continue
		}
		if i, ok := r.index(mail.Instant(c.at * int64(g.step))); ok {
			row[i].add(n)
		}
	}
	return row
}
