package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"sixelements/model"
	"sixelements/service/qr"
)

// city is a place large enough for a number of records: districts of 40 streets, a street of some 35,000 records as the newspaper's,
// in 10 communities of 4 grids; a grid has two buildings, whose three units lie in a micro-grid each. Everything in it follows from
// the numbers, so that a load that was broken off goes on where it stopped.
type city struct {
	Records int       `json:"records"`
	Seed    uint64    `json:"seed"`
	Until   time.Time `json:"until"` // the last record's time; the first came two years before
}

// The sizes of a city's parts.
const (
	perStreet   = 35_000 // records
	perDistrict = 40     // streets
	communities = 10     // in a street
	grids       = 4      // in a community
	perGrid     = 2      // buildings
	units       = 3      // in a building
	perFloor    = 4      // rooms of a unit
	history     = 2 * 365 * 24 * time.Hour
)

func (c city) streets() int { return max(1, (c.Records+perStreet/2)/perStreet) }

// buildings is the number of buildings; they are numbered through the city, street by street.
func (c city) buildings() int { return c.streets() * communities * grids * perGrid }

// at is when record i came.
func (c city) at(i int) model.Time {
	return model.At(c.Until.Add(-history + time.Duration(float64(history)*float64(i)/float64(c.Records))))
}

// street is the code of the n-th street.
func (c city) street(n int) string {
	return fmt.Sprintf("41%04d%03d", 101+n/perDistrict, 1+n%perDistrict)
}

// floors is how high building b is.
func (c city) floors(b int) int { return 11 + int(c.hash("floors", b)[0])%12 }

// hash is what is drawn by lot for a thing once and for all.
func (c city) hash(what string, n ...int) []byte {
	h := fnv.New128a()
	_ = binary.Write(h, binary.BigEndian, c.Seed) // a hash never fails
	_, _ = h.Write([]byte(what))
	for _, n := range n {
		_ = binary.Write(h, binary.BigEndian, int64(n))
	}
	return h.Sum(nil)
}

// id is the id of a thing that was there before the first record.
func (c city) id(what string, n ...int) model.ID { return model.DeriveID(c.at(0), c.hash(what, n...)) }

// grid is the code of building b's grid.
func (c city) grid(b int) string {
	g := b / perGrid
	s := g / grids / communities
	return fmt.Sprintf("%s%03d%03d", c.street(s), 1+g/grids%communities, 1+g%grids)
}

// door is room n of unit u on a floor of building b.
func (c city) door(b, u, floor, n int) door {
	micro := fmt.Sprintf("%s%03d", c.grid(b), 1+b%perGrid*units+u)
	return door{building: c.id("building", b), area: model.CodesOf(micro), room: c.id("room", b, u, floor, n), unit: fmt.Sprint(u + 1),
		name: fmt.Sprint((floor+1)*100 + n + 1)}
}

// anyDoor is a door drawn by lot.
func (c city) anyDoor(r *rand.Rand) (b int, d door) {
	b = r.IntN(c.buildings())
	return b, c.door(b, r.IntN(units), r.IntN(c.floors(b)), r.IntN(perFloor))
}

// collector is one of the two who work on a building's grid.
func (c city) collector(b, n int) model.Actor {
	g := b / perGrid
	return model.Actor{Account: c.id("collector", g, n), Name: fmt.Sprintf("采集员%d-%d", g+1, n+1),
		Grants: []model.Grant{{Role: model.Collector, Area: c.grid(b)}}}
}

// areas are all areas from the districts down.
func (c city) areas() (rows []any) {
	add := func(code, name string) {
		rows = append(rows, &model.Area{Code: code, Name: name, Level: model.LevelOf(code), Parent: model.ParentCode(code),
			ValidFrom: c.at(0), Version: 1})
	}
	for s := range c.streets() {
		street := c.street(s)
		if s%perDistrict == 0 {
			add(street[:6], fmt.Sprintf("第%d区", s/perDistrict+1))
		}
		add(street, fmt.Sprintf("第%d街道", s+1))
		for k := range communities {
			add(fmt.Sprintf("%s%03d", street, k+1), fmt.Sprintf("第%d社区", k+1))
		}
	}
	for b := range c.buildings() {
		if b%perGrid > 0 {
			continue
		}
		grid := c.grid(b)
		add(grid, "第"+grid[12:]+"网格")
		for m := range perGrid * units {
			add(fmt.Sprintf("%s%03d", grid, m+1), fmt.Sprintf("第%d微网格", m+1))
		}
	}
	return rows
}

// building is building b with its rooms and its poster's code.
func (c city) building(b int) (rows []any) {
	at, id, name := c.at(0), c.id("building", b), fmt.Sprintf("建设路%d号院%d号楼", b/perGrid+1, b%perGrid+1)
	live := id.String() + "/"
	rows = append(rows, &model.Building{ID: id, AreaCodes: model.CodesOf(c.grid(b)), Name: name, Address: name, Kind: "residential",
		Units: units, Floors: c.floors(b), RoomsPerFloor: perFloor, Version: 1, CreatedAt: at},
		&model.QRCode{Code: qr.NewCode(), BuildingID: id, Status: model.QRActive, Version: 1, IssuedAt: at, Live: &live})
	for u := range units {
		for f := range c.floors(b) {
			for n := range perFloor {
				d := c.door(b, u, f, n)
				rows = append(rows, &model.Room{ID: d.room, BuildingID: id, AreaCodes: d.area, Unit: d.unit, Floor: f + 1, Number: d.name,
					Use: model.Dwelling, Version: 1})
			}
		}
	}
	return rows
}
