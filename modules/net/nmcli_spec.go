package net

// This file is what nmcli accepts.

import "gorun/modules"

// An nmcliArgs is a profile as a task describes it; what is nil was not given.
type nmcliArgs struct {
	ConnName            string         `arg:"conn_name"`
	State               string         `arg:"state"`
	Type                string         `arg:"type"`
	Ifname              *string        `arg:"ifname"`
	Autoconnect         bool           `arg:"autoconnect"`
	AutoconnectPriority *int           `arg:"autoconnect_priority"`
	AutoconnectRetries  *int           `arg:"autoconnect_retries"`
	Zone                *string        `arg:"zone"`
	Mac                 string         `arg:"mac"`
	Mtu                 *int           `arg:"mtu"`
	Master              *string        `arg:"master"`
	SlaveType           string         `arg:"slave_type"`
	ConnReload          bool           `arg:"conn_reload"`
	IgnoreUnsupported   bool           `arg:"ignore_unsupported_suboptions"`
	Gsm                 map[string]any `arg:"gsm"`
	Wireguard           map[string]any `arg:"wireguard"`
	Vpn                 map[string]any `arg:"vpn"`
	Sriov               map[string]any `arg:"sriov"`
	Wifi                map[string]any `arg:"wifi"`
	WifiSec             map[string]any `arg:"wifi_sec"`
	Ssid                *string        `arg:"ssid"`
	Macvlan             *nmcliMacvlan  `arg:"macvlan"`
	Table               *int           `arg:"table"`
	nmcliIPv4
	nmcliIPv6
	nmcliBond
	nmcliBridge
	nmcliTeam
	nmcliTunnel
	nmcliLink
}

type nmcliIPv4 struct {
	IP4            []string      `arg:"ip4"`
	GW4            *string       `arg:"gw4"`
	GW4IgnoreAuto  bool          `arg:"gw4_ignore_auto"`
	Routes4        []string      `arg:"routes4"`
	Routes4Ext     []nmcliRoute4 `arg:"routes4_extended"`
	RouteMetric4   *int          `arg:"route_metric4"`
	RoutingRules4  []string      `arg:"routing_rules4"`
	NeverDefault4  bool          `arg:"never_default4"`
	DNS4           []string      `arg:"dns4"`
	DNS4Search     []string      `arg:"dns4_search"`
	DNS4Options    []string      `arg:"dns4_options"`
	DNS4IgnoreAuto bool          `arg:"dns4_ignore_auto"`
	Method4        string        `arg:"method4"`
	MayFail4       bool          `arg:"may_fail4"`
	DHCPClientID   *string       `arg:"dhcp_client_id"`
}

type nmcliIPv6 struct {
	IP6            []string     `arg:"ip6"`
	GW6            *string      `arg:"gw6"`
	GW6IgnoreAuto  bool         `arg:"gw6_ignore_auto"`
	DNS6           []string     `arg:"dns6"`
	DNS6Search     []string     `arg:"dns6_search"`
	DNS6Options    []string     `arg:"dns6_options"`
	DNS6IgnoreAuto bool         `arg:"dns6_ignore_auto"`
	Routes6        []string     `arg:"routes6"`
	Routes6Ext     []nmcliRoute `arg:"routes6_extended"`
	RouteMetric6   *int         `arg:"route_metric6"`
	RoutingRules6  []string     `arg:"routing_rules6"`
	Method6        string       `arg:"method6"`
	Privacy6       string       `arg:"ip_privacy6"`
	AddrGenMode6   string       `arg:"addr_gen_mode6"`
}

// An nmcliRoute is a member of routes6_extended.
type nmcliRoute struct {
	IP      string  `arg:"ip"`
	NextHop *string `arg:"next_hop"`
	Metric  *int    `arg:"metric"`
	Table   *int    `arg:"table"`
	Cwnd    *int    `arg:"cwnd"`
	Mtu     *int    `arg:"mtu"`
	Onlink  *bool   `arg:"onlink"`
}

// An nmcliRoute4 is a member of routes4_extended.
type nmcliRoute4 struct {
	nmcliRoute
	Tos *int `arg:"tos"`
}

type nmcliBond struct {
	Mode             string  `arg:"mode"`
	BondModeBehavior string  `arg:"bond_mode_behavior"`
	Miimon           *int    `arg:"miimon"`
	Downdelay        *int    `arg:"downdelay"`
	Updelay          *int    `arg:"updelay"`
	XmitHashPolicy   *string `arg:"xmit_hash_policy"`
	FailOverMac      *string `arg:"fail_over_mac"`
	ArpInterval      *int    `arg:"arp_interval"`
	ArpIPTarget      *string `arg:"arp_ip_target"`
	Primary          *string `arg:"primary"`
}

type nmcliBridge struct {
	Priority      int  `arg:"priority"`
	STP           bool `arg:"stp"`
	ForwardDelay  int  `arg:"forwarddelay"`
	HelloTime     int  `arg:"hellotime"`
	MaxAge        int  `arg:"maxage"`
	AgeingTime    int  `arg:"ageingtime"`
	SlavePriority int  `arg:"slavepriority"`
	PathCost      int  `arg:"path_cost"`
	Hairpin       bool `arg:"hairpin"`
}

type nmcliTeam struct {
	Runner             string `arg:"runner"`
	RunnerHwaddrPolicy string `arg:"runner_hwaddr_policy"`
	RunnerFastRate     *bool  `arg:"runner_fast_rate"`
}

type nmcliTunnel struct {
	VxlanID           *int    `arg:"vxlan_id"`
	VxlanParent       *string `arg:"vxlan_parent"`
	VxlanLocal        *string `arg:"vxlan_local"`
	VxlanRemote       *string `arg:"vxlan_remote"`
	IPTunnelDev       *string `arg:"ip_tunnel_dev"`
	IPTunnelLocal     *string `arg:"ip_tunnel_local"`
	IPTunnelRemote    *string `arg:"ip_tunnel_remote"`
	IPTunnelInputKey  *string `arg:"ip_tunnel_input_key"`
	IPTunnelOutputKey *string `arg:"ip_tunnel_output_key"`
}

type nmcliLink struct {
	VlanID        *int    `arg:"vlanid"`
	VlanDev       *string `arg:"vlandev"`
	Flags         *string `arg:"flags"`
	Ingress       *string `arg:"ingress"`
	Egress        *string `arg:"egress"`
	TransportMode *string `arg:"transport_mode"`
	InfinibandMac *string `arg:"infiniband_mac"`
}

type nmcliMacvlan struct {
	Mode        int    `arg:"mode"`
	Parent      string `arg:"parent"`
	Promiscuous *bool  `arg:"promiscuous"`
	Tap         bool   `arg:"tap"`
}

// NMCLI is community.general.nmcli
// (https://docs.ansible.com/ansible/latest/collections/community/general/nmcli_module.html).
var NMCLI = modules.Define(modules.Spec{
	Name: "community.general.nmcli",
	Doc: "Makes, changes and removes the connection profiles of NetworkManager by nmcli. " +
		"What is secret goes to nmcli's editor by standard input, never by arguments that the host's users can see.",
	Options: nmcliOptions(),
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"never_default4", "gw4"}, {"routes4_extended", "routes4"}, {"routes6_extended", "routes6"}},
		RequiredIf: []modules.RequiredIf{
			{Key: "type", Value: "wifi", Need: []string{"ssid"}},
			{Key: "type", Value: "team-slave", Need: []string{"master", "ifname"}},
			{Key: "slave_type", Value: "team", Need: []string{"master", "ifname"}},
		},
	},
}, runNMCLI)

// nmcliTypes are the values of type.
var nmcliTypes = []string{"bond", "bond-slave", "bridge", "bridge-slave", "dummy", "ethernet", "generic", "gre", "infiniband", "ipip", "sit",
	"team", "team-slave", "vlan", "vxlan", "wifi", "gsm", "macvlan", "wireguard", "vpn", "loopback",
	"ovs-interface", "ovs-bridge", "ovs-port", "vrf"}

func nmcliOptions() []modules.Option {
	out := []modules.Option{
		{Name: "conn_name", Required: true, Doc: "The profile's name."},
		{Name: "state", Required: true, Choices: []string{"absent", "present", "up", "down"}, Doc: "Whether the profile is to be there, or its connection up or down."},
		{Name: "type", Choices: nmcliTypes, Doc: "The profile's type; without it the one of the profile that is there."},
		{Name: "ifname", Doc: "The interface; \"*\" is any. A new profile without it takes its own name, a VPN none."},
		{Name: "autoconnect", Type: modules.Bool, Default: true, Doc: "Whether it comes up by itself."},
		{Name: "autoconnect_priority", Type: modules.Int, Doc: "Which profile comes first: the highest."},
		{Name: "autoconnect_retries", Type: modules.Int, Doc: "How often it is tried."},
		{Name: "conn_reload", Type: modules.Bool, Default: false, Doc: "Has NetworkManager read its files again after a change and before up and down."},
		{Name: "ignore_unsupported_suboptions", Type: modules.Bool, Default: false, Doc: "Warns of members of wifi and wifi_sec that the host's NetworkManager does not know, instead of failing."},
		{Name: "zone", Doc: "The firewall's zone."},
		{Name: "mac", Doc: "The hardware address to take."},
		{Name: "mtu", Type: modules.Int, Doc: "The largest packet in bytes; 0 leaves it to the device."},
		{Name: "master", Doc: "The connection that this is a part of: its interface, name or UUID."},
		{Name: "slave_type", Choices: []string{"bond", "bridge", "team", "ovs-port", "vrf"}, Doc: "The type of master."},
		{Name: "table", Type: modules.Int, Doc: "The routing table of a VRF."},
	}
	for _, more := range [][]modules.Option{nmcliIPv4Options, nmcliIPv6Options, nmcliBondOptions, nmcliBridgeOptions, nmcliLinkOptions} {
		out = append(out, more...)
	}
	return out
}

// nmcliRouteOptions are the members of a route.
func nmcliRouteOptions(more ...modules.Option) []modules.Option {
	return append([]modules.Option{
		{Name: "ip", Required: true, Doc: "The destination."},
		{Name: "next_hop", Doc: "The router."},
		{Name: "metric", Type: modules.Int, Doc: "The metric."},
		{Name: "table", Type: modules.Int, Doc: "The routing table."},
		{Name: "cwnd", Type: modules.Int, Doc: "The limit of the congestion window."},
		{Name: "mtu", Type: modules.Int, Doc: "The largest packet, in bytes."},
		{Name: "onlink", Type: modules.Bool, Doc: "Takes the router for reachable."},
	}, more...)
}

var nmcliIPv4Options = []modules.Option{
	{Name: "ip4", Type: modules.List, Elements: modules.Str, Doc: "IPv4 addresses, with or without a prefix length."},
	{Name: "gw4", Doc: "The IPv4 gateway."},
	{Name: "gw4_ignore_auto", Type: modules.Bool, Default: false, Doc: "Ignores IPv4 routes that come by themselves."},
	{Name: "routes4", Type: modules.List, Elements: modules.Str, Doc: "IPv4 routes as nmcli writes them."},
	{Name: "routes4_extended", Type: modules.List, Elements: modules.Dict, Doc: "IPv4 routes, member by member.",
		Options: nmcliRouteOptions(modules.Option{Name: "tos", Type: modules.Int, Doc: "The type of service."})},
	{Name: "route_metric4", Type: modules.Int, Doc: "The metric of IPv4 routes without one."},
	{Name: "routing_rules4", Type: modules.List, Elements: modules.Str, Doc: "IPv4 routing rules as ip rule takes them, each with a priority."},
	{Name: "never_default4", Type: modules.Bool, Default: false, Doc: "Never takes the IPv4 default route."},
	{Name: "dns4", Type: modules.List, Elements: modules.Str, Doc: "IPv4 name servers."},
	{Name: "dns4_search", Type: modules.List, Elements: modules.Str, Doc: "Domains to search."},
	{Name: "dns4_options", Type: modules.List, Elements: modules.Str, Doc: "Options of the resolver."},
	{Name: "dns4_ignore_auto", Type: modules.Bool, Default: false, Doc: "Ignores IPv4 name servers that come by themselves."},
	{Name: "method4", Choices: []string{"auto", "link-local", "manual", "shared", "disabled"}, Doc: "How IPv4 is configured; manual where ip4 is given."},
	{Name: "may_fail4", Type: modules.Bool, Default: true, Doc: "Whether the connection is up without IPv4."},
	{Name: "dhcp_client_id", Doc: "The client identifier for DHCP."},
}

var nmcliIPv6Options = []modules.Option{
	{Name: "ip6", Type: modules.List, Elements: modules.Str, Doc: "IPv6 addresses, with or without a prefix length."},
	{Name: "gw6", Doc: "The IPv6 gateway."},
	{Name: "gw6_ignore_auto", Type: modules.Bool, Default: false, Doc: "Ignores IPv6 routes that come by themselves."},
	{Name: "dns6", Type: modules.List, Elements: modules.Str, Doc: "IPv6 name servers."},
	{Name: "dns6_search", Type: modules.List, Elements: modules.Str, Doc: "Domains to search."},
	{Name: "dns6_options", Type: modules.List, Elements: modules.Str, Doc: "Options of the resolver."},
	{Name: "dns6_ignore_auto", Type: modules.Bool, Default: false, Doc: "Ignores IPv6 name servers that come by themselves."},
	{Name: "routes6", Type: modules.List, Elements: modules.Str, Doc: "IPv6 routes as nmcli writes them."},
	{Name: "routes6_extended", Type: modules.List, Elements: modules.Dict, Doc: "IPv6 routes, member by member.", Options: nmcliRouteOptions()},
	{Name: "route_metric6", Type: modules.Int, Doc: "The metric of IPv6 routes without one."},
	{Name: "routing_rules6", Type: modules.List, Elements: modules.Str, Doc: "IPv6 routing rules as ip rule takes them, each with a priority."},
	{Name: "method6", Choices: []string{"ignore", "auto", "dhcp", "link-local", "manual", "shared", "disabled"}, Doc: "How IPv6 is configured; manual where ip6 is given."},
	{Name: "ip_privacy6", Choices: []string{"disabled", "prefer-public-addr", "prefer-temp-addr", "unknown"}, Doc: "Whether there are temporary addresses, and which are preferred."},
	{Name: "addr_gen_mode6", Choices: []string{"default", "default-or-eui64", "eui64", "stable-privacy"}, Doc: "How an address is made of a prefix."},
}

var nmcliBondOptions = []modules.Option{
	{Name: "mode", Choices: []string{"802.3ad", "active-backup", "balance-alb", "balance-rr", "balance-tlb", "balance-xor", "broadcast"}, Doc: "The mode of a bond; balance-rr for a new one."},
	{Name: "bond_mode_behavior", Default: "reset", Choices: []string{"preserve", "reset"}, Doc: "Whether a bond that is there keeps its mode where mode is not given, or becomes balance-rr."},
	{Name: "miimon", Type: modules.Int, Doc: "Milliseconds between looks at a bond's links."},
	{Name: "downdelay", Type: modules.Int, Doc: "Milliseconds before a dead link is dropped."},
	{Name: "updelay", Type: modules.Int, Doc: "Milliseconds before a new link is used."},
	{Name: "xmit_hash_policy", Doc: "What a bond chooses the link by."},
	{Name: "fail_over_mac", Choices: []string{"none", "active", "follow"}, Doc: "Which hardware address a bond has after a fail-over."},
	{Name: "arp_interval", Type: modules.Int, Doc: "Milliseconds between ARP requests."},
	{Name: "arp_ip_target", Doc: "The address to ask by ARP."},
	{Name: "primary", Doc: "The interface to be preferred."},
	{Name: "runner", Default: "roundrobin", Choices: []string{"broadcast", "roundrobin", "activebackup", "loadbalance", "lacp"}, Doc: "What a team does."},
	{Name: "runner_hwaddr_policy", Choices: []string{"same_all", "by_active", "only_active"}, Doc: "How a team with activebackup sets hardware addresses."},
	{Name: "runner_fast_rate", Type: modules.Bool, Doc: "Whether a team with lacp asks for a packet every second."},
}

var nmcliBridgeOptions = []modules.Option{
	{Name: "priority", Type: modules.Int, Default: 128, Doc: "The bridge's priority in the spanning tree."},
	{Name: "stp", Type: modules.Bool, Default: true, Doc: "Whether the bridge takes part in the spanning tree."},
	{Name: "forwarddelay", Type: modules.Int, Default: 15, Doc: "The bridge's forwarding delay, in seconds."},
	{Name: "hellotime", Type: modules.Int, Default: 2, Doc: "Seconds between the bridge's hellos."},
	{Name: "maxage", Type: modules.Int, Default: 20, Doc: "The greatest age of messages, in seconds."},
	{Name: "ageingtime", Type: modules.Int, Default: 300, Doc: "For how many seconds addresses are remembered."},
	{Name: "slavepriority", Type: modules.Int, Default: 32, Doc: "The priority of a bridge's port."},
	{Name: "path_cost", Type: modules.Int, Default: 100, Doc: "The cost of a bridge's port."},
	{Name: "hairpin", Type: modules.Bool, Default: false, Doc: "Whether frames may leave by the port that they came by."},
}

var nmcliLinkOptions = []modules.Option{
	{Name: "vlanid", Type: modules.Int, Doc: "The VLAN's number."},
	{Name: "vlandev", Doc: "The interface below the VLAN."},
	{Name: "flags", Doc: "The VLAN's flags."},
	{Name: "ingress", Doc: "The VLAN's priorities of what comes, FROM:TO with commas between."},
	{Name: "egress", Doc: "The VLAN's priorities of what goes, FROM:TO with commas between."},
	{Name: "vxlan_id", Type: modules.Int, Doc: "The VXLAN's number."},
	{Name: "vxlan_parent", Doc: "The interface below the VXLAN; a multicast remote needs it."},
	{Name: "vxlan_local", Doc: "The VXLAN's own address."},
	{Name: "vxlan_remote", Doc: "The address of the other end, or of the group."},
	{Name: "ip_tunnel_dev", Doc: "The interface below a tunnel."},
	{Name: "ip_tunnel_local", Doc: "The tunnel's own address."},
	{Name: "ip_tunnel_remote", Doc: "The address of the other end."},
	{Name: "ip_tunnel_input_key", NoLog: true, Doc: "The key of packets that come, with gre."},
	{Name: "ip_tunnel_output_key", NoLog: true, Doc: "The key of packets that go, with gre."},
	{Name: "transport_mode", Choices: []string{"datagram", "connected"}, Doc: "The mode of IP over InfiniBand."},
	{Name: "infiniband_mac", Doc: "The hardware address of the InfiniBand device."},
	{Name: "ssid", Doc: "The wireless network's name."},
	{Name: "wifi", Type: modules.Dict, Doc: "Settings of the wireless network, as NetworkManager names them."},
	{Name: "wifi_sec", Type: modules.Dict, NoLog: true, Doc: "Settings of its security, such as key-mgmt and psk."},
	{Name: "gsm", Type: modules.Dict, Doc: "Settings of a mobile connection, such as apn, username, password and pin."},
	{Name: "wireguard", Type: modules.Dict, Doc: "Settings of WireGuard, such as listen-port and private-key."},
	{Name: "vpn", Type: modules.Dict, Doc: "service-type, permissions, and the data of the VPN's plugin."},
	{Name: "sriov", Type: modules.Dict, Doc: "Settings of SR-IOV, such as total-vfs and vfs."},
	{Name: "macvlan", Type: modules.Dict, Doc: "Settings of a MACVLAN.", Options: []modules.Option{
		{Name: "mode", Type: modules.Int, Required: true, Choices: []string{"1", "2", "3", "4", "5"}, Doc: "1 vepa, 2 bridge, 3 private, 4 passthru, 5 source."},
		{Name: "parent", Required: true, Doc: "The interface below."},
		{Name: "promiscuous", Type: modules.Bool, Doc: "Whether the interface takes every packet."},
		{Name: "tap", Type: modules.Bool, Doc: "Whether it is a MACVTAP."},
	}},
}
