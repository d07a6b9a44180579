package foreign

// This file looks for interpreters on the target.

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gorun/modules"
)

// Keys of what OpDiscover finds.
const (
	KeyFound     = "gorun_found"      // paths, in the order of the names
	KeyPlatform  = "gorun_platform"   // as uname: linux, freebsd, darwin
	KeyOSRelease = "gorun_os_release" // the text of /etc/os-release
)

// discover finds programs as a shell's command -v does.
func discover(m *modules.Run, names []string) *modules.Result {
	found := []string{}
	for _, n := range names {
		if p := which(m, n); p != "" {
			found = append(found, p)
		}
	}
	data := map[string]any{KeyFound: found, KeyPlatform: runtime.GOOS, KeyOSRelease: ""}
	for _, p := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if text, err := os.ReadFile(p); err == nil {
			data[KeyOSRelease] = string(text)
			break
		}
	}
	return answer(data)
}

// which finds a program; a path stands for itself.
func which(m *modules.Run, name string) string {
	if strings.Contains(name, "/") {
		if executable(name) {
			return name
		}
		return ""
	}
	path := os.Getenv("PATH")
	if p, ok := m.Env["PATH"]; ok {
		path = p
	}
	for _, dir := range filepath.SplitList(path) {
		if p := filepath.Join(dir, name); filepath.IsAbs(p) && executable(p) {
			return p
		}
	}
	return ""
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && !fi.IsDir() && fi.Mode().Perm()&0o111 != 0
}
