package modules

// This file reads and sets SELinux contexts, where the kernel has SELinux enabled.

import (
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const seAttr = "security.selinux"

var seEnabled = sync.OnceValue(func() bool {
	_, err := os.Stat("/sys/fs/selinux/enforce")
	return err == nil
})

// seContext is the context of path itself, "" where it has none.
func seContext(path string) string {
	buf := make([]byte, 512)
	n, err := unix.Lgetxattr(path, seAttr, buf)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(buf[:n]), "\x00")
}

// SELinuxContext is the context of path in its parts (user, role, type and,
// with levels, the level), as Ansible tells it: without SELinux three nils.
func SELinuxContext(path string) []any {
	out := []any{nil, nil, nil}
	if !seEnabled() {
		return out
	}
	if have := seContext(path); have != "" {
		out = nil
		for _, part := range strings.SplitN(have, ":", 4) {
			out = append(out, part)
		}
	}
	return out
}

// context sets the parts of the SELinux context that are given.
func (c *fileChange) context(a *FileArgs) (bool, error) {
	if a.SEUser == "" && a.SERole == "" && a.SEType == "" && a.SELevel == "" || !seEnabled() {
		return false, nil
	}
	have := seContext(c.real)
	parts := strings.SplitN(have, ":", 4)
	for i, v := range []string{a.SEUser, a.SERole, a.SEType, a.SELevel} {
		if v == "" || v == "_default" {
			continue
		}
		for len(parts) <= i {
			parts = append(parts, "")
		}
		parts[i] = v
	}
	want := strings.Join(parts, ":")
	if want == have {
		return false, nil
	}
	c.note("secontext", have, want)
	if c.m.Check {
		return true, nil
	}
	if err := unix.Lsetxattr(c.real, seAttr, []byte(want), 0); err != nil {
		return false, c.fail(err, "set selinux context failed: %v", err)
	}
	return true, nil
}
