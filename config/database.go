package config

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Dialect is a kind of database.
type Dialect string

// The dialects.
const (
	SQLite Dialect = "sqlite"
	MySQL  Dialect = "mysql" // and MariaDB, Galera
)

// Database is where the data is.
type Database struct {
	Dialect Dialect
	Path    string // SQLite: the file
	User    string // MySQL
	Addr    string // MySQL: host:port
	Name    string // MySQL: the database
	DSN     Secret // MySQL: for sql.Open of github.com/go-sql-driver/mysql; holds the password
}

// String names the database without its password.
func (d Database) String() string {
	if d.Dialect == MySQL {
		return "mysql://" + d.User + ":" + hidden + "@" + d.Addr + "/" + d.Name
	}
	return string(d.Dialect) + ":" + d.Path
}

var errDatabase = errors.New("a database is sqlite:PATH or mysql://user:password@host:port/name")

// ParseDatabase reads `sqlite:PATH` or `mysql://user:password@host:port/name`. User and password are percent-decoded; the port
// may be left out (3306). The error holds nothing of what was given.
func ParseDatabase(s string) (Database, error) {
	if path, ok := strings.CutPrefix(s, "sqlite:"); ok {
		// ":memory:" would be another database for every connection; "?" would be options of the driver, which the store sets.
		if path == "" || strings.HasPrefix(path, ":") || strings.ContainsAny(path, "?\x00\r\n") {
			return Database{}, errDatabase
		}
		return Database{Dialect: SQLite, Path: path}, nil
	}
	return parseMySQL(s)
}

func parseMySQL(s string) (Database, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "mysql" || u.Opaque != "" || u.User == nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Database{}, errDatabase
	}
	host, port, user := u.Hostname(), u.Port(), u.User.Username()
	name, ok := strings.CutPrefix(u.Path, "/")
	if port == "" {
		port = "3306"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if !ok || err != nil || number == 0 || !isHost(host) || user == "" || name == "" || strings.ContainsAny(name, "/`\x00") {
		return Database{}, errDatabase
	}
	password, _ := u.User.Password()
	d := Database{Dialect: MySQL, User: user, Addr: net.JoinHostPort(host, port), Name: name}
	c := mysqlConfig(d, password)
	if c == nil {
		return Database{}, errDatabase
	}
	d.DSN = Secret(c.FormatDSN())
	// The driver's text form has no escapes for user and host: what does not come back as it went in would reach another place.
	back, err := mysql.ParseDSN(d.DSN.Reveal())
	if err != nil || back.Addr != d.Addr || back.User != user || back.Passwd != password || back.DBName != name {
		return Database{}, errDatabase
	}
	return d, nil
}

// mysqlConfig is how the driver connects.
func mysqlConfig(d Database, password string) *mysql.Config {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", d.Addr, d.User, password, d.Name
	c.ParseTime = false        // moments are BIGINT, days are text (model.Time, model.Date)
	c.Loc = time.UTC           // the driver's default, left out of the DSN
	c.ClientFoundRows = true   // else an unchanged UPDATE answers 0 rows here and 1 on SQLite
	c.InterpolateParams = true // one round trip instead of three; safe with utf8mb4
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, 30*time.Second, 30*time.Second
	if err := c.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil
	}
	return c
}
