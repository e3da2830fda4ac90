package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server in a process of its own, so that what it costs can be told from what the load generator costs.
type process struct {
	cmd  *exec.Cmd
	addr string // host:port
	log  string
}

// start runs a program that will answer on addr, its output in the file log, and returns when GET path answers 200.
func start(ctx context.Context, addr, path, log string, env []string, args ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{addr: addr, log: log, cmd: exec.Command(args[0], args[1:]...)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.ready(ctx, path); err != nil {
		said, _ := os.ReadFile(log)
		return nil, errors.Join(fmt.Errorf("%s: %w; it said: %s", args[0], err, said[max(0, len(said)-2000):]), p.stop())
	}
	return p, nil
}

// readyWithin is how long a server may take to answer.
const readyWithin = 60 * time.Second

func (p *process) ready(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		if status, err := get(ctx, "http://"+p.addr+path); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// stop ends the process and waits until it is gone.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	kill := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
		return nil // it has no handler
	}
	return err
}

// tick is the unit of /proc/PID/stat on Linux.
const tick = 10 * time.Millisecond

// cpu is the time that all threads of the process spent computing, user and system.
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name before it may hold spaces
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// memory is a figure of /proc/PID/status in bytes: VmRSS is what is resident now, VmHWM the most that ever was.
func (p *process) memory(name string) (int64, error) {
	b, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name+":" {
			kB, err := strconv.ParseInt(f[1], 10, 64)
			return kB << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", p.proc("status"), name)
}

// forgetPeak lets VmHWM begin again at what is resident now.
func (p *process) forgetPeak() error { return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }

func (p *process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), file)
}

// freeAddr is an address on this machine at which nobody listened a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// buildSix builds the product as `make build` does and answers where the program is.
func buildSix(ctx context.Context, dir string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	six := filepath.Join(dir, "six")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", six, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return six, nil
}

// moduleRoot is the folder above that holds the product's go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		b, rerr := os.ReadFile(filepath.Join(dir, "go.mod"))
		if rerr == nil && bytes.HasPrefix(b, []byte("module sixelements\n")) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			err = errors.New("run it inside the project")
		}
		dir = up
	}
	return "", err
}

// itself starts a contestant: this program again, as another process.
func itself(contestant string, args ...string) ([]string, error) {
	path, err := os.Executable()
	return append([]string{path, contestant}, args...), err
}
