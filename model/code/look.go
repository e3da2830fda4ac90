package code

import "strings"

// Names are the names of all lists, the merged ones too, sorted. The caller may keep and change them.
func (l *Lists) Names() []string { return append([]string(nil), l.names...) }

// List are the items of a list in the order in which people see them, and whether there is such a list. They must not be changed.
func (l *Lists) List(name string) ([]Item, bool) {
	n, ok := l.lists[name]
	if !ok {
		return nil, false
	}
	return n.items[:len(n.items):len(n.items)], true
}

// Version changes when the list does: 16 hexadecimal digits for an ETag, without quotes. It is empty for an unknown list.
func (l *Lists) Version(name string) string {
	if n, ok := l.lists[name]; ok {
		return n.version
	}
	return ""
}

// item finds an entry by its code.
func (l *Lists) item(list, code string) (Item, bool) {
	n, ok := l.lists[list]
	if !ok {
		return Item{}, false
	}
	i, ok := n.byCode[code]
	if !ok {
		return Item{}, false
	}
	return n.items[i], true
}

// Has tells whether the code is in the list.
func (l *Lists) Has(list, code string) bool {
	_, ok := l.item(list, code)
	return ok
}

// Name is the Chinese name of a code, and whether the code is in the list.
func (l *Lists) Name(list, code string) (string, bool) {
	it, ok := l.item(list, code)
	return it.Name, ok
}

// Label is the name of a code as a spreadsheet shows it: where several items of the list bear the name, the code follows it, as
// in 其他(0113), so that Code always finds the way back.
func (l *Lists) Label(list, code string) (string, bool) {
	it, ok := l.item(list, code)
	if !ok {
		return "", false
	}
	if l.lists[list].byName[it.Name] == "" {
		return it.Name + "(" + it.Code + ")", true
	}
	return it.Name, true
}

// Code is the reverse look-up of a name or a Label; spaces around it are ignored. A name that several items of the list bear
// has no code: it would be a guess.
func (l *Lists) Code(list, name string) (string, bool) {
	n, ok := l.lists[list]
	if !ok {
		return "", false
	}
	name = strings.TrimSpace(name)
	if code, ok := n.byName[name]; ok {
		return code, code != ""
	}
	base, code, ok := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	if it, found := l.item(list, code); ok && found && it.Name == base && strings.HasSuffix(name, ")") {
		return code, true
	}
	return "", false
}

// Settle is the list's code that was meant: the code itself, or, in a merged list, the one that the code of a national list becomes;
// of a code that both national lists have, the first one's. A city event's 0102 is C0102.
func (l *Lists) Settle(list, code string) (settled string, ok bool) {
	if l.Has(list, code) {
		return code, true
	}
	for _, m := range merged {
		for _, s := range m.sources {
			if m.name == list && l.Has(s.list, code) {
				return s.letter + code, true
			}
		}
	}
	return "", false
}

// Origin is the national list and code behind a code of a merged list, as in C0101 → city_event_type, 0101. A code of any other
// list is its own origin.
func (l *Lists) Origin(list, code string) (origin, original string, ok bool) {
	if !l.Has(list, code) {
		return "", "", false
	}
	for _, m := range merged {
		if m.name != list {
			continue
		}
		for _, s := range m.sources {
			if rest, cut := strings.CutPrefix(code, s.letter); cut {
				return s.list, rest, true
			}
		}
	}
	return list, code, true
}
