package sample

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
)

// Building is one building of a courtyard. Rooms are numbered floor × 100 + n in every unit, n from 1 to RoomsPerFloor.
type Building struct {
	Name          string // "建设路62号院3号楼"
	Address       string
	Kind          string // "residential" or "mixed", the latter with shops on the ground floor
	Units         int
	Floors        int
	RoomsPerFloor int
	Lon, Lat      float64 // degrees, GCJ-02
}

// Rooms is how many rooms the building has.
func (b Building) Rooms() int { return b.Units * b.Floors * b.RoomsPerFloor }

// blocks is how many buildings stand in one courtyard.
const blocks = 5

// Building is the i-th building of the street, i ≥ 0; no two have the same name. Buildings of one community (its code or name)
// stand close to each other. It depends on the seed, i and community alone and takes nothing from the stream.
func (g *Generator) Building(i int, community string) Building {
	i = max(i, 0)
	h := fnv.New64a()
	_, _ = h.Write([]byte(community)) // a hash never fails
	here := rand.New(rand.NewPCG(g.seed, h.Sum64()))
	r := rand.New(rand.NewPCG(g.seed^h.Sum64(), uint64(i)))
	yard := i / blocks
	name := lanes[yard%len(lanes)] + itoa(62+2*(yard/len(lanes))) + "号院" + itoa(i%blocks+1) + "号楼"
	b := Building{Name: name, Address: district + name, Kind: "residential"}
	b.Lon = micro(113.62 + (here.Float64()-0.5)*0.024 + (r.Float64()-0.5)*0.005)
	b.Lat = micro(34.75 + (here.Float64()-0.5)*0.018 + (r.Float64()-0.5)*0.004)
	switch n := r.IntN(100); {
	case n < 40: // the old estates of the cotton mills
		b.Units, b.Floors, b.RoomsPerFloor = 3+r.IntN(5), 6+r.IntN(2), 2+r.IntN(2)
	case n < 65:
		b.Units, b.Floors, b.RoomsPerFloor = 2+r.IntN(3), 11+r.IntN(8), 3+r.IntN(2)
	default:
		b.Units, b.Floors, b.RoomsPerFloor = 2+r.IntN(2), 24+r.IntN(10), 4+r.IntN(3)
	}
	if r.IntN(100) < 30 {
		b.Kind = "mixed"
	}
	return b
}

func itoa(n int) string { return strconv.Itoa(n) }

// micro rounds degrees to a millionth, some 10 cm.
func micro(x float64) float64 { return math.Round(x*1e6) / 1e6 }
