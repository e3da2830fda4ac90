package main

import (
	"context"
	"io"
)

func verify(ctx context.Context, args []string, out io.Writer) error { return nil }
func load(ctx context.Context, args []string, out io.Writer) error   { return nil }
