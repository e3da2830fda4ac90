//go:build !linux

package main

import "errors"

// freeSpace cannot be told here.
func freeSpace(string) (uint64, error) { return 0, errors.ErrUnsupported }
