package main

import (
	"context"
	"io"
)

func load(ctx context.Context, args []string, out io.Writer) error { return nil }
