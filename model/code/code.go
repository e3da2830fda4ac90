// Package code holds the national code lists that forms, ledgers and checks share, embedded as CSV files: one list a file, with
// the header code,name or code,name,parent,level. Lists are constant; the order of a file is the order in which people see the
// items.
//
// Two fields choose from two lists whose codes collide ("01" is in both). For them there are merged lists, in which every code
// and parent carries a letter before it:
//
//	event_category       C + city_event_type (C01, C0101), S + service_event_type (S02, S0202)
//	situation_or_hazard  S + situation_category (S01), H + hazard_type (H01)
package code

import (
	"crypto/sha256"
	"embed"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed *.csv
var files embed.FS

// Item is one entry of a list.
type Item struct {
	Code   string `json:"code" doc:"the code, unique in its list"`
	Name   string `json:"name" doc:"the Chinese name"`
	Parent string `json:"parent,omitempty" doc:"the code of the item above, in lists of two levels"`
	// Level is "main" or "sub" in lists of two levels, else empty.
	Level string `json:"-"`
}

// ErrList says that a list is not well formed; the error that wraps it names file and line.
var ErrList = errors.New("bad code list")

// merged are the lists that are made of two; each source's codes get the letter.
var merged = []struct {
	name    string
	sources []source
}{
	{"event_category", []source{{"C", "city_event_type"}, {"S", "service_event_type"}}},
	{"situation_or_hazard", []source{{"S", "situation_category"}, {"H", "hazard_type"}}},
}

type source struct{ letter, list string }

// Lists are the code lists by name. They are never changed once loaded and safe for concurrent use.
type Lists struct {
	names []string
	lists map[string]*list
}

type list struct {
	items   []Item
	byCode  map[string]int    // index into items
	byName  map[string]string // name → code; "" for a name that several items bear
	version string
}

// Default are the embedded lists, loaded at first use.
func Default() *Lists { return loadOnce() }

var loadOnce = sync.OnceValue(func() *Lists {
	l, err := Load()
	if err != nil {
		panic(err) // cannot happen: the files are part of the program and a test loads them
	}
	return l
})

// Load reads the embedded lists and builds the merged ones. It returns ErrList when a list has a duplicate code, an unknown
// parent, an empty code or name, or a wrong header.
func Load() (*Lists, error) { return load(files) }

func load(from fs.FS) (*Lists, error) {
	l := &Lists{lists: map[string]*list{}}
	found, err := fs.Glob(from, "*.csv")
	if err != nil {
		return nil, err
	}
	for _, file := range found {
		items, err := read(from, file)
		if err != nil {
			return nil, err
		}
		if err = l.add(strings.TrimSuffix(path.Base(file), ".csv"), items); err != nil {
			return nil, err
		}
	}
	for _, m := range merged {
		if err := l.add(m.name, l.merge(m.sources)); err != nil {
			return nil, err
		}
	}
	slices.Sort(l.names)
	return l, nil
}

// read reads one file; what its items say is checked by add.
func read(from fs.FS, file string) ([]Item, error) {
	f, err := from.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		return nil, fmt.Errorf("%w: %s is not a CSV file with rows", ErrList, file)
	}
	head := strings.Join(rows[0], ",") // a byte order mark makes this another header
	if head != "code,name" && head != "code,name,parent,level" {
		return nil, fmt.Errorf("%w: header of %s", ErrList, file)
	}
	items := make([]Item, 0, len(rows)-1)
	for _, row := range rows[1:] {
		it := Item{Code: row[0], Name: row[1]}
		if len(row) == 4 {
			it.Parent, it.Level = row[2], row[3]
		}
		items = append(items, it)
	}
	return items, nil
}

// merge puts the sources one after the other, each code with its source's letter.
func (l *Lists) merge(sources []source) []Item {
	var items []Item
	for _, s := range sources {
		if l.lists[s.list] == nil {
			continue
		}
		for _, it := range l.lists[s.list].items {
			it.Code = s.letter + it.Code
			if it.Parent != "" {
				it.Parent = s.letter + it.Parent
			}
			items = append(items, it)
		}
	}
	return items
}

// add checks and indexes a list.
func (l *Lists) add(name string, items []Item) error {
	n := &list{items: items, byCode: make(map[string]int, len(items)), byName: make(map[string]string, len(items))}
	sum := sha256.New()
	for i, it := range items {
		if it.Code == "" || it.Name == "" || strings.TrimSpace(it.Code+it.Name) != it.Code+it.Name {
			return fmt.Errorf("%w: %s, item %d: empty, or spaces around it", ErrList, name, i+1)
		}
		if _, twice := n.byCode[it.Code]; twice {
			return fmt.Errorf("%w: %s, item %d: code %s twice", ErrList, name, i+1, it.Code)
		}
		n.byCode[it.Code] = i
		if _, twice := n.byName[it.Name]; twice {
			n.byName[it.Name] = ""
		} else {
			n.byName[it.Name] = it.Code
		}
		fmt.Fprintf(sum, "%q %q %q %q\n", it.Code, it.Name, it.Parent, it.Level)
	}
	for i, it := range items {
		if _, ok := n.byCode[it.Parent]; it.Parent != "" && !ok || it.Parent == it.Code {
			return fmt.Errorf("%w: %s, item %d: parent %s is not in the list", ErrList, name, i+1, it.Parent)
		}
	}
	n.version = hex.EncodeToString(sum.Sum(nil)[:8])
	l.names, l.lists[name] = append(l.names, name), n
	return nil
}
