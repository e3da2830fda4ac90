package api

import (
	"context"

	"sixelements/model"
	"sixelements/service/tally"
)

type tallyView struct {
	Area  string      `json:"area" doc:"empty: everywhere"`
	AsOf  model.Time  `json:"as_of"`
	Items []tallyItem `json:"items" nullable:"false"`
}

type tallyItem struct {
	Key          string      `json:"key" doc:"an area code, kind, status, building id, day or account id; none: what lies in no building"`
	Label        string      `json:"label"`
	Counts       tallyCounts `json:"counts"`
	Rooms        int64       `json:"rooms" doc:"by kind and status: those of the whole area; by day and collector: 0"`
	RoomsCovered int64       `json:"rooms_covered"`
	Coverage     *float64    `json:"coverage" doc:"rooms_covered / rooms, 0 to 1; null without rooms"`
}

type tallyCounts struct {
	Submitted int64 `json:"submitted"`
	Verified  int64 `json:"verified"`
	Returned  int64 `json:"returned"`
	Rejected  int64 `json:"rejected"`
	Archived  int64 `json:"archived"`
	Withdrawn int64 `json:"withdrawn"`
	Total     int64 `json:"total" doc:"submitted + verified + returned"`
}

func viewTally(t *tally.Tally) tallyView {
	v := tallyView{Area: t.Area, AsOf: t.AsOf, Items: make([]tallyItem, 0, len(t.Items))}
	for _, i := range t.Items {
		c := i.Counts
		v.Items = append(v.Items, tallyItem{Key: i.Key, Label: i.Label, Rooms: i.Rooms, RoomsCovered: i.Covered, Coverage: i.Coverage(),
			Counts: tallyCounts{c.Submitted, c.Verified, c.Returned, c.Rejected, c.Archived, c.Withdrawn, c.Total()}})
	}
	return v
}

// mountTallies registers the tallies.
func mountTallies(a *API, s *tally.Service) {
	op(a, get("/tallies", "get-tally", "Count the records of an area, and how much of its rooms is covered",
		may(model.Collector, model.Department)), func(ctx context.Context, in *struct {
		Area    string `query:"area" maxLength:"18" doc:"default: the caller's only area; for a department everywhere"`
		GroupBy string `query:"group_by" enum:"area,kind,status,building,day,collector" default:"area"`
		Kind    kind   `query:"kind" doc:"default: all"`
	}) (*answer[tallyView], error) {
		t, err := s.Of(ctx, tally.Query{Area: in.Area, By: tally.By(in.GroupBy), Kind: model.Kind(in.Kind)})
		if err != nil {
			return nil, err
		}
		return &answer[tallyView]{Body: viewTally(t)}, nil
	})
}
