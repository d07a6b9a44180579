package modules

// This file expands paths.

import (
	"os"
	"os/user"
	"strings"
)

// ExpandPath expands ~, ~user and $VAR as Ansible's path type does: what is
// unknown stays as it is. env goes before the process's environment.
func ExpandPath(p string, env map[string]string) string {
	lookup := func(name string) (string, bool) {
		if v, ok := env[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	}
	return expandVars(expandHome(p, lookup), lookup)
}

func expandHome(p string, lookup func(string) (string, bool)) string {
	if !strings.HasPrefix(p, "~") {
		return p
	}
	name, rest := p[1:], ""
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	home := ""
	if name == "" {
		home, _ = lookup("HOME")
		if home == "" {
			if u, err := user.Current(); err == nil {
				home = u.HomeDir
			}
		}
	} else if u, err := user.Lookup(name); err == nil {
		home = u.HomeDir
	}
	if home == "" {
		return p
	}
	return strings.TrimRight(home, "/") + rest
}

// expandVars replaces $NAME and ${NAME} where NAME is set.
func expandVars(p string, lookup func(string) (string, bool)) string {
	if !strings.Contains(p, "$") {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); {
		if p[i] == '$' {
			if name, size := varName(p[i+1:]); name != "" {
				if v, ok := lookup(name); ok {
					b.WriteString(v)
					i += 1 + size
					continue
				}
			}
		}
		b.WriteByte(p[i])
		i++
	}
	return b.String()
}

// varName reads the name behind a $, and how many bytes it takes.
func varName(s string) (name string, size int) {
	if strings.HasPrefix(s, "{") {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[1:end], end + 1
		}
		return "", 0
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return s[:n], n
}
