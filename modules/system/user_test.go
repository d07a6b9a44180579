package system

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/internal/needs"
	"gorun/modules"
)

// state prints what the account files say of a name, and its home.
func state(t *testing.T, name string) string {
	t.Helper()
	var b strings.Builder
	for _, f := range []string{"/etc/passwd", "/etc/shadow", "/etc/group"} {
		for line := range strings.Lines(readText(f)) {
			if strings.Contains(line, name) {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// TestUserAndGroup walks an account and its groups through their life on the
// real host, under names that nobody else has. Every step runs in check mode,
// for real, and again.
func TestUserAndGroup(t *testing.T) {
	needs.Have(t, "accounts", os.Geteuid() == 0, "needs root")
	for _, tool := range []string{"useradd", "groupadd", "chage", "chpasswd"} {
		_, err := exec.LookPath(tool)
		needs.Have(t, "accounts", err == nil, tool+" is not there")
	}
	base := fmt.Sprintf("gruser%d", os.Getpid())
	home, moved := filepath.Join(t.TempDir(), "home"), filepath.Join(t.TempDir(), "moved")
	t.Cleanup(func() {
		exec.Command("userdel", "-f", base).Run()
		for _, g := range []string{base, base + "a", base + "b"} {
			exec.Command("groupdel", g).Run()
		}
	})
	type args = map[string]any
	const hash = "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."
	user := func(a args) args { a["name"] = base; return a }
	for _, c := range []struct {
		what    string
		mod     *modules.Module
		args    args
		changed bool
		want    string // a part of passwd, shadow or group afterwards
	}{
		{"group", Group, args{"name": base + "a", "gid": 64321}, true, base + "a:x:64321:\n"},
		{"group's number", Group, args{"name": base + "a", "gid": 64322}, true, base + "a:x:64322:\n"},
		{"system group", Group, args{"name": base + "b", "system": true}, true, base + "b:x:"},
		{"primary group", Group, args{"name": base, "gid": 64321}, true, base + ":x:64321:\n"},
		{"new", User, user(args{"uid": 64321, "group": base, "home": home, "shell": "/bin/sh", "comment": "A Person", "groups": base + "a", "password": hash, "expires": 1735689600}), true,
			base + ":x:64321:64321:A Person:" + home + ":/bin/sh\n"},
		{"its password", User, user(args{"password": hash}), false, base + ":" + hash + ":"},
		{"appended group", User, user(args{"groups": base + "b", "append": true}), true, base + "b:x:"},
		{"exact groups", User, user(args{"groups": []any{base + "b"}}), true, base + "a:x:64322:\n"},
		{"no groups", User, user(args{"groups": ""}), true, base + "b:x:"},
		{"locked", User, user(args{"password_lock": true}), true, base + ":!" + hash + ":"},
		{"unlocked", User, user(args{"password_lock": false}), true, base + ":" + hash + ":"},
		{"another password", User, user(args{"password": "*"}), true, base + ":*:"},
		{"not on update", User, user(args{"password": hash, "update_password": "on_create"}), false, base + ":*:"},
		{"shell and comment", User, user(args{"shell": "/bin/bash", "comment": ""}), true, base + ":x:64321:64321::" + home + ":/bin/bash\n"},
		{"ages", User, user(args{"password_expire_max": 90, "password_expire_min": 1, "password_expire_warn": 14}), true, ":1:90:14:"},
		{"never expires", User, user(args{"expires": -1}), true, ":1:90:14:::\n"},
		{"moved home", User, user(args{"home": moved, "move_home": true}), true, ":" + moved + ":"},
		{"key", User, user(args{"generate_ssh_key": true, "ssh_key_type": "ed25519", "ssh_key_comment": "me"}), true, ""},
		{"removed", User, user(args{"state": "absent", "remove": true}), true, ""},
		{"group gone", Group, args{"name": base + "a", "state": "absent"}, true, ""},
	} {
		before := state(t, base)
		predicted := c.mod.Execute(context.Background(), &modules.Run{Check: true}, c.args)
		if now := state(t, base); now != before {
			t.Fatalf("%s: check mode changed\n%s to\n%s", c.what, before, now)
		}
		got := c.mod.Execute(context.Background(), &modules.Run{}, c.args)
		if got["failed"] == true || got["changed"] != c.changed || predicted["changed"] != c.changed {
			t.Errorf("%s: %v, predicted %v", c.what, got, predicted)
		}
		now := state(t, base)
		if !strings.Contains(now, c.want) {
			t.Errorf("%s: no %q in\n%s", c.what, c.want, now)
		}
		if strings.Contains(fmt.Sprint(got), "$6$") {
			t.Errorf("%s: the hash is in the result", c.what)
		}
		if again := c.mod.Execute(context.Background(), &modules.Run{}, c.args); again["changed"] != false {
			t.Errorf("%s: changed again: %v", c.what, again)
		}
		if c.what == "key" {
			out, err := exec.Command("ssh-keygen", "-lf", filepath.Join(moved, ".ssh/id_ed25519")).Output()
			if err != nil || strings.TrimSpace(string(out)) != got["ssh_fingerprint"] {
				t.Errorf("fingerprint %v, ssh-keygen says %s (%v)", got["ssh_fingerprint"], out, err)
			}
		}
	}
	if exists(moved) {
		t.Error("the home is still there")
	}
}

// TestUserToBeMade predicts a user in a group that a task before would have made.
func TestUserToBeMade(t *testing.T) {
	args := map[string]any{"name": "gorun-nobody", "group": "gorun-nogroup", "groups": "gorun-nogroup2"}
	got := User.Execute(t.Context(), &modules.Run{Check: true}, args)
	if got["failed"] != nil || got["changed"] != true {
		t.Errorf("check mode: %v", got)
	}
}

func TestUserErrors(t *testing.T) {
	for _, c := range []struct {
		mod  *modules.Module
		args map[string]any
		want string
	}{
		{User, map[string]any{"name": "root", "group": "gorun-nogroup"}, "Group gorun-nogroup does not exist"},
		{User, map[string]any{"name": "root", "groups": "root,gorun-nogroup"}, "Group gorun-nogroup does not exist"},
		{User, map[string]any{"name": "gorun-nobody", "local": true, "umask": "077"}, "'umask' can not be used with 'local'"},
		{User, map[string]any{"state": "present"}, "missing required arguments: name"},
		{Group, map[string]any{"name": "x", "non_unique": true}, "non_unique is True but all of the following are missing: gid"},
	} {
		got := c.mod.Execute(context.Background(), &modules.Run{Check: true}, c.args)
		if got["failed"] != true || got["msg"] != c.want {
			t.Errorf("%v: %v, want %q", c.args, got["msg"], c.want)
		}
	}
	plain := User.Execute(context.Background(), &modules.Run{Check: true}, map[string]any{"name": "gorun-nobody", "password": "plain text"})
	if !strings.Contains(fmt.Sprint(plain["warnings"]), "appears not to have been hashed") {
		t.Errorf("a password in clear text: %v", plain["warnings"])
	}
	bare := User.Execute(context.Background(), &modules.Run{Check: true}, map[string]any{"name": "gorun-nobody", "append": true})
	if !strings.Contains(fmt.Sprint(bare["warnings"]), "'append' is set, but no 'groups' are specified.") {
		t.Errorf("append without groups: %v", bare["warnings"])
	}
}

// TestLooksHashed has the passwords of which ansible 2.14.18 warns.
func TestLooksHashed(t *testing.T) {
	for password, want := range map[string]bool{
		"": true, "*": true, "!": true, "*************": true, "!!": false, "plain": false, "a$b": false, "$6$abc$def": false, "$1$abc$def:": false,
		"$1$salt$" + strings.Repeat("a", 22): true, "$5$salt$" + strings.Repeat("a", 43): true,
		"$6$rounds=5000$salt$" + strings.Repeat("a", 86): true, "$6$salt$" + strings.Repeat("a", 85): false,
		"$6$salt$" + strings.Repeat("*", 86): false, "$2b$12$" + strings.Repeat("a", 53): true,
	} {
		if got := looksHashed(password); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
}
