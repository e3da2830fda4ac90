// Package child starts the programs that tests need beside the product, so that nothing of them is left behind: a program ends with
// the process that started it, however that ended, and folders of processes that are gone are cleared by the next.
package child

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Start starts a command that is killed when this process is gone; exited is closed when it is. (Linux keeps that promise as long as
// the program does not change its user by itself; other systems make none.)
func Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	endWithParent(cmd)
	gone, started := make(chan struct{}), make(chan error)
	go func() {
		// The kernel ties the child to the thread that started it, so that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(gone)
		}
	}()
	return gone, <-started
}

// Process is a program at work.
type Process struct {
	process *os.Process
	exited  <-chan struct{}
}

// Run is Start of a program that is to be signalled and stopped.
func Run(cmd *exec.Cmd) (*Process, error) {
	exited, err := Start(cmd)
	return &Process{cmd.Process, exited}, err
}

// Exited is closed when the program is gone.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Signal sends the program a signal; one that is gone takes none.
func (p *Process) Signal(s os.Signal) error {
	if err := p.process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Kill ends the program as a power cut would, and returns when it is gone.
func (p *Process) Kill() error {
	if err := p.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited
	return nil
}

// Stop asks the program to end and returns when it is gone. One that does not listen is killed, which is an error. Stopping twice is
// none.
func (p *Process) Stop(within time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(within):
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("did not stop within %s and was killed", within)
}

// Find looks for a program on the PATH and where Debian keeps servers, which is on few users' PATH.
func Find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec"} {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s on this machine; scripts/setup installs it", program)
}

// FreePort finds a port of 127.0.0.1 on which nobody listens. The system does not give it to outgoing connections, so that a server
// which comes back finds its port free.
func FreePort() (int, error) {
	const low, high, tries = 15000, 32000, 100 // Linux gives away those from 32768
	for range tries {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port")
}

// Dir makes a folder for what this process starts, and clears those of the prefix whose processes are gone: a test process has no
// end to clean up at.
func Dir(prefix string) (string, error) {
	old, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range old {
		var pid int
		if n, _ := fmt.Sscanf(filepath.Base(dir), prefix+"%d-", &pid); n == 1 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // another process may be at it too
		}
	}
	return os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid()))
}
