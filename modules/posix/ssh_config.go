package posix

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type sshConfigArgs struct {
	AddKeysToAgent        *bool             `arg:"add_keys_to_agent"`
	AddressFamily         string            `arg:"address_family"`
	ControlMaster         string            `arg:"controlmaster"`
	ControlPath           string            `arg:"controlpath"`
	ControlPersist        string            `arg:"controlpersist"`
	DynamicForward        string            `arg:"dynamicforward"`
	ForwardAgent          *bool             `arg:"forward_agent"`
	Group                 string            `arg:"group"`
	Host                  string            `arg:"host"`
	HostKeyAlgorithms     string            `arg:"host_key_algorithms"`
	Hostname              string            `arg:"hostname"`
	IdentitiesOnly        *bool             `arg:"identities_only"`
	IdentityFile          string            `arg:"identity_file"`
	OtherOptions          map[string]string `arg:"other_options"`
	Port                  string            `arg:"port"`
	Proxycommand          string            `arg:"proxycommand"`
	Proxyjump             string            `arg:"proxyjump"`
	RemoteUser            string            `arg:"remote_user"`
	SSHConfigFile         string            `arg:"ssh_config_file"`
	State                 string            `arg:"state"`
	StrictHostKeyChecking string            `arg:"strict_host_key_checking"`
	User                  string            `arg:"user"`
	UserKnownHostsFile    string            `arg:"user_known_hosts_file"`
}

// SSHConfig is community.general.ssh_config.
var SSHConfig = modules.Define(modules.Spec{
	Name: "community.general.ssh_config",
	Doc:  "Keep a Host section of an SSH client's configuration.",
	Options: []modules.Option{
		{Name: "add_keys_to_agent", Type: modules.Bool, Doc: "AddKeysToAgent."},
		{Name: "address_family", Choices: []string{"any", "inet", "inet6"}, Doc: "AddressFamily."},
		{Name: "controlmaster", Choices: []string{"yes", "no", "ask", "auto", "autoask"}, Doc: "ControlMaster."},
		{Name: "controlpath", Doc: "ControlPath."},
		{Name: "controlpersist", Doc: "ControlPersist."},
		{Name: "dynamicforward", Doc: "DynamicForward."},
		{Name: "forward_agent", Type: modules.Bool, Doc: "ForwardAgent."},
		{Name: "group", Doc: "The group of the file."},
		{Name: "host", Required: true, Doc: "The pattern behind Host."},
		{Name: "host_key_algorithms", Doc: "HostKeyAlgorithms."},
		{Name: "hostname", Doc: "HostName."},
		{Name: "identities_only", Type: modules.Bool, Doc: "IdentitiesOnly."},
		{Name: "identity_file", Type: modules.Path, Doc: "IdentityFile."},
		{Name: "other_options", Type: modules.Dict, Doc: "Further settings, their names in small letters."},
		{Name: "port", Doc: "Port."},
		{Name: "proxycommand", Doc: "ProxyCommand."},
		{Name: "proxyjump", Doc: "ProxyJump."},
		{Name: "remote_user", Doc: "User."},
		{Name: "ssh_config_file", Type: modules.Path, Doc: "The file, in place of the user's or the system's."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the section is to be there."},
		{Name: "strict_host_key_checking", Choices: []string{"yes", "no", "ask", "accept-new"}, Doc: "StrictHostKeyChecking."},
		{Name: "user", Doc: "The user whose file it is; none is the system's file."},
		{Name: "user_known_hosts_file", Doc: "UserKnownHostsFile."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"user", "ssh_config_file"}, {"proxycommand", "proxyjump"}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *sshConfigArgs) (*modules.Result, error) {
	if err := a.checkOther(); err != nil {
		return nil, err
	}
	path, owner, err := sshConfigPath(a)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, modules.Failf("could not read %s: %s", path, oserr.Text(err))
	}
	after, had := editSSHConfig(string(data), a)
	res := &modules.Result{Changed: after != string(data), Data: map[string]any{"hosts_added": []any{}, "hosts_removed": []any{}, "hosts_changed": []any{}}}
	if !res.Changed {
		return res, nil
	}
	key := map[bool]map[string]string{true: {"present": "hosts_changed", "absent": "hosts_removed"}, false: {"present": "hosts_added", "absent": "hosts_removed"}}[had][a.State]
	res.Data[key] = []any{a.Host}
	res.Diff = []modules.Diff{{Before: string(data), After: after, BeforeHeader: path, AfterHeader: path}}
	if m.Check {
		return res, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, modules.Failf("could not make %s: %s", filepath.Dir(path), oserr.Text(err))
	}
	_, statErr := os.Stat(path)
	if err := m.WriteFile(ctx, path, []byte(after), "", false); err != nil {
		return nil, err
	}
	fa := &modules.FileArgs{Owner: owner, Group: a.Group}
	if statErr != nil {
		fa.Mode = "0600"
	}
	_, err = m.ApplyFileArgs(path, fa, true, nil)
	return res, err
})

func sshConfigPath(a *sshConfigArgs) (path, owner string, err error) {
	switch {
	case a.SSHConfigFile != "":
		return a.SSHConfigFile, "", nil
	case a.User == "":
		return "/etc/ssh/ssh_config", "", nil
	}
	u, err := user.Lookup(a.User)
	if err != nil {
		return "", "", modules.Failf("the user %s is not known: %w", a.User, err)
	}
	return filepath.Join(u.HomeDir, ".ssh", "config"), a.User, nil
}

// wanted are the settings of the section, in ssh's spelling.
func (a *sshConfigArgs) wanted() [][2]string {
	var out [][2]string
	port := a.Port
	if _, err := strconv.Atoi(port); err != nil {
		port = ""
	}
	for _, kv := range [][2]string{{"Hostname", a.Hostname}, {"Port", port}, {"IdentityFile", a.IdentityFile}, {"User", a.RemoteUser},
		{"StrictHostKeyChecking", a.StrictHostKeyChecking}, {"UserKnownHostsFile", a.UserKnownHostsFile}, {"ProxyCommand", a.Proxycommand},
		{"ProxyJump", a.Proxyjump}, {"ForwardAgent", yesNo(a.ForwardAgent)}, {"HostKeyAlgorithms", a.HostKeyAlgorithms},
		{"IdentitiesOnly", yesNo(a.IdentitiesOnly)}, {"AddKeysToAgent", yesNo(a.AddKeysToAgent)}, {"ControlMaster", a.ControlMaster},
		{"ControlPath", a.ControlPath}, {"ControlPersist", boolWords.Replace(a.ControlPersist)}, {"DynamicForward", a.DynamicForward},
		{"AddressFamily", a.AddressFamily}} {
		if kv[1] != "" {
			out = append(out, kv)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(a.OtherOptions)) {
		out = append(out, [2]string{k, a.OtherOptions[k]})
	}
	return out
}

// yesNo is a switch in ssh's words, "" where it is not given.
func yesNo(b *bool) string {
	if b == nil {
		return ""
	}
	return map[bool]string{true: "yes", false: "no"}[*b]
}

// boolWords are YAML's booleans, which a text option gets as Python's words.
var boolWords = strings.NewReplacer("True", "yes", "False", "no")

// checkOther refuses further settings that have options of their own or capitals.
func (a *sshConfigArgs) checkOther() error {
	for _, k := range slices.Sorted(maps.Keys(a.OtherOptions)) {
		if strings.ToLower(k) != k {
			return modules.Failf("The other_options key %s must be lower case", k)
		}
		if sshConfigOwn[k] {
			return modules.Failf("Multiple values provided for key %s", k)
		}
	}
	return nil
}

// sshConfigOwn are the settings that have options of their own.
var sshConfigOwn = map[string]bool{"hostname": true, "port": true, "identity_file": true, "identities_only": true, "user": true,
	"strict_host_key_checking": true, "user_known_hosts_file": true, "proxycommand": true, "proxyjump": true, "host_key_algorithms": true,
	"forward_agent": true, "add_keys_to_agent": true, "controlmaster": true, "controlpath": true, "controlpersist": true,
	"dynamicforward": true, "address_family": true}

// editSSHConfig edits the section of the host; what it has besides stays.
func editSSHConfig(text string, a *sshConfigArgs) (after string, had bool) {
	var lines []string
	for l := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(l, "\n"))
	}
	from, to := -1, len(lines)
	for i, l := range lines {
		word, rest, _ := strings.Cut(strings.TrimSpace(strings.Replace(l, "=", " ", 1)), " ")
		if from >= 0 && (strings.EqualFold(word, "Host") || strings.EqualFold(word, "Match")) {
			to = i
			break
		}
		if from < 0 && strings.EqualFold(word, "Host") && strings.TrimSpace(rest) == a.Host {
			from = i
		}
	}
	if had = from >= 0; a.State == "absent" {
		if !had {
			return text, false
		}
		return joinLines(append(lines[:from:from], lines[to:]...)), true
	}
	if !had {
		lines = append(lines, "Host "+a.Host)
		from, to = len(lines)-1, len(lines)
	}
	section := append([]string{}, lines[from:to]...)
	for _, kv := range a.wanted() {
		section = setSSHOption(section, kv[0], kv[1])
	}
	return joinLines(append(append(lines[:from:from], section...), lines[to:]...)), had
}

func setSSHOption(section []string, key, value string) []string {
	for i, l := range section[1:] {
		t := strings.TrimSpace(l)
		word, rest, _ := strings.Cut(strings.Replace(t, "=", " ", 1), " ")
		if strings.EqualFold(word, key) {
			if strings.TrimSpace(rest) != value {
				section[i+1] = indentOf(l) + key + " " + value
			}
			return section
		}
	}
	at := len(section)
	for at > 1 && strings.TrimSpace(section[at-1]) == "" {
		at--
	}
	return append(section[:at:at], append([]string{"    " + key + " " + value}, section[at:]...)...)
}

func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
