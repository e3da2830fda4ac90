package child

import (
	"os/exec"
	"syscall"
)

// endWithParent asks the kernel to kill the program when the process that started it is gone, however it went.
func endWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
