package tally

import (
	"strconv"
	"time"

	"sixelements/model/store"
)

// Folded numbers lie in parts. A part of an area holds the numbers of its whole subtree, so that a city is one row; a part of a block
// holds details that no area above asks for in one piece, and areas above read all blocks beneath them.
//
//	s09/410102002        kinds and states of a street, and its rooms by the half day in which their coverage lapses
//	d09/410102002/2026   its records by day of submission, a part for each year
//	v12/410102002004     who verified a community's records; above it
//	v/410102002          a block of verifiers: those of one street
//	b/410102002004       a block of buildings: those of one community, by area
//	h09/410102002        how many households a street has
const (
	states    = "s"
	days      = "d"
	verifiers = "v"
	buildings = "b"
	homes     = "h"
)

// The lengths of the codes whose records make a block; a record whose code is shorter is in a block of its code.
const (
	verifierBlock = 9
	buildingBlock = 12
)

// levels are the lengths of the codes of areas that have parts, "" standing for everywhere.
var levels = []int{0, 6, 9, buildingBlock, 15, 18}

func areaPart(part string, code string) string {
	n := strconv.Itoa(len(code))
	if len(n) == 1 {
		n = "0" + n
	}
	return part + n + "/" + code
}

func blockPart(part, code string, length int) string {
	return part + "/" + code[:min(length, len(code))]
}

func dayPart(code string, day int64) string {
	return areaPart(days, code) + "/" + strconv.Itoa(time.Unix(day*24*60*60, 0).UTC().Year())
}

// sheets are cells by the part they lie in.
type sheets map[string]store.Cells

func (s sheets) add(part string, c store.Cell, n int64) {
	if s[part] == nil {
		s[part] = store.Cells{}
	}
	s[part].Add(c, n)
}

// project adds a cell that tells everything to every part in which it counts.
func (s sheets) project(c store.Cell, n int64) {
	if c.Kind == "" {
		s.projectRoom(c, n)
		return
	}
	state := store.Cell{Kind: c.Kind, Status: c.Status}
	day, who := state, state
	day.Day, who.By, who.Name = c.Day, c.By, c.Name
	for _, l := range levels {
		if l > len(c.Area) {
			break
		}
		code := c.Area[:l]
		s.add(areaPart(states, code), state, n)
		s.add(dayPart(code, c.Day), day, n)
		if l > verifierBlock && !c.By.IsZero() {
			s.add(areaPart(verifiers, code), who, n)
		}
	}
	if !c.By.IsZero() {
		s.add(blockPart(verifiers, c.Area, verifierBlock), who, n)
	}
	state.Area, state.Building = c.Area, c.Building
	s.add(blockPart(buildings, c.Area, buildingBlock), state, n)
}

func (s sheets) projectRoom(c store.Cell, n int64) {
	for _, l := range levels {
		if l > len(c.Area) {
			break
		}
		s.add(areaPart(states, c.Area[:l]), store.Cell{Lapse: c.Lapse}, n)
	}
	s.add(blockPart(buildings, c.Area, buildingBlock), store.Cell{Area: c.Area, Building: c.Building, Lapse: c.Lapse}, n)
}
