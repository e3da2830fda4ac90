package main

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"strconv"
	"time"

	"sixelements/internal/testkit/child"
)

// startRedis starts a private Redis that keeps nothing: on MySQL the product keeps in memory who asks and what a code opens only when it
// has one, since others may write to the database.
func startRedis(ctx context.Context, dir string) (url string, stop func(), err error) {
	port, err := child.FreePort()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--appendonly", "no")
	exited, err := child.Start(cmd)
	if err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill() // gone already: nothing to do
		<-exited
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 200 {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return "redis://" + addr + "/0", stop, c.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	return "", nil, errors.New("redis does not answer")
}
