package transport

import (
	"strings"
	"testing"

	"gorun/engine/transport/agentbin"
)

func TestPrompts(t *testing.T) {
	for _, c := range []struct {
		method, line string
		want         bool
	}{
		{"su", "Password: ", true},
		{"su", "Password:", true},
		{"su", "Passwort: ", true},
		{"su", "Mot de passe : ", true},
		{"su", "Mot de passe\u00a0: ", true},
		{"su", "密码：", true},
		{"su", "root's password: ", true},
		{"su", "Last login: ", false},
		{"su", "Password", false},
		{"su", "", false},
		{"sudo", "[sudo via gorun, key=abc] password:", true},
		{"sudo", "noise[sudo via gorun, key=abc] password:", true},
		{"sudo", "[sudo via gorun, key=other] password:", false},
		{"sudo", "Password: ", false},
		{"doas", "doas (me@host) password: ", true},
		{"", "Password: ", false},
	} {
		if got := (&Become{Method: c.method}).prompts([]byte(c.line), "abc"); got != c.want {
			t.Errorf("%s %q: %v", c.method, c.line, got)
		}
	}
}

func TestBecomeCommand(t *testing.T) {
	for _, c := range []struct {
		become Become
		want   string
	}{
		{Become{}, `/bin/sh -c 'x'`},
		{Become{Method: "sudo"}, `sudo -H -S -p '[sudo via gorun, key=N] password:' -u 'root' /bin/sh -c 'x'`},
		{Become{Method: "sudo", User: "a b", Flags: "-HSn -E", Exe: "/opt/sudo"}, `/opt/sudo -H -E -S -p '[sudo via gorun, key=N] password:' -u 'a b' /bin/sh -c 'x'`},
		{Become{Method: "su", User: "u", Flags: "-l", Password: "secret"}, `su -l 'u' -c '/bin/sh -c '"'"'x'"'"''`},
		{Become{Method: "doas", User: "u"}, `doas -n -u 'u' /bin/sh -c 'x'`},
		{Become{Method: "doas", User: "u", Password: "secret"}, `doas -u 'u' /bin/sh -c 'x'`},
	} {
		got, err := c.become.command("x", "N")
		if err != nil || got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s (%v)", c.become, got, c.want, err)
		}
	}
}

// TestBootCommandForAnyShell checks that the script keeps to what sh, csh and
// fish leave alone in single quotes.
func TestBootCommandForAnyShell(t *testing.T) {
	binaries := []*agentbin.Binary{{OS: "linux", Arch: "amd64", SHA256: strings.Repeat("a", 64)}}
	cmd := bootCommand("N", "~/it's $(here)!\\", binaries, bootMode{force: true, from: "/home/o'neill/$x"})
	if i := strings.IndexAny(cmd, "'\n\\!"); i >= 0 {
		t.Errorf("%q in the script at %d: %s", cmd[i], i, cmd)
	}
	if !strings.Contains(cmd, `"$HOME/its (here)"`) || strings.Contains(cmd, "[DIR]") || strings.Contains(cmd, "[OK]") ||
		!strings.Contains(cmd, `[ -f "/home/oneill/x" ]`) {
		t.Errorf("not filled in: %s", cmd)
	}
}
