// Package mariadb starts private MariaDB servers for tests, benchmarks and the test runner. It knows nothing of the product, so
// that the test runner can be built while the product cannot.
package mariadb

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"sixelements/internal/testkit/child"
)

// user is the account that the server is given; it may do everything and comes in by TCP from this machine only.
const user = "six"

const (
	startWithin = 60 * time.Second // a cold disk and two busy cores included
	stopWithin  = 30 * time.Second
	pollEvery   = 50 * time.Millisecond
	launches    = 3 // a port found free may be taken before the server binds it
)

// Server is one running private MariaDB.
type Server struct {
	addr     string
	password string
	process  *child.Process
	logFile  string
}

// Relaxed returns the settings of a server whose data may be lost with the machine: nothing waits for the disk. Only for tests
// that do not test durability.
func Relaxed() []string {
	return []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--debug-no-sync"}
}

// Start makes a data directory in dir (which must exist, and in which nothing called data may be), starts a server on a free port
// of 127.0.0.1 and returns when it answers. Every commit reaches the disk, unless the settings say otherwise; settings are
// mariadbd options such as those of [Relaxed] and come after, so stronger than, those chosen here. The server's default character
// set is left as it ships (latin1), so that a table that forgets to name its own is found out.
//
// The server runs as the user who runs the test, root included: a change of user would lose the kernel's promise to end the
// server with its parent, and could not enter a test's temporary folder. Errors name the missing program or end with the log.
func Start(dir string, settings ...string) (*Server, error) {
	daemon, err := child.Find("mariadbd")
	if err != nil {
		return nil, fmt.Errorf("mariadb: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("mariadb: %w", err)
	}
	s := &Server{password: rand.Text(), logFile: filepath.Join(dir, "mariadb.log")}
	data, scratch := filepath.Join(dir, "data"), filepath.Join(dir, "tmp")
	if err := os.Mkdir(scratch, 0o700); err != nil { // its own: a server clears #sql files of a shared one away when it starts
		return nil, fmt.Errorf("mariadb: %w", err)
	}
	if err := Install(data, scratch); err != nil {
		return nil, err
	}
	grant := fmt.Sprintf("CREATE USER IF NOT EXISTS '%[1]s'@'127.0.0.1' IDENTIFIED BY '%[2]s';\n"+
		"GRANT ALL PRIVILEGES ON *.* TO '%[1]s'@'127.0.0.1' WITH GRANT OPTION;\n", user, s.password)
	initFile := filepath.Join(dir, "init.sql")
	if err := os.WriteFile(initFile, []byte(grant), 0o600); err != nil {
		return nil, fmt.Errorf("mariadb: %w", err)
	}
	// Paths without a folder lie in the data directory; a socket's full path would soon be longer than the 107 bytes it may have.
	args := slices.Concat([]string{"--no-defaults", "--datadir=" + data, "--tmpdir=" + scratch, "--socket=mariadb.sock",
		"--pid-file=mariadb.pid", "--log-error=" + s.logFile, "--init-file=" + initFile, "--skip-networking=0",
		"--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-buffer-pool-size=128M", "--innodb-flush-log-at-trx-commit=1",
		"--performance-schema=OFF", "--max-connections=300"}, AsRoot(), settings)
	for range launches {
		if err = s.launch(daemon, args); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// DSN returns the start of a go-sql-driver data source name, user:password@tcp(127.0.0.1:port)/, to which the name of a database
// and parameters are appended.
func (s *Server) DSN() string { return fmt.Sprintf("%s:%s@tcp(%s)/", user, s.password, s.addr) }

// Stop ends the server, kindly first, and returns when it is gone. The data directory stays. Stopping twice is no error.
func (s *Server) Stop() error {
	if err := s.process.Stop(stopWithin); err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	return nil
}

// launch starts the daemon on a fresh port and waits until it lets us in.
func (s *Server) launch(daemon string, args []string) error {
	port, err := child.FreePort()
	if err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s.process, err = child.Run(exec.Command(daemon, append(slices.Clone(args), "--port="+strconv.Itoa(port))...))
	if err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	if err := s.ready(); err != nil {
		_ = s.Stop() // the reason it is not ready matters more
		log, _ := os.ReadFile(s.logFile)
		return fmt.Errorf("%w; its log ends:\n%s", err, Tail(log))
	}
	return nil
}

// ready waits until a connection can be had, the process has gone, or the time is up.
func (s *Server) ready() error {
	config, err := mysql.ParseDSN(s.DSN())
	if err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	config.Logger = &mysql.NopLogger{} // the refusals of the first second are expected
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-s.process.Exited():
			return errors.New("mariadb: the server ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("mariadb: not ready within %s: %w", startWithin, err)
		case <-tick.C:
		}
	}
}

// Install lays out a data directory with the system tables. Nothing of it is worth waiting for the disk: one cut short is thrown away.
// options are more options of mariadb-install-db.
func Install(data, scratch string, options ...string) error {
	program, err := child.Find("mariadb-install-db")
	if err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	args := slices.Concat([]string{"--no-defaults", "--datadir=" + data, "--tmpdir=" + scratch, "--skip-test-db", "--skip-name-resolve"},
		AsRoot(), options, Relaxed())
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb: mariadb-install-db: %w:\n%s", err, Tail(out))
	}
	return nil
}

// AsRoot is the option without which MariaDB refuses to run as root; none for other users.
func AsRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

// Tail keeps the last 2,000 bytes of a log, in which servers say why they ended.
func Tail(log []byte) []byte {
	log = bytes.TrimSpace(log)
	return log[max(0, len(log)-2000):]
}
