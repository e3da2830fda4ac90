package grid

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
)

//go:embed divisions/zhongyuan-divisions.csv
var zhongyuan []byte

// DefaultDivisions is the list of Zhongyuan District, Zhengzhou (410102): streets and communities of the national division list.
func DefaultDivisions() io.Reader { return bytes.NewReader(zhongyuan) }

// importRows is how many areas one Write adds.
const importRows = 5000

var divisionColumns = []string{"code", "name", "parent_code", "level"}

// ImportDivisions adds the areas of a division list (CSV, UTF-8: code,name,parent_code,level with level district, street or
// community) and answers how many were new. Codes that are there already stay as they are, so that it can run at every start.
//
// Errors: validation.failed with the location "line N" for the first line that is wrong: then nothing was added.
func (s *Service) ImportDivisions(ctx context.Context, r io.Reader) (added int, err error) {
	areas, err := readDivisions(r)
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(areas, importRows) {
		fresh := 0
		err := again(func() error {
			return s.db.Write(ctx, model.Act{Name: "area.import", Area: part[0].Code}, func(tx *store.Tx) (err error) {
				fresh, err = addMissing(tx, part)
				return err
			})
		})
		if err != nil {
			return added, err
		}
		added += fresh
	}
	return added, nil
}

func addMissing(tx *store.Tx, part []*model.Area) (int, error) {
	codes := make([]string, len(part))
	for i, a := range part {
		codes[i] = a.Code
	}
	var there []string
	if err := tx.Q(&model.Area{}).Where("code IN ?", codes).Pluck("code", &there).Error; err != nil {
		return 0, err
	}
	has := map[string]bool{}
	for _, c := range there {
		has[c] = true
	}
	n := 0
	for _, a := range part {
		if has[a.Code] {
			continue
		}
		fresh := *a
		fresh.ValidFrom = tx.Now()
		if err := tx.Add(&fresh); err != nil {
			return 0, err
		}
		n++
	}
	if n == 0 {
		tx.Untraced()
	}
	tx.Note("", "", fmt.Sprintf("added %d areas", n))
	return n, nil
}

// readDivisions reads the whole list and judges every line before anything is written.
func readDivisions(r io.Reader) ([]*model.Area, error) {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3) // the byte order mark that spreadsheets write; it was just seen
	}
	rows := csv.NewReader(in)
	rows.FieldsPerRecord = len(divisionColumns)
	seen := map[string]bool{}
	var out []*model.Area
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			if len(out) == 0 {
				return nil, lineFault(1, "名单是空的，第一行应是 code,name,parent_code,level")
			}
			return out, nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return nil, lineFault(bad.Line, "这一行应有 4 列，用英文逗号分隔")
		}
		if err != nil {
			return nil, fmt.Errorf("read divisions: %w", err)
		}
		line, _ := rows.FieldPos(0)
		if line == 1 || len(seen) == 0 && row[0] == divisionColumns[0] {
			if !slices.Equal(row, divisionColumns) {
				return nil, lineFault(line, "第一行应是 code,name,parent_code,level")
			}
			continue
		}
		a, sentence := division(row)
		if sentence == "" && seen[a.Code] {
			sentence = "这个代码前面已经有了"
		}
		if sentence == "" && len(a.Code) > 6 && !seen[a.Parent] {
			sentence = "上级要写在下级前面"
		}
		if sentence != "" {
			return nil, lineFault(line, sentence)
		}
		seen[a.Code] = true
		out = append(out, a)
	}
}

// division reads one row; a sentence says what is wrong with it.
func division(row []string) (a *model.Area, sentence string) {
	code, name, parent, level := row[0], strings.TrimSpace(row[1]), row[2], model.Level(row[3])
	var f model.Faults
	label(&f, "name", name, nameMost)
	above := model.ParentCode(code)
	if above == "" && len(code) == 6 {
		above = code[:4] // a district hangs on its city, which the tree does not hold
	}
	switch {
	case !model.ValidArea(code) || len(code) > shortest:
		return nil, "代码应是 6、9 或 12 位数字"
	case level != model.LevelOf(code):
		return nil, "level 与代码的位数不符"
	case parent != above:
		return nil, "parent_code 应是代码去掉最后一级"
	case len(f) > 0:
		return nil, "名称不能为空，最多 64 个字"
	}
	return &model.Area{Code: code, Name: name, Level: level, Parent: model.ParentCode(code), Version: 1}, ""
}

func lineFault(line int, sentence string) error {
	return model.Faults{{Location: fmt.Sprintf("line %d", line), Code: model.FieldInvalid, Message: sentence}}.Err()
}
