package net

// This file makes the settings of a profile out of a task's options, in the
// order in which nmcli is given them.

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

// An nmSetting is one property of a profile
// (https://networkmanager.dev/docs/api/latest/nm-settings-nmcli.html).
type nmSetting struct {
	key   string
	value any // nil, where the task says nothing; bool, int, string or []string
	// shown is the property's name in what nmcli shows, where it is not key.
	shown string
	// bond marks an option of bond.options that nmcli knows by no name of its own.
	bond bool
	// secret values go to nmcli by standard input.
	secret bool
}

// text is the value as nmcli takes it.
func (s *nmSetting) text() string {
	switch v := s.value.(type) {
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		if s.key == "vpn.data" {
			return strings.Join(v, ", ")
		}
		return strings.Join(v, ",")
	}
	return modules.PyStr(s.value)
}

func (s *nmSetting) shownKey() string {
	if s.shown != "" {
		return s.shown
	}
	return s.key
}

// given is *p, or nil.
func given[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// word is s, or nil where it is empty.
func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// list is v, or nil where it was not given: an empty list empties the property.
func list(v []string) any {
	if v == nil {
		return nil
	}
	return v
}

// nmFamily says what the settings of a type are. The names with a number are
// the kernel's of old, which a profile tells where the task names no type.
type nmFamily struct{ ip, disabled, mtu, port, up bool }

var nmFamilies = map[string]nmFamily{
	"802-11-wireless": {ip: true},
	"802-3-ethernet":  {ip: true},
	"bond":            {ip: true, mtu: true, port: true, up: true},
	"bond-slave":      {mtu: true, port: true},
	"bridge":          {ip: true, port: true},
	"bridge-slave":    {port: true},
	"dummy":           {ip: true, disabled: true, mtu: true, up: true},
	"ethernet":        {ip: true, mtu: true, port: true, up: true},
	"generic":         {ip: true},
	"gre":             {ip: true},
	"gsm":             {ip: true},
	"infiniband":      {ip: true, mtu: true, port: true, up: true},
	"ipip":            {ip: true},
	"loopback":        {ip: true},
	"macvlan":         {ip: true, disabled: true},
	"ovs-interface":   {ip: true, port: true},
	"ovs-port":        {port: true},
	"sit":             {ip: true},
	"team":            {ip: true, port: true, up: true},
	"team-slave":      {mtu: true, port: true},
	"vlan":            {ip: true, mtu: true, port: true},
	"vpn":             {ip: true},
	"vrf":             {ip: true},
	"vxlan":           {port: true},
	"wifi":            {ip: true, port: true, up: true},
	"wireguard":       {ip: true, disabled: true},
}

// settings makes the profile's settings.
func (r *nmcliRun) settings() ([]nmSetting, error) {
	a, family := r.a, nmFamilies[r.kind]
	out := []nmSetting{
		{key: "connection.interface-name", value: r.ifname()},
		{key: "connection.autoconnect", value: a.Autoconnect},
		{key: "connection.autoconnect-priority", value: given(a.AutoconnectPriority)},
		{key: "connection.autoconnect-retries", value: given(a.AutoconnectRetries)},
		{key: "connection.zone", value: given(a.Zone)},
	}
	if family.ip && (a.Master == nil || *a.Master == "" || a.SlaveType == "vrf" || r.kind == "ovs-interface") {
		disabled := family.disabled && a.Type != "" // a profile whose type the task does not name keeps its methods
		out = slices.Concat(out, a.nmcliIPv4.settings(disabled), a.nmcliIPv6.settings(disabled))
	}
	mac := "802-3-ethernet.cloned-mac-address"
	if r.kind == "bridge" {
		mac = "bridge.mac-address"
	}
	out = append(out, nmSetting{key: mac, value: word(a.Mac)})
	if family.mtu {
		out = append(out, nmSetting{key: r.mtuKey(), value: given(a.Mtu)})
	}
	if family.port {
		port, err := r.portSettings()
		if err != nil {
			return nil, err
		}
		out = append(out, port...)
	}
	own, err := r.ownSettings()
	return append(out, own...), err
}

// ifname is the interface of the profile.
func (r *nmcliRun) ifname() any {
	if r.a.Ifname == nil && r.profile == nil && r.kind != "vpn" {
		return r.a.ConnName
	}
	return given(r.a.Ifname)
}

func (r *nmcliRun) mtuKey() string {
	if r.kind == "infiniband" {
		return "infiniband.mtu"
	}
	return "802-3-ethernet.mtu"
}

// portSettings are those of a connection that is a part of another.
func (r *nmcliRun) portSettings() ([]nmSetting, error) {
	slave := r.a.SlaveType
	if r.kind == "wifi" && r.a.Master != nil && *r.a.Master != "" && slave == "" {
		slave = "bond"
	}
	if kind, isSlave := strings.CutSuffix(r.kind, "-slave"); isSlave {
		if slave == "" {
			slave = kind
			r.m.Warn("Connection 'slave-type' property automatically set to '%s' because of using '%s' connection type.", kind, r.kind)
		}
		if slave != kind {
			return nil, modules.Failf("Connection type '%s' cannot be combined with '%s' slave-type. Allowed slave-type for '%s' is '%s'.",
				r.kind, slave, r.kind, kind)
		}
		if r.kind == "bridge-slave" {
			r.m.Warn("Connection type as 'bridge-slave' implies 'ethernet' connection with 'bridge' slave-type. " +
				"Consider using slave_type='bridge' with necessary type.")
		}
	}
	return []nmSetting{{key: "connection.master", value: given(r.a.Master)}, {key: "connection.slave-type", value: word(slave)}}, nil
}

// method is how addresses are configured where the task does not say it.
func method(told string, addresses []string, disabled bool) any {
	switch {
	case told != "":
		return told
	case len(addresses) > 0:
		return "manual"
	case disabled:
		return "disabled"
	}
	return nil
}

// withLength adds the length of a host's own prefix to addresses without one.
func withLength(addresses []string, length string) any {
	if addresses == nil {
		return nil
	}
	out := make([]string, len(addresses))
	for i, a := range addresses {
		if !strings.Contains(a, "/") {
			a += length
		}
		out[i] = a
	}
	return out
}

func (a *nmcliIPv4) settings(disabled bool) []nmSetting {
	return []nmSetting{
		{key: "ipv4.addresses", value: withLength(a.IP4, "/32")},
		{key: "ipv4.dhcp-client-id", value: given(a.DHCPClientID)},
		{key: "ipv4.dns", value: list(a.DNS4)},
		{key: "ipv4.dns-search", value: list(a.DNS4Search)},
		{key: "ipv4.dns-options", value: list(a.DNS4Options)},
		{key: "ipv4.ignore-auto-dns", value: a.DNS4IgnoreAuto},
		{key: "ipv4.gateway", value: given(a.GW4)},
		{key: "ipv4.ignore-auto-routes", value: a.GW4IgnoreAuto},
		{key: "ipv4.routes", value: routes(a.Routes4, a.Routes4Ext)},
		{key: "ipv4.route-metric", value: given(a.RouteMetric4)},
		{key: "ipv4.routing-rules", value: list(a.RoutingRules4)},
		{key: "ipv4.never-default", value: a.NeverDefault4},
		{key: "ipv4.method", value: method(a.Method4, a.IP4, disabled)},
		{key: "ipv4.may-fail", value: a.MayFail4},
	}
}

func (a *nmcliIPv6) settings(disabled bool) []nmSetting {
	return []nmSetting{
		{key: "ipv6.addresses", value: withLength(a.IP6, "/128")},
		{key: "ipv6.dns", value: list(a.DNS6)},
		{key: "ipv6.dns-search", value: list(a.DNS6Search)},
		{key: "ipv6.dns-options", value: list(a.DNS6Options)},
		{key: "ipv6.ignore-auto-dns", value: a.DNS6IgnoreAuto},
		{key: "ipv6.gateway", value: given(a.GW6)},
		{key: "ipv6.ignore-auto-routes", value: a.GW6IgnoreAuto},
		{key: "ipv6.routes", value: routes(a.Routes6, a.Routes6Ext)},
		{key: "ipv6.route-metric", value: given(a.RouteMetric6)},
		{key: "ipv6.routing-rules", value: list(a.RoutingRules6)},
		{key: "ipv6.method", value: method(a.Method6, a.IP6, disabled)},
		{key: "ipv6.ip6-privacy", value: word(a.Privacy6)},
		{key: "ipv6.addr-gen-mode", value: word(a.AddrGenMode6)},
	}
}

// routes are the routes as nmcli takes them.
func routes[R interface{ text() string }](plain []string, extended []R) any {
	if extended == nil {
		return list(plain)
	}
	out := make([]string, len(extended))
	for i := range extended {
		out[i] = extended[i].text()
	}
	return out
}

// text is the route in nmcli's form: destination, router, metric, then
// attributes by name.
func (o nmcliRoute) text() string {
	words := []string{o.IP}
	if o.NextHop != nil {
		words = append(words, *o.NextHop)
	}
	if o.Metric != nil {
		words = append(words, strconv.Itoa(*o.Metric))
	}
	words = append(words, attribute("cwnd", o.Cwnd)...)
	words = append(words, attribute("mtu", o.Mtu)...)
	words = append(words, attribute("onlink", o.Onlink)...)
	return strings.Join(append(words, attribute("table", o.Table)...), " ")
}

func (o nmcliRoute4) text() string {
	return strings.Join(append([]string{o.nmcliRoute.text()}, attribute("tos", o.Tos)...), " ")
}

// attribute is NAME=VALUE, or nothing.
func attribute[T any](name string, p *T) []string {
	if p == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s=%v", name, *p)}
}

// ownSettings are those of the one type.
func (r *nmcliRun) ownSettings() ([]nmSetting, error) {
	a := r.a
	switch r.kind {
	case "ethernet":
		return members("sriov", a.Sriov, nil), nil
	case "bond":
		return r.bondSettings(), nil
	case "bridge":
		return []nmSetting{
			{key: "bridge.ageing-time", value: a.AgeingTime}, {key: "bridge.forward-delay", value: a.ForwardDelay},
			{key: "bridge.hello-time", value: a.HelloTime}, {key: "bridge.max-age", value: a.MaxAge},
			{key: "bridge.priority", value: a.Priority}, {key: "bridge.stp", value: a.STP},
		}, nil
	case "bridge-slave":
		return []nmSetting{{key: "bridge-port.path-cost", value: a.PathCost}, {key: "bridge-port.hairpin-mode", value: a.Hairpin},
			{key: "bridge-port.priority", value: a.SlavePriority}}, nil
	case "team":
		return []nmSetting{{key: "team.runner", value: word(a.Runner)}, {key: "team.runner-hwaddr-policy", value: word(a.RunnerHwaddrPolicy)},
			{key: "team.runner-fast-rate", value: given(a.RunnerFastRate)}}, nil
	case "gre", "ipip", "sit":
		return r.tunnelSettings(), nil
	case "vlan":
		return []nmSetting{{key: "vlan.id", value: given(a.VlanID)}, {key: "vlan.parent", value: given(a.VlanDev)}, {key: "vlan.flags", value: given(a.Flags)},
			{key: "vlan.ingress", value: given(a.Ingress), shown: "vlan.ingress-priority-map"},
			{key: "vlan.egress", value: given(a.Egress), shown: "vlan.egress-priority-map"}}, nil
	case "vxlan":
		return []nmSetting{{key: "vxlan.id", value: given(a.VxlanID)}, {key: "vxlan.parent", value: given(a.VxlanParent)},
			{key: "vxlan.local", value: given(a.VxlanLocal)}, {key: "vxlan.remote", value: given(a.VxlanRemote)}}, nil
	case "wifi":
		return r.wifiSettings(), nil
	case "gsm":
		return members("gsm", a.Gsm, []string{"password", "pin"}), nil
	case "macvlan":
		return r.macvlanSettings()
	case "wireguard":
		return members("wireguard", a.Wireguard, []string{"private-key"}), nil
	case "vpn":
		return vpnSettings(a.Vpn), nil
	case "infiniband":
		return []nmSetting{{key: "infiniband.transport-mode", value: given(a.TransportMode)}, {key: "infiniband.mac-address", value: given(a.InfinibandMac)}}, nil
	case "vrf":
		return []nmSetting{{key: "table", value: given(a.Table), shown: "vrf.table"}}, nil
	}
	return nil, nil
}

func (r *nmcliRun) bondSettings() []nmSetting {
	a := r.a
	mode := a.Mode
	if mode == "" && a.BondModeBehavior == "reset" {
		mode = "balance-rr"
	}
	return []nmSetting{
		{key: "arp_interval", value: given(a.ArpInterval), bond: true},
		{key: "arp_ip_target", value: given(a.ArpIPTarget), bond: true},
		{key: "downdelay", value: given(a.Downdelay)},
		{key: "miimon", value: given(a.Miimon)},
		{key: "primary", value: given(a.Primary)},
		{key: "updelay", value: given(a.Updelay)},
		{key: "xmit_hash_policy", value: given(a.XmitHashPolicy), bond: true},
		{key: "fail_over_mac", value: given(a.FailOverMac), bond: true},
		{key: "mode", value: word(mode)},
	}
}

func (r *nmcliRun) tunnelSettings() []nmSetting {
	a := r.a
	out := []nmSetting{
		{key: "ip-tunnel.local", value: given(a.IPTunnelLocal)},
		{key: "ip-tunnel.mode", value: r.kind},
		{key: "ip-tunnel.parent", value: given(a.IPTunnelDev)},
		{key: "ip-tunnel.remote", value: given(a.IPTunnelRemote)},
	}
	if r.kind == "gre" {
		out = append(out, nmSetting{key: "ip-tunnel.input-key", value: given(a.IPTunnelInputKey), secret: true},
			nmSetting{key: "ip-tunnel.output-key", value: given(a.IPTunnelOutputKey), secret: true})
	}
	return out
}

func (r *nmcliRun) macvlanSettings() ([]nmSetting, error) {
	v := r.a.Macvlan
	if v == nil {
		return nil, modules.FailWith(map[string]any{"name": r.a.ConnName}, "type is macvlan but all of the following are missing: macvlan")
	}
	return []nmSetting{{key: "macvlan.mode", value: v.Mode}, {key: "macvlan.parent", value: v.Parent},
		{key: "macvlan.promiscuous", value: given(v.Promiscuous)}, {key: "macvlan.tap", value: v.Tap}}, nil
}

// wifiSecrets are the members of wifi_sec that go to nmcli's editor.
var wifiSecrets = []string{"psk", "wep-key0", "wep-key1", "wep-key2", "wep-key3", "leap-password"}

func (r *nmcliRun) wifiSettings() []nmSetting {
	wifi := maps.Clone(r.a.Wifi)
	delete(wifi, "ssid")
	out := []nmSetting{{key: "802-11-wireless.ssid", value: given(r.a.Ssid)}}
	out = append(out, members("802-11-wireless", wifi, nil)...)
	return append(out, members("802-11-wireless-security", r.a.WifiSec, wifiSecrets)...)
}

// vpnSettings sorts what a VPN's plugin is told, which is one setting, from
// what NetworkManager is.
func vpnSettings(vpn map[string]any) []nmSetting {
	var out []nmSetting
	at := -1 // where the plugin's data are
	pairs := []string{}
	secret := false
	for _, name := range slices.Sorted(maps.Keys(vpn)) {
		s := nmSetting{key: "vpn." + name, value: plainValue(name, vpn[name])}
		switch {
		case s.value == nil:
		case name == "permissions":
			s.key = "connection.permissions"
			out = append(out, s)
		case name == "service-type":
			out = append(out, s)
		default:
			pairs = append(pairs, name+"="+s.text())
			secret = secret || vpnSecret(name)
		}
		if at < 0 {
			at = len(out)
			out = append(out, nmSetting{key: "vpn.data"})
		}
	}
	if at >= 0 {
		out[at].value, out[at].secret = pairs, secret
	}
	return out
}

// vpnSecret reports whether a VPN plugin's datum is to be hidden.
func vpnSecret(name string) bool {
	return strings.HasSuffix(name, "psk") || strings.HasSuffix(name, "password") || strings.HasSuffix(name, "secret")
}

// members makes settings of the members of a dict, by name.
func members(setting string, dict map[string]any, secret []string) []nmSetting {
	var out []nmSetting
	for _, name := range slices.Sorted(maps.Keys(dict)) {
		key := setting + "." + name
		out = append(out, nmSetting{key: key, value: plainValue(key, dict[name]), secret: slices.Contains(secret, name)})
	}
	return out
}

// plainValue makes a setting's value of what a playbook wrote.
func plainValue(key string, v any) any {
	switch v := v.(type) {
	case nil, bool, string:
		if s, ok := v.(string); ok && nmLists[key] != 0 {
			return splitList(s)
		}
		return v
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = modules.PyStr(e)
		}
		return out
	}
	return modules.PyStr(v)
}
