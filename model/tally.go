package model

// TallyDelta is what one commit changed in the tallies, waiting to be folded: appended, never changed, removed once it is folded.
type TallyDelta struct {
	ID    ID `gorm:"primaryKey"`
	Cells []byte
}

// TableName is "tally_deltas".
func (TallyDelta) TableName() string { return "tally_deltas" }

// TallyPart is a sheet of folded numbers, of an area or a block of areas; which one its ID says. Version is the folding that wrote it.
type TallyPart struct {
	ID      string `gorm:"primaryKey"`
	Version int64
	Cells   []byte
}

// TallyRoom is a room as it stands in the folded numbers.
type TallyRoom struct {
	RoomID       ID `gorm:"primaryKey"`
	BuildingID   ID
	AreaCode     string
	CoveredUntil Time // the last moment at which it counts as covered; zero when it does not
}

// TallyHousehold says how a household with live persons counts in an area and in all above it: once where some of them live, and
// once less where two such places meet, so that every area that it touches has it once. Rows that come to nothing are left out.
type TallyHousehold struct {
	HouseholdID ID     `gorm:"primaryKey"`
	AreaCode    string `gorm:"primaryKey"`
	N           int64
}
