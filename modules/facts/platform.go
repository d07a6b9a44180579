package facts

// This file is the collectors for the kernel, the host's names, and the
// tools by which it is managed.

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gorun/modules"

	"golang.org/x/sys/unix"
)

func platform(h *host) map[string]any {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		h.warn("cannot ask the kernel for its name: %v", err)
		return nil
	}
	machine, node := unix.ByteSliceToString(u.Machine[:]), unix.ByteSliceToString(u.Nodename[:])
	short, _, _ := strings.Cut(node, ".")
	fqdn := fullName(h.ctx, node)
	_, domain, _ := strings.Cut(fqdn, ".")
	bits := "64"
	if strconv.IntSize == 32 {
		bits = "32"
	}
	facts := map[string]any{
		"system":         unix.ByteSliceToString(u.Sysname[:]),
		"kernel":         unix.ByteSliceToString(u.Release[:]),
		"kernel_version": unix.ByteSliceToString(u.Version[:]),
		"machine":        machine,
		"nodename":       node,
		"hostname":       short,
		"fqdn":           fqdn,
		"domain":         domain,
		"userspace_bits": bits,
		"architecture":   architecture(machine),
		"machine_id":     machineID(),
	}
	switch {
	case machine == "x86_64" && bits == "64":
		facts["userspace_architecture"] = "x86_64"
	case machine == "x86_64" || strings.HasPrefix(machine, "i") && strings.HasSuffix(machine, "86"):
		facts["userspace_architecture"] = "i386"
		if bits == "64" {
			facts["userspace_architecture"] = "x86_64"
		}
	}
	if exe, v := h.python(); exe != "" {
		facts["python_version"] = v.String()
	}
	return facts
}

func architecture(machine string) string {
	if len(machine) == 4 && machine[0] == 'i' && strings.HasSuffix(machine, "86") {
		return "i386"
	}
	return machine
}

// machineID returns systemd's or D-Bus's id of the machine, nil for none.
func machineID() any {
	for _, f := range []string{"/var/lib/dbus/machine-id", "/etc/machine-id"} {
		if id := content(f); id != "" {
			return strings.Fields(id)[0]
		}
	}
	return nil
}

// fullName finds a host's name with its domain as gethostbyaddr does: by
// /etc/hosts, then by the resolver, which has two seconds.
func fullName(ctx context.Context, node string) string {
	all := hostsNames(content("/etc/hosts"), node)
	if all == nil {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		addrs, err := net.DefaultResolver.LookupHost(ctx, node)
		if err != nil || len(addrs) == 0 {
			return node
		}
		all, _ = net.DefaultResolver.LookupAddr(ctx, addrs[0])
		for i, n := range all {
			all[i] = strings.TrimSuffix(n, ".")
		}
	}
	for _, n := range all {
		if strings.Contains(n, ".") {
			return n
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return node
}

// hostsNames returns the names of the first line for the address that node has
// in a hosts file; nil where node is not in it.
func hostsNames(text, node string) []string {
	var entries [][]string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 1 {
			entries = append(entries, f)
		}
	}
	for _, e := range entries {
		for _, n := range e[1:] {
			if !strings.EqualFold(n, node) {
				continue
			}
			for _, first := range entries {
				if first[0] == e[0] {
					return first[1:]
				}
			}
		}
	}
	return nil
}

// A pythonVersion is what Python's sys.version_info holds.
type pythonVersion struct {
	major, minor, micro int
}

func (v pythonVersion) String() string {
	return strconv.Itoa(v.major) + "." + strconv.Itoa(v.minor) + "." + strconv.Itoa(v.micro)
}

func python(h *host) map[string]any {
	exe, v := h.python()
	if exe == "" {
		return nil
	}
	return map[string]any{"python": map[string]any{
		"executable":     exe,
		"has_sslcontext": true,
		"type":           "cpython",
		"version": map[string]any{
			"major": v.major, "minor": v.minor, "micro": v.micro, "releaselevel": "final", "serial": 0,
		},
		"version_info": []any{v.major, v.minor, v.micro, "final", 0},
	}}
}

// findPython finds the host's python3 and its version. The version is read
// from the package database, or, failing that, asked of the program.
func findPython(ctx context.Context, m *modules.Run) (string, pythonVersion) {
	for _, exe := range []string{"/usr/bin/python3", "/usr/local/bin/python3", "/usr/libexec/platform-python"} {
		real, err := filepath.EvalSymlinks(exe)
		if err != nil {
			continue
		}
		if v, ok := packagedPython(filepath.Base(real)); ok {
			return exe, v
		}
		r, err := m.Command(ctx, modules.CommandOptions{Timeout: 5 * time.Second}, exe, "-S", "-V")
		if err != nil {
			continue
		}
		if v, ok := parsePythonVersion(strings.TrimPrefix(strings.TrimSpace(r.Stdout), "Python ")); ok {
			return exe, v
		}
	}
	return "", pythonVersion{}
}

// packagedPython reads the version of Debian's package of an interpreter
// ("python3.11"): pythonX.Y-minimal holds the program.
func packagedPython(base string) (pythonVersion, bool) {
	f, err := os.Open("/var/lib/dpkg/status")
	if err != nil {
		return pythonVersion{}, false
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(make([]byte, 64<<10), 4<<20)
	want, found := []byte("Package: "+base+"-minimal"), false
	for sc.Scan() {
		line := sc.Bytes()
		switch {
		case bytes.Equal(line, want):
			found = true
		case found && bytes.HasPrefix(line, []byte("Version: ")):
			return parsePythonVersion(string(line[len("Version: "):]))
		case len(line) == 0 && found:
			return pythonVersion{}, false
		}
	}
	return pythonVersion{}, false
}

var pythonVersionRE = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)`)

func parsePythonVersion(s string) (v pythonVersion, ok bool) {
	g := pythonVersionRE.FindStringSubmatch(s)
	if g == nil {
		return v, false
	}
	v.major, _ = strconv.Atoi(g[1])
	v.minor, _ = strconv.Atoi(g[2])
	v.micro, _ = strconv.Atoi(g[3])
	return v, true
}

// serviceMgr names what starts the services.
func serviceMgr(h *host) map[string]any { return map[string]any{"service_mgr": ServiceManager()} }

// ServiceManager detects the service manager by the rules of Ansible's fact:
// process 1's name, where it says something, then the traces of each manager.
func ServiceManager() string {
	if runtime.GOOS == "darwin" {
		return "launchd"
	}
	if strings.HasSuffix(runtime.GOOS, "bsd") {
		return "bsdinit"
	}
	comm := filepath.Base(content("/proc/1/comm"))
	if comm != "." && comm != "init" && !strings.HasSuffix(comm, "sh") {
		known := map[string]string{"procd": "openwrt_init", "runit-init": "runit", "svscan": "svc", "openrc-init": "openrc"}
		if k, ok := known[comm]; ok {
			return k
		}
		return comm
	}
	switch {
	case onPath("systemctl") != "" && (exists("/run/systemd/system") || exists("/dev/.run/systemd") || exists("/dev/.systemd")):
		return "systemd"
	case onPath("initctl") != "" && exists("/etc/init"):
		return "upstart"
	case exists("/sbin/openrc"):
		return "openrc"
	case onPath("systemctl") != "" && initIs("systemd"):
		return "systemd"
	case exists("/etc/init.d"):
		return "sysvinit"
	case exists("/etc/dinit.d"):
		return "dinit"
	}
	return "service"
}

func initIs(name string) bool {
	target, err := os.Readlink("/sbin/init")
	return err == nil && filepath.Base(target) == name
}

// packageManagers are the programs by which a package manager is known; the
// last that is there wins.
var packageManagers = []struct{ path, name string }{
	{"/usr/bin/rpm-ostree", "atomic_container"},
	{"/usr/bin/yum", "yum"},
	{"/usr/bin/dnf-3", "dnf"},
	{"/usr/bin/dnf5", "dnf5"},
	{"/usr/bin/apt-get", "apt"},
	{"/usr/bin/zypper", "zypper"},
	{"/usr/sbin/urpmi", "urpmi"},
	{"/usr/bin/pacman", "pacman"},
	{"/bin/opkg", "opkg"},
	{"/usr/pkg/bin/pkgin", "pkgin"},
	{"/opt/local/bin/pkgin", "pkgin"},
	{"/opt/tools/bin/pkgin", "pkgin"},
	{"/opt/local/bin/port", "macports"},
	{"/usr/local/bin/brew", "homebrew"},
	{"/opt/homebrew/bin/brew", "homebrew"},
	{"/sbin/apk", "apk"},
	{"/usr/sbin/pkg", "pkgng"},
	{"/usr/sbin/swlist", "swdepot"},
	{"/usr/bin/emerge", "portage"},
	{"/usr/bin/pkg", "pkg5"},
	{"/usr/bin/swupd", "swupd"},
	{"/usr/sbin/sorcery", "sorcery"},
	{"/usr/bin/installp", "installp"},
}

func pkgMgr(h *host) map[string]any {
	return map[string]any{"pkg_mgr": PackageManager()}
}

// PackageManager names the package manager of the host as the fact pkg_mgr
// does, "unknown" for none.
func PackageManager() string {
	found := map[string]bool{}
	last := "unknown"
	for _, p := range packageManagers {
		if exists(p.path) {
			last = p.name
			found[last] = true
		}
	}
	family, _ := distribution(nil)["os_family"].(string)
	switch {
	case family == "Debian" && found["apt"]:
		return "apt"
	case family == "Suse" && found["zypper"]:
		return "zypper"
	case family == "Archlinux" && found["pacman"]:
		return "pacman"
	case family == "Gentoo" && found["portage"]:
		return "portage"
	case family == "RedHat" && exists("/run/ostree-booted"):
		return "atomic_container"
	case family == "RedHat":
		for _, n := range redHatManagers() {
			if found[n] {
				return n
			}
		}
	case family == "Altlinux" && found["apt"]:
		return "apt_rpm"
	}
	return last
}

// redHatManagers orders the managers of the RedHat family: the one that
// /usr/bin/dnf is, then the others.
func redHatManagers() []string {
	if target, err := os.Readlink("/usr/bin/dnf"); err == nil && strings.HasPrefix(filepath.Base(target), "dnf5") {
		return []string{"dnf5", "dnf", "yum"}
	}
	return []string{"dnf", "dnf5", "yum"}
}

// systemd reports the version of systemd and what it was built with.
func systemd(h *host) map[string]any {
	if !exists("/run/systemd/system") {
		return nil
	}
	exe := onPath("systemctl")
	if exe == "" {
		return nil
	}
	r, err := h.run.Command(h.ctx, modules.CommandOptions{Timeout: h.timeout}, exe, "--version")
	first, features, _ := strings.Cut(strings.TrimSpace(r.Stdout), "\n")
	f := strings.Fields(first)
	if err != nil || r.RC != 0 || len(f) < 2 {
		return nil
	}
	version, err := strconv.Atoi(f[1])
	if err != nil {
		return nil
	}
	return map[string]any{"systemd": map[string]any{"version": version, "features": features}}
}

// FullName finds the name with its domain of a host that is called node.
func FullName(ctx context.Context, node string) string { return fullName(ctx, node) }
