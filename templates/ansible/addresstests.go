package ansible

// This file holds the tests of addresses, which see them as Python's ipaddress
// does (https://docs.ansible.com/ansible/latest/collections/ansible/utils/index.html#test-plugins).

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

var addressTests = table{
	"ip":               ofNetwork("ip", func(netip.Prefix) bool { return true }),
	"ipv4":             ofNetwork("ipv4", func(p netip.Prefix) bool { return p.Addr().Is4() }),
	"ipv6":             ofNetwork("ipv6", func(p netip.Prefix) bool { return p.Addr().Is6() }),
	"ip_address":       onAddress("ip_address", func(netip.Addr) bool { return true }),
	"ipv4_address":     onAddress("ipv4_address", netip.Addr.Is4),
	"ipv6_address":     onAddress("ipv6_address", netip.Addr.Is6),
	"ipv4_netmask":     onMask("ipv4_netmask", "mask", false),
	"ipv4_hostmask":    onMask("ipv4_hostmask", "ip", true),
	"ipv6_ipv4_mapped": onAddress("ipv6_ipv4_mapped", netip.Addr.Is4In6),
	"ipv6_sixtofour":   onAddress("ipv6_sixtofour", func(a netip.Addr) bool { return inRange(a, "2002::/16") }),
	"ipv6_teredo":      onAddress("ipv6_teredo", func(a netip.Addr) bool { return inRange(a, "2001::/32") }),
	"loopback":         onAddress("loopback", func(a netip.Addr) bool { return network{addr: a}.isLoopback() }),
	"multicast":        onAddress("multicast", func(a netip.Addr) bool { return network{addr: a}.isMulticast() }),
	"private":          onAddress("private", pyPrivate),
	"public":           onAddress("public", pyGlobal),
	"reserved":         onAddress("reserved", pyReserved),
	"unspecified":      onAddress("unspecified", netip.Addr.IsUnspecified),
	"in_network":       nested("in_network", "ip", "network", false),
	"subnet_of":        nested("subnet_of", "network_a", "network_b", false),
	"supernet_of":      nested("supernet_of", "network_a", "network_b", true),
	"in_any_network":   inNetworks("in_any_network", func(hits int) bool { return hits > 0 }),
	"in_one_network":   inNetworks("in_one_network", func(hits int) bool { return hits == 1 }),
	"mac":              testMAC,
	"resolvable":       testResolvable,
}

// pyAddress reads an address; only texts are some.
func pyAddress(v value) (netip.Addr, bool) {
	s, ok := isText(v)
	if !ok {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

// pyNetwork reads a network, whose host bits must not be set
// (https://docs.python.org/3/library/ipaddress.html#ipaddress.ip_network).
func pyNetwork(v value) (netip.Prefix, bool) {
	s, _ := isText(v)
	base, mask, masked := strings.Cut(s, "/")
	a, ok := pyAddress(str(base))
	if !ok {
		return netip.Prefix{}, false
	}
	bits := a.BitLen()
	if masked {
		bits, ok = pyPrefix(mask, a.Is4())
	}
	p, err := a.WithZone("").Prefix(bits)
	return p, ok && err == nil && p.Addr() == a.WithZone("")
}

// pyPrefix reads the length of a prefix, of IPv4 also as the mask of the network
// or of the hosts.
func pyPrefix(mask string, v4 bool) (int, bool) {
	if mask != "" && strings.Trim(mask, "0123456789") == "" {
		n, err := strconv.Atoi(mask)
		return n, err == nil
	}
	a, err := netip.ParseAddr(mask)
	if !v4 || err != nil || !a.Is4() {
		return 0, false
	}
	m := a.As4()
	if ones, size := net.IPMask(m[:]).Size(); size > 0 {
		return ones, true
	}
	for i := range m {
		m[i] = ^m[i]
	}
	ones, size := net.IPMask(m[:]).Size()
	return ones, size > 0
}

// onAddress tests a property of an address.
func onAddress(name string, property func(netip.Addr) bool) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack("_"+name, "ip", &v); err != nil {
			return nil, err
		}
		a, ok := pyAddress(v)
		return templates.Bool(ok && property(a)), nil
	}
}

// ofNetwork tests a property of a network, or of an address as one.
func ofNetwork(name string, property func(netip.Prefix) bool) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack("_"+name, "ip", &v); err != nil {
			return nil, err
		}
		p, ok := pyNetwork(v)
		return templates.Bool(ok && property(p)), nil
	}
}

// onMask tests for a mask of the network 10.0.0.0, or of its hosts.
func onMask(name, param string, hosts bool) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack("_"+name, param, &v); err != nil {
			return nil, err
		}
		p, ok := pyNetwork(str("10.0.0.0/" + text(v)))
		if !ok {
			return templates.Bool(false), nil
		}
		mask := net.CIDRMask(p.Bits(), 32)
		if hosts {
			for i := range mask {
				mask[i] = ^mask[i]
			}
		}
		s, isStr := isText(v)
		return templates.Bool(isStr && net.IP(mask).String() == s), nil
	}
}

// within reports whether a network lies in another.
func within(inner, outer value) bool {
	a, ok := pyNetwork(inner)
	b, ok2 := pyNetwork(outer)
	return ok && ok2 && b.Bits() <= a.Bits() && b.Contains(a.Addr())
}

// nested tests how two networks lie to one another.
func nested(name, first, second string, turned bool) templates.Func {
	return func(c *call) (value, error) {
		var a, b value
		if err := c.Unpack("_"+name, first, &a, second, &b); err != nil {
			return nil, err
		}
		if turned {
			a, b = b, a
		}
		return templates.Bool(within(a, b)), nil
	}
}

// inNetworks tests in how many of some networks an address lies.
func inNetworks(name string, enough func(hits int) bool) templates.Func {
	return func(c *call) (value, error) {
		var v value
		var nets []value
		if err := c.Unpack("_"+name, "ip", &v, "networks", &nets); err != nil {
			return nil, err
		}
		hits := 0
		for _, e := range nets {
			if within(v, e) {
				hits++
			}
		}
		return templates.Bool(enough(hits)), nil
	}
}

var macForm = pyre.MustCompile(`([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|([0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})$|[0-9a-f]{12}$`, pyre.IgnoreCase)

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/mac_test.html
func testMAC(c *call) (value, error) {
	var v value
	if err := c.Unpack("_mac", "mac", &v); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, raise(templates.TypeError, "expected string or bytes-like object, got '%s'", v.Type())
	}
	return templates.Bool(macForm.Match(s) != nil), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/resolvable_test.html
func testResolvable(c *call) (value, error) {
	var host string
	if err := c.Unpack("_resolvable", "host", &host); err != nil {
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
