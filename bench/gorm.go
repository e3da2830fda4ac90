package main

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"sixelements/config"
	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
	"sixelements/service/collect"
)

// gormServer is what a submission costs when it is written in the usual way: Gin, and one GORM transaction a request with one Create for
// each row. It decodes, checks and seals as the product does, and writes the same three rows; it knows no sessions, rights or replays.
func gormServer(ctx context.Context, args []string, _ io.Writer) error {
	var s site
	var listen string
	f := flags("gorm")
	f.StringVar(&s.dir, "data", "", "folder of the site")
	f.StringVar(&s.database, "database", "", "as SIX_DATABASE: mysql://…")
	f.StringVar(&listen, "listen", "", "host:port")
	if err := f.Parse(args); err != nil {
		return err
	}
	d, err := config.ParseDatabase(s.database)
	if err != nil {
		return err
	}
	db, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	g, err := gorm.Open(mysql.Open(d.DSN.Reveal()), &gorm.Config{PrepareStmt: true, Logger: logger.Discard})
	if err != nil {
		return err
	}
	pool, err := g.DB()
	if err != nil {
		return err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(64)
	pool.SetMaxIdleConns(64)
	w := gormWriter{db: db, g: g, codes: code.Default(), doors: map[string]door{}}
	buildings, err := doors(ctx, db)
	if err != nil {
		return err
	}
	for _, b := range buildings {
		for _, d := range b {
			w.doors[d.code+" "+d.unit+" "+d.name] = d
		}
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/readyz", func(c *gin.Context) { c.Status(http.StatusOK) })
	e.POST("/api/v1/records", w.create)
	srv := &http.Server{Addr: listen, Handler: e}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type gormWriter struct {
	db    *store.DB
	g     *gorm.DB
	codes *code.Lists
	doors map[string]door // by code, unit and room
}

func (w *gormWriter) create(c *gin.Context) {
	var in collect.Create
	if err := c.ShouldBindJSON(&in); err != nil {
		c.String(http.StatusBadRequest, err.Error())
		return
	}
	r, err := w.write(c, in)
	if err != nil {
		c.String(http.StatusInternalServerError, err.Error())
		return
	}
	c.JSON(http.StatusCreated, gin.H{"id": r.ID, "status": r.Status, "version": r.Version})
}

func (w *gormWriter) write(ctx context.Context, in collect.Create) (*model.Record, error) {
	d, err := in.Kind.Schema().Decode(in.Data, model.Decode{Codes: w.codes, Today: w.db.Now().Date()})
	if err != nil {
		return nil, err
	}
	at := w.doors[in.QR+" "+in.Unit+" "+in.Room]
	r := newRecord(w.db, in.Kind, d.Element, at, model.NewID(), w.db.Now(), in.HouseholdID)
	r.ID, r.RequestHash = in.ID, w.db.Hash("request", model.Canonical(in))
	v, err := sealRecord(w.db, r)
	if err != nil {
		return nil, err
	}
	return r, w.g.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, row := range []any{r, r.Element, v} {
			if err := tx.Create(row).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
