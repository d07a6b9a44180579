package transport

// This file makes files that stand in memory alone.

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile returns a file in memory that holds text.
func memoryFile(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("gorun", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "memory")
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
