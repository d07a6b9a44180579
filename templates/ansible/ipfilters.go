package ansible

// This file holds the filters of addresses
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/index.html).

import (
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gorun/templates"
)

var addressFilters = table{
	"ipaddr": ipFilter("ipaddr", 0), "ipv4": ipFilter("ipv4", 4), "ipv6": ipFilter("ipv6", 6), "ipwrap": filterIPWrap,
	"nthhost": filterNthhost, "network_in_network": filterNetworkInNetwork, "network_in_usable": filterNetworkInUsable,
	"reduce_on_network": filterReduceOnNetwork, "ipmath": filterIPMath, "ip4_hex": filterIP4Hex, "ipsubnet": filterIPSubnet,
	"cidr_merge":      filterCIDRMerge,
	"next_nth_usable": nthUsable("next_nth_usable", 1), "previous_nth_usable": nthUsable("previous_nth_usable", -1),
}

// ipFilter makes ipaddr, and its like for one version of the protocol
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipaddr_filter.html).
func ipFilter(name string, version int) templates.Func {
	return func(c *call) (value, error) {
		var v, q, ver value
		params := []any{"value", &v, "query?", &q}
		if version == 0 {
			params = append(params, "version?", &ver, "alias?", new(value))
		}
		if err := c.Unpack(name, params...); err != nil {
			return nil, err
		}
		switch v.(type) {
		case templates.Str, templates.Markup, templates.Int, *templates.BigInt, templates.Bool, *templates.List:
		default:
			return nil, fail("Unrecognized type <%s> for %s filter <value>", pyClass(v), name)
		}
		want := version
		if n, ok := integer(ver); ok && ver != templates.Value(templates.Bool(false)) {
			want = int(n)
		}
		if q == nil {
			q = str("")
		}
		return ipaddr(v, q, want, c.State.Era())
	}
}

// ipaddr answers a query about v; version 0 is any.
func ipaddr(v, q value, version int, era templates.Era) (value, error) {
	if l, ok := v.(*templates.List); ok {
		var out []value
		for _, e := range l.Elems {
			x, err := ipaddr(e, q, version, era)
			if err != nil {
				return nil, err
			}
			if x.Truth() {
				out = append(out, x)
			}
		}
		return list(out), nil
	}
	if !v.Truth() || v == templates.Value(templates.Bool(true)) {
		return templates.Bool(false), nil
	}
	n, ok := readNetwork(v, version)
	if s, isStr := isText(v); ok && isStr && era == templates.Current && !n.v6() && strings.Contains(s, ".") && strings.Count(s, ".") < 3 {
		ok = false // netaddr's releases of today want all four numbers
	}
	if !ok || version != 0 && (version == 6) != n.v6() || version != 0 && version != 4 && version != 6 {
		return templates.Bool(false), nil
	}
	var shown value = str(addrText(n.addr))
	if !n.plain {
		shown = str(n.text())
	}
	name := text(q)
	if a, ok := queryAliases[name]; ok {
		name = a
	}
	if name == "" {
		return shown, nil
	}
	raw := v // properties give what was asked about
	if _, isStr := isText(v); !isStr {
		raw = str(n.text())
	}
	if f, ok := queriesNow[name]; ok && era == templates.Current {
		return f(n, raw)
	}
	if f, ok := queries[name]; ok {
		return f(n, raw)
	}
	if i, err := toInt(str(name)); err == nil {
		if n.size().Cmp(big.NewInt(1)) == 0 {
			return shown, nil
		}
		a, ok := n.offset(i)
		if !ok {
			return templates.Bool(false), nil
		}
		return str(addrText(a) + "/" + strconv.Itoa(n.bits)), nil
	}
	outer, ok := parseNetwork(name)
	if !ok {
		return nil, fail("unknown filter type: %s", name)
	}
	if outer.contains(n) {
		if _, isStr := isText(v); n.plain && isStr {
			return shown, nil
		}
		return raw, nil
	}
	return templates.None, nil
}

// readNetwork reads a text or a number.
func readNetwork(v value, version int) (network, bool) {
	s := text(v)
	if i, ok := new(big.Int).SetString(s, 10); ok && s[0] != '+' && s[0] != '-' {
		a, ok := intAddr(i, version == 6)
		if !ok {
			a, ok = intAddr(i, true)
		}
		return network{addr: a, bits: a.BitLen(), plain: true}, ok
	}
	return parseNetwork(s)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipwrap_filter.html
func filterIPWrap(c *call) (value, error) {
	var v, q value
	if err := c.Unpack("ipwrap", "value", &v, "query?", &q); err != nil {
		return nil, err
	}
	switch v.(type) {
	case templates.Str, templates.Markup, templates.Bool, *templates.List:
	default:
		return nil, fail("Unrecognized type <%s> for ipwrap filter <value>", pyClass(v))
	}
	if l, ok := v.(*templates.List); ok {
		out := make([]value, len(l.Elems))
		for i, e := range l.Elems {
			out[i] = wrapped(e)
		}
		return list(out), nil
	}
	return wrapped(v), nil
}

// wrapped puts brackets around an IPv6 address; what is none stays.
func wrapped(v value) value {
	s, ok := isText(v)
	if !ok {
		return v
	}
	n, ok := parseNetwork(s)
	if !ok {
		return v
	}
	w, err := queryWrap(n, v)
	if err != nil {
		return v
	}
	return w
}

// need reads a network or gives the filter's error.
func need(v value, filter string) (network, error) {
	n, ok := parseNetwork(text(v))
	if !ok {
		return n, fail("You must pass a valid IP address; %s is not a valid IP address (filter %s)", text(v), filter)
	}
	return n, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/nthhost_filter.html
func filterNthhost(c *call) (value, error) {
	var v, q value
	if err := c.Unpack("nthhost", "value", &v, "query?", &q); err != nil {
		return nil, err
	}
	n, ok := parseNetwork(text(v))
	i, err := int64(0), error(nil)
	if given(q) {
		i, err = toInt(q)
	}
	if !ok || !given(q) || err != nil || n.size().Cmp(big.NewInt(1)) == 0 {
		return templates.Bool(false), nil
	}
	a, ok := n.offset(i)
	if !ok {
		return templates.Bool(false), nil
	}
	return str(addrText(a)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/network_in_network_filter.html
func filterNetworkInNetwork(c *call) (value, error) {
	var v, t value
	if err := c.Unpack("network_in_network", "value", &v, "test", &t); err != nil {
		return nil, err
	}
	n, ok := parseNetwork(text(v))
	m, ok2 := parseNetwork(text(t))
	return templates.Bool(ok && ok2 && n.contains(m)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/network_in_usable_filter.html
func filterNetworkInUsable(c *call) (value, error) {
	var v, t value
	if err := c.Unpack("network_in_usable", "value", &v, "test", &t); err != nil {
		return nil, err
	}
	n, ok := parseNetwork(text(v))
	m, ok2 := parseNetwork(text(t))
	if !ok || !ok2 || n.v6() != m.v6() {
		return templates.Bool(false), nil
	}
	first, last, ok := n.usable()
	return templates.Bool(ok && first.Cmp(m.first()) <= 0 && last.Cmp(m.last()) >= 0), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/reduce_on_network_filter.html
func filterReduceOnNetwork(c *call) (value, error) {
	var elems []value
	var net value
	if err := c.Unpack("reduce_on_network", "value", &elems, "network", &net); err != nil {
		return nil, err
	}
	n, err := need(net, "reduce_on_network")
	if err != nil {
		return nil, err
	}
	var out []value
	for _, e := range elems {
		if m, ok := parseNetwork(text(e)); ok && n.contains(m) {
			out = append(out, e)
		}
	}
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipmath_filter.html
func filterIPMath(c *call) (value, error) {
	var v, amount value
	if err := c.Unpack("ipmath", "value", &v, "amount", &amount); err != nil {
		return nil, err
	}
	i, err := wholeArg(c, "amount", amount)
	if err != nil {
		return nil, err
	}
	n, ok := parseNetwork(text(v))
	if !ok {
		return nil, fail("You must pass a valid IP address; %s is invalid", text(v))
	}
	a, ok := intAddr(new(big.Int).Add(addrInt(n.addr), big.NewInt(i)), n.v6())
	if !ok {
		return nil, raise(templates.IndexError, "result outside valid IP address boundary!")
	}
	return str(addrText(a)), nil
}

// wholeArg is an argument that has to be an int, or a text of one.
func wholeArg(c *call, name string, v value) (int64, error) {
	n, err := toInt(v)
	if err == nil {
		return n, nil
	}
	msg := "argument '" + name + "' is of type " + v.Type() + " and we were unable to convert to int: \"" + repr(v) + "\" cannot be converted to an int"
	if c.State.Era() != templates.Current {
		msg = "argument '" + name + "' is of type " + pyClass(v) + " and we were unable to convert to int: " + pyClass(v) + " cannot be converted to an int"
	}
	return 0, fail("%s", repr(list([]value{str(msg)})))
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ip4_hex_filter.html
func filterIP4Hex(c *call) (value, error) {
	var s, delimiter string
	if err := c.Unpack("ip4_hex", "arg", &s, "delimiter?", &delimiter); err != nil {
		return nil, err
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return nil, fail("%s is no IPv4 address", repr(str(s)))
	}
	parts := make([]string, 4)
	for i, b := range a.As4() {
		parts[i] = strconv.FormatUint(uint64(b)|0x100, 16)[1:]
	}
	return str(strings.Join(parts, delimiter)), nil
}

// nthUsable makes a filter of the usable address some steps on
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/next_nth_usable_filter.html).
func nthUsable(name string, sign int64) templates.Func {
	return func(c *call) (value, error) {
		var v, offset value
		if err := c.Unpack(name, "value", &v, "offset", &offset); err != nil {
			return nil, err
		}
		steps, err := wholeArg(c, "offset", offset)
		if err != nil {
			return nil, err
		}
		n, ok := parseNetwork(text(v))
		if !ok {
			return templates.Bool(false), nil
		}
		if first, last, ok := n.usable(); ok {
			if s, ok := neighbour(n, first, last, sign*steps); ok {
				return str(s), nil
			}
		}
		return templates.None, nil
	}
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipsubnet_filter.html
func filterIPSubnet(c *call) (value, error) {
	var v, q, index value
	if err := c.Unpack("ipsubnet", "value", &v, "query?", &q, "index?", &index); err != nil {
		return nil, err
	}
	var place int64
	if given(index) && text(index) != "x" {
		i, err := wholeArg(c, "index", index)
		if err != nil {
			return nil, err
		}
		place = i
	}
	n, ok := parseNetwork(text(v))
	if !ok {
		return templates.Bool(false), nil
	}
	if !given(q) || text(q) == "" {
		return str(n.cidr()), nil
	}
	bits, err := toInt(q)
	if err != nil {
		return subnetRank(n, text(q))
	}
	if bits < 0 || bits > int64(n.addr.BitLen()) {
		return templates.Bool(false), nil
	}
	if given(index) && text(index) != "x" {
		return subnetAt(n, int(bits), place)
	}
	if !n.plain && int(bits) < n.bits {
		return nil, fail("Requested subnet size of %d is invalid", bits)
	}
	if n.plain || n.isAddress() && n.bits == n.addr.BitLen() || int(bits) <= n.bits {
		m := network{addr: n.addr, bits: int(bits)}
		if n.plain || int(bits) <= n.bits {
			return str(m.cidr()), nil
		}
	}
	count := new(big.Int).Lsh(big.NewInt(1), uint(int(bits)-n.bits))
	return str(count.String()), nil
}

// subnetAt is the i-th network of a size inside n; around n where n is smaller.
func subnetAt(n network, bits int, i int64) (value, error) {
	if n.bits > bits {
		if !n.plain { // the collection finds the first one alone, and does not mask it
			if i != 0 {
				return templates.Bool(false), nil
			}
			return str(network{addr: n.addr, bits: bits}.text()), nil
		}
		if i < 0 {
			i += int64(n.bits - bits)
		}
		if i < 0 || bits+int(i) > n.bits {
			return templates.Bool(false), nil
		}
		return str(network{addr: n.addr, bits: bits + int(i)}.cidr()), nil
	}
	count := new(big.Int).Lsh(big.NewInt(1), uint(bits-n.bits))
	x := big.NewInt(i)
	if i < 0 {
		x.Add(x, count)
	}
	if x.Sign() < 0 || x.Cmp(count) >= 0 {
		return templates.Bool(false), nil
	}
	size := network{addr: n.addr, bits: bits}.size()
	x.Mul(x, size).Add(x, n.first())
	return str(network{addr: n.at(x), bits: bits}.cidr()), nil
}

// subnetRank is the number of n, from 1, among the networks of its size in outer.
func subnetRank(n network, outer string) (value, error) {
	m, ok := parseNetwork(outer)
	if !ok || !m.contains(n) {
		return nil, fail("%s is not in the subnet %s", n.cidr(), outer)
	}
	d := n.first()
	d.Sub(d, m.first()).Div(d, n.size()).Add(d, big.NewInt(1))
	return str(d.String()), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/cidr_merge_filter.html
func filterCIDRMerge(c *call) (value, error) {
	var v value
	action := "merge"
	if err := c.Unpack("cidr_merge", "value", &v, "action?", &action); err != nil {
		return nil, err
	}
	if !isSequence(v) {
		return nil, fail("cidr_merge: expected iterable, got %s", repr(v))
	}
	var nets []network
	for _, e := range elemsOf(v) {
		n, ok := parseNetwork(text(e))
		if !ok {
			return nil, fail("cidr_merge: error in netaddr:\ninvalid IPNetwork %s", text(e))
		}
		nets = append(nets, network{addr: n.base(), bits: n.bits})
	}
	switch action {
	case "merge":
		var out []value
		for _, n := range mergeNetworks(nets) {
			out = append(out, str(n.cidr()))
		}
		return list(out), nil
	case "span":
		if len(nets) == 0 {
			return templates.None, nil
		}
		all := nets[0]
		for _, n := range nets[1:] {
			for all.bits > 0 && !all.contains(n) {
				all = network{addr: all.addr, bits: all.bits - 1}
			}
		}
		return str(all.cidr()), nil
	}
	return nil, fail("cidr_merge: invalid action '%s'", action)
}

// mergeNetworks joins networks that lie in one another or side by side.
func mergeNetworks(nets []network) []network {
	slices.SortFunc(nets, func(a, b network) int {
		if c := a.addr.Compare(b.addr); c != 0 {
			return c
		}
		return a.bits - b.bits
	})
	var out []network
	for _, n := range nets {
		if len(out) > 0 && out[len(out)-1].contains(n) {
			continue
		}
		out = append(out, n)
		for len(out) > 1 {
			a, b := out[len(out)-2], out[len(out)-1]
			wide := network{addr: a.addr, bits: a.bits - 1}
			if a.bits != b.bits || a.bits == 0 || a.v6() != b.v6() || wide.base() != a.addr || !wide.contains(b) {
				break
			}
			out = append(out[:len(out)-2], wide)
		}
	}
	return out
}
