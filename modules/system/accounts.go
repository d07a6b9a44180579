package system

// This file reads the account files: passwd, group and shadow.

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"context"

	"gorun/modules"
)

// accountFile reads the lines of a colon separated file with a certain count
// of fields.
func accountFile(path string, fields int) ([][]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out [][]string
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), ":"); len(f) == fields {
			out = append(out, f)
		}
	}
	return out, nil
}

// A groupEntry is a line of /etc/group.
type groupEntry struct {
	name    string
	gid     int
	members []string
}

// groups lists the groups of the host's files.
func groups() ([]groupEntry, error) {
	lines, err := accountFile("/etc/group", 4)
	if err != nil {
		return nil, err
	}
	var out []groupEntry
	for _, f := range lines {
		gid, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		g := groupEntry{name: f[0], gid: gid}
		for _, m := range strings.Split(f[3], ",") {
			if m != "" {
				g.members = append(g.members, m)
			}
		}
		out = append(out, g)
	}
	return out, nil
}

// findGroup looks a group up by name, or by its number; nil for none. Where
// the files do not have it, the name service is asked (LDAP and the like).
func findGroup(ctx context.Context, m *modules.Run, name string, local bool) (*groupEntry, error) {
	list, err := groups()
	if err != nil {
		return nil, err
	}
	gid, noNumber := strconv.Atoi(name)
	for i, g := range list {
		if g.name == name {
			return &list[i], nil
		}
	}
	for i, g := range list {
		if noNumber == nil && g.gid == gid {
			return &list[i], nil
		}
	}
	f, err := nameService(ctx, m, local, "group", name, 4)
	if err != nil || f == nil {
		return nil, err
	}
	gid, err = strconv.Atoi(f[2])
	return &groupEntry{name: f[0], gid: gid, members: strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' })}, err
}

// usesNameService reports whether accounts may come from elsewhere than files.
func usesNameService() bool {
	text, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "passwd:" && f[0] != "group:" {
			continue
		}
		for _, source := range f[1:] {
			if source != "files" && source != "compat" && source != "systemd" && !strings.HasPrefix(source, "[") {
				return true
			}
		}
	}
	return false
}

// nameService asks getent, where the host has more than files; nil for none.
func nameService(ctx context.Context, m *modules.Run, local bool, database, key string, fields int) ([]string, error) {
	if local || key == "" || !usesNameService() || m.BinPath("getent") == "" {
		return nil, nil
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, "getent", database, key)
	if err != nil || r.RC != 0 {
		return nil, err
	}
	if f := strings.Split(strings.TrimSpace(r.Stdout), ":"); len(f) == fields {
		return f, nil
	}
	return nil, nil
}

// A userEntry is a line of /etc/passwd with the password of /etc/shadow.
type userEntry struct {
	name, comment, home, shell string
	uid, gid                   int
	password                   string
	// The fields of shadow in days: -1 is empty.
	minDays, maxDays, warnDays, inactiveDays, expireDay int
}

func findUser(ctx context.Context, m *modules.Run, name string, local bool) (*userEntry, error) {
	lines, err := accountFile("/etc/passwd", 7)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(lines, func(f []string) bool { return f[0] == name })
	var f []string
	if i >= 0 {
		f = lines[i]
	} else if f, err = nameService(ctx, m, local, "passwd", name, 7); err != nil || f == nil {
		return nil, err
	}
	u := &userEntry{name: f[0], password: f[1], comment: f[4], home: f[5], shell: f[6]}
	if u.uid, err = strconv.Atoi(f[2]); err != nil {
		return nil, err
	}
	if u.gid, err = strconv.Atoi(f[3]); err != nil {
		return nil, err
	}
	return u, u.readShadow()
}

// readShadow adds what /etc/shadow says; only root may read it.
func (u *userEntry) readShadow() error {
	u.minDays, u.maxDays, u.warnDays, u.inactiveDays, u.expireDay = -1, -1, -1, -1, -1
	lines, err := accountFile("/etc/shadow", 9)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range lines {
		if f[0] != u.name {
			continue
		}
		u.password = f[1]
		for i, to := range map[int]*int{3: &u.minDays, 4: &u.maxDays, 5: &u.warnDays, 6: &u.inactiveDays, 7: &u.expireDay} {
			if n, err := strconv.Atoi(f[i]); err == nil {
				*to = n
			}
		}
	}
	return nil
}

// memberships lists the groups, but for the primary one, that have a user.
func memberships(name string, primary int) ([]string, error) {
	list, err := groups()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, g := range list {
		if slices.Contains(g.members, name) && g.gid != primary {
			out = append(out, g.name)
		}
	}
	slices.Sort(out)
	return out, nil
}
