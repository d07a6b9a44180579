package facts

// This file is the network collector: interfaces, their addresses, and the
// default routes.

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// An address is one address of an interface, as the kernel lists it.
type address struct {
	device    string
	label     string // "eth0" or "eth0:1"
	ip        netip.Addr
	prefix    int
	broadcast string
	scope     string // for IPv6: global, link, host, site
	secondary bool
}

// A route is the way to a far address.
type route struct {
	device, source, gateway string
}

func network(h *host) map[string]any {
	addrs, err := addresses()
	if err != nil {
		h.warn("cannot list the network addresses: %v", err)
	}
	interfaces := map[string]map[string]any{}
	for _, dev := range netDevices() {
		interfaces[dev] = device(dev)
	}
	default4 := routeFacts(defaultRoute(netip.MustParseAddr("8.8.8.8")))
	default6 := routeFacts(defaultRoute(netip.MustParseAddr("2404:6800:400a:800::1012")))
	all4, all6 := []string{}, []string{}
	for _, a := range addrs {
		if interfaces[a.device] == nil {
			continue
		}
		text := a.ip.String()
		if a.ip.Is4() {
			addIPv4(interfaces, a)
			if !strings.HasPrefix(text, "127.") {
				all4 = append(all4, text)
			}
			if default4["address"] == text {
				for k, v := range ipv4Facts(a) {
					default4[k] = v
				}
				default4["alias"] = a.label
				copyDevice(default4, interfaces[a.device])
			}
			continue
		}
		dev := interfaces[a.device]
		list, _ := dev["ipv6"].([]any)
		dev["ipv6"] = append(list, map[string]any{"address": text, "prefix": strconv.Itoa(a.prefix), "scope": a.scope})
		if text != "::1" {
			all6 = append(all6, text)
		}
		if default6["address"] == text {
			default6["prefix"], default6["scope"] = strconv.Itoa(a.prefix), a.scope
			copyDevice(default6, dev)
		}
	}
	facts := map[string]any{
		"default_ipv4": default4, "default_ipv6": default6,
		"all_ipv4_addresses": all4, "all_ipv6_addresses": all6,
	}
	list := make([]string, 0, len(interfaces))
	for name, i := range interfaces {
		key := strings.ReplaceAll(name, ":", "_")
		list = append(list, key)
		facts[key] = i
	}
	facts["interfaces"] = sorted(list)
	return facts
}

func routeFacts(r route, ok bool) map[string]any {
	d := map[string]any{}
	if !ok {
		return d
	}
	put := func(k, v string) {
		if v != "" {
			d[k] = v
		}
	}
	put("interface", r.device)
	put("address", r.source)
	put("gateway", r.gateway)
	return d
}

func copyDevice(to, dev map[string]any) {
	to["macaddress"], to["mtu"], to["type"] = dev["macaddress"], dev["mtu"], "unknown"
	if to["macaddress"] == nil {
		to["macaddress"] = ""
	}
	if t, ok := dev["type"]; ok {
		to["type"] = t
	}
}

// addIPv4 files an address: the first that is not secondary is the interface's
// ipv4, the others are ipv4_secondaries. One with a label of its own ("eth0:1")
// is an interface of that name, and also a secondary of the device where the
// kernel calls it so.
func addIPv4(interfaces map[string]map[string]any, a address) {
	if interfaces[a.label] == nil {
		interfaces[a.label] = map[string]any{}
	}
	in := interfaces[a.label]
	if in["ipv4"] == nil && !a.secondary {
		in["ipv4"] = ipv4Facts(a)
		return
	}
	in["ipv4_secondaries"] = append(anyList(in["ipv4_secondaries"]), ipv4Facts(a))
	if a.secondary && a.label != a.device {
		dev := interfaces[a.device]
		dev["ipv4_secondaries"] = append(anyList(dev["ipv4_secondaries"]), ipv4Facts(a))
	}
}

func anyList(v any) []any {
	l, _ := v.([]any)
	return l
}

func ipv4Facts(a address) map[string]any {
	mask := net.IP(net.CIDRMask(a.prefix, 32))
	return map[string]any{
		"address":   a.ip.String(),
		"broadcast": a.broadcast,
		"netmask":   mask.String(),
		"network":   netip.PrefixFrom(a.ip, a.prefix).Masked().Addr().String(),
		"prefix":    strconv.Itoa(a.prefix),
	}
}

// device reads what sysfs tells of an interface.
func device(name string) map[string]any {
	dir := filepath.Join("/sys/class/net", name)
	d := map[string]any{"device": name}
	if !exists(dir) {
		return portableDevice(name)
	}
	if mac := content(dir, "address"); mac != "" && mac != "00:00:00:00:00:00" {
		d["macaddress"] = mac
	}
	if mtu, err := strconv.Atoi(content(dir, "mtu")); err == nil {
		d["mtu"] = mtu
	}
	if exists(dir, "operstate") {
		d["active"] = content(dir, "operstate") != "down"
	}
	if target, err := filepath.EvalSymlinks(filepath.Join(dir, "device/driver/module")); err == nil {
		d["module"] = filepath.Base(target)
	}
	types := map[string]string{"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}
	kind := content(dir, "type")
	if t, ok := types[kind]; ok {
		d["type"] = t
	} else {
		d["type"] = "unknown"
	}
	bridge(dir, d)
	bonding(dir, d)
	if target, err := filepath.EvalSymlinks(filepath.Join(dir, "device")); err == nil {
		d["pciid"] = filepath.Base(target)
	}
	if speed, err := strconv.Atoi(content(dir, "speed")); err == nil {
		d["speed"] = speed
	}
	if flags, err := strconv.ParseInt(strings.TrimPrefix(content(dir, "flags"), "0x"), 16, 64); err == nil {
		const promiscuous = 0x100
		d["promisc"] = flags&promiscuous != 0
	}
	return d
}

func bridge(dir string, d map[string]any) {
	if !exists(dir, "bridge") {
		return
	}
	d["type"] = "bridge"
	d["interfaces"] = append([]string{}, names(dir, "brif")...)
	if id := content(dir, "bridge/bridge_id"); id != "" {
		d["id"] = id
	}
	if stp := content(dir, "bridge/stp_state"); stp != "" {
		d["stp"] = stp == "1"
	}
}

func bonding(dir string, d map[string]any) {
	if exists(dir, "bonding") {
		d["type"] = "bonding"
		d["slaves"] = append([]string{}, strings.Fields(content(dir, "bonding/slaves"))...)
		mode, _, _ := strings.Cut(content(dir, "bonding/mode"), " ")
		d["mode"] = mode
		d["miimon"] = content(dir, "bonding/miimon")
		rate, _, _ := strings.Cut(content(dir, "bonding/lacp_rate"), " ")
		d["lacp_rate"] = rate
		if primary := content(dir, "bonding/primary"); primary != "" {
			d["primary"] = primary
			if all := content(dir, "bonding/all_slaves_active"); all != "" {
				d["all_slaves_active"] = all == "1"
			}
		}
	}
	if exists(dir, "bonding_slave") {
		d["perm_macaddress"] = content(dir, "bonding_slave/perm_hwaddr")
	}
}

func netDevices() []string {
	var out []string
	for _, n := range names("/sys/class/net") {
		if st, err := os.Stat(filepath.Join("/sys/class/net", n)); err == nil && st.IsDir() {
			out = append(out, n)
		}
	}
	if out != nil {
		return out
	}
	list, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range list {
		out = append(out, i.Name)
	}
	return out
}

// portableDevice is device for systems, and sandboxes, without sysfs.
func portableDevice(name string) map[string]any {
	d := map[string]any{"device": name}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return d
	}
	d["mtu"], d["active"], d["type"], d["promisc"] = i.MTU, i.Flags&net.FlagUp != 0, "ether", false
	if i.Flags&net.FlagLoopback != 0 {
		d["type"] = "loopback"
	}
	if mac := i.HardwareAddr.String(); mac != "" {
		d["macaddress"] = mac
	}
	return d
}
