package ansible

// This file lists what is taken from collections.

import (
	"math/big"
	"net"
	"net/netip"

	"gorun/modules/pyre"
	"gorun/templates"
)

var collectionFilters = []collection{
	{[]string{general}, generalFilters},
	{[]string{utils, netcomm}, addressFilters},
	{[]string{utils, netcomm}, hardwareFilters},
	{[]string{utils}, utilsFilters},
	{[]string{netcomm}, netcommonFilters},
	{[]string{general}, generalMore},
	{[]string{general}, patchFilters},
	{[]string{general}, table{"to_yaml": filterToYAML, "to_nice_yaml": filterGeneralNiceYAML}},
}

var collectionTests = []collection{
	{[]string{utils}, addressTests},
	{[]string{general}, generalTests},
}

// addressTests are the tests of addresses
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/index.html#test-plugins).
var addressTests = table{
	"ip": onAddress("ip", always), "ip_address": onAddress("ip_address", isPlain),
	"ipv4": onAddress("ipv4", func(n network) bool { return !n.v6() }), "ipv6": onAddress("ipv6", network.v6),
	"ipv4_address": onAddress("ipv4_address", func(n network) bool { return isPlain(n) && !n.v6() }),
	"ipv6_address": onAddress("ipv6_address", func(n network) bool { return isPlain(n) && n.v6() }),
	"loopback":     onAddress("loopback", network.isLoopback), "multicast": onAddress("multicast", network.isMulticast),
	"ipv4_hostmask": onMask(true), "ipv4_netmask": onMask(false),
	"ipv6_ipv4_mapped": onAddress("ipv6_ipv4_mapped", func(n network) bool { return n.plain && n.addr.Is4In6() }),
	"ipv6_sixtofour":   onAddress("ipv6_sixtofour", func(n network) bool { return n.plain && inRange(n.addr, "2002::/16") }),
	"ipv6_teredo":      onAddress("ipv6_teredo", func(n network) bool { return n.plain && inRange(n.addr, "2001::/32") }),
	"in_network":       inNetworks("in_network", func(hits, _ int) bool { return hits > 0 }), "in_any_network": inNetworks("in_any_network", func(hits, _ int) bool { return hits > 0 }),
	"in_one_network": inNetworks("in_one_network", func(hits, _ int) bool { return hits == 1 }),
	"subnet_of":      nested("subnet_of", func(a, b network) bool { return b.contains(a) }), "supernet_of": nested("supernet_of", network.contains),
	"private": onAddress("private", func(n network) bool { return n.plain && pyPrivate(n.addr) }), "reserved": onAddress("reserved", func(n network) bool { return n.plain && pyReserved(n.addr) }),
	"public": onAddress("public", func(n network) bool { return n.plain && pyGlobal(n.addr) }),
	"mac":    testMAC, "resolvable": testResolvable,
	"unspecified": onAddress("unspecified", func(n network) bool { return n.addr.IsUnspecified() }),
}

func isPlain(n network) bool { return n.plain }

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/resolvable_test.html
func testResolvable(c *call) (value, error) {
	var host string
	if err := c.Unpack("resolvable", "host", &host); err != nil {
		return nil, err
	}
	var found []string
	var err error
	if _, bad := netip.ParseAddr(host); bad == nil {
		found, err = net.DefaultResolver.LookupAddr(c.State.Ctx, host)
	} else {
		found, err = net.DefaultResolver.LookupHost(c.State.Ctx, host)
	}
	return templates.Bool(err == nil && len(found) > 0), nil
}

func onAddress(name string, property func(network) bool) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack(name, "ip", &v); err != nil {
			return nil, err
		}
		n, ok := parseNetwork(text(v))
		return templates.Bool(ok && property(n)), nil
	}
}

// onMask tests for a netmask, or for the mask of the hosts' part.
func onMask(hosts bool) templates.Func {
	return onAddress("ipv4_netmask", func(n network) bool {
		if !n.plain || n.v6() || n.addr.IsUnspecified() {
			return false
		}
		i := addrInt(n.addr)
		if !hosts {
			i.Sub(big.NewInt(0xffffffff), i)
		}
		return new(big.Int).And(i, new(big.Int).Add(i, big.NewInt(1))).Sign() == 0
	})
}

// inNetworks tests in how many of some networks an address lies.
func inNetworks(name string, enough func(hits, of int) bool) templates.Func {
	return func(c *call) (value, error) {
		var v, in value
		if err := c.Unpack(name, "ip", &v, "network", &in); err != nil {
			return nil, err
		}
		nets := []value{in}
		if isSequence(in) {
			nets = elemsOf(in)
		}
		n, ok := parseNetwork(text(v))
		hits := 0
		for _, e := range nets {
			if m, ok2 := parseNetwork(text(e)); ok && ok2 && m.contains(n) {
				hits++
			}
		}
		return templates.Bool(enough(hits, len(nets))), nil
	}
}

// nested tests how two networks lie to one another.
func nested(name string, relation func(a, b network) bool) templates.Func {
	return func(c *call) (value, error) {
		var a, b string
		if err := c.Unpack(name, "network_a", &a, "network_b", &b); err != nil {
			return nil, err
		}
		x, ok := parseNetwork(a)
		y, ok2 := parseNetwork(b)
		return templates.Bool(ok && ok2 && relation(x, y)), nil
	}
}

var macForm = pyre.MustCompile(`([0-9a-f]{2}([:-])[0-9a-f]{2}(\2[0-9a-f]{2}){4}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}|[0-9a-f]{12})`, pyre.IgnoreCase)

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/mac_test.html
func testMAC(c *call) (value, error) {
	var s string
	if err := c.Unpack("mac", "mac", &s); err != nil {
		return nil, err
	}
	return templates.Bool(macForm.FullMatch(s) != nil), nil
}

// pyPrivate, pyGlobal and pyReserved are the properties of Python's ipaddress
// (https://docs.python.org/3/library/ipaddress.html#ipaddress.IPv4Address.is_private).
func pyPrivate(a netip.Addr) bool {
	if a.Is4() || a.Is4In6() {
		a = a.Unmap()
		return inRange(a, "0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16",
			"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4") && !inRange(a, "192.0.0.9/32", "192.0.0.10/32")
	}
	return inRange(a, "::1/128", "::/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fc00::/7", "fe80::/10") &&
		!inRange(a, "2001:1::1/128", "2001:1::2/128", "2001:3::/32", "2001:4:112::/48", "2001:20::/28", "2001:30::/28")
}

func pyGlobal(a netip.Addr) bool { return !pyPrivate(a) && !inRange(a.Unmap(), "100.64.0.0/10") }

func pyReserved(a netip.Addr) bool {
	if a.Is4() {
		return inRange(a, "240.0.0.0/4")
	}
	return inRange(a, "::/8", "100::/8", "200::/7", "400::/6", "800::/5", "1000::/4", "4000::/3", "6000::/3", "8000::/3", "a000::/3", "c000::/3", "e000::/4", "f000::/5", "f800::/6", "fe00::/9")
}
