package ansible

// This file holds addresses and networks with netaddr's meaning, and the
// queries of the filter ipaddr
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/docsite/filters_ipaddr.html).

import (
	"encoding/hex"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gorun/templates"
)

// A network is an address with the length of its network's prefix.
type network struct {
	addr netip.Addr
	bits int
	// plain says that no prefix was written.
	plain bool
}

// addrInt and intAddr convert between addresses and ints.
func addrInt(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

func intAddr(n *big.Int, v6 bool) (netip.Addr, bool) {
	size := 4
	if v6 {
		size = 16
	}
	if n.Sign() < 0 || n.BitLen() > size*8 {
		return netip.Addr{}, false
	}
	a, ok := netip.AddrFromSlice(n.FillBytes(make([]byte, size)))
	return a, ok
}

// addrText writes an address as netaddr does.
func addrText(a netip.Addr) string {
	n := addrInt(a)
	if a.Is6() && n.BitLen() <= 32 && n.BitLen() > 16 {
		v4, _ := intAddr(n, false) // 32 bits fit
		return "::" + v4.String()
	}
	return a.String()
}

// parseNetwork reads an address, or a network with a prefix or a netmask. An
// IPv4 address may lack its last numbers.
func parseNetwork(s string) (n network, ok bool) {
	head, mask, has := strings.Cut(s, "/")
	if !strings.Contains(head, ":") {
		if head == "" {
			return n, false
		}
		for strings.Count(head, ".") < 3 {
			head += ".0"
		}
	}
	a, err := netip.ParseAddr(head)
	if err != nil || a.Zone() != "" {
		return n, false
	}
	n = network{addr: a, bits: a.BitLen(), plain: !has}
	if !has {
		return n, true
	}
	if bits, err := strconv.Atoi(mask); err == nil {
		n.bits = bits
		return n, bits >= 0 && bits <= a.BitLen() && mask[0] != '+'
	}
	m, err := netip.ParseAddr(mask)
	if err != nil || m.BitLen() != a.BitLen() {
		return n, false
	}
	full := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(a.BitLen())), big.NewInt(1))
	host := new(big.Int).Xor(addrInt(m), full)
	if host.Cmp(addrInt(m)) > 0 { // a host mask
		host = addrInt(m)
	}
	if new(big.Int).And(host, new(big.Int).Add(host, big.NewInt(1))).Sign() != 0 {
		return n, false
	}
	n.bits = a.BitLen() - host.BitLen()
	return n, true
}

func (n network) v6() bool { return n.addr.Is6() }

func (n network) size() *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(n.addr.BitLen()-n.bits))
}

func (n network) first() *big.Int {
	i := addrInt(n.addr)
	return i.Sub(i, new(big.Int).Mod(i, n.size()))
}

func (n network) last() *big.Int {
	i := n.first()
	return i.Add(i, n.size()).Sub(i, big.NewInt(1))
}

// at is the address with a number.
func (n network) at(i *big.Int) netip.Addr {
	a, _ := intAddr(i, n.v6()) // callers stay inside
	return a
}

func (n network) base() netip.Addr { return n.at(n.first()) }

func (n network) text() string { return addrText(n.addr) + "/" + strconv.Itoa(n.bits) }

func (n network) cidr() string { return addrText(n.base()) + "/" + strconv.Itoa(n.bits) }

func (n network) hostMask() netip.Addr {
	return n.at(new(big.Int).Sub(n.size(), big.NewInt(1)))
}

func (n network) netMask() netip.Addr {
	full := network{addr: n.addr, bits: 0}.last()
	return n.at(full.Sub(full, addrInt(n.hostMask())))
}

// isAddress reports whether n stands for a host.
func (n network) isAddress() bool {
	return n.size().IsInt64() && n.size().Int64() == 1 || n.addr != n.base()
}

// isHost is isAddress, or a network of two, where every address is a host's.
func (n network) isHost() bool { return n.isAddress() || n.size().IsInt64() && n.size().Int64() == 2 }

func (n network) contains(m network) bool {
	return n.v6() == m.v6() && n.first().Cmp(m.first()) <= 0 && n.last().Cmp(m.last()) >= 0
}

// usable are the first and last address that hosts may have.
func (n network) usable() (first, last *big.Int, ok bool) {
	first, last = n.first(), n.last()
	switch size := n.size(); {
	case size.Cmp(big.NewInt(2)) > 0:
		return first.Add(first, big.NewInt(1)), last.Sub(last, big.NewInt(1)), true
	case size.Cmp(big.NewInt(2)) == 0:
		return first, last, true
	}
	return nil, nil, false
}

// offset is the address i behind the first, or from behind where i is negative.
func (n network) offset(i int64) (netip.Addr, bool) {
	x := big.NewInt(i)
	if i < 0 {
		x.Add(x, n.size())
	}
	if x.Sign() < 0 || x.Cmp(n.size()) >= 0 {
		return netip.Addr{}, false
	}
	return n.at(x.Add(x, n.first())), true
}

func inRange(a netip.Addr, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return netip.MustParsePrefix(p).Contains(a) })
}

func (n network) isPrivate() bool {
	return inRange(n.addr, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "100.64.0.0/10", "169.254.0.0/16", "239.0.0.0/8", "fc00::/7", "fec0::/10", "fe80::/10")
}

func (n network) isMulticast() bool { return inRange(n.addr, "224.0.0.0/4", "ff00::/8") }
func (n network) isLoopback() bool  { return inRange(n.addr, "127.0.0.0/8", "::1/128") }
func (n network) isLinkLocal() bool { return inRange(n.addr, "169.254.0.0/16", "fe80::/10") }

// revDNS is the name of an address's PTR record.
func revDNS(a netip.Addr) string {
	parts, zone := strings.Split(a.String(), "."), "in-addr.arpa."
	if a.Is6() {
		parts, zone = strings.Split(hex.EncodeToString(a.AsSlice()), ""), "ip6.arpa."
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".") + "." + zone
}

// A query is what ipaddr is asked about an address. v is what was asked about.
type query func(n network, v value) (value, error)

// filterBy gives the value itself where a property holds.
func filterBy(property func(network) bool) query {
	return func(n network, v value) (value, error) {
		if property(n) {
			return v, nil
		}
		return templates.None, nil
	}
}

func showAddr(f func(n network) netip.Addr) query {
	return func(n network, _ value) (value, error) { return str(addrText(f(n))), nil }
}

func showIf(ok func(network) bool, f func(n network) string) query {
	return func(n network, _ value) (value, error) {
		if ok(n) {
			return str(f(n)), nil
		}
		return templates.None, nil
	}
}

func always(network) bool { return true }

// hasPrefix holds for an address of a network that has more than one.
func hasPrefix(n network) bool { return n.isHost() && n.size().Cmp(big.NewInt(1)) > 0 }

// onNetwork is a query that needs a written prefix; ok of f says whether there
// is an answer.
func onNetwork(f func(n network, first, last *big.Int) (string, bool)) query {
	return func(n network, _ value) (value, error) {
		if n.plain {
			return nil, fail("Not a network address")
		}
		if first, last, ok := n.usable(); ok {
			if s, ok := f(n, first, last); ok {
				return str(s), nil
			}
		}
		return templates.None, nil
	}
}

// queries are the queries of ipaddr.
var queries = map[string]query{
	"address": showIf(func(n network) bool { return n.v6() || n.isHost() }, func(n network) string { return addrText(n.addr) }), "bool": func(network, value) (value, error) { return templates.Bool(true), nil },
	"network": showAddr(network.base), "netmask": showAddr(network.netMask), "hostmask": showAddr(network.hostMask),
	"broadcast": showIf(func(n network) bool { return n.size().Cmp(big.NewInt(2)) > 0 }, func(n network) string { return addrText(n.at(n.last())) }),
	"prefix":    func(n network, _ value) (value, error) { return templates.Int(n.bits), nil },
	"size":      func(n network, _ value) (value, error) { return templates.NewInt(n.size()), nil },
	"subnet":    showIf(always, network.cidr), "cidr": showIf(always, network.text), "host": showIf(network.isHost, network.text),
	"int": func(n network, _ value) (value, error) {
		if n.plain {
			return templates.NewInt(addrInt(n.addr)), nil
		}
		return str(addrInt(n.addr).String() + "/" + strconv.Itoa(n.bits)), nil
	},
	"revdns": showIf(always, func(n network) string { return revDNS(n.addr) }), "type": func(n network, _ value) (value, error) {
		if n.isAddress() {
			return str("address"), nil
		}
		return str("network"), nil
	},
	"version": func(n network, _ value) (value, error) {
		if n.v6() {
			return templates.Int(6), nil
		}
		return templates.Int(4), nil
	},
	"public": filterBy(func(n network) bool {
		return !n.isMulticast() && !n.isPrivate() && !n.isLoopback() && !n.isMaskLike()
	}),
	"private": filterBy(network.isPrivate), "loopback": filterBy(network.isLoopback), "multicast": filterBy(network.isMulticast),
	"unicast": filterBy(func(n network) bool { return !n.isMulticast() }), "link-local": filterBy(network.isLinkLocal),
	"net":              filterBy(func(n network) bool { return n.size().Cmp(big.NewInt(1)) > 0 && n.addr == n.base() }),
	"ip/prefix":        showIf(hasPrefix, network.text),
	"ip_netmask":       showIf(hasPrefix, func(n network) string { return addrText(n.addr) + " " + addrText(n.netMask()) }),
	"network_netmask":  showIf(always, func(n network) string { return addrText(n.base()) + " " + addrText(n.netMask()) }),
	"network_wildcard": showIf(always, func(n network) string { return addrText(n.base()) + " " + addrText(n.hostMask()) }),
	"first_usable":     onNetwork(func(n network, first, _ *big.Int) (string, bool) { return addrText(n.at(first)), true }),
	"last_usable":      onNetwork(func(n network, _, last *big.Int) (string, bool) { return addrText(n.at(last)), true }),
	"range_usable": onNetwork(func(n network, first, last *big.Int) (string, bool) {
		return addrText(n.at(first)) + "-" + addrText(n.at(last)), true
	}),
	"next_usable":     onNetwork(func(n network, first, last *big.Int) (string, bool) { return neighbour(n, first, last, 1) }),
	"previous_usable": onNetwork(func(n network, first, last *big.Int) (string, bool) { return neighbour(n, first, last, -1) }),
	"size_usable": func(n network, _ value) (value, error) {
		first, last, ok := n.usable()
		if !ok {
			return templates.Int(0), nil
		}
		return templates.NewInt(last.Sub(last, first).Add(last, big.NewInt(1))), nil
	},
	"gateway": func(n network, _ value) (value, error) {
		if n.isHost() {
			return str(n.text()), nil
		}
		return templates.Bool(false), nil
	},
	"peer": queryPeer, "wrap": queryWrap, "ipv4": queryIPv4, "ipv6": queryIPv6,
	"6to4": query6to4,
}

// queriesNow are those that netaddr's releases of today answer in another way.
var queriesNow = map[string]query{
	"public":  filterBy(func(n network) bool { return !n.isMulticast() && n.isGlobal() && !n.isLoopback() && !n.isMaskLike() }),
	"private": filterBy(func(n network) bool { return !n.isGlobal() }),
	"6to4": func(n network, v value) (value, error) {
		if n.v6() || n.isMulticast() || n.size().Cmp(big.NewInt(1)) > 0 && n.addr == n.base() {
			return query6to4(n, v)
		}
		return sixToFour(n), nil
	},
}

// isGlobal reports whether an address is reachable from everywhere
// (https://netaddr.readthedocs.io/en/latest/api.html#netaddr.IPAddress.is_global).
func (n network) isGlobal() bool { return !n.addr.Is4In6() && pyGlobal(n.addr) }

// sixToFour is the 6to4 network of an IPv4 address.
func sixToFour(n network) value {
	h := hex.EncodeToString(n.addr.AsSlice())
	return str("2002:" + h[:4] + ":" + h[4:] + "::1/48")
}

// isMaskLike reports whether an address could be the mask of a network, or of
// its hosts' part.
func (n network) isMaskLike() bool {
	one := big.NewInt(1)
	power := func(i *big.Int) bool { return new(big.Int).And(i, new(big.Int).Sub(i, one)).Sign() == 0 }
	i := addrInt(n.addr)
	full := network{addr: n.addr}.last()
	return power(new(big.Int).Add(i, one)) || power(new(big.Int).Add(full.Xor(full, i), one))
}

// query6to4 gives the 6to4 network of a public IPv4 address.
func query6to4(n network, v value) (value, error) {
	if n.v6() {
		if inRange(n.addr, "2002::/16") && (n.isAddress() || n.addr != n.base()) {
			return v, nil
		}
		return templates.Bool(false), nil
	}
	host := network{addr: n.addr, bits: n.addr.BitLen(), plain: true}
	if n.size().Cmp(big.NewInt(1)) > 0 && n.addr == n.base() || host.isMulticast() || host.isLoopback() || host.isMaskLike() {
		return templates.Bool(false), nil
	}
	return sixToFour(n), nil
}

// queryAliases are other names of queries.
var queryAliases = map[string]string{"": "", "addr": "address", "ip": "address", "host/prefix": "gateway", "hostnet": "host", "address/prefix": "gateway", "gw": "gateway", "broad": "broadcast",
	"wildcard": "hostmask", "network_id": "network", "network/prefix": "subnet", "v": "version", "lo": "loopback", "ll": "link-local"}

// neighbour is the address beside n's, where hosts may have it.
func neighbour(n network, first, last *big.Int, step int64) (string, bool) {
	i := new(big.Int).Add(addrInt(n.addr), big.NewInt(step))
	if i.Cmp(first) < 0 || i.Cmp(last) > 0 {
		return "", false
	}
	return addrText(n.at(i)), true
}

func queryPeer(n network, _ value) (value, error) {
	if n.plain {
		return nil, fail("Not a network address")
	}
	switch i := addrInt(n.addr); n.addr.BitLen() - n.bits {
	case 1:
		return str(addrText(n.at(i.Xor(i, big.NewInt(1))))), nil
	case 2:
		low := new(big.Int).And(i, big.NewInt(3)).Int64()
		if low == 0 {
			return nil, fail("Network address of /30 has no peer")
		}
		if low == 3 {
			return nil, fail("Broadcast address of /30 has no peer")
		}
		return str(addrText(n.at(i.Xor(i, big.NewInt(3))))), nil
	}
	return nil, fail("Not a point-to-point network")
}

func queryWrap(n network, v value) (value, error) {
	if !n.v6() {
		return v, nil
	}
	s := "[" + addrText(n.addr) + "]"
	if !n.plain {
		s += "/" + strconv.Itoa(n.bits)
	}
	return str(s), nil
}

func queryIPv4(n network, v value) (value, error) {
	if !n.v6() {
		return v, nil
	}
	i := addrInt(n.addr)
	low := new(big.Int).And(i, big.NewInt(0xffffffff))
	high := new(big.Int).Rsh(i, 32)
	if high.Sign() != 0 && high.Cmp(big.NewInt(0xffff)) != 0 || n.bits < 96 {
		return templates.Bool(false), nil
	}
	a, _ := intAddr(low, false) // 32 bits fit
	return str(network{addr: a, bits: n.bits - 96}.text()), nil
}

func queryIPv6(n network, v value) (value, error) {
	if n.v6() {
		return v, nil
	}
	return str("::ffff:" + n.addr.String() + "/" + strconv.Itoa(n.bits+96)), nil
}
