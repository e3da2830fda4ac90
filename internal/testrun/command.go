package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// check is what a suite does. It reports progress on out and returns what it found.
type check func(ctx context.Context, out io.Writer) result

// stopWithin is how long a command that is told to stop may take before it is killed.
const stopWithin = 10 * time.Second

// command is the check that this program, with env added to the environment, exits with 0. It counts as one test.
func command(env []string, args ...string) check {
	return func(ctx context.Context, out io.Writer) (r result) {
		name, start := strings.Join(args, " "), time.Now()
		var log bytes.Buffer
		cmd := prepare(ctx, env, args...)
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Run(); err != nil {
			r.fail(name, fmt.Sprintf("%s%v", log.Bytes(), err))
		} else {
			r.passed++
		}
		progress(out, r.failed == 0, name, time.Since(start))
		return r
	}
}

// each is the check that all of these hold; one that fails does not keep the next from running.
func each(checks ...check) check {
	return func(ctx context.Context, out io.Writer) (r result) {
		for _, c := range checks {
			r.add("", c(ctx, out))
		}
		return r
	}
}

// current is the check that a generator leaves the files and folders it writes as it found them; those that did not exist before
// are passed over. The generator counts as one test, and so does each of them. What it wrote stays, to be committed.
func current(env, generator []string, paths ...string) check {
	return func(ctx context.Context, out io.Writer) (r result) {
		paths := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { _, err := os.Stat(p); return err != nil })
		before, err := contents(paths)
		if err == nil {
			r = command(env, generator...)(ctx, out)
		}
		after, err2 := contents(paths)
		if err := errors.Join(err, err2); err != nil {
			r.fail("generated files", err.Error())
		}
		for _, path := range paths {
			changed := difference(before[path], after[path])
			if len(changed) == 0 {
				r.passed++
				continue
			}
			r.fail(path, "make gen changes these; look at them and commit them:\n"+strings.Join(changed, "\n"))
		}
		return r
	}
}

// contents tells, for each path, the checksum of every file that it is or holds.
func contents(paths []string) (map[string]map[string][32]byte, error) {
	all := map[string]map[string][32]byte{}
	for _, path := range paths {
		all[path] = map[string][32]byte{}
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			all[path][name] = sha256.Sum256(data)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return all, nil
}

// difference names the files that are not the same before and after, sorted.
func difference(before, after map[string][32]byte) (changed []string) {
	every := maps.Clone(before)
	maps.Copy(every, after)
	for _, name := range slices.Sorted(maps.Keys(every)) {
		b, was := before[name]
		a, is := after[name]
		if was != is || a != b {
			changed = append(changed, name)
		}
	}
	return changed
}

// prepare makes a command that is asked to stop, and only then killed, when the run is given up.
func prepare(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	return cmd
}

// progress prints one finished part of a suite.
func progress(out io.Writer, ok bool, name string, took time.Duration) {
	word := "ok  "
	if !ok {
		word = "FAIL"
	}
	fmt.Fprintf(out, "   %s %s %s\n", word, name, took.Round(time.Second/10))
}
