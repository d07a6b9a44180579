package ansible

// This file holds the filters of addresses
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/index.html).

import (
	"errors"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gorun/templates"
)

var addressFilters = table{
	"ipaddr": ipFilter("ipaddr", 0), "ipv4": ipFilter("ipv4", 4), "ipv6": ipFilter("ipv6", 6),
	"ipwrap":              typed("ipwrap", "bool", checked([]param{anyValue}, filterIPWrap)),
	"nthhost":             checked([]param{textValue, {name: "query", kind: "str"}}, filterNthhost),
	"network_in_network":  checked([]param{textValue, {name: "test", kind: "str"}}, filterNetworkInNetwork),
	"network_in_usable":   checked([]param{textValue, {name: "test", kind: "str"}}, filterNetworkInUsable),
	"reduce_on_network":   checked([]param{{name: "value", kind: "list", required: true, texts: true}, {name: "network", kind: "str"}}, filterReduceOnNetwork),
	"ipmath":              checked([]param{textValue, {name: "amount", kind: "int"}}, filterIPMath),
	"ip4_hex":             checked([]param{{name: "arg", kind: "str", required: true}, {name: "delimiter", kind: "str", def: str("")}}, filterIP4Hex),
	"ipsubnet":            checked([]param{textValue, {name: "query", kind: "str", def: str("")}, {name: "index", kind: "int"}}, filterIPSubnet),
	"cidr_merge":          checked([]param{{name: "value", kind: "list", required: true, texts: true}, {name: "action", kind: "str", def: str("merge")}}, filterCIDRMerge),
	"next_nth_usable":     checked([]param{textValue, {name: "offset", kind: "int"}}, nthUsable(1)),
	"previous_nth_usable": checked([]param{textValue, {name: "offset", kind: "int"}}, nthUsable(-1)),
}

// The first parameter of most filters of addresses.
var (
	textValue = param{name: "value", kind: "str", required: true}
	anyValue  = param{name: "value", required: true}
)

// typed refuses values that are no text, list or bool, and integers too unless
// kind says int, before anything else is looked at.
func typed(name, kind string, f templates.Func) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if len(c.Args) > 0 {
			v = c.Args[0]
		}
		for _, k := range c.Kwargs {
			if k.Name == "value" {
				v = k.Value
			}
		}
		switch v.(type) {
		case nil, templates.Str, templates.Markup, templates.Bool, *templates.List:
			return f(c)
		case templates.Int, *templates.BigInt:
			if kind == "int" {
				return f(c)
			}
		}
		return nil, fail("Unrecognized type <%s> for %s filter <value>", pyClass(v), name)
	}
}

// ipFilter makes ipaddr, and its like for one version of the protocol
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipaddr_filter.html).
func ipFilter(name string, version int) templates.Func {
	params := []param{anyValue, {name: "query", kind: "str", def: str("")}}
	if version == 0 {
		params = append(params, param{name: "version", kind: "int"}, param{name: "alias", kind: "str"})
	}
	return typed(name, "int", checked(params, func(c *call, args map[string]value) (value, error) {
		want := version
		if n, ok := integer(args["version"]); ok {
			want = int(n)
		}
		return ipaddr(args["value"], args["query"], want, c.State.Era())
	}))
}

// unknownQuery begins the error of a query that is none.
const unknownQuery = "unknown filter type: "

// ipaddr answers a query about v; version 0 is any.
func ipaddr(v, q value, version int, era templates.Era) (value, error) {
	if l, ok := v.(*templates.List); ok {
		var out []value
		for _, e := range l.Elems {
			x, err := ipaddr(e, q, version, era)
			var te *templates.Error
			if errors.As(err, &te) && strings.HasPrefix(te.Msg, unknownQuery) {
				return nil, fail("ipaddr: %s", te.Msg)
			}
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
	if s, isStr := isText(v); isStr && isShort(s, era) {
		ok = false
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
		return nil, fail(unknownQuery+"%s", name)
	}
	if outer.contains(n) {
		if _, isStr := isText(v); n.plain && isStr {
			return shown, nil
		}
		return raw, nil
	}
	return templates.None, nil
}

// isShort reports whether an IPv4 address has too few numbers: netaddr's releases
// of today want all four.
func isShort(s string, era templates.Era) bool {
	return era == templates.Current && !strings.Contains(s, ":") && strings.Contains(s, ".") && strings.Count(s, ".") < 3
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
func filterIPWrap(c *call, args map[string]value) (value, error) {
	ask := func(v value, query string) value {
		x, err := ipaddr(v, str(query), 0, c.State.Era())
		if err != nil {
			return templates.Bool(false)
		}
		return x
	}
	v := args["value"]
	l, ok := v.(*templates.List)
	if !ok {
		if found := ask(v, ""); found.Truth() {
			return ask(found, "wrap"), nil
		}
		return v, nil
	}
	out := slices.Clone(l.Elems)
	for i, e := range out {
		if ask(e, "").Truth() {
			out[i] = ask(e, "wrap")
		}
	}
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/nthhost_filter.html
func filterNthhost(_ *call, args map[string]value) (value, error) {
	v, q := args["value"], args["query"]
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

// An addressRange is the numbers of the first and the last address of something.
type addressRange struct{ first, last *big.Int }

func (r addressRange) holds(o addressRange) bool {
	within := func(i *big.Int) bool { return r.first.Cmp(i) <= 0 && i.Cmp(r.last) <= 0 }
	return within(o.first) && within(o.last)
}

// rangeOf asks for both ends of v by queries of ipaddr. The collection compares
// bare numbers, in which what is no address counts as 0.
func rangeOf(c *call, v value, first, last string) addressRange {
	ask := func(v value, query string) value {
		x, err := ipaddr(v, str(query), 0, c.State.Era())
		if v == nil || err != nil {
			return templates.Bool(false)
		}
		return x
	}
	var subnet value = templates.Bool(false)
	if given(v) {
		if kind := text(ask(v, "type")); kind == "address" || kind == "network" {
			subnet = ask(v, "subnet")
		}
	}
	end := func(query string) *big.Int {
		x := ask(subnet, query)
		if !x.Truth() {
			x = ask(subnet, "address")
		}
		i, ok := new(big.Int).SetString(text(ask(x, "int")), 10)
		if !ok {
			return new(big.Int)
		}
		return i
	}
	return addressRange{end(first), end(last)}
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/network_in_network_filter.html
func filterNetworkInNetwork(c *call, args map[string]value) (value, error) {
	outer, inner := rangeOf(c, args["value"], "network", "broadcast"), rangeOf(c, args["test"], "network", "broadcast")
	return templates.Bool(outer.holds(inner)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/network_in_usable_filter.html
func filterNetworkInUsable(c *call, args map[string]value) (value, error) {
	outer, inner := rangeOf(c, args["value"], "first_usable", "last_usable"), rangeOf(c, args["test"], "network", "broadcast")
	return templates.Bool(outer.holds(inner)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/reduce_on_network_filter.html
func filterReduceOnNetwork(c *call, args map[string]value) (value, error) {
	outer := rangeOf(c, args["network"], "network", "broadcast")
	var out []value
	for _, e := range elemsOf(args["value"]) {
		if outer.holds(rangeOf(c, e, "network", "broadcast")) {
			out = append(out, e)
		}
	}
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipmath_filter.html
func filterIPMath(c *call, args map[string]value) (value, error) {
	v, amount := args["value"], args["amount"]
	n, ok := parseNetwork(text(v))
	if !ok || isShort(text(v), c.State.Era()) {
		return nil, fail("You must pass a valid IP address; %s is invalid", text(v))
	}
	i, ok := integer(amount)
	if !ok {
		return nil, fail("You must pass an integer for arithmetic; None is not a valid integer")
	}
	a, ok := intAddr(new(big.Int).Add(addrInt(n.addr), big.NewInt(i)), n.v6())
	if !ok {
		return nil, raise(templates.IndexError, "result outside valid IP address boundary!")
	}
	return str(addrText(a)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ip4_hex_filter.html
func filterIP4Hex(c *call, args map[string]value) (value, error) {
	s, delimiter := text(args["arg"]), text(args["delimiter"])
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		if c.State.Era() == templates.Current {
			return nil, fail("You must pass a valid IP address; %s is invalid", s)
		}
		for part := range strings.SplitSeq(s, ".") {
			if _, err := strconv.Atoi(part); err != nil {
				return nil, raise(templates.ValueError, "invalid literal for int() with base 10: %s", repr(str(part)))
			}
		}
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
func nthUsable(sign int64) func(c *call, args map[string]value) (value, error) {
	return func(_ *call, args map[string]value) (value, error) {
		v := args["value"]
		n, ok := parseNetwork(text(v))
		if !ok {
			return templates.Bool(false), nil
		}
		steps, ok := integer(args["offset"])
		if !ok {
			return nil, fail("Must pass in an integer")
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
func filterIPSubnet(_ *call, args map[string]value) (value, error) {
	v, q := args["value"], args["query"]
	place, indexed := integer(args["index"])
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
	if indexed {
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
	if !ok {
		return nil, fail("You must pass a valid subnet or IP address; %s is invalid", outer)
	}
	if !m.contains(n) {
		return nil, fail("%s is not in the subnet %s", n.cidr(), outer)
	}
	d := n.first()
	d.Sub(d, m.first()).Div(d, n.size()).Add(d, big.NewInt(1))
	return str(d.String()), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/cidr_merge_filter.html
func filterCIDRMerge(c *call, args map[string]value) (value, error) {
	v, action := args["value"], text(args["action"])
	if action != "merge" && action != "span" {
		return nil, fail("cidr_merge: invalid action '%s'", action)
	}
	var nets []network
	for _, e := range elemsOf(v) {
		n, ok := parseNetwork(text(e))
		if !ok || isShort(text(e), c.State.Era()) {
			return nil, fail("cidr_merge: error in netaddr:\ninvalid IPNetwork %s", text(e))
		}
		nets = append(nets, network{addr: n.base(), bits: n.bits})
	}
	if action == "merge" {
		var out []value
		for _, n := range mergeNetworks(nets) {
			out = append(out, str(n.cidr()))
		}
		return list(out), nil
	}
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
