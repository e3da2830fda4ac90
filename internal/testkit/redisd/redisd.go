// Package redisd runs private Redis servers for tests, which can be paused, killed and started again at the same address.
package redisd

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/child"
)

// password is asked for, so that a client that forgets it is found out.
const password = "redis-test-password"

// Server is one private Redis; it keeps nothing on disk.
type Server struct {
	t      testing.TB
	dir    string
	port   int
	cmd    *exec.Cmd
	exited <-chan struct{}
}

// Start starts a server on a free port of 127.0.0.1 that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	port, err := child.FreePort()
	require.NoError(t, err)
	s := &Server{t: t, dir: t.TempDir(), port: port}
	s.Up()
	t.Cleanup(s.Kill)
	return s
}

// URL is where the server is, with its password.
func (s *Server) URL() string { return "redis://:" + password + "@" + s.addr() }

func (s *Server) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Client looks into the server; it ends with the test.
func (s *Server) Client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr(), Password: password})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Up starts the server, empty, and returns when it answers.
func (s *Server) Up() {
	s.t.Helper()
	program, err := exec.LookPath("redis-server")
	require.NoError(s.t, err, "scripts/setup installs it")
	s.cmd = exec.Command(program, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir, "--save", "", "--appendonly", "no",
		"--requirepass", password, "--logfile", filepath.Join(s.dir, "redis.log"))
	s.exited, err = child.Start(s.cmd)
	require.NoError(s.t, err)
	c := s.Client()
	for range 200 {
		if err = c.Ping(s.t.Context()).Err(); err == nil {
			return
		}
		select {
		case <-s.exited:
			log, _ := os.ReadFile(filepath.Join(s.dir, "redis.log"))
			s.t.Fatalf("redis ended while starting:\n%s", log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.t.Fatalf("redis does not answer: %v", err)
}

// Kill ends the server as kill -9 does, and returns when it is gone. Killing it twice is no fault.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // gone already: nothing to do
	<-s.exited
}

// Pause stops the server where it stands: connections stay and nothing is answered, as when a machine hangs.
func (s *Server) Pause() {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGSTOP))
}

// Resume lets a paused server go on.
func (s *Server) Resume() {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGCONT))
}
