package ansible

// This file holds the filters of hardware addresses, and those of networks that
// need no queries
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/hwaddr_filter.html,
// https://docs.ansible.com/ansible/latest/collections/ansible/netcommon/index.html#filter-plugins).

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gorun/modules/crypt"
	"gorun/modules/pyre"
	"gorun/templates"
)

var hardwareFilters = table{
	"hwaddr": hwFilter("hwaddr"), "macaddr": hwFilter("macaddr"), "slaac": filterSLAAC, "usable_range": filterUsableRange,
	"ipcut": filterIPCut, "ipv6form": filterIPv6Form,
}

var netcommonFilters = table{
	"vlan_parser": filterVLANParser, "vlan_expander": filterVLANExpander, "hash_salt": filterHashSalt, "type5_pw": filterType5, "comp_type5": filterCompType5,
}

// A hwAddr is a MAC address of 48 bits, or an EUI of 64.
type hwAddr struct {
	bits uint64
	wide bool
}

// hwForms are how hardware addresses are written: six or eight bytes, words of
// 16 bits, two halves, or bare digits.
var hwForms = []struct {
	re    *pyre.Regexp
	words int // digits of each
	wide  bool
}{
	{pyre.MustCompile(`^([0-9a-f]{1,2})(?::([0-9a-f]{1,2})){5}$|^([0-9a-f]{1,2})(?:-([0-9a-f]{1,2})){5}$`, pyre.IgnoreCase), 2, false},
	{pyre.MustCompile(`^[0-9a-f]{1,4}(?:([:.-])[0-9a-f]{1,4})\1[0-9a-f]{1,4}$`, pyre.IgnoreCase), 4, false},
	{pyre.MustCompile(`^[0-9a-f]{5,6}[:-][0-9a-f]{5,6}$`, pyre.IgnoreCase), 6, false},
	{pyre.MustCompile(`^[0-9a-f]{11,12}$`, pyre.IgnoreCase), 12, false},
	{pyre.MustCompile(`^[0-9a-f]{1,2}(?:([:-])[0-9a-f]{1,2})(?:\1[0-9a-f]{1,2}){6}$`, pyre.IgnoreCase), 2, true},
	{pyre.MustCompile(`^[0-9a-f]{1,4}(?:([:.-])[0-9a-f]{1,4})(?:\1[0-9a-f]{1,4}){2}$`, pyre.IgnoreCase), 4, true},
	{pyre.MustCompile(`^[0-9a-f]{16}$`, pyre.IgnoreCase), 16, true},
}

// parseHW reads a hardware address as netaddr.EUI does: digits alone, if no
// form fits, are the number itself.
func parseHW(v value) (hwAddr, bool) {
	s := text(v)
	if _, isStr := isText(v); isStr {
		for _, f := range hwForms {
			if f.re.Match(s) == nil {
				continue
			}
			var hex strings.Builder
			for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ':' || r == '-' || r == '.' }) {
				hex.WriteString(strings.Repeat("0", max(0, f.words-len(w))) + w)
			}
			n, err := strconv.ParseUint(hex.String(), 16, 64)
			return hwAddr{n, f.wide}, err == nil
		}
	} else if _, isInt := v.(templates.Int); !isInt {
		return hwAddr{}, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return hwAddr{n, n>>48 != 0}, err == nil
}

// A hwDialect writes words of some digits with a separator between.
type hwDialect struct {
	digits int
	sep    string
	upper  bool
	padded bool
}

var hwDialects = map[string]hwDialect{
	"bare": {12, "", true, true}, "cisco": {4, ".", false, true}, "eui48": {2, "-", true, true}, "win": {2, "-", true, true},
	"linux": {2, ":", false, true}, "unix": {2, ":", false, false}, "pgsql": {6, ":", false, true},
}

var hwAliases = map[string]string{"postgresql": "pgsql", "psql": "pgsql"}

func (a hwAddr) format(d hwDialect) string {
	hex := fmt.Sprintf("%012x", a.bits)
	var words []string
	for w := range slices.Chunk([]byte(hex), d.digits) {
		s := string(w)
		if !d.padded {
			s = strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:]
		}
		words = append(words, s)
	}
	s := strings.Join(words, d.sep)
	if d.upper {
		s = strings.ToUpper(s)
	}
	return s
}

// hwFilter makes hwaddr and macaddr.
func hwFilter(name string) templates.Func {
	params := []param{{name: "value", kind: "str", required: true}, {name: "query", kind: "str", def: str("")}}
	if name == "hwaddr" {
		params = append(params, param{name: "alias", kind: "str", def: str(name)})
	}
	return func(c *call) (value, error) {
		a, err := bind(c, params)
		if err != nil {
			return nil, err
		}
		alias := name
		if a["alias"] != nil {
			alias = text(a["alias"])
		}
		return hwQuery(a["value"], text(a["query"]), alias)
	}
}

func hwQuery(v value, query, alias string) (value, error) {
	hw, ok := parseHW(v)
	if !ok && query != "" && query != "bool" {
		return nil, fail("%s: not a hardware address: %s", alias, text(v))
	}
	if q, has := hwAliases[query]; has {
		query = q
	}
	d, known := hwDialects[query]
	switch {
	case query == "bool" && ok && hw.bits != 0:
		return templates.Bool(true), nil
	case query == "" && ok && hw.bits != 0:
		return v, nil
	case query == "bool" || query == "":
		return templates.None, nil
	case query == "int":
		return templates.NewInt(new(big.Int).SetUint64(hw.bits)), nil
	case !known:
		return nil, fail("%s: unknown filter type: %s", alias, query)
	case hw.wide:
		return nil, raise(templates.IndexError, "integer out of bounds: '%#x'!", hw.bits)
	}
	return str(hw.format(d)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/slaac_filter.html
func filterSLAAC(c *call) (value, error) {
	a, err := bind(c, []param{{name: "value", kind: "str", required: true}, {name: "query", kind: "str", def: str("")}})
	if err != nil {
		return nil, err
	}
	n, ok := parseNetwork(text(a["value"]))
	hw, isHW := parseHW(a["query"])
	if !ok || !n.v6() || !isHW {
		return templates.Bool(false), nil
	}
	id := hw.bits
	if !hw.wide {
		id = hw.bits>>24<<40 | 0xfffe<<24 | hw.bits&0xffffff
	}
	id ^= 1 << 57 // the universal bit is turned (RFC 4291, appendix A)
	i := n.first()
	i.Add(i, new(big.Int).SetUint64(id))
	addr, ok := intAddr(i, true)
	if !ok {
		return templates.Bool(false), nil
	}
	return str(addrText(addr)), nil
}

// maxUsable bounds the addresses that usable_range lists.
const maxUsable = 1 << 20

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/usable_range_filter.html
func filterUsableRange(c *call) (value, error) {
	a, err := bind(c, []param{{name: "ip", kind: "str", required: true}})
	if err != nil {
		return nil, err
	}
	const plugin = "Error while using plugin 'usable_range': "
	s := text(a["ip"])
	n, ok := parseNetwork(s)
	if !ok || !strings.Contains(s, ":") && strings.Count(s, ".") < 3 {
		return nil, fail(plugin+"%s does not appear to be an IPv4 or IPv6 network", repr(str(s)))
	}
	if n.addr != n.base() {
		return nil, fail(plugin+"%s has host bits set", s)
	}
	size := n.size()
	if size.Cmp(big.NewInt(maxUsable)) > 0 {
		return nil, fail(plugin+"%s has more than %d addresses", s, maxUsable)
	}
	ips := make([]value, 0, size.Int64())
	for ip := n.base(); int64(len(ips)) < size.Int64(); ip = ip.Next() {
		ips = append(ips, str(ip.String()))
	}
	d := templates.NewDict(2)
	d.SetStr("usable_ips", list(ips))
	d.SetStr("number_of_ips", templates.Int(size.Int64()))
	return d, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipcut_filter.html
func filterIPCut(c *call) (value, error) {
	a, err := bind(c, []param{{name: "value", kind: "str", required: true}, {name: "amount", kind: "int", required: true}})
	if err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(text(a["value"]))
	if err != nil {
		return nil, fail("You must pass a valid IP address; %s is invalid", text(a["value"]))
	}
	var bits strings.Builder
	for _, b := range addr.AsSlice() {
		fmt.Fprintf(&bits, "%08b", b)
	}
	n, _ := integer(a["amount"])
	s := bits.String()
	if n < 0 {
		s = s[max(0, int64(len(s))+n):]
	} else {
		s = s[:min(n, int64(len(s)))]
	}
	size, sep, base := 8, ".", 10
	if addr.Is6() {
		size, sep, base = 16, ":", 16
	}
	var words []string
	for w := range slices.Chunk([]byte(s), size) {
		x, err := strconv.ParseUint(string(w), 2, 16)
		if err != nil {
			return nil, err
		}
		words = append(words, strconv.FormatUint(x, base))
	}
	return str(strings.Join(words, sep)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/ipv6form_filter.html
func filterIPv6Form(c *call) (value, error) {
	a, err := bind(c, []param{{name: "value", kind: "str", required: true}, {name: "format", kind: "str", choices: []string{"compress", "expand", "x509"}}})
	if err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(text(a["value"]))
	if err != nil {
		if given(a["format"]) && text(a["format"]) == "x509" {
			return nil, raise("AddrFormatError", "failed to detect a valid IP address from %s", repr(a["value"]))
		}
		return nil, fail("You must pass a valid IP address; %s is invalid", text(a["value"]))
	}
	if a["format"] == nil {
		return templates.None, nil
	}
	switch text(a["format"]) {
	case "expand":
		return str(addr.StringExpanded()), nil
	case "compress":
		return str(addr.String()), nil
	}
	var words []string
	for w := range strings.SplitSeq(addr.StringExpanded(), ":") {
		words = append(words, strings.TrimLeft(w[:len(w)-1], "0")+w[len(w)-1:])
	}
	return str(strings.Join(words, ":")), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/netcommon/vlan_parser_filter.html
func filterVLANParser(c *call) (value, error) {
	a, err := bind(c, []param{{name: "data", kind: "list", required: true}, {name: "first_line_len", kind: "int", def: templates.Int(48)}, {name: "other_line_len", kind: "int", def: templates.Int(44)}})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, e := range elemsOf(a["data"]) {
		n, ok := integer(e)
		if !ok {
			return nil, raise(templates.TypeError, "'<' not supported between instances of '%s' and 'int'", e.Type())
		}
		ids = append(ids, n)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return list(nil), nil
	}
	if ids[0] < 1 || ids[len(ids)-1] > 4094 {
		return nil, fail("Valid VLAN range is 1-4094")
	}
	first, _ := integer(a["first_line_len"])
	other, _ := integer(a["other_line_len"])
	lines, room := []string{""}, first
	for _, w := range vlanRuns(ids) {
		if last := len(lines) - 1; int64(len(lines[last])+len(w)) > room {
			lines, room = append(lines, w+","), other
		} else {
			lines[last] += w + ","
		}
	}
	var out []value
	for _, l := range lines {
		if l = strings.TrimRight(l, ","); l != "" {
			out = append(out, str(l))
		}
	}
	return list(out), nil
}

// vlanRuns writes three and more numbers in a row as a range.
func vlanRuns(ids []int64) []string {
	var out []string
	for i := 0; i < len(ids); {
		j := i
		for j+1 < len(ids) && ids[j+1] == ids[j]+1 {
			j++
		}
		if j-i >= 2 {
			out = append(out, fmt.Sprintf("%d-%d", ids[i], ids[j]))
		} else {
			for _, n := range ids[i : j+1] {
				out = append(out, strconv.FormatInt(n, 10))
			}
		}
		i = j + 1
	}
	return out
}

// maxVLANs bounds what vlan_expander lists.
const maxVLANs = 1 << 16

// https://docs.ansible.com/ansible/latest/collections/ansible/netcommon/vlan_expander_filter.html
func filterVLANExpander(c *call) (value, error) {
	a, err := bind(c, []param{{name: "data", kind: "str", required: true}})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for part := range strings.SplitSeq(text(a["data"]), ",") {
		from, to, isRange := strings.Cut(part, "-")
		lo, err := toInt(str(from))
		hi := lo
		if isRange && err == nil {
			hi, err = toInt(str(to))
		}
		if err != nil {
			return nil, err
		}
		for ; lo <= hi; lo++ {
			if ids = append(ids, lo); len(ids) > maxVLANs {
				return nil, fail("vlan_expander: more than %d numbers", maxVLANs)
			}
		}
	}
	slices.Sort(ids)
	out := make([]value, len(ids))
	for i, n := range ids {
		out[i] = templates.Int(n)
	}
	return list(out), nil
}

// saltOf is the salt of a hash in crypt's form.
func saltOf(hashed string) (string, error) {
	parts := strings.Split(hashed, "$")
	if len(parts) != 4 {
		return "", fail("Could not parse salt out password correctly from %s", hashed)
	}
	return parts[2], nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/netcommon/hash_salt_filter.html
func filterHashSalt(c *call) (value, error) {
	a, err := bind(c, []param{{name: "password", kind: "str", required: true}})
	if err != nil {
		return nil, err
	}
	s, err := saltOf(text(a["password"]))
	return str(s), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/netcommon/type5_pw_filter.html
func filterType5(c *call) (value, error) {
	a, err := bind(c, []param{{name: "password", kind: "str", required: true}, {name: "salt", kind: "str"}})
	if err != nil {
		return nil, err
	}
	o := crypt.Options{SaltSize: 4, Gensalt: c.State.Era() == templates.Current}
	if a["salt"] != nil {
		o.Salt = text(a["salt"])
	}
	return hashed(text(a["password"]), "md5", o)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/netcommon/comp_type5_filter.html
func filterCompType5(c *call) (value, error) {
	a, err := bind(c, []param{{name: "unencrypted_password", kind: "str", required: true}, {name: "encrypted_password", kind: "str", required: true}, {name: "return_original", kind: "bool"}})
	if err != nil {
		return nil, err
	}
	want := text(a["encrypted_password"])
	if _, err := saltOf(want); err != nil {
		return nil, err
	}
	same := crypt.Verify(text(a["unencrypted_password"]), want)
	if same && truth(a["return_original"]) {
		return str(want), nil
	}
	return templates.Bool(same), nil
}
