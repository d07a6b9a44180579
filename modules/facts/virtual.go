package facts

// This file is the collector for virtualization: what the host runs in, and
// what it could run.

import (
	"os"
	"regexp"
	"strings"
)

// A tally gathers the techniques; the first that is settled names the type.
type tally struct {
	guest, host map[string]bool
	kind, role  string
}

func (t *tally) inside(tech string) {
	t.guest[tech] = true
	t.settle(tech, "guest")
}

func (t *tally) runs(tech string) {
	t.host[tech] = true
	t.settle(tech, "host")
}

func (t *tally) settle(kind, role string) {
	if t.kind == "" {
		t.kind, t.role = kind, role
	}
}

var (
	dockerGroup = regexp.MustCompile(`(?m)/docker(/|-[0-9a-f]+\.scope)`)
	lxcGroup    = regexp.MustCompile(`(?m)/(lxc|machine\.slice/machine-lxc)/`)
)

func virtual(*host) map[string]any {
	t := &tally{guest: map[string]bool{}, host: map[string]bool{}}
	containers(t)
	xen(t)
	machines(t)
	hypervisors(t)
	if t.kind == "" {
		t.kind, t.role = "NA", "NA"
	}
	return map[string]any{
		"virtualization_type":       t.kind,
		"virtualization_role":       t.role,
		"virtualization_tech_guest": techs(t.guest),
		"virtualization_tech_host":  techs(t.host),
	}
}

func techs(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return sorted(out)
}

func containers(t *tally) {
	cgroup := content("/proc/1/cgroup")
	if dockerGroup.MatchString(cgroup) || exists("/.dockerenv") || exists("/.dockerinit") {
		t.inside("docker")
		t.guest["container"] = true
	}
	if lxcGroup.MatchString(cgroup) && !strings.Contains(cgroup, "/docker") {
		t.inside("lxc")
		t.guest["container"] = true
	}
	if strings.Contains(cgroup, "/system.slice/containerd.service") {
		t.inside("containerd")
	}
	if b, err := os.ReadFile("/proc/1/environ"); err == nil {
		for kv := range strings.SplitSeq(string(b), "\x00") {
			value, ok := strings.CutPrefix(kv, "container=")
			if !ok {
				continue
			}
			switch value {
			case "lxc", "podman":
				t.inside(value)
			case "docker":
				t.inside("docker")
			case "":
				continue
			default:
				t.settle("container", "guest")
			}
			t.guest["container"] = true
		}
	}
	if exists("/proc/vz") && !exists("/proc/lve") {
		if exists("/proc/bc") {
			t.runs("openvz")
		} else {
			t.inside("openvz")
		}
	}
	if content("/run/systemd/container") != "" {
		t.guest["container"] = true
		t.settle("container", "guest")
	}
}

func xen(t *tally) {
	if content("/sys/hypervisor/type") != "xen" && !exists("/proc/xen") {
		return
	}
	if strings.Contains(content("/proc/xen/capabilities"), "control_d") {
		t.runs("xen")
		return
	}
	t.inside("xen")
}

// firmware ties what the firmware calls the machine to a technique. A pattern
// must match the whole text up to its end or a blank.
var firmware = []struct{ file, prefix, tech string }{
	{"product_name", "KVM", "kvm"},
	{"product_name", "Bochs", "kvm"},
	{"product_name", "AHV", "kvm"},
	{"product_name", "RHEV Hypervisor", "RHEV"},
	{"product_name", "oVirt Node", "oVirt"},
	{"product_name", "OpenStack Compute", "openstack"},
	{"product_name", "OpenStack Nova", "openstack"},
	{"product_name", "VMware Virtual Platform", "VMware"},
	{"product_name", "VMware7,1", "VMware"},
	{"bios_vendor", "Xen", "xen"},
	{"bios_vendor", "innotek GmbH", "virtualbox"},
	{"bios_vendor", "Amazon EC2", "kvm"},
	{"bios_vendor", "Hetzner", "kvm"},
	{"sys_vendor", "KubeVirt", "KubeVirt"},
	{"sys_vendor", "VMware", "VMware"},
	{"sys_vendor", "Microsoft Corporation", "VirtualPC"},
	{"sys_vendor", "Parallels", "parallels"},
	{"sys_vendor", "OpenStack Foundation", "openstack"},
	{"sys_vendor", "QEMU", "kvm"},
	{"sys_vendor", "oVirt", "kvm"},
	{"sys_vendor", "Amazon EC2", "kvm"},
	{"sys_vendor", "DigitalOcean", "kvm"},
	{"sys_vendor", "Google", "kvm"},
	{"sys_vendor", "Scaleway", "kvm"},
	{"sys_vendor", "Nutanix", "kvm"},
	{"sys_vendor", "Hetzner", "kvm"},
	{"product_family", "RHV", "RHV"},
}

// machines recognises the virtual machines by their firmware and processor.
func machines(t *tally) {
	for _, f := range firmware {
		text := content("/sys/devices/virtual/dmi/id", f.file)
		if strings.HasPrefix(text, f.prefix) && !(f.prefix == "Google" && !strings.Contains(content("/sys/devices/virtual/dmi/id/product_name"), "Compute Engine")) {
			t.inside(f.tech)
		}
	}
	cpu := content("/proc/cpuinfo")
	switch {
	case strings.Contains(cpu, "QEMU Virtual CPU"), strings.Contains(cpu, "Common KVM processor"), strings.Contains(cpu, "Common 32-bit KVM processor"):
		t.inside("kvm")
	case strings.Contains(cpu, "User Mode Linux"):
		t.inside("uml")
	case strings.Contains(cpu, "vendor_id\t: PowerVM Lx86"):
		t.inside("powervm_lx86")
	case strings.Contains(content("/proc/sysinfo"), "z/VM"):
		t.inside("zvm")
	}
	for _, l := range lines("/proc/self/status") {
		if id, ok := strings.CutPrefix(l, "VxID:"); ok {
			if strings.TrimSpace(id) == "0" {
				t.runs("linux_vserver")
			} else {
				t.inside("linux_vserver")
			}
		}
	}
}

// hypervisors recognises what the host itself can run.
func hypervisors(t *tally) {
	modules := "\n" + content("/proc/modules")
	loaded := func(name string) bool { return strings.Contains(modules, "\n"+name+" ") }
	if loaded("kvm") || exists("/dev/kvm") {
		tech := "kvm"
		if exists("/etc/ovirt-release") || strings.Contains(content("/etc/vdsm-release"), "rhev") {
			tech = "RHEV"
		}
		if t.kind == "" {
			t.runs(tech)
		}
		t.host[tech] = true
	}
	if loaded("vboxdrv") {
		t.runs("virtualbox")
	}
	if loaded("virtio") && t.kind == "" {
		t.inside("kvm")
	}
}
