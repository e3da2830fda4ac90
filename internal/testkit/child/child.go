// Package child starts servers for tests that do not outlive the test's process, however that ends.
package child

import (
	"net"
	"os/exec"
	"runtime"
)

// Start starts the command; exited is closed when its process is gone, before which the kernel ends it with this process (Linux).
func Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	cmd.SysProcAttr = endWithParent()
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

// FreePort is a port of 127.0.0.1 that nobody listened on a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
