//go:build !linux

package child

import "syscall"

// endWithParent can promise nothing here: only Linux ends a child with its parent. Stop still does.
func endWithParent() *syscall.SysProcAttr { return nil }
