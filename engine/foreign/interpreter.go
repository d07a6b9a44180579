package foreign

// This file chooses among the interpreters that a host has, as interpreter_python says
// (https://docs.ansible.com/ansible/latest/reference_appendices/interpreter_discovery.html).

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// IsDiscovery reports whether interpreter_python's value asks for discovery.
func IsDiscovery(mode string) bool {
	switch mode {
	case "", "auto", "auto_silent", "auto_legacy", "auto_legacy_silent":
		return true
	}
	return false
}

// Candidates are the interpreters that are looked for, the best first.
func Candidates(current bool) []string {
	if current {
		return []string{"python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "/usr/bin/python3", "python3"}
	}
	return []string{
		"python3.11", "python3.10", "python3.9", "python3.8", "python3.7", "python3.6", "python3.5",
		"/usr/bin/python3", "/usr/libexec/platform-python", "python2.7", "/usr/bin/python", "python",
	}
}

// A Discovery is what a host has.
type Discovery struct {
	Host string
	// Mode is interpreter_python's value, Names what was looked for, Found what was there.
	Mode         string
	Names, Found []string
	// Platform is linux or another system, OSRelease the text of /etc/os-release.
	Platform, OSRelease string
	// Version is ansible-core's, for links in messages.
	Version string
}

// Choose picks the interpreter; warning is Ansible's word on it, "" is none.
// current follows ansible-core 2.17 and later, which take the first there is.
func (d *Discovery) Choose(current bool) (python, warning string) {
	silent := strings.HasSuffix(d.Mode, "_silent")
	if current {
		python, warning = d.first()
	} else {
		python, warning = d.platform()
	}
	if silent {
		warning = ""
	}
	return python, warning
}

func (d *Discovery) first() (python, warning string) {
	if len(d.Found) == 0 {
		return "/usr/bin/python3", fmt.Sprintf("No python interpreters found for host '%s' (tried %s).", d.Host, pyList(d.Names))
	}
	return d.Found[0], fmt.Sprintf("Host '%s' is using the discovered Python interpreter at '%s', but future installation of another "+
		"Python interpreter could cause a different interpreter to be discovered. See %s for more information.", d.Host, d.Found[0], d.link())
}

// platformPythons are the interpreters that distributions come with, from
// which version on.
var platformPythons = map[string][]struct{ version, python string }{
	"redhat": {{"6", "/usr/bin/python"}, {"8", "/usr/libexec/platform-python"}, {"9", "/usr/bin/python3"}},
	"debian": {{"8", "/usr/bin/python"}, {"10", "/usr/bin/python3"}},
	"fedora": {{"23", "/usr/bin/python3"}},
	"ubuntu": {{"14", "/usr/bin/python"}, {"16", "/usr/bin/python3"}},
}

// families are the distributions that follow another.
var families = map[string]string{
	"rhel": "redhat", "centos": "redhat", "rocky": "redhat", "almalinux": "redhat", "ol": "redhat", "scientific": "redhat",
	"amzn": "redhat", "cloudlinux": "redhat", "virtuozzo": "redhat", "eurolinux": "redhat",
	"raspbian": "debian", "kali": "debian", "linuxmint": "debian", "devuan": "debian", "pop": "debian", "neon": "debian",
	"deepin": "debian", "parrot": "debian", "elementary": "debian",
}

func (d *Discovery) platform() (python, warning string) {
	if len(d.Found) == 0 {
		return "/usr/bin/python", fmt.Sprintf("No python interpreters found for host %s (tried %s)", d.Host, pyList(d.Names))
	}
	distro, version := osRelease(d.OSRelease)
	table, ok := platformPythons[distro]
	if !ok {
		table, ok = platformPythons[families[distro]]
	}
	if d.Platform != "linux" || !ok || version == "" {
		return d.Found[0], fmt.Sprintf("Platform %s on host %s is using the discovered Python interpreter at %s, but future installation of "+
			"another Python interpreter could change the meaning of that path. See %s for more information.", d.Platform, d.Host, d.Found[0], d.link())
	}
	want := table[0].python
	for _, e := range table {
		if !less(version, e.version) {
			want = e.python
		}
	}
	if strings.HasPrefix(d.Mode, "auto_legacy") && want != "/usr/bin/python" && slices.Contains(d.Found, "/usr/bin/python") {
		return "/usr/bin/python", fmt.Sprintf("Distribution %s %s on host %s should use %s, but is using /usr/bin/python for backward "+
			"compatibility with prior Ansible releases. See %s for more information", distro, version, d.Host, want, d.link())
	}
	if slices.Contains(d.Found, want) {
		return want, ""
	}
	return d.Found[0], fmt.Sprintf("Distribution %s %s on host %s should use %s, but is using %s, since the discovered platform python "+
		"interpreter was not present. See %s for more information.", distro, version, d.Host, want, d.Found[0], d.link())
}

func (d *Discovery) link() string {
	parts := strings.SplitN(d.Version, ".", 3)
	return "https://docs.ansible.com/ansible-core/" + strings.Join(parts[:min(2, len(parts))], ".") + "/reference_appendices/interpreter_discovery.html"
}

// osRelease reads the distribution's id and version.
func osRelease(text string) (id, version string) {
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		v = strings.Trim(v, `"'`)
		switch {
		case ok && k == "ID":
			id = strings.ToLower(v)
		case ok && k == "VERSION_ID":
			version = v
		}
	}
	return id, version
}

// less compares dotted numbers.
func less(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, err1 := strconv.Atoi(x[i])
		n, err2 := strconv.Atoi(y[i])
		if err1 != nil || err2 != nil {
			return x[i] < y[i]
		}
		if m != n {
			return m < n
		}
	}
	return len(x) < len(y)
}

// pyList is Python's repr of a list of plain words.
func pyList(words []string) string {
	return "['" + strings.Join(words, "', '") + "']"
}
