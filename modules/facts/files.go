package facts

// This file has what the collectors share: reading small files and passwd.

import (
	"os"
	"path/filepath"
	"strings"
)

// content returns a file's text without surrounding white space, "" where it
// cannot be read.
func content(elem ...string) string {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func lines(elem ...string) []string {
	c := content(elem...)
	if c == "" {
		return nil
	}
	return strings.Split(c, "\n")
}

func exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}

// names lists a folder, nil where it is not there.
func names(elem ...string) []string {
	entries, err := os.ReadDir(filepath.Join(elem...))
	if err != nil {
		return nil
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

// orNil turns an empty string into nil: Ansible reports null for what a file
// does not say.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// onPath finds a program where Ansible looks: PATH, then the sbin folders.
func onPath(name string) string {
	dirs := append(filepath.SplitList(os.Getenv("PATH")), "/sbin", "/usr/sbin", "/usr/local/sbin", "/bin", "/usr/bin")
	for _, d := range dirs {
		p := filepath.Join(d, name)
		if st, err := os.Stat(p); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 {
			return p
		}
	}
	return ""
}

// shellVars reads NAME=value lines as os-release and lsb-release have them.
func shellVars(file string) map[string]string {
	out := map[string]string{}
	for _, l := range lines(file) {
		k, v, ok := strings.Cut(strings.TrimSpace(l), "=")
		if !ok || strings.HasPrefix(k, "#") {
			continue
		}
		if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
			v = v[1 : len(v)-1]
		}
		out[k] = strings.NewReplacer(`\"`, `"`, `\$`, `$`, "\\`", "`", `\\`, `\`).Replace(v)
	}
	return out
}
