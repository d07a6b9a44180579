package ansible

// This file lists what is taken from collections.

import "gorun/templates"

var collectionFilters = []collection{
	{[]string{general}, generalFilters},
	{[]string{utils, netcomm}, addressFilters},
}

var collectionTests = []collection{
	{[]string{utils}, addressTests},
}

// addressTests are the tests of addresses
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/index.html#test-plugins).
var addressTests = table{
	"ip": onAddress("ip", always), "ip_address": onAddress("ip_address", isPlain),
	"ipv4": onAddress("ipv4", func(n network) bool { return !n.v6() }), "ipv6": onAddress("ipv6", network.v6),
	"ipv4_address": onAddress("ipv4_address", func(n network) bool { return isPlain(n) && !n.v6() }),
	"ipv6_address": onAddress("ipv6_address", func(n network) bool { return isPlain(n) && n.v6() }),
	"loopback":     onAddress("loopback", network.isLoopback), "multicast": onAddress("multicast", network.isMulticast),
	"unspecified": onAddress("unspecified", func(n network) bool { return n.addr.IsUnspecified() }),
}

func isPlain(n network) bool { return n.plain }

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
