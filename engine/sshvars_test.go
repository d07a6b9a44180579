package engine

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/engine/transport"
)

// targetHosts keeps the last target.
type targetHosts struct {
	memHosts
	target transport.Target
}

func (h *targetHosts) Host(t transport.Target, b transport.Become) transport.Host {
	h.mu.Lock()
	h.target = t
	h.mu.Unlock()
	return h.memHosts.Host(t, b)
}

// targetOf gives what a host with variables (of an inventory's line) is
// reached by, and the screen.
func targetOf(t *testing.T, line string) (transport.Target, []string) {
	t.Helper()
	hosts := &targetHosts{}
	inventory := t.TempDir() + "/hosts"
	if err := os.WriteFile(inventory, []byte("h "+line+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := start(t, map[string]string{"site.yml": "- {hosts: all, tasks: [{command: x}]}\n"}, inventory, func(o *Options) {
		o.Hosts = hosts
	})
	if f.err != nil {
		t.Fatal(f.err)
	}
	return hosts.target, f.rec.lines
}

// sshVars are the variables of the connection ssh: what one changes in a
// Target, or nil where nothing here depends on it.
var sshVars = map[string]func(*transport.Target) any{
	"ansible_host":                       func(t *transport.Target) any { return t.Address },
	"ansible_ssh_host":                   func(t *transport.Target) any { return t.Address },
	"ansible_user":                       func(t *transport.Target) any { return t.User },
	"ansible_ssh_user":                   func(t *transport.Target) any { return t.User },
	"ansible_password":                   func(t *transport.Target) any { return t.Password },
	"ansible_ssh_pass":                   func(t *transport.Target) any { return t.Password },
	"ansible_ssh_password":               func(t *transport.Target) any { return t.Password },
	"ansible_private_key":                func(t *transport.Target) any { return t.Key },
	"ansible_ssh_private_key":            func(t *transport.Target) any { return t.Key },
	"ansible_private_key_passphrase":     func(t *transport.Target) any { return t.KeyPassphrase },
	"ansible_ssh_private_key_passphrase": func(t *transport.Target) any { return t.KeyPassphrase },
	"ansible_private_key_file":           func(t *transport.Target) any { return t.KeyFile },
	"ansible_ssh_private_key_file":       func(t *transport.Target) any { return t.KeyFile },
	"ansible_ssh_executable":             func(t *transport.Target) any { return t.SSHExecutable },
	"ansible_ssh_args":                   func(t *transport.Target) any { return strings.Join(t.SSHArgs, " ") },
	"ansible_ssh_common_args":            func(t *transport.Target) any { return strings.Join(t.SSHExtraArgs, " ") },
	"ansible_ssh_extra_args":             func(t *transport.Target) any { return strings.Join(t.SSHExtraArgs, " ") },
	"ansible_ssh_pkcs11_provider": func(t *transport.Target) any {
		return strings.TrimPrefix(strings.Join(t.SSHExtraArgs, " "), "-o PKCS11Provider=")
	},
	"ansible_port":                  func(t *transport.Target) any { return t.Port },
	"ansible_ssh_port":              func(t *transport.Target) any { return t.Port },
	"ansible_ssh_retries":           func(t *transport.Target) any { return t.Retries },
	"ansible_ssh_timeout":           func(t *transport.Target) any { return int(t.ConnectTimeout / time.Second) },
	"ansible_host_key_checking":     func(t *transport.Target) any { return t.HostKeyChecking },
	"ansible_ssh_host_key_checking": func(t *transport.Target) any { return t.HostKeyChecking },

	// The one connection to a host is kept, whatever is said of others; the
	// agent needs neither terminals nor programs that copy files.
	"ansible_control_path": nil, "ansible_control_path_dir": nil, "ansible_pipelining": nil, "ansible_ssh_pipelining": nil,
	"ansible_scp_executable": nil, "ansible_scp_if_ssh": nil, "ansible_sftp_executable": nil, "ansible_sftp_batch_mode": nil,
	"ansible_ssh_transfer_method": nil, "ansible_ssh_use_tty": nil,
	// Passwords are given without sshpass; -v of ssh has words of its own.
	"ansible_sshpass_prompt": nil, "ansible_ssh_password_mechanism": nil, "ansible_ssh_verbosity": nil,
}

// TestSSHVars has every variable of the connection ssh that the documentation
// of both generations names set: each counts, changes nothing that a playbook
// can rely on, or is told to have no effect.
func TestSSHVars(t *testing.T) {
	data, err := os.ReadFile("config/testdata/ssh-options.json")
	if err != nil {
		t.Fatal(err)
	}
	var eras map[string]map[string]struct{ Vars []string }
	if err := json.Unmarshal(data, &eras); err != nil || len(eras) != 2 {
		t.Fatalf("%d generations, %v", len(eras), err)
	}
	var names []string
	for _, options := range eras {
		for _, o := range options {
			names = append(names, o.Vars...)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		read, known := sshVars[name]
		value, want := "some-text", any("some-text")
		if read != nil {
			switch read(&transport.Target{}).(type) {
			case int:
				value, want = "17", 17
			case bool:
				value, want = "no", false
			}
		}
		target, screen := targetOf(t, name+"="+value)
		told := slices.ContainsFunc(screen, func(l string) bool {
			return strings.HasPrefix(l, "warning "+name+" ") && strings.Contains(l, "has no effect")
		})
		switch {
		case told && known, !told && !known:
			t.Errorf("%s: told %v, in the table %v", name, told, known)
		case read != nil && read(&target) != want:
			t.Errorf("%s: %v, want %v", name, read(&target), want)
		}
	}
}

// TestSSHVarsOrder expects of two variables of an option what ansible-core
// 2.14.18 and 2.22.0b2 gave to ssh: the one that the documentation names last.
func TestSSHVarsOrder(t *testing.T) {
	target, _ := targetOf(t, "ansible_user=u1 ansible_ssh_user=u2 ansible_host=a1 ansible_ssh_host=a2 ansible_port=1001 ansible_ssh_port=1002"+
		" ansible_private_key_file=/k1 ansible_ssh_private_key_file=/k2 ansible_timeout=31 ansible_ssh_timeout=32"+
		" ansible_host_key_checking=true ansible_ssh_host_key_checking=false")
	if target.User != "u2" || target.Address != "a2" || target.Port != 1002 || target.KeyFile != "/k2" || target.HostKeyChecking || target.ConnectTimeout != 32*time.Second {
		t.Errorf("%+v", target)
	}
}

// TestSSHProgram has a program of the user's own run, and no other.
func TestSSHProgram(t *testing.T) {
	for program, want := range map[string]string{"ssh": "ssh", "/usr/bin/ssh": "ssh", "/opt/ssh": "openssh"} {
		if target, _ := targetOf(t, "ansible_ssh_executable="+program); target.Connection != want {
			t.Errorf("%s: connection %s, want %s", program, target.Connection, want)
		}
	}
	if target, _ := targetOf(t, "ansible_ssh_pkcs11_provider=/usr/lib/p.so"); target.Connection != "openssh" {
		t.Errorf("PKCS#11: connection %s", target.Connection)
	}
}
