package model

import "regexp"

// Level is an area's place in the hierarchy.
type Level string

// The levels, by the length of their code: the national division list gives the first three, the street the last two.
const (
	District   Level = "district"   // 6 digits
	Street     Level = "street"     // 9
	Community  Level = "community"  // 12, 二级网格
	Grid       Level = "grid"       // 15, 三级网格
	MicroGrid  Level = "micro_grid" // 18, 微网格
	CommonPart Level = ""           // any other length: a common prefix of several areas
)

// LevelOf is the level of a code by its length.
func LevelOf(code string) Level {
	switch len(code) {
	case 6:
		return District
	case 9:
		return Street
	case 12:
		return Community
	case 15:
		return Grid
	case 18:
		return MicroGrid
	}
	return CommonPart
}

// ParentCode is the code one level up, "" for a district.
func ParentCode(code string) string {
	if len(code) <= 6 {
		return ""
	}
	return code[:len(code)-3]
}

var areaCode = regexp.MustCompile(`^[0-9]{6}([0-9]{3}){0,4}$`)

// ValidArea tells whether the text has the form of an area code.
func ValidArea(code string) bool { return areaCode.MatchString(code) }

// Area is a node of the area tree. The code is the hierarchy: an area's subtree is every code that begins with its own.
// Codes are never used again; a closed area keeps ValidTo and Successor.
type Area struct {
	Code      string `json:"code" gorm:"primaryKey"`
	Name      string `json:"name"`
	Level     Level  `json:"level"`
	Parent    string `json:"parent"`
	Exclusive bool   `json:"exclusive"`
	ValidFrom Time   `json:"valid_from"`
	ValidTo   Time   `json:"valid_to"`
	Successor string `json:"successor"`
	Version   int64  `json:"version"`
}

// AreaCodes are the codes a row lies under: the whole code, and one column per level for lists that page by equality. It is embedded in
// every row that scope looks at.
type AreaCodes struct {
	AreaCode  string `json:"area_code"`
	Street    string `json:"-"`
	Community string `json:"-"`
	Grid      string `json:"-"`
	MicroGrid string `json:"-"`
}

// CodesOf fills the levels from a code of any length.
func CodesOf(code string) AreaCodes {
	cut := func(n int) string {
		if len(code) < n {
			return ""
		}
		return code[:n]
	}
	return AreaCodes{AreaCode: code, Street: cut(9), Community: cut(12), Grid: cut(15), MicroGrid: cut(18)}
}

// Building is a building, or a courtyard of houses that share a poster.
type Building struct {
	ID            ID `gorm:"primaryKey"`
	AreaCodes     `gorm:"embedded"`
	Name          string
	Address       string
	Kind          string
	Units         int
	Floors        int
	RoomsPerFloor int
	Lon           *float64 // GCJ-02
	Lat           *float64
	Version       int64
	CreatedAt     Time `gorm:"autoCreateTime:false"`
}

// RoomUse tells what a room is there for.
type RoomUse string

// A room's uses. A closed or merged room stays, out of every count.
const (
	Dwelling  RoomUse = "dwelling"
	Business  RoomUse = "business"
	RoomEmpty RoomUse = "closed"
)

// Room is one door. It carries the area code: one building may lie in several micro-grids.
type Room struct {
	ID         ID `gorm:"primaryKey"`
	BuildingID ID
	AreaCodes  `gorm:"embedded"`
	Unit       string // "1"
	Floor      int
	Number     string // floor × 100 + n: "1203"
	Use        RoomUse
	MergedInto ID
	Version    int64
}

// QRStatus tells whether a poster's code opens the form.
type QRStatus string

// The states of a code; a revoked one never comes back.
const (
	QRActive  QRStatus = "active"
	QRDead    QRStatus = "revoked"
	QRScanned          = "qr.scan" // the act by which scans are counted
)

// QRCode is a building's, or a unit's, code on a poster.
type QRCode struct {
	Code       string `gorm:"primaryKey"`
	BuildingID ID
	Unit       string
	Status     QRStatus
	Version    int64
	IssuedAt   Time
	IssuedBy   ID
	RevokedAt  Time
	Scans      int64
	// Live is the building and unit while the code is active, NULL afterwards: the unique index on it lets one code be active.
	Live *string
}
