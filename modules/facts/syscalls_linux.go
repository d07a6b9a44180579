package facts

// This file is what Linux's system calls say of file systems, load and
// capabilities.

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func statFS(path string) map[string]any {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return nil
	}
	unit := uint64(s.Frsize)
	if unit == 0 {
		unit = uint64(s.Bsize)
	}
	return map[string]any{
		"size_total":      unit * s.Blocks,
		"size_available":  unit * s.Bavail,
		"block_size":      uint64(s.Bsize),
		"block_total":     s.Blocks,
		"block_available": s.Bavail,
		"block_used":      s.Blocks - s.Bavail,
		"inode_total":     s.Files,
		"inode_available": s.Ffree,
		"inode_used":      s.Files - s.Ffree,
	}
}

func loadavg(*host) map[string]any {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return nil
	}
	return loadFacts(float64(s.Loads[0])/loadShift, float64(s.Loads[1])/loadShift, float64(s.Loads[2])/loadShift)
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// capabilityNames are Linux's capabilities by number (capabilities(7)).
var capabilityNames = strings.Fields(`cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill cap_setgid
cap_setuid cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast cap_net_admin cap_net_raw cap_ipc_lock
cap_ipc_owner cap_sys_module cap_sys_rawio cap_sys_chroot cap_sys_ptrace cap_sys_pacct cap_sys_admin cap_sys_boot cap_sys_nice
cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease cap_audit_write cap_audit_control cap_setfcap
cap_mac_override cap_mac_admin cap_syslog cap_wake_alarm cap_block_suspend cap_audit_read cap_perfmon cap_bpf cap_checkpoint_restore`)

// capabilities reports the process's capabilities in the words of capsh
// (cap_to_text(3)), cut as Ansible cuts them.
func capabilities(*host) map[string]any {
	sets := map[string]uint64{}
	for _, l := range lines("/proc/self/status") {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.HasPrefix(k, "Cap") {
			sets[k], _ = strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	last, err := strconv.Atoi(content("/proc/sys/kernel/cap_last_cap"))
	if err != nil {
		return map[string]any{"system_capabilities": "N/A", "system_capabilities_enforced": "N/A"}
	}
	text := capText(sets["CapEff"], sets["CapInh"], sets["CapPrm"], last)
	if text == "=ep" {
		return map[string]any{"system_capabilities": []string{}, "system_capabilities_enforced": "False"}
	}
	_, list, _ := strings.Cut(text, "=")
	out := strings.Split(list, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return map[string]any{"system_capabilities": out, "system_capabilities_enforced": "True"}
}

// capText writes sets as cap_to_text(3) does: the flags that most capabilities
// have, then what differs from them.
func capText(effective, inheritable, permitted uint64, last int) string {
	var histogram [8]int
	flags := make([]int, last+1)
	for i := range flags {
		f := int(effective>>i&1) | int(inheritable>>i&1)<<1 | int(permitted>>i&1)<<2
		flags[i] = f
		histogram[f]++
	}
	most := 7
	for t := 6; t >= 0; t-- {
		if histogram[t] >= histogram[most] {
			most = t
		}
	}
	var b strings.Builder
	b.WriteString("=" + flagLetters(most))
	for t := 7; t >= 0; t-- {
		if t == most || histogram[t] == 0 {
			continue
		}
		var list []string
		for i, f := range flags {
			if f == t {
				list = append(list, capName(i))
			}
		}
		b.WriteString(" " + strings.Join(list, ","))
		if gained := t &^ most; gained != 0 {
			b.WriteString("+" + flagLetters(gained))
		}
		if lost := most &^ t; lost != 0 {
			b.WriteString("-" + flagLetters(lost))
		}
	}
	text := b.String()
	if most == 0 && len(text) > 1 {
		return strings.TrimPrefix(strings.Replace(text, "+", "=", 1), "= ")
	}
	return text
}

func capName(i int) string {
	if i < len(capabilityNames) {
		return capabilityNames[i]
	}
	return strconv.Itoa(i)
}

func flagLetters(f int) string {
	s := ""
	for i, l := range []string{"e", "i", "p"} {
		if f>>i&1 == 1 {
			s += l
		}
	}
	return s
}
