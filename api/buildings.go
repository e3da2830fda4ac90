package api

import (
	"context"
	"net/http"

	"sixelements/model"
	"sixelements/service/grid"
)

type buildingView struct {
	ID            model.ID `json:"id"`
	AreaCode      string   `json:"area_code" doc:"the common prefix of its rooms' codes"`
	Name          string   `json:"name"`
	Address       string   `json:"address"`
	Kind          string   `json:"kind" enum:"residential,mixed,shop_street,office,exclusive,other"`
	Units         int      `json:"units"`
	Floors        int      `json:"floors"`
	RoomsPerFloor int      `json:"rooms_per_floor"`
	Lon           *float64 `json:"lon" doc:"GCJ-02"`
	Lat           *float64 `json:"lat" doc:"GCJ-02"`
	Version       int64    `json:"version"`
}

func viewBuilding(b *model.Building) buildingView {
	return buildingView{b.ID, b.AreaCode, b.Name, b.Address, b.Kind, b.Units, b.Floors, b.RoomsPerFloor, b.Lon, b.Lat, b.Version}
}

type buildingIn struct {
	AreaCode      string   `json:"area_code" maxLength:"18" doc:"a community, grid or micro-grid"`
	Name          string   `json:"name" maxLength:"64"`
	Address       string   `json:"address,omitempty" maxLength:"200"`
	Kind          string   `json:"kind,omitempty" maxLength:"20" default:"residential" enum:"residential,mixed,shop_street,office,exclusive,other" doc:"住宅楼、商住楼、沿街商铺、办公楼、单位院落（专属网格）、其他"`
	Units         int      `json:"units" minimum:"1" maximum:"50"`
	Floors        int      `json:"floors" minimum:"1" maximum:"80"`
	RoomsPerFloor int      `json:"rooms_per_floor" minimum:"1" maximum:"60" doc:"in each unit; at most 5000 rooms in all"`
	Lon           *float64 `json:"lon,omitempty" doc:"GCJ-02"`
	Lat           *float64 `json:"lat,omitempty" doc:"GCJ-02"`
}

type buildingPatch struct {
	AreaCode *string  `json:"area_code,omitempty" maxLength:"18" doc:"moves all rooms and records there"`
	Name     *string  `json:"name,omitempty" maxLength:"64"`
	Address  *string  `json:"address,omitempty" maxLength:"200"`
	Kind     *string  `json:"kind,omitempty" maxLength:"20"`
	Lon      *float64 `json:"lon,omitempty"`
	Lat      *float64 `json:"lat,omitempty"`
}

func answerBuilding(b model.Building, err error) (*answer[buildingView], error) {
	return &answer[buildingView]{ETag: etag(b.Version), Body: viewBuilding(&b)}, err
}

// mountBuildings registers buildings, their rooms, the visits to these, and who is assigned to them.
func mountBuildings(a *API, s *grid.Service) {
	op(a, get("/buildings", "list-buildings", "List buildings in scope", may(model.Collector)), func(ctx context.Context, in *struct {
		Paging
		Area string `query:"area" maxLength:"18" doc:"code of the area they lie in"`
	}) (*answer[page[buildingView]], error) {
		rows, next, err := s.Buildings(ctx, in.Area, in.Cursor, in.Limit)
		return pageOf(rows, next, viewBuilding), err
	})
	op(a, post("/buildings", "create-building", "Create a building and lay out its rooms", may(model.CommunityRole),
		status(http.StatusCreated)), func(ctx context.Context, in *struct{ Body buildingIn }) (*created[buildingView], error) {
		b, err := s.AddBuilding(ctx, in.Body.building())
		if err != nil {
			return nil, err
		}
		return &created[buildingView]{Status: http.StatusCreated, ETag: etag(b.Version), Body: viewBuilding(b)}, nil
	})
	op(a, get("/buildings/{id}", "get-building", "Read a building", may(model.Collector), at(s.SeeBuilding)),
		func(ctx context.Context, in *struct {
			ID model.ID `path:"id"`
		}) (*answer[buildingView], error) {
			return answerBuilding(s.Building(ctx, in.ID))
		})
	op(a, patch("/buildings/{id}", "patch-building", "Change a building", may(model.CommunityRole), at(s.LocateBuilding)),
		func(ctx context.Context, in *struct {
			ID    model.ID    `path:"id"`
			Match model.Match `header:"If-Match"`
			Body  buildingPatch
		}) (*answer[buildingView], error) {
			return answerBuilding(s.EditBuilding(ctx, in.ID, in.Match, grid.BuildingPatch(in.Body)))
		})
	op(a, remove("/buildings/{id}", "delete-building", "Remove a building without records and visits", may(model.CommunityRole),
		at(s.LocateBuilding), status(http.StatusNoContent)), func(ctx context.Context, in *struct {
		ID    model.ID    `path:"id"`
		Match model.Match `header:"If-Match"`
	}) (*none, error) {
		return &none{}, s.DeleteBuilding(ctx, in.ID, in.Match)
	})
	mountRooms(a, s)
	mountVisits(a, s)
	mountAssignments(a, s)
}

func (in buildingIn) building() grid.NewBuilding {
	n := grid.NewBuilding{AreaCode: in.AreaCode, Name: in.Name, Address: in.Address, Kind: in.Kind, Units: in.Units, Floors: in.Floors,
		RoomsPerFloor: in.RoomsPerFloor, Lon: in.Lon, Lat: in.Lat}
	if n.Kind == "" {
		n.Kind = "residential"
	}
	return n
}

type roomView struct {
	ID         model.ID      `json:"id"`
	BuildingID model.ID      `json:"building_id"`
	Unit       string        `json:"unit"`
	Floor      int           `json:"floor"`
	Number     string        `json:"number"`
	AreaCode   string        `json:"area_code"`
	Use        model.RoomUse `json:"use" enum:"dwelling,business,closed"`
	State      grid.State    `json:"state" enum:"unvisited,submitted,verified,recheck,no_answer,refused,vacant,business"`
	People     int           `json:"people" doc:"live person records"`
	LastVisit  *roomVisit    `json:"last_visit"`
	DueAt      model.Time    `json:"due_at" nullable:"true" doc:"when the first of its records must be verified again"`
	MergedInto model.ID      `json:"merged_into" nullable:"true"`
	Version    int64         `json:"version"`
}

type roomVisit struct {
	ID      model.ID   `json:"id"`
	At      model.Time `json:"at"`
	Name    string     `json:"name" doc:"who went there"`
	Method  string     `json:"method"`
	Outcome string     `json:"outcome"`
	Late    bool       `json:"late"`
}

func viewRoom(r grid.MatrixRoom) roomView {
	v := roomView{ID: r.ID, BuildingID: r.BuildingID, Unit: r.Unit, Floor: r.Floor, Number: r.Number, AreaCode: r.AreaCode, Use: r.Use,
		State: r.State, People: r.People, DueAt: r.DueAt, MergedInto: r.MergedInto, Version: r.Version}
	if l := r.LastVisit; l != nil {
		v.LastVisit = &roomVisit{l.ID, l.At, l.Name, l.Method, l.Outcome, l.Late}
	}
	return v
}

type roomIn struct {
	Unit     string        `json:"unit" maxLength:"16"`
	Number   string        `json:"number" maxLength:"16"`
	AreaCode string        `json:"area_code,omitempty" maxLength:"18" doc:"default: the building's"`
	Floor    int           `json:"floor" minimum:"-5" maximum:"80"`
	Use      model.RoomUse `json:"use,omitempty" enum:"dwelling,business" default:"dwelling"`
}

type roomPatch struct {
	Unit       *string        `json:"unit,omitempty" maxLength:"16"`
	Number     *string        `json:"number,omitempty" maxLength:"16"`
	AreaCode   *string        `json:"area_code,omitempty" maxLength:"18"`
	Floor      *int           `json:"floor,omitempty"`
	Use        *model.RoomUse `json:"use,omitempty" enum:"dwelling,business,closed"`
	MergedInto *model.ID      `json:"merged_into,omitempty" nullable:"true" doc:"a room of the same building, which takes over the records"`
}

func answerRoom(r grid.MatrixRoom, err error) (*answer[roomView], error) {
	return &answer[roomView]{ETag: etag(r.Version), Body: viewRoom(r)}, err
}

func mountRooms(a *API, s *grid.Service) {
	op(a, get("/buildings/{id}/rooms", "list-rooms", "The room matrix: every room in use with its state", may(model.Collector),
		at(s.SeeBuilding)), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*answer[page[roomView]], error) {
		rows, err := s.Matrix(ctx, in.ID)
		return pageOf(rows, "", viewRoom), err
	})
	op(a, post("/buildings/{id}/rooms", "create-room", "Add a room", may(model.Collector), at(s.SeeBuilding),
		status(http.StatusCreated)), func(ctx context.Context, in *struct {
		ID   model.ID `path:"id"`
		Body roomIn
	}) (*created[roomView], error) {
		r, err := s.AddRoom(ctx, in.ID, grid.NewRoom(in.Body))
		return &created[roomView]{Status: http.StatusCreated, ETag: etag(r.Version), Body: viewRoom(r)}, err
	})
	op(a, get("/rooms/{id}", "get-room", "Read a room", may(model.Collector), at(s.SeeRoom)), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*answer[roomView], error) {
		return answerRoom(s.Room(ctx, in.ID))
	})
	op(a, patch("/rooms/{id}", "patch-room", "Renumber, merge or close a room", may(model.Collector), at(s.LocateRoom)),
		func(ctx context.Context, in *struct {
			ID    model.ID    `path:"id"`
			Match model.Match `header:"If-Match"`
			Body  roomPatch
		}) (*answer[roomView], error) {
			return answerRoom(s.EditRoom(ctx, in.ID, in.Match, grid.RoomPatch(in.Body)))
		})
}

func mountVisits(a *API, s *grid.Service) {
	op(a, get("/rooms/{id}/visits", "list-visits", "The attempts at a room, newest first", may(model.Collector), at(s.SeeRoom)),
		func(ctx context.Context, in *struct {
			Paging
			ID model.ID `path:"id"`
		}) (*answer[page[grid.VisitView]], error) {
			rows, next, err := s.Visits(ctx, in.ID, in.Cursor, in.Limit)
			return pageOf(rows, next, same[grid.VisitView]), err
		})
	op(a, post("/rooms/{id}/visits", "create-visit", "Note an attempt to reach a room", may(model.Collector), at(s.SeeRoom),
		status(http.StatusCreated)), func(ctx context.Context, in *struct {
		ID   model.ID `path:"id"`
		Body grid.VisitIn
	}) (*created[grid.VisitView], error) {
		v, replay, err := s.AddVisit(ctx, in.ID, in.Body)
		return &created[grid.VisitView]{Status: statusOf(replay), Body: v}, err
	})
}

type assignmentView struct {
	ID          model.ID   `json:"id"`
	AccountID   model.ID   `json:"account_id"`
	AccountName string     `json:"account_name"`
	BuildingID  model.ID   `json:"building_id" nullable:"true"`
	Unit        string     `json:"unit"`
	AreaCode    string     `json:"area_code"`
	Team        string     `json:"team" enum:"fixed,mobile"`
	From        model.Time `json:"from"`
	To          model.Time `json:"to" nullable:"true" doc:"null: open end"`
	EndedAt     model.Time `json:"ended_at" nullable:"true"`
}

func viewAssignment(p grid.Assignment) assignmentView {
	return assignmentView{p.ID, p.AccountID, p.AccountName, p.BuildingID, p.Unit, p.AreaCode, p.Team, p.FromAt, p.ToAt, p.EndedAt}
}

type assignmentIn struct {
	AccountID  model.ID `json:"account_id" doc:"who holds the role collector"`
	BuildingID model.ID `json:"building_id,omitzero" doc:"this or area_code"`
	Unit       string   `json:"unit,omitempty" maxLength:"16" doc:"default: the whole building"`
	AreaCode   string   `json:"area_code,omitempty" maxLength:"18"`
	Team       string   `json:"team" enum:"fixed,mobile"`
	From       string   `json:"from,omitempty" maxLength:"40" doc:"RFC 3339, or a day YYYY-MM-DD; default: now"`
	To         string   `json:"to,omitempty" maxLength:"40" doc:"RFC 3339, or the last day YYYY-MM-DD; default: open end"`
}

func mountAssignments(a *API, s *grid.Service) {
	op(a, get("/assignments", "list-assignments", "List posts in scope, newest first", may(model.GridLeader)),
		func(ctx context.Context, in *struct {
			Paging
			Account  model.ID `query:"account"`
			Building model.ID `query:"building"`
			Ended    bool     `query:"ended" doc:"with those that have ended"`
		}) (*answer[page[assignmentView]], error) {
			f := grid.AssignmentFilter{Account: in.Account, Building: in.Building, Ended: in.Ended}
			rows, next, err := s.Assignments(ctx, f, in.Cursor, in.Limit)
			return pageOf(rows, next, viewAssignment), err
		})
	op(a, post("/assignments", "create-assignment", "Post a collector to a building, a unit or an area", may(model.GridLeader),
		status(http.StatusCreated)), func(ctx context.Context, in *struct{ Body assignmentIn }) (*created[assignmentView], error) {
		p, err := s.Assign(ctx, grid.NewAssignment(in.Body))
		return &created[assignmentView]{Status: http.StatusCreated, Body: viewAssignment(p)}, err
	})
	op(a, remove("/assignments/{id}", "delete-assignment", "End a post; it stays as history", may(model.GridLeader),
		at(s.LocateAssignment), status(http.StatusNoContent)), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*none, error) {
		return &none{}, s.Unassign(ctx, in.ID)
	})
}
