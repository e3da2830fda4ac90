package testkit

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/child"
	"sixelements/internal/testkit/mariadb"
	"sixelements/model/store"
)

// mysqlDatabase makes a database like the template and returns its data source name.
func mysqlDatabase(t testing.TB) string {
	t.Helper()
	like, err := mysqlTemplate()
	require.NoError(t, err)
	dsn := emptyDatabase(t)
	pool, err := sql.Open("mysql", dsn+"&multiStatements=true")
	require.NoError(t, err)
	defer func() { _ = pool.Close() }()
	_, err = pool.ExecContext(t.Context(), like.ddl)
	require.NoError(t, err)
	for _, r := range like.rows {
		_, err = pool.ExecContext(t.Context(), r.insert, r.values...)
		require.NoError(t, err)
	}
	return dsn
}

// emptyDatabase makes a database without tables, dropped when the test ends, and returns its data source name.
func emptyDatabase(t testing.TB) string {
	t.Helper()
	server, err := mysqlServer()
	require.NoError(t, err)
	name, err := server.create(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.drop(name)) })
	return server.dsn(name)
}

// mysqlAt is a server that tests may make databases on.
type mysqlAt struct {
	config *mysql.Config
	pool   *sql.DB
}

// dsn connects as config.Database does.
func (s *mysqlAt) dsn(name string) string {
	c := s.config.Clone()
	c.DBName, c.ClientFoundRows, c.InterpolateParams = name, true, true
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, 30*time.Second, 30*time.Second
	if err := c.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		panic(err) // cannot happen: both names are given
	}
	return c.FormatDSN()
}

func (s *mysqlAt) create(ctx context.Context) (name string, err error) {
	name = "six_test_" + strings.ToLower(rand.Text()[:16])
	_, err = s.pool.ExecContext(ctx, "CREATE DATABASE `"+name+"`")
	return name, err
}

// drop runs when the test's context is done already.
func (s *mysqlAt) drop(name string) error {
	_, err := s.pool.ExecContext(context.Background(), "DROP DATABASE `"+name+"`")
	return err
}

// mysqlServer is the server that SIX_TEST_MYSQL names, or one of the process's own.
var mysqlServer = sync.OnceValues(func() (*mysqlAt, error) {
	dsn := os.Getenv(EnvMySQL)
	if dsn == "" {
		own, err := startOwn()
		if err != nil {
			return nil, err
		}
		dsn = own.DSN()
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("testkit: " + EnvMySQL + " is not user:password@tcp(127.0.0.1:port)/")
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return &mysqlAt{config: c, pool: sql.OpenDB(connector)}, nil
})

// startOwn starts a server that ends with this process.
func startOwn() (*mariadb.Server, error) {
	dir, err := child.Dir("six-mariadb-")
	if err != nil {
		return nil, err
	}
	return mariadb.Start(dir, mariadb.Relaxed()...)
}

// template is what a fresh database holds: its tables, and the few rows that migrating and first opening leave.
type template struct {
	ddl  string
	rows []templateRow
}

type templateRow struct {
	insert string
	values []any
}

// mysqlTemplate is read once per process: migrating costs more than most tests.
var mysqlTemplate = sync.OnceValues(func() (like template, err error) {
	ctx := context.Background()
	server, err := mysqlServer()
	if err != nil {
		return like, err
	}
	name, err := server.create(ctx)
	if err != nil {
		return like, err
	}
	defer func() { err = errors.Join(err, server.drop(name)) }()
	o, err := templateOptions()
	if err != nil {
		return like, err
	}
	o.Dialect, o.DSN = store.MySQL, server.dsn(name)
	db, err := store.Open(ctx, o, true)
	if err != nil {
		return like, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	pool, err := db.Pool()
	if err != nil {
		return like, err
	}
	return readTemplate(ctx, pool)
})

func readTemplate(ctx context.Context, pool *sql.DB) (like template, err error) {
	names, _, err := query(ctx, pool, "SHOW TABLES")
	if err != nil {
		return like, err
	}
	for _, n := range names {
		table := "`" + text(n[0]) + "`"
		made, _, err := query(ctx, pool, "SHOW CREATE TABLE "+table)
		if err != nil {
			return like, err
		}
		like.ddl += text(made[0][1]) + ";\n"
		rows, columns, err := query(ctx, pool, "SELECT * FROM "+table)
		if err != nil {
			return like, err
		}
		insert := "INSERT INTO " + table + " (`" + strings.Join(columns, "`,`") + "`) VALUES (?" + strings.Repeat(",?",
			len(columns)-1) + ")"
		for _, r := range rows {
			like.rows = append(like.rows, templateRow{insert, r})
		}
	}
	return like, nil
}

// query reads all rows of a short answer.
func query(ctx context.Context, pool *sql.DB, q string) (out [][]any, columns []string, err error) {
	rows, err := pool.QueryContext(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if columns, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		row := make([]any, len(columns))
		at := make([]any, len(columns))
		for i := range row {
			at[i] = &row[i]
		}
		if err := rows.Scan(at...); err != nil {
			return nil, nil, err
		}
		out = append(out, row)
	}
	return out, columns, rows.Err()
}

func text(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
