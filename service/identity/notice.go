package identity

import (
	"context"
	"crypto/sha256"
	_ "embed" // the notice
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"sixelements/model"
	"sixelements/model/store"
)

//go:embed notice.txt
var noticeText string

// noticeEdition is raised by hand whenever the text changes in what it says: everybody is asked again.
const noticeEdition = "2026-11-1"

// Notice is the privacy notice in force (PIPL, articles 14, 17, 29 and 30).
type Notice struct {
	Version string         `json:"version" doc:"changes with the text and with the fields that are collected"`
	Title   string         `json:"title"`
	Text    string         `json:"text"`
	Fields  []NoticeFields `json:"fields" nullable:"false"`
}

// NoticeFields are what is collected of a kind, by the forms' own labels.
type NoticeFields struct {
	Kind      model.Kind `json:"kind"`
	Label     string     `json:"label"`
	Fields    []string   `json:"fields" nullable:"false"`
	Sensitive []string   `json:"sensitive" nullable:"false" doc:"those of the fields that need the separate consent"`
}

// The scopes of a consent.
const (
	ScopeGeneral   = "general"
	ScopeSensitive = "sensitive"
)

// CurrentNotice is the notice in force. Its fields come from the six forms, and so does the end of its version: it cannot
// say less than is asked, and a new field asks for a new consent.
func CurrentNotice() Notice {
	n := notice()
	n.Fields = slices.Clone(n.Fields)
	return n
}

var notice = sync.OnceValue(func() Notice {
	title, text, _ := strings.Cut(strings.TrimSpace(noticeText), "\n")
	n := Notice{Title: title, Text: strings.TrimSpace(text)}
	h := sha256.New()
	for _, k := range model.Kinds() {
		f := NoticeFields{Kind: k.Kind, Label: k.Label, Sensitive: []string{}}
		for _, field := range k.Kind.Schema().Fields {
			f.Fields = append(f.Fields, field.Label)
			line := string(k.Kind) + " " + field.Name
			if field.Sensitive {
				f.Sensitive = append(f.Sensitive, field.Label)
				line += " sensitive"
			}
			h.Write([]byte(line + "\n"))
		}
		n.Fields = append(n.Fields, f)
	}
	n.Version = noticeEdition + "-" + hex.EncodeToString(h.Sum(nil)[:3])
	return n
})

// Agree keeps what the caller agrees to; the latest counts as a whole, so that general alone takes sensitive back, and no scope
// at all takes everything back (PIPL, article 15). Errors: validation.failed for a version that is not in force, an unknown
// scope, or sensitive without general.
func (s *Service) Agree(ctx context.Context, version string, scopes []string) error {
	var f model.Faults
	if version != notice().Version {
		f.Add("version", model.FieldInvalid, "告知书已更新，请重新阅读后再同意")
	}
	kept := model.Choices{}
	for _, scope := range []string{ScopeGeneral, ScopeSensitive} {
		if slices.Contains(scopes, scope) {
			kept = append(kept, scope)
		}
	}
	switch {
	case slices.ContainsFunc(scopes, func(x string) bool { return x != ScopeGeneral && x != ScopeSensitive }):
		f.Add("scopes", model.FieldChoice, "只能是 general 和 sensitive")
	case len(scopes) > 0 && !slices.Contains(scopes, ScopeGeneral):
		f.Add("scopes", model.FieldRequired, "需要先同意一般信息的处理")
	}
	if err := f.Err(); err != nil {
		return err
	}
	actor := store.ActorOf(ctx)
	act := s.ownAct(actor, "consent.give")
	if len(kept) == 0 {
		act = s.ownAct(actor, "consent.withdraw")
	}
	act.Detail = strings.TrimSpace(version + " " + strings.Join(kept, ","))
	return s.db.Write(ctx, act, func(tx *store.Tx) error {
		return tx.Add(&model.Consent{ID: model.NewID(), AccountID: actor.Account, Version: version, Scopes: kept, At: tx.Now()})
	})
}

// Consent tells what an account has agreed to under the notice in force; consent to an older one does not count.
func (s *Service) Consent(_ context.Context, tx *store.Tx, account model.ID) (general, sensitive bool, err error) {
	c, err := latestConsent(tx, account)
	if err != nil || c == nil || c.Version != notice().Version {
		return false, false, err
	}
	return slices.Contains(c.Scopes, ScopeGeneral), slices.Contains(c.Scopes, ScopeSensitive), nil
}

func latestConsent(tx *store.Tx, account model.ID) (*model.Consent, error) {
	var rows []*model.Consent
	q := tx.System("consent").Q(&rows).Where("account_id = ?", account)
	err := q.Order("at DESC").Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}
