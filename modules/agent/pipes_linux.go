package agent

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is what the pipes to the controller should hold, in bytes.
const pipeSize = 1 << 20

// widen makes room in the pipes that sshd, or whatever holds the connection,
// reads and writes: files then need fewer turns between it and this process.
// What is no pipe, or a limit of the system, leaves them as they are.
func widen(files ...*os.File) {
	for _, f := range files {
		unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, pipeSize)
	}
}
