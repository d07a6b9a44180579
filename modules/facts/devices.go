package facts

// This file is disks, mounted file systems and LVM.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorun/modules"
)

// links maps device names to the names that udev gave them in a folder of
// /dev/disk.
func links(folder string) map[string]any {
	out := map[string]any{}
	for _, n := range names("/dev/disk", folder) {
		target, err := filepath.EvalSymlinks(filepath.Join("/dev/disk", folder, n))
		if err != nil {
			continue
		}
		dev := filepath.Base(target)
		old, _ := out[dev].([]string)
		out[dev] = append(old, n)
	}
	return out
}

func devices(*host) map[string]any {
	blocks := names("/sys/block")
	masters := map[string]any{}
	for _, b := range blocks {
		for _, slave := range names("/sys/block", b, "slaves") {
			old, _ := masters[slave].([]string)
			masters[slave] = append(old, b)
		}
	}
	all := map[string]map[string]any{"ids": links("by-id"), "uuids": links("by-uuid"), "labels": links("by-label"), "masters": masters}
	list := map[string]any{}
	for _, b := range blocks {
		list[b] = blockDevice(b, all)
	}
	return map[string]any{"devices": list, "device_links": map[string]any{
		"ids": all["ids"], "uuids": all["uuids"], "labels": all["labels"], "masters": all["masters"],
	}}
}

func deviceLinks(name string, all map[string]map[string]any) map[string]any {
	out := map[string]any{}
	for kind, m := range all {
		l, _ := m[name].([]string)
		out[kind] = append([]string{}, l...)
	}
	return out
}

var chosenScheduler = regexp.MustCompile(`\[(.*)\]`)

func blockDevice(name string, all map[string]map[string]any) map[string]any {
	dir := filepath.Join("/sys/block", name)
	d := map[string]any{
		"virtual": 1, "links": deviceLinks(name, all), "holders": holders(dir), "host": "",
		"partitions": partitions(dir, name, all),
	}
	for _, k := range []string{"vendor", "model", "sas_address", "sas_device_handle"} {
		d[k] = orNil(content(dir, "device", k))
	}
	if wwn := content(dir, "device/wwid"); strings.HasPrefix(wwn, "naa.") {
		d["wwn"] = "0x" + strings.TrimPrefix(wwn, "naa.")
	}
	if serial := content(dir, "device/serial"); serial != "" {
		d["serial"] = serial
	}
	for k, file := range map[string]string{"removable": "removable", "support_discard": "queue/discard_granularity", "rotational": "queue/rotational"} {
		if v := content(dir, file); v != "" {
			d[k] = v
		}
	}
	d["scheduler_mode"] = ""
	if g := chosenScheduler.FindStringSubmatch(content(dir, "queue/scheduler")); g != nil {
		d["scheduler_mode"] = g[1]
	}
	sectors := content(dir, "size")
	if sectors == "" {
		sectors = "0"
	}
	d["sectors"], d["sectorsize"] = sectors, "512"
	if v := content(dir, "queue/logical_block_size"); v != "" {
		d["sectorsize"] = v
	}
	n, _ := strconv.ParseFloat(sectors, 64)
	d["size"] = humanSize(n * 512) // the kernel counts in units of 512 whatever the sector size is
	return d
}

func holders(dir string) []string {
	out := []string{}
	for _, n := range names(dir, "holders") {
		if !strings.HasPrefix(n, "dm-") {
			continue
		}
		if dm := content(dir, "holders", n, "dm/name"); dm != "" {
			n = dm
		}
		out = append(out, n)
	}
	return out
}

func partitions(dir, disk string, all map[string]map[string]any) map[string]any {
	out := map[string]any{}
	for _, n := range names(dir) {
		if !strings.HasPrefix(n, disk) || !exists(dir, n, "partition") {
			continue
		}
		sectors := content(dir, n, "size")
		f, _ := strconv.ParseFloat(sectors, 64)
		p := map[string]any{
			"links": deviceLinks(n, all), "holders": holders(filepath.Join(dir, n)),
			"start": content(dir, n, "start"), "sectors": sectors, "sectorsize": 512, "size": humanSize(f * 512), "uuid": nil,
		}
		if l, _ := all["uuids"][n].([]string); len(l) > 0 {
			p["uuid"] = l[0]
		}
		out[n] = p
	}
	return out
}

// humanSize prints bytes as Ansible does: "256.00 GB".
func humanSize(n float64) string {
	units := []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	i := 0
	for n >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return fmt.Sprintf("%.2f %s", n, units[i])
}

// A mount is a line of /etc/mtab.
type mount struct {
	device, point, fstype, options string
	dump, pass                     int
	bind                           bool
}

var octal = regexp.MustCompile(`\\([0-7]{3})`)

// unescape resolves the \040 of mount tables.
func unescape(s string) string {
	return octal.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[1:], 8, 8)
		if err != nil {
			return m
		}
		return string([]byte{byte(n)})
	})
}

func mountTable() []mount {
	text := content("/etc/mtab")
	if text == "" {
		text = content("/proc/mounts")
	}
	binds := bindMounts(content("/proc/self/mountinfo"))
	var out []mount
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		m := mount{device: unescape(f[0]), point: unescape(f[1]), fstype: f[2], options: f[3]}
		m.dump, _ = strconv.Atoi(f[4])
		m.pass, _ = strconv.Atoi(f[5])
		if !strings.HasPrefix(m.device, "/") && !strings.Contains(m.device, ":/") || m.fstype == "none" {
			continue
		}
		m.bind = binds[m.point]
		out = append(out, m)
	}
	return out
}

// bindMounts finds the mounts whose root is a folder inside their file system.
func bindMounts(mountinfo string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		// A btrfs subvolume has such a root as well, and is no bind mount.
		if len(f) > 8 && f[3] != "/" && !strings.Contains(line, "subvol=") {
			out[unescape(f[4])] = true
		}
	}
	return out
}

// mounts reports the mounted file systems; each is asked for its size on its
// own, so that a dead NFS server costs the timeout once.
func mounts(h *host) map[string]any {
	table := mountTable()
	out := make([]map[string]any, len(table))
	uuids := links("by-uuid")
	var wg sync.WaitGroup
	for i, m := range table {
		wg.Go(func() { out[i] = mountFacts(m, uuids, h.timeout) })
	}
	wg.Wait()
	return map[string]any{"mounts": append([]map[string]any{}, out...)}
}

func mountFacts(m mount, uuids map[string]any, timeout time.Duration) map[string]any {
	if m.bind {
		m.options += ",bind"
	}
	d := map[string]any{"mount": m.point, "device": m.device, "fstype": m.fstype, "options": m.options,
		"dump": m.dump, "passno": m.pass, "uuid": "N/A"}
	if real, err := filepath.EvalSymlinks(m.device); err == nil {
		if l, _ := uuids[filepath.Base(real)].([]string); len(l) > 0 {
			d["uuid"] = l[0]
		}
	}
	sizes := make(chan map[string]any, 1)
	go func() { sizes <- statFS(m.point) }()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case s := <-sizes:
		for k, v := range s {
			d[k] = v
		}
	case <-timer.C:
		d["note"] = "Could not get extra information due to timeout"
	}
	return d
}

// lvm asks LVM's tools, where they are and we are root, for groups and volumes.
func lvm(h *host) map[string]any {
	vgs, lvs, pvs := onPath("vgs"), onPath("lvs"), onPath("pvs")
	if os.Getuid() != 0 || vgs == "" {
		return map[string]any{"lvm": "N/A"}
	}
	rows := func(exe, fields string) [][]string {
		if exe == "" {
			return nil
		}
		r, err := h.run.Command(h.ctx, modules.CommandOptions{Timeout: h.timeout}, exe, "--noheadings", "--nosuffix", "--units", "g", "--separator", ",", "-o", fields)
		if err != nil {
			return nil
		}
		var out [][]string
		for line := range strings.Lines(r.Stdout) {
			f := strings.Split(strings.TrimSpace(line), ",")
			if len(f) == strings.Count(fields, ",")+1 {
				out = append(out, f)
			}
		}
		return out
	}
	groups, volumes, physical := map[string]any{}, map[string]any{}, map[string]any{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, f := range rows(vgs, "vg_name,pv_count,lv_count,vg_size,vg_free") {
			groups[f[0]] = map[string]any{"num_pvs": f[1], "num_lvs": f[2], "size_g": f[3], "free_g": f[4]}
		}
	})
	wg.Go(func() {
		for _, f := range rows(lvs, "lv_name,vg_name,lv_size") {
			volumes[f[0]] = map[string]any{"size_g": f[2], "vg": f[1]}
		}
	})
	wg.Go(func() {
		for _, f := range rows(pvs, "pv_name,vg_name,pv_size,pv_free") {
			physical[f[0]] = map[string]any{"vg": f[1], "size_g": f[2], "free_g": f[3]}
		}
	})
	wg.Wait()
	return map[string]any{"lvm": map[string]any{"vgs": groups, "lvs": volumes, "pvs": physical}}
}

// loadShift is the fixed point of the kernel's load averages.
const loadShift = 1 << 16

func loadFacts(one, five, fifteen float64) map[string]any {
	return map[string]any{"loadavg": map[string]any{"1m": one, "5m": five, "15m": fifteen}}
}
