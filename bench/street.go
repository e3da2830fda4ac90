package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sixelements/config"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
	"sixelements/service/identity"
)

func now() time.Time { return time.Now() }

// site is an installation of the product: a folder with its root key, and the database, which may be elsewhere.
type site struct {
	dir      string
	database string // SIX_DATABASE; empty: SQLite in the folder
	redis    string // SIX_REDIS; empty: none
}

func (s site) env() []string {
	env := []string{"SIX_DATA=" + s.dir, "SIX_RATE_LIMIT=off", "SIX_SECRET_KEY_FILE=" + s.keyFile()}
	if s.database != "" {
		env = append(env, "SIX_DATABASE="+s.database)
	}
	if s.redis != "" {
		env = append(env, "SIX_REDIS="+s.redis)
	}
	return env
}

func (s site) keyFile() string { return filepath.Join(s.dir, "secret.key") }

// prepare makes the folder and its root key, unless they are there.
func (s site) prepare() error {
	if _, err := os.Stat(s.keyFile()); err == nil {
		return nil
	}
	root, err := seal.NewRoot()
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(s.dir, 0o700), os.WriteFile(s.keyFile(), []byte(root+"\n"), 0o600))
}

// six runs a subcommand of the product on the site.
func (s site) six(ctx context.Context, out io.Writer, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	var wrong bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), s.env()...), out, &wrong
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("six %s: %w: %s", args[0], err, wrong.Bytes())
	}
	return nil
}

// serve starts the product on the site. Its log is beside the data.
func (s site) serve(ctx context.Context, program string, env ...string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	env = append(append(s.env(), "SIX_LISTEN="+addr), env...)
	return start(ctx, addr, "/readyz", filepath.Join(s.dir, "six.log"), env, program, "serve")
}

// open opens the site's database, migrated.
func (s site) open(ctx context.Context) (*store.DB, error) {
	text, err := os.ReadFile(s.keyFile())
	if err != nil {
		return nil, err
	}
	roots, err := seal.ParseRoots(string(text))
	if err != nil {
		return nil, err
	}
	ring, err := seal.NewKeyring(seal.AES, now, roots...)
	if err != nil {
		return nil, err
	}
	d := config.Database{Dialect: config.SQLite, Path: filepath.Join(s.dir, "six.db")}
	if s.database != "" {
		if d, err = config.ParseDatabase(s.database); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, store.Options{Dialect: store.Dialect(d.Dialect), Path: d.Path, DSN: d.DSN.Reveal(), Keyring: ring,
		Suite: seal.AES, Clock: now, Log: slog.New(slog.DiscardHandler)}, true)
}

// door is where somebody can live, and the code of the poster beside it.
type door struct {
	building   model.ID
	area       model.AreaCodes
	code       string
	room       model.ID
	unit, name string
}

// doors are all dwellings of the site, by building.
func doors(ctx context.Context, db *store.DB) ([][]door, error) {
	var rooms []model.Room
	var codes []model.QRCode
	err := db.Read(store.AsSystem(ctx, "bench"), func(tx *store.Tx) error {
		if err := tx.Q(&model.Room{}).Order("building_id").Order("id").Find(&rooms).Error; err != nil {
			return err
		}
		return tx.Q(&model.QRCode{}).Where("status = ?", model.QRActive).Find(&codes).Error
	})
	posted := map[model.ID]string{}
	for _, c := range codes {
		posted[c.BuildingID] = c.Code
	}
	var out [][]door
	for i, r := range rooms {
		if i == 0 || rooms[i-1].BuildingID != r.BuildingID {
			out = append(out, nil)
		}
		last := &out[len(out)-1]
		*last = append(*last, door{r.BuildingID, r.AreaCodes, posted[r.BuildingID], r.ID, r.Unit, r.Number})
	}
	return out, err
}

// knowsAll answers every code of wx.login with itself as the openid, so that accounts are made as WeChat's users are.
type knowsAll struct{}

// Login says that the code is who it is.
func (knowsAll) Login(_ context.Context, code string) (openID, unionID string, err error) {
	return code, "", nil
}

// Phone is nobody's.
func (knowsAll) Phone(context.Context, string) (string, error) {
	return "", errors.New("not asked for")
}

// account opens a session for a new or known account of the name and answers its token and who it is. Given a grant, it holds that
// role from now on.
func account(ctx context.Context, db *store.DB, name string, g ...model.Grant) (string, model.ID, error) {
	service := identity.New(db, identity.Options{WeChat: knowsAll{}})
	in, err := service.Login(ctx, identity.Login{Grant: "wechat", Code: name})
	if err != nil || len(g) == 0 {
		return in.Token, in.Me.ID, err
	}
	return in.Token, in.Me.ID, db.Write(store.AsSystem(ctx, "bench"), model.Act{Name: "bench.grant"}, func(tx *store.Tx) error {
		for _, g := range g {
			err := tx.Add(&model.GrantRow{ID: model.NewID(), AccountID: in.Me.ID, Role: g.Role, AreaCode: g.Area, GrantedAt: tx.Now()})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// resident is an account that agreed to the notice, sensitive data included.
func resident(ctx context.Context, db *store.DB, name string) (string, error) {
	token, id, err := account(ctx, db, name)
	if err != nil {
		return "", err
	}
	a := model.Actor{Account: id, Grants: []model.Grant{{Role: model.Resident}}, RequestID: "bench"}
	service := identity.New(db, identity.Options{})
	return token, service.Agree(store.As(ctx, a), identity.CurrentNotice().Version, []string{"general", "sensitive"})
}

// residents are n of them.
func residents(ctx context.Context, db *store.DB, n int) (tokens []string, err error) {
	for i := range n {
		token, err := resident(ctx, db, fmt.Sprintf("bench-resident-%d", i))
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// collectors are one for each building, on its grid.
func collectors(ctx context.Context, db *store.DB, buildings [][]door) (tokens []string, err error) {
	for i, b := range buildings {
		token, _, err := account(ctx, db, fmt.Sprintf("bench-collector-%d", i), model.Grant{Role: model.Collector, Area: b[0].area.AreaCode})
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}
