package system

// This file is the hostname module.

import (
	"context"
	"os"
	"regexp"
	"strings"

	"gorun/modules"
	"gorun/modules/facts"
)

type hostnameArgs struct {
	Name string `arg:"name"`
	Use  string `arg:"use"`
}

// Hostname is ansible.builtin.hostname
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/hostname_module.html).
var Hostname = modules.Define(modules.Spec{
	Name: "ansible.builtin.hostname",
	Doc:  "Sets the host's name, now and for the next boot.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The name."},
		{Name: "use", Choices: []string{"alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat", "sles", "solaris", "systemd"},
			Doc: "How the name is kept; not given, as the host does it."},
	},
}, runHostname)

// A hostnameStore keeps the name for the next boot in a file.
type hostnameStore struct {
	file string
	get  func(text string) string
	set  func(text, name string) string
}

var (
	plainStore  = hostnameStore{file: "/etc/hostname", get: strings.TrimSpace, set: func(_, name string) string { return name + "\n" }}
	openrcStore = assignmentStore("/etc/conf.d/hostname", "hostname", `"`)
	redHatStore = assignmentStore("/etc/sysconfig/network", "HOSTNAME", "")
	slesStore   = hostnameStore{file: "/etc/HOSTNAME", get: strings.TrimSpace, set: plainStore.set}
)

// assignmentStore is a shell file with a line NAME="value".
func assignmentStore(file, key, quote string) hostnameStore {
	line := regexp.MustCompile(`(?m)^` + key + `=(.*)$`)
	return hostnameStore{file: file,
		get: func(text string) string {
			if g := line.FindStringSubmatch(text); g != nil {
				return strings.Trim(strings.TrimSpace(g[1]), `"'`)
			}
			return ""
		},
		set: func(text, name string) string {
			set := key + "=" + quote + name + quote
			if line.MatchString(text) {
				return line.ReplaceAllLiteralString(text, set)
			}
			return text + set + "\n"
		},
	}
}

func runHostname(ctx context.Context, m *modules.Run, a *hostnameArgs) (*modules.Result, error) {
	store, ok := hostnameStoreFor(a.Use)
	if !ok {
		return nil, modules.Failf("hostname: use=%s is not for this system", a.Use)
	}
	if a.Use == "systemd" || a.Use == "" && exists("/run/systemd/system") {
		if err := systemdHostname(m, a.Name); err != nil {
			return nil, err
		}
	}
	if len(a.Name) > 64 || strings.ContainsAny(a.Name, " \t\n/") || a.Name == "" {
		return nil, modules.Failf("invalid hostname %q: at most 64 characters, without blanks and slashes", a.Name)
	}
	current, err := os.Hostname()
	if err != nil {
		return nil, modules.Failf("cannot read the host's name: %w", err)
	}
	text, err := os.ReadFile(store.file)
	if err != nil && !os.IsNotExist(err) {
		return nil, modules.Failf("failed to read hostname: %w", err)
	}
	permanent := store.get(string(text))
	// A short name that is the running one's first part is the same host.
	res := &modules.Result{Changed: current != a.Name || permanent != a.Name, Data: map[string]any{"name": a.Name}}
	if res.Changed && m.Diff {
		res.Diff = []modules.Diff{{Before: "hostname = " + permanent + "\n", After: "hostname = " + a.Name + "\n"}}
	}
	if !m.Check {
		if permanent != a.Name {
			if err := m.WriteFile(ctx, store.file, []byte(store.set(string(text), a.Name)), "", true); err != nil {
				return nil, err
			}
		}
		if current != a.Name {
			if err := setHostname(a.Name); err != nil {
				return nil, modules.Failf("Command failed: cannot set the host's name: %w", err)
			}
		}
	}
	short, domain, _ := strings.Cut(a.Name, ".")
	fqdn := facts.FullName(ctx, a.Name)
	if _, d, found := strings.Cut(fqdn, "."); found {
		domain = d
	}
	res.Data["ansible_facts"] = map[string]any{
		"ansible_hostname": short, "ansible_nodename": a.Name, "ansible_fqdn": fqdn, "ansible_domain": domain,
	}
	return res, nil
}

// hostLabels are names that systemd takes for a host: see hostname(5).
var hostLabels = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// systemdHostname refuses what hostnamectl refuses; check mode asks for nothing.
func systemdHostname(m *modules.Run, name string) error {
	switch {
	case m.Check:
		return nil
	case len(name) > 64:
		return modules.Failf("name cannot be longer than 64 characters on systemd servers, try a shorter name")
	case !hostLabels.MatchString(name):
		return modules.Failf("Command failed rc=1, out=, err=Could not set static hostname: Invalid hostname '%s'\n", name)
	}
	return nil
}

func hostnameStoreFor(use string) (hostnameStore, bool) {
	switch use {
	case "", "debian", "alpine", "systemd", "generic":
		if use == "" && exists("/etc/conf.d/hostname") && exists("/sbin/openrc") && !exists("/etc/hostname") {
			return openrcStore, true
		}
		return plainStore, true
	case "openrc":
		return openrcStore, true
	case "redhat":
		return redHatStore, true
	case "sles":
		return slesStore, true
	}
	return hostnameStore{}, false
}
