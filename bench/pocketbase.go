package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocketbase/dbx"
	pb "github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// pocketBase serves PocketBase with one collection like our persons. Its data commits as durably as ours, synchronous=FULL instead of
// its own NORMAL; everything else, its log database included, is as it ships. The token of its one user goes to the file token.
func pocketBase(ctx context.Context, args []string, _ io.Writer) error {
	var dir, listen string
	f := flags("pocketbase")
	f.StringVar(&dir, "data", "", "folder")
	f.StringVar(&listen, "listen", "", "host:port")
	if err := f.Parse(args); err != nil {
		return err
	}
	app := pb.NewWithConfig(pb.Config{HideStartBanner: true, DefaultDataDir: dir, DBConnect: durable})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	token, err := layCollection(app)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token), 0o600); err != nil {
		return err
	}
	log.SetOutput(os.Stderr)
	failed := make(chan error, 1)
	go func() { failed <- apis.Serve(app, apis.ServeConfig{HttpAddr: listen}) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return app.ResetBootstrapState() // closes its databases
	}
}

// durable is PocketBase's own connection but for the durability of data.db.
func durable(path string) (*dbx.DB, error) {
	if filepath.Base(path) != "data.db" {
		return core.DefaultDBConnect(path)
	}
	// core.DefaultDBConnect's, in its order.
	return dbx.Open("sqlite", path+"?"+strings.Join([]string{"_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)",
		"_pragma=journal_size_limit(200000000)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(ON)", "_pragma=temp_store(MEMORY)",
		"_pragma=cache_size(-32000)"}, "&"))
}

// pocketFields are the texts that a person's record has there.
func pocketFields() []string {
	return []string{"name", "id_type", "id_no", "phone", "residence_category", "relation_to_head", "building", "unit", "room", "household",
		"status"}
}

// layCollection makes the collection, open to whoever is logged in, and a user, and answers the user's token.
func layCollection(app core.App) (token string, err error) {
	c := core.NewBaseCollection("persons")
	c.CreateRule = types.Pointer(`@request.auth.id != ""`)
	for _, name := range pocketFields() {
		c.Fields.Add(&core.TextField{Name: name, Max: 200})
	}
	c.Fields.Add(&core.AutodateField{Name: "created", OnCreate: true})
	c.AddIndex("persons_created", false, "created", "")
	if err := app.Save(c); err != nil {
		return "", err
	}
	users, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		return "", err
	}
	user := core.NewRecord(users)
	user.SetEmail("resident@example.org")
	user.SetPassword("only-for-the-bench")
	if err := app.Save(user); err != nil {
		return "", err
	}
	return user.NewAuthToken()
}

// pocketBody is the record that PocketBase is sent for a person.
func pocketBody(p person, d door) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(p.data, &all); err != nil {
		return nil, err
	}
	all["building"], all["unit"], all["room"], all["household"], all["status"] = d.building, d.unit, d.name, p.household, "submitted"
	body := map[string]any{}
	for _, name := range pocketFields() {
		body[name] = all[name]
	}
	return json.Marshal(body)
}
