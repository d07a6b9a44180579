//go:build !linux

package facts

// This file stands in where Linux's system calls are not there.

import "golang.org/x/sys/unix"

func statFS(path string) map[string]any {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return nil
	}
	unit := uint64(s.Bsize)
	return map[string]any{
		"size_total": unit * uint64(s.Blocks), "size_available": unit * uint64(s.Bavail), "block_size": unit,
		"block_total": uint64(s.Blocks), "block_available": uint64(s.Bavail),
	}
}

func loadavg(*host) map[string]any { return nil }

func capabilities(*host) map[string]any { return nil }

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
