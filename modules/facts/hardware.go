package facts

// This file is the hardware collector: memory, processors and the firmware's
// names; devices.go has disks and mounts.

import (
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

func hardware(h *host) map[string]any {
	facts := map[string]any{}
	parts := []func(*host) map[string]any{memory, processors, dmi, uptime, devices, mounts, lvm}
	found := make([]map[string]any, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts { // mounts may hang, and lvm starts programs
		wg.Go(func() { found[i] = part(h) })
	}
	wg.Wait()
	for _, f := range found {
		maps.Copy(facts, f)
	}
	return facts
}

func sorted(l []string) []string {
	slices.Sort(l)
	return l
}

func memory(*host) map[string]any {
	mb := map[string]int{}
	for _, l := range lines("/proc/meminfo") {
		key, rest, _ := strings.Cut(l, ":")
		if f := strings.Fields(rest); len(f) > 0 {
			kb, _ := strconv.Atoi(f[0])
			mb[key] = kb / 1024
		}
	}
	if len(mb) == 0 {
		return nil
	}
	nocache := mb["MemFree"] + mb["Cached"] + mb["Buffers"]
	return map[string]any{
		"memtotal_mb":  mb["MemTotal"],
		"memfree_mb":   mb["MemFree"],
		"swaptotal_mb": mb["SwapTotal"],
		"swapfree_mb":  mb["SwapFree"],
		"memory_mb": map[string]any{
			"real":    map[string]any{"total": mb["MemTotal"], "used": mb["MemTotal"] - mb["MemFree"], "free": mb["MemFree"]},
			"nocache": map[string]any{"free": nocache, "used": mb["MemTotal"] - nocache},
			"swap":    map[string]any{"total": mb["SwapTotal"], "free": mb["SwapFree"], "used": mb["SwapTotal"] - mb["SwapFree"], "cached": mb["SwapCached"]},
		},
	}
}

// A cpuCount is what /proc/cpuinfo adds up to.
type cpuCount struct {
	list               []string // processor, vendor_id, model name, as they come
	entries            int      // processors
	models             int
	sockets            map[string]int // physical id: cores
	siblings, cpuCores int
	flags              []string
}

func readCPUInfo(text string) cpuCount {
	c := cpuCount{sockets: map[string]int{}, siblings: 1, cpuCores: 1, list: []string{}}
	socket := ""
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			continue
		}
		switch key {
		case "model name", "Model", "vendor_id", "cpu", "Vendor", "Processor", "processor":
			c.list = append(c.list, value)
			if key == "processor" {
				c.entries++
			}
			if key == "model name" || key == "cpu" || key == "Vendor" {
				c.models++
			}
		case "physical id":
			socket = value
			if _, ok := c.sockets[socket]; !ok {
				c.sockets[socket] = 1
			}
		case "cpu cores":
			if n, err := strconv.Atoi(value); err == nil {
				c.sockets[socket], c.cpuCores = n, n
			}
		case "siblings":
			if n, err := strconv.Atoi(value); err == nil {
				c.siblings = n
			}
		case "flags", "Features":
			c.flags = strings.Fields(value)
		case "# processors":
			c.entries, _ = strconv.Atoi(value)
		}
	}
	return c
}

func processors(*host) map[string]any {
	c := readCPUInfo(content("/proc/cpuinfo"))
	online := runtime.NumCPU()
	if c.entries == 0 {
		return map[string]any{"processor_nproc": online, "processor_vcpus": online}
	}
	facts := map[string]any{"processor": c.list, "processor_nproc": online, "flags": append([]string{}, c.flags...)}
	count, cores, threads := c.entries, 1, 1
	if len(c.sockets) > 0 {
		count, cores = len(c.sockets), c.cpuCores
		threads = max(c.siblings/max(c.cpuCores, 1), 1)
	}
	facts["processor_count"], facts["processor_cores"], facts["processor_threads_per_core"] = count, cores, threads
	facts["processor_vcpus"] = threads * count * cores
	return facts
}

func uptime(*host) map[string]any {
	whole, _, _ := strings.Cut(content("/proc/uptime"), ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return nil
	}
	return map[string]any{"uptime_seconds": n}
}

// formFactors are the chassis types of the SMBIOS specification, 7.4.1.
var formFactors = strings.Split("Unknown,Other,Unknown,Desktop,Low Profile Desktop,Pizza Box,Mini Tower,Tower,Portable,Laptop,Notebook,Hand Held,"+
	"Docking Station,All In One,Sub Notebook,Space-saving,Lunch Box,Main Server Chassis,Expansion Chassis,Sub Chassis,Bus Expansion Chassis,"+
	"Peripheral Chassis,RAID Chassis,Rack Mount Chassis,Sealed-case PC,Multi-system,CompactPCI,AdvancedTCA,Blade,Blade Enclosure,Tablet,"+
	"Convertible,Detachable,IoT Gateway,Embedded PC,Mini PC,Stick PC", ",")

// dmiFiles maps facts to the files of /sys/devices/virtual/dmi/id.
var dmiFiles = map[string]string{
	"bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
	"board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial",
	"board_vendor": "board_vendor", "board_version": "board_version",
	"chassis_asset_tag": "chassis_asset_tag", "chassis_serial": "chassis_serial",
	"chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version", "form_factor": "chassis_type",
	"product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid",
	"product_version": "product_version", "system_vendor": "sys_vendor",
}

func dmi(*host) map[string]any {
	facts := map[string]any{}
	for key, file := range dmiFiles {
		value := content("/sys/devices/virtual/dmi/id", file)
		if n, err := strconv.Atoi(value); key == "form_factor" && err == nil && n > 0 && n < len(formFactors) {
			value = formFactors[n]
		}
		if value == "" {
			value = "NA"
		}
		facts[key] = value
	}
	return facts
}
