package child

import "syscall"

// endWithParent asks the kernel to kill the server when the process that started it is gone, however it went.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
